/**
 * How a reason becomes what a person is told: the form of the tables beside this file, and the phrases they share.
 */

/** One reason: its exit code, its word for scripts, and the two sentences for people. */
export type Row<E> = readonly [
  exit: number,
  word: string,
  message: (error: E) => string,
  hint: string | ((error: E) => string)
]

/** A row for each reason: one that is forgotten does not compile. */
export type Table<Reason extends string, E> = { readonly [R in Reason]: Row<E> }

export interface Failure {
  readonly exit: number
  /** One word for scripts; it does not change. */
  readonly reason: string
  /** What happened, to what. */
  readonly message: string
  /** What to do next. */
  readonly hint: string
  readonly subject?: string
}

export const render = <Reason extends string, E extends { readonly reason: Reason }>(
  table: Table<Reason, E>,
  error: E,
  subject: string | undefined
): Failure => {
  const [exit, reason, message, hint] = table[error.reason]
  return {
    exit,
    reason,
    message: message(error),
    hint: typeof hint === "string" ? hint : hint(error),
    ...(subject === undefined ? {} : { subject })
  }
}

export const inBrackets = (detail: string | undefined) => (detail === undefined ? "" : ` (${detail})`)

/** What the system said, in its own word: it is what people search for. */
export const because = (error: { readonly cause?: unknown }) => {
  const code = codeOf(error.cause)
  return code === undefined ? "" : ` (${code})`
}

/** What is left to do with a vault that is damaged. */
export const whatIsWhole =
  "see what is whole: sealog verify --read-data; then restore from another target, or with --partial"

/** The system's own word, however deep it lies. */
export const codeOf = (cause: unknown): string | undefined => {
  if (typeof cause !== "object" || cause === null) return undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  return "cause" in cause ? codeOf(cause.cause) : undefined
}
