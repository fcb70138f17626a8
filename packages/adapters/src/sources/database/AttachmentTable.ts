/**
 * What is remembered of attachments, a fold of their messages' events: which of them the log holds, and which it still
 * lacks. Of those it holds only six bytes of a digest are kept, many in one entry: a store may have a million of them.
 *
 * | Key | Value |
 * |---|---|
 * | `n:MESSAGE NUL ATTACHMENT` | lacking: empty, or why it could not be had, as it was told |
 * | `s:` and 4 hex digits | held: the next 8 hex digits of each digest that begins with these |
 */
import type { Fate } from "@sealog/core/backup/Ledger"
import type { SourceState, SourceTable } from "@sealog/core/backup/Source"
import type { Event } from "@sealog/core/message/Event"
import { createHash } from "node:crypto"

/** An attachment that a message names and whose content the log lacks. */
export interface Lacking {
  readonly entry: string
  readonly key: string
  readonly attachment: string
  /** Why, as the log tells it; empty where it was not looked for yet. */
  readonly reason: string
}

/** Folds one event. */
export const rememberAttachments = (event: Event, table: SourceTable): void => {
  switch (event.kind) {
    case "message.added":
    case "message.edited":
      for (const { id } of event.message.attachments ?? []) notice(table, event.message.key, id)
      return
    case "attachment.seen":
      return notice(table, event.key, event.attachment.id)
    case "attachment.content":
      table.delete(entryOf(event.key, event.attachment))
      return hold(table, event.key, event.attachment)
    case "attachment.missing":
      return table.set(entryOf(event.key, event.attachment), event.reason)
  }
}

/** Attachments that the log lacks, in the order in which they came to be known. */
export function* lackingIn(state: SourceState): Generator<Lacking> {
  for (const [entry, reason] of state) {
    if (!entry.startsWith(LACKING)) continue
    const end = entry.lastIndexOf("\0")
    yield { entry, key: entry.slice(LACKING.length, end), attachment: entry.slice(end + 1), reason }
  }
}

/** Whether an event names attachments that the log may lack. */
export const namesAttachments = (event: Event): boolean =>
  event.kind === "attachment.seen" || ("message" in event && event.message.attachments !== undefined)

/** What the log says of an attachment. */
export const fateOf = (state: SourceState, key: string, attachment: string): Fate => {
  if (isHeld(state, key, attachment)) return { _tag: "stored" }
  const reason = state.get(entryOf(key, attachment))
  return reason === undefined ? undefined : { _tag: "missing", reason }
}

/** How many attachments the log holds. */
export const heldIn = (state: SourceState): number => {
  let count = 0
  for (const [entry, digests] of state) if (entry.startsWith(HELD)) count += digests.length / DIGEST_CHARS
  return count
}

const notice = (table: SourceTable, key: string, attachment: string): void => {
  const entry = entryOf(key, attachment)
  if (table.get(entry) === undefined && !isHeld(table, key, attachment)) table.set(entry, "")
}

const hold = (table: SourceTable, key: string, attachment: string): void => {
  const { digest, page } = placeOf(key, attachment)
  const digests = table.get(page) ?? ""
  if (!holds(digests, digest)) table.set(page, digests + digest)
}

const isHeld = (table: Pick<SourceTable, "get">, key: string, attachment: string): boolean => {
  const { digest, page } = placeOf(key, attachment)
  return holds(table.get(page) ?? "", digest)
}

const holds = (digests: string, digest: string): boolean => {
  for (let at = digests.indexOf(digest); at >= 0; at = digests.indexOf(digest, at + 1)) {
    if (at % DIGEST_CHARS === 0) return true
  }
  return false
}

const placeOf = (key: string, attachment: string) => {
  const hex = createHash("sha256").update(`${key}\0${attachment}`).digest("hex")
  return { page: HELD + hex.slice(0, PAGE_CHARS), digest: hex.slice(PAGE_CHARS, PAGE_CHARS + DIGEST_CHARS) }
}

export const entryOf = (key: string, attachment: string): string => `${LACKING}${key}\0${attachment}`

const LACKING = "n:"
const HELD = "s:"
const PAGE_CHARS = 4
const DIGEST_CHARS = 8
