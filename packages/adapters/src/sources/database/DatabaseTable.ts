/**
 * What a source of this frame remembers. All but the first four rows is folded from its events
 * alone, and the last one with them.
 *
 * | key | value |
 * |---|---|
 * | `d:` page | what its rows looked like (`Looks`); no event tells that |
 * | `f` | which file the database was; no event tells that |
 * | `n` | the last page; no event tells that |
 * | `t` | when chats were told last; no event tells that |
 * | `p:` page | where in the log its rows' messages were told (`Told`) |
 * | `r:` bucket | reactions that are there, a line each: key, part, author, emoji |
 * | `x:` bucket | messages that are removed, a line each: key, scope, index of its `message.added` |
 * | `c:` conversation, `m:` conversation, `u:` participant | digest of what was told last of it, its members, them |
 * | `g:` what could not be read | why |
 * | `h` | how much that is |
 * | `n:`, `s:` | attachments: `AttachmentTable` |
 * | `z` | changes with everything told of messages, once it is there |
 *
 * Buckets are by a digest of the message's key: few and short lines in each, and never an entry a message.
 */
import { countMessage } from "@sealog/core/backup/Ledger"
import type { SourceState, SourceTable } from "@sealog/core/backup/Source"
import type { Event, EventOf } from "@sealog/core/message/Event"
import { createHash } from "node:crypto"
import { rememberAttachments } from "./AttachmentTable.ts"
import { pageOf, type Told, toldIn, withTold } from "./Pages.ts"
import type { Reaction, Removal } from "./RowReader.ts"

type Get = (key: string) => string | undefined

export const remember = (event: Event, index: number, table: SourceTable): void => {
  countMessage(event, table)
  rememberAttachments(event, table)
  switch (event.kind) {
    case "message.added":
      place(table, event, { added: index, newest: index })
      // Whoever is told anew is back.
      return without(table, "x:", event.message.key)
    case "message.edited":
      return place(table, event, { added: event.origin ?? -1, newest: index })
    case "message.removed":
      stir(table)
      without(table, "x:", event.key)
      return put(table, "x:", event.key, [event.scope, String(event.origin ?? -1)])
    case "message.restored":
      stir(table)
      return without(table, "x:", event.key)
    case "reaction.added":
      stir(table)
      without(table, "r:", event.key, reactionLine(event))
      return put(table, "r:", event.key, reactionFields(event))
    case "reaction.removed":
      stir(table)
      return without(table, "r:", event.key, reactionLine(event))
    case "chat.upsert":
      return table.set(`c:${event.conversation}`, chatDigest(event))
    case "chat.removed":
      table.delete(`c:${event.conversation}`)
      return table.delete(`m:${event.conversation}`)
    case "chat.members":
      return table.set(`m:${event.conversation}`, digest(event.members))
    case "participant.upsert":
      return table.set(`u:${event.participant}`, participantDigest(event))
    case "source.gap":
      stir(table)
      return putGap(table, event)
  }
}

const putGap = (table: SourceTable, { closed, reason, subject }: EventOf<"source.gap">): void => {
  const key = `g:${subject}`
  const [was, is] = [table.get(key) === undefined ? 0 : 1, closed === true ? 0 : 1]
  if (is === 0) table.delete(key)
  else table.set(key, reason)
  if (was !== is) table.set(GAPS, String(Number(table.get(GAPS) ?? 0) + is - was))
}

/** Which file the database was when it was last looked at as a whole. */
export const FILE = "f"
export const NEWEST = "n"
const GAPS = "h"
const STIRRED = "z"

/**
 * Where parts of the table were taken away, since another history of this machine said something of them, this is gone
 * too: what is left may lack messages, reactions, removals and gaps, and no other key tells.
 */
const stir = (table: SourceTable): void => {
  const before = table.get(STIRRED)
  if (before !== undefined) table.set(STIRRED, String((Number(before) + 1) % STIRRED_MODULUS))
}
const STIRRED_MODULUS = 1_000_000

/** Whether everything in the table can be relied upon. */
export const isSound = (state: SourceState): boolean => state.has(FILE) && state.has(STIRRED)

/** What makes it so once everything was compared. */
export const soundWith = (state: SourceState, identity: string): ReadonlyArray<readonly [string, string]> =>
  state.get(FILE) === identity && state.has(STIRRED)
    ? []
    : [[FILE, identity], [STIRRED, "0"], [GAPS, String(gapsOf(state).length)]]

export const hasGaps = (state: SourceState): boolean => !isSound(state) || (state.get(GAPS) ?? "0") !== "0"

/** The last page that anything is known of; a million keys are not looked through for it at every pass. */
export const newestPage = (state: SourceState): number | undefined => {
  const newest = state.get(NEWEST)
  return newest === undefined ? pagesIn(state).at(-1) : Number(newest)
}

const place = (table: SourceTable, event: EventOf<"message.added" | "message.edited">, told: Told): void => {
  const row = rowOf(event)
  if (row === undefined) return
  stir(table)
  const key = `p:${pageOf(row)}`
  table.set(key, withTold(table.get(key), row, told))
}

/** The row of the store that a message was read from. */
const rowOf = ({ message }: EventOf<"message.added" | "message.edited">): number | undefined => {
  const row = (message.extra as { readonly row?: unknown } | undefined)?.row
  return typeof row === "number" ? row : undefined
}

export const toldOf = (get: Get, page: number): Map<number, Told> => toldIn(page, get(`p:${page}`))

/** The same for pages that are asked for again and again, of a table as it grows. */
export const makeTold = (state: SourceState): (page: number) => ReadonlyMap<number, Told> => {
  const recent = new Map<number, { readonly text: string | undefined; readonly told: ReadonlyMap<number, Told> }>()
  return (page) => {
    const text = state.get(`p:${page}`)
    const known = recent.get(page)
    if (known !== undefined && known.text === text) return known.told
    const told = toldIn(page, text)
    if (recent.size >= RECENT_PAGES) recent.clear()
    recent.set(page, { text, told })
    return told
  }
}
const RECENT_PAGES = 32

/** The pages that anything was told of, in order. */
export const pagesIn = (state: SourceState): ReadonlyArray<number> => {
  const pages = new Set<number>()
  for (const key of state.keys()) if (key.startsWith("p:") || key.startsWith("d:")) pages.add(Number(key.slice(2)))
  return [...pages].toSorted((a, b) => a - b)
}

export const gapsOf = (state: SourceState): ReadonlyArray<{ readonly subject: string; readonly reason: string }> => {
  const gaps: Array<{ readonly subject: string; readonly reason: string }> = []
  for (const [key, reason] of state) if (key.startsWith("g:")) gaps.push({ subject: key.slice(2), reason })
  return gaps
}

/** The reactions to a message that were told and are there. */
export const reactionsOf = (get: Get, key: string): ReadonlyArray<Reaction> =>
  linesOf(get, "r:", key).map(([part = "", author = "", emoji = ""]) => ({
    ...(part === "" ? {} : { part }),
    author,
    emoji
  }))

/** Every message that reactions were told of. */
export const reactedKeys = (state: SourceState): ReadonlySet<string> => {
  const keys = new Set<string>()
  for (const [bucket, text] of state) {
    if (!bucket.startsWith("r:")) continue
    for (const line of text.split("\n")) if (line !== "") keys.add(unescape(line.slice(0, line.indexOf("\t"))))
  }
  return keys
}

/** How a message was told to be removed, and the index of the event that brought it in. */
export const removedIn = (
  get: Get,
  key: string
): { readonly scope: Removal["scope"]; readonly origin: number } | undefined => {
  const [line] = linesOf(get, "x:", key)
  if (line === undefined) return undefined
  return { scope: line[0] as Removal["scope"], origin: Number(line[1]) }
}

const reactionFields = ({ author, emoji, part }: Reaction): ReadonlyArray<string> => [part ?? "", author, emoji]
const reactionLine = (reaction: Reaction): string => reactionFields(reaction).map(escape).join("\t")

/** The bucket of a message's key. */
const bucketOf = (prefix: string, key: string): string => {
  let hash = 0
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  return prefix + ((hash ^ (hash >>> 16)) & (BUCKETS - 1)).toString(36)
}

/** A store with a hundred thousand reactions has two in each; each is written anew with every change in it. */
const BUCKETS = 65_536

const put = (table: SourceTable, prefix: string, key: string, fields: ReadonlyArray<string>): void => {
  const bucket = bucketOf(prefix, key)
  table.set(bucket, `${table.get(bucket) ?? ""}${[key, ...fields].map(escape).join("\t")}\n`)
}

/** Takes a message's lines out of its bucket, or the one that ends so. */
const without = (table: SourceTable, prefix: string, key: string, end?: string): void => {
  const bucket = bucketOf(prefix, key)
  const text = table.get(bucket)
  const begin = `${escape(key)}\t`
  if (text?.includes(begin) !== true) return
  const left = text.split("\n").filter((line) =>
    line !== "" && (end === undefined ? !line.startsWith(begin) : line !== begin + end)
  )
  if (left.length === 0) table.delete(bucket)
  else table.set(bucket, left.map((line) => `${line}\n`).join(""))
}

const linesOf = (get: Get, prefix: string, key: string): ReadonlyArray<ReadonlyArray<string>> => {
  const text = get(bucketOf(prefix, key))
  const begin = `${escape(key)}\t`
  if (text?.includes(begin) !== true) return []
  return text.split("\n").filter((line) => line.startsWith(begin)).map((line) =>
    line.slice(begin.length).split("\t").map(unescape)
  )
}

const escape = (text: string): string =>
  /[\t\n\\]/.test(text) ? text.replace(/[\t\n\\]/g, (one) => ESCAPES[one]!) : text
const unescape = (text: string): string =>
  text.includes("\\") ? text.replace(/\\[tn\\]/g, (two) => UNESCAPES[two]!) : text
const ESCAPES: Readonly<Record<string, string>> = { "\t": "\\t", "\n": "\\n", "\\": "\\\\" }
const UNESCAPES: Readonly<Record<string, string>> = { "\\t": "\t", "\\n": "\n", "\\\\": "\\" }

export const chatDigest = ({ extra, title, type }: Pick<EventOf<"chat.upsert">, "title" | "type" | "extra">): string =>
  digest([title ?? null, type ?? null, sorted(extra)])

export const membersDigest = (members: ReadonlyArray<string>): string => digest(members)

export const participantDigest = (
  { addresses, extra, name }: Pick<EventOf<"participant.upsert">, "name" | "addresses" | "extra">
): string => digest([name ?? null, addresses ?? null, sorted(extra)])

/** An event read back from the log has its fields in another order. */
const sorted = (extra: unknown): unknown =>
  typeof extra === "object" && extra !== null
    ? Object.entries(extra).toSorted(([a], [b]) => a < b ? -1 : 1)
    : extra ?? null

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("base64url").slice(0, DIGEST_CHARS)
const DIGEST_CHARS = 22
