/**
 * A command line that is not one of ours. It stands apart from everything that needs Effect, since arguments are
 * read before anything else is loaded.
 */
export class UsageError extends Error {
  readonly _tag = "UsageError"
  /** What to do next. */
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}
