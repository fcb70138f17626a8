/**
 * What can be wrong with bytes. `Unknown` means authenticated bytes of a newer program: a reader stops and never
 * guesses. Everything else means that the bytes are not what was written.
 */
import { Data } from "effect"

export type FormatReason =
  /** The bytes end too early. */
  | "Truncated"
  /** The bytes are not in the one form that is written, or more follow than should. */
  | "Malformed"
  /** A size or count is over its limit. */
  | "Limit"
  /** A version, kind or codec of a newer program. */
  | "Unknown"
  /** The cipher's tag or the commitment does not match: changed, moved, or another key. */
  | "Unauthentic"
  /** Two authentic statements contradict each other. */
  | "Mismatch"

export class FormatError extends Data.TaggedError("FormatError")<{
  readonly reason: FormatReason
  /** The structure, as `event` or `segment trailer`. */
  readonly what: string
  readonly detail?: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.what}: ${explain[this.reason]}${this.detail === undefined ? "" : ` (${this.detail})`}`
  }
}

const explain: Record<FormatReason, string> = {
  Truncated: "the bytes end too early",
  Malformed: "the bytes are not well formed",
  Limit: "a size is over its limit",
  Unknown: "made by a newer program",
  Unauthentic: "changed, moved, or sealed under another key",
  Mismatch: "it contradicts what it belongs to"
}
