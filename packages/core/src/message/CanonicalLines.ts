/**
 * The lines of one message, with what a mail's own bytes say worked out: what a restore writes and a dump prints, by
 * the same steps, so that both are the same to the byte.
 */
import { Effect } from "effect"
import { MAIL_TEXT_BYTES } from "../format/Limits.ts"
import { canonicalOf, type CanonicalSource, compareKey, conversationsOf, type Derived, line } from "./Canonical.ts"
import { derive } from "./MailText.ts"

export interface CanonicalLine {
  /** Bytes whose order is that of the lines. */
  readonly key: Uint8Array
  readonly line: string
}

/** One line for each conversation the message is in. `bytes`: its content, where it has one. */
export const linesOf = <E, R>(
  source: string,
  conversation: string,
  state: CanonicalSource,
  content: { readonly size: number; readonly bytes: Effect.Effect<Uint8Array, E, R> } | undefined
): Effect.Effect<ReadonlyArray<CanonicalLine>, E, R> =>
  Effect.map(
    content === undefined || content.size > MAIL_TEXT_BYTES
      ? Effect.succeed<Derived>({})
      : Effect.flatMap(content.bytes, derive),
    (derived) =>
      conversationsOf(conversation, state.message).map((each) => {
        const canonical = canonicalOf(source, each, state, derived)
        return { key: compareKey(canonical), line: line(canonical) }
      })
  )

/** The keys of a message's lines, without the lines. */
export const keysOf = (source: string, conversation: string, state: CanonicalSource): ReadonlyArray<Uint8Array> =>
  conversationsOf(conversation, state.message).map((each) => compareKey(canonicalOf(source, each, state)))
