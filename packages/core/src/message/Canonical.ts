/**
 * The canonical form: one line of JSON a message, the same to the byte whether it comes straight from a store or out
 * of a vault. Restores write it, drills compare it. `docs/canonical.md` describes it to the field.
 */
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { compareUtf8 } from "../format/EventBytes.ts"
import { type Json, toJson } from "../format/Value.ts"
import type { Attachment, Direction, Message, RemovalScope, TimeQuality, Value } from "./Event.ts"
import { conversationOfFolder } from "./MailFolder.ts"

/** What the canonical form needs of a message's state. */
export interface CanonicalSource {
  readonly message: Message
  readonly removed?: {
    readonly scope: typeof RemovalScope.Type
    readonly by?: string
    readonly when?: number
    readonly recordedAt: number
  }
}

/** What is worked out from a mail's bytes; the message's own fields go before these. */
export interface Derived {
  readonly subject?: string
  readonly author?: string
  readonly to?: ReadonlyArray<string>
  readonly cc?: ReadonlyArray<string>
  readonly bcc?: ReadonlyArray<string>
  readonly text?: string
  readonly parts?: ReadonlyArray<Value>
  readonly attachments?: ReadonlyArray<Attachment>
  readonly replyTo?: string
  readonly threadRoot?: string
}

/** One line before it is text. Times are milliseconds here. */
export interface CanonicalMessage {
  readonly source: string
  readonly conversation: string
  readonly id: string
  readonly type: string
  readonly at?: number
  readonly atQuality?: typeof TimeQuality.Type
  readonly author?: string
  readonly direction?: typeof Direction.Type
  readonly sourceType?: string
  readonly service?: string
  readonly subject?: string
  readonly text?: string
  readonly to?: ReadonlyArray<string>
  readonly cc?: ReadonlyArray<string>
  readonly bcc?: ReadonlyArray<string>
  readonly parts?: ReadonlyArray<Value>
  readonly attachments?: ReadonlyArray<Attachment>
  readonly reactions?: ReadonlyArray<{ readonly author: string; readonly emoji: string }>
  readonly edits?: ReadonlyArray<Value>
  readonly replyTo?: string
  readonly threadRoot?: string
  readonly flags?: ReadonlyArray<string>
  readonly raw?: { readonly sha256: string; readonly bytes: number }
  readonly extra?: Value
  readonly removed?: CanonicalSource["removed"]
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Fields of a message that have the same name in the canonical form. */
const sameFields = [
  "at",
  "atQuality",
  "attachments",
  "author",
  "direction",
  "extra",
  "flags",
  "parts",
  "reactions",
  "replyTo",
  "service",
  "sourceType",
  "subject",
  "text",
  "threadRoot"
] as const satisfies ReadonlyArray<keyof Message & keyof CanonicalMessage>

const derivedFields = [
  "attachments",
  "author",
  "bcc",
  "cc",
  "parts",
  "replyTo",
  "subject",
  "text",
  "threadRoot",
  "to"
] as const satisfies ReadonlyArray<keyof Derived>

type Taken = (typeof sameFields)[number] | "content" | "history" | "key" | "places" | "raw" | "type"
/** A field of a message or of a mail that is neither taken over nor left out on purpose does not compile. */
const _complete: [Exclude<keyof Message, Taken>, Exclude<keyof Derived, (typeof derivedFields)[number]>] extends
  [never, never] ? true : never = true

/** The canonical form of a message in one conversation. */
export const canonicalOf = (
  source: string,
  conversation: string,
  state: CanonicalSource,
  derived?: Derived
): CanonicalMessage => {
  const { message, removed } = state
  const canonical: Writable<CanonicalMessage> = { source, conversation, id: message.key, type: message.type }
  for (const name of sameFields) copy(canonical, name, message[name])
  if (derived !== undefined) {
    for (const name of derivedFields) if (canonical[name] === undefined) copy(canonical, name, derived[name])
  }
  if (message.history !== undefined) canonical.edits = message.history
  const raw = rawOf(message)
  if (raw !== undefined) canonical.raw = raw
  if (removed !== undefined) canonical.removed = removed
  return canonical
}

/** The conversations a message is in: each folder it has a place in, else the one that is given. */
export const conversationsOf = (conversation: string, message: Message): ReadonlyArray<string> => {
  if (message.places === undefined || message.places.length === 0) return [conversation]
  const folders = new Set(message.places.map((place) => place.folder))
  return [...folders].map(conversationOfFolder).toSorted(compareUtf8)
}

/** A message as one line, without its line break. */
export const line = (canonical: CanonicalMessage): string => {
  let text = "{"
  for (const name of fieldNames) {
    const value = canonical[name]
    if (value === undefined) continue
    const written = fields[name](value as never)
    if (written === undefined) continue
    text += `${text.length > 1 ? "," : ""}"${name}":${written}`
  }
  return `${text}}`
}

/** The line of what the store itself says, nothing worked out from a mail's bytes: what digests are made of. */
export const coreLine = (source: string, conversation: string, state: CanonicalSource): string =>
  line(canonicalOf(source, conversation, state))

/** Bytes whose order is that of the lines: by source, conversation, time (none first) and id. */
export const compareKey = ({ at, conversation, id, source }: CanonicalMessage): Uint8Array => {
  const begin = beginningOf(source, conversation)
  const time = at === undefined ? 1 : 9
  const key = Buffer.allocUnsafe(begin.length + time + Buffer.byteLength(id))
  begin.copy(key)
  key[begin.length] = at === undefined ? 0 : 1
  if (at !== undefined) {
    const high = Math.floor(at / 0x1_0000_0000)
    key.writeUInt32BE(high + 0x8000_0000, begin.length + 1)
    key.writeUInt32BE(at - high * 0x1_0000_0000, begin.length + 5)
  }
  key.write(id, begin.length + time)
  return key
}

/** A time of milliseconds as RFC 3339 in UTC; as the number it is, where RFC 3339 has no year for it. */
export const timeOf = (millis: number): string => {
  if (millis < FIRST_MILLIS || millis > LAST_MILLIS) return String(millis)
  const days = Math.floor(millis / DAY_MILLIS)
  const rest = millis - days * DAY_MILLIS
  const clock = `${two(Math.floor(rest / 3_600_000))}:${two(Math.floor(rest / 60_000) % 60)}:${
    two(Math.floor(rest / 1000) % 60)
  }`
  return `"${dateOf(days)}T${clock}.${String(rest % 1000).padStart(3, "0")}Z"`
}

const copy = <K extends keyof CanonicalMessage>(
  target: Writable<CanonicalMessage>,
  name: K,
  value: CanonicalMessage[K] | undefined
): void => {
  if (value !== undefined) target[name] = value
}

const text = (value: string): string => {
  if (value.length > SHORT_CHARS) return JSON.stringify(value)
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index)
    if (code < 0x20 || code === 0x22 || code === 0x5c || code > 0x7e) return JSON.stringify(value)
  }
  return `"${value}"`
}
const texts = (values: ReadonlyArray<string>): string | undefined =>
  values.length === 0 ? undefined : `[${values.map(text).join(",")}]`
const values = (items: ReadonlyArray<Value>): string | undefined =>
  items.length === 0 ? undefined : `[${items.map((item) => stable(toJson(item))).join(",")}]`

/** How each field is written; `undefined` leaves an empty list out. A field without an entry does not compile. */
const fields: {
  readonly [K in keyof Required<CanonicalMessage>]: (value: NonNullable<CanonicalMessage[K]>) => string | undefined
} = {
  at: timeOf,
  atQuality: text,
  attachments: (list) => values(list.map(attachmentOf)),
  author: text,
  bcc: texts,
  cc: texts,
  conversation: text,
  direction: text,
  edits: values,
  extra: (value) => stable(toJson(value)),
  flags: (list) => texts(isSorted(list) ? list : [...new Set(list)].toSorted(compareUtf8)),
  id: text,
  parts: values,
  raw: ({ bytes, sha256 }) => `{"bytes":${bytes},"sha256":"${sha256}"}`,
  reactions: (list) => values(reactionsOf(list)),
  removed: (removal) => removalOf(removal),
  replyTo: text,
  service: text,
  source: text,
  sourceType: text,
  subject: text,
  text,
  threadRoot: text,
  to: texts,
  type: text
}

const fieldNames = (Object.keys(fields) as Array<keyof CanonicalMessage>).toSorted(compareUtf8)

/** What a store says of an attachment; what only it understands (`extra`) is no part of a person's view. */
const attachmentOf = ({ id, mime, name, size }: Attachment): Value => ({
  id,
  ...(mime === undefined ? {} : { mime }),
  ...(name === undefined ? {} : { name }),
  ...(size === undefined ? {} : { size })
})

/** Sorted by author and emoji, without repeats: stores and logs differ in the order. */
const reactionsOf = (list: ReadonlyArray<{ readonly author: string; readonly emoji: string }>): ReadonlyArray<Value> =>
  [...new Map(list.map(({ author, emoji }) => [JSON.stringify([author, emoji]), { author, emoji }])).values()]
    .toSorted((left, right) => compareUtf8(left.author, right.author) || compareUtf8(left.emoji, right.emoji))

const removalOf = ({ by, recordedAt, scope, when }: NonNullable<CanonicalSource["removed"]>): string =>
  `{${by === undefined ? "" : `"by":${text(by)},`}"recordedAt":${timeOf(recordedAt)},"scope":"${scope}"${
    when === undefined ? "" : `,"when":${timeOf(when)}`
  }}`

/** Of the exact bytes of the message: its content, or the raw form the store has beside the fields. */
const rawOf = ({ content, raw }: Message): CanonicalMessage["raw"] => {
  if (content === undefined) {
    return raw === undefined ? undefined : { sha256: sha256Hex(raw.bytes), bytes: raw.bytes.length }
  }
  return content._tag === "inline"
    ? { sha256: sha256Hex(content.bytes), bytes: content.bytes.length }
    : { sha256: hex(content.sha256), bytes: content.size }
}

/** JSON with sorted keys and no spaces. */
const stable = (json: Json): string => {
  if (typeof json !== "object" || json === null) return JSON.stringify(json)
  if (isArray(json)) return `[${json.map(stable).join(",")}]`
  const keys = Object.keys(json).toSorted(compareUtf8)
  return `{${keys.map((key) => `${text(key)}:${stable(json[key]!)}`).join(",")}}`
}

const isArray = (json: object): json is ReadonlyArray<Json> => Array.isArray(json)

const isSorted = (list: ReadonlyArray<string>): boolean =>
  list.every((item, index) => index === 0 || compareUtf8(list[index - 1]!, item) < 0)

/** Source and conversation; neighbouring messages are often of one. */
const beginningOf = (source: string, conversation: string): Buffer => {
  if (source !== last.source || conversation !== last.conversation) {
    last = { source, conversation, bytes: Buffer.concat([sortable(source), sortable(conversation)]) }
  }
  return last.bytes
}

/** UTF-8 that ends itself: a zero is 00 01 and the end 00 00, so a text sorts before those that begin with it. */
const sortable = (value: string): Buffer => Buffer.from(`${value.replaceAll("\0", "\0\u0001")}\0\0`)

const dateOf = (days: number): string => {
  if (days === lastDays) return lastDate
  // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days: years begin in March.
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const ofEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (ofEra - Math.floor(ofEra / 1460) + Math.floor(ofEra / 36_524) - Math.floor(ofEra / 146_096)) / 365
  )
  const ofYear = ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const month = Math.floor((5 * ofYear + 2) / 153)
  const day = ofYear - Math.floor((153 * month + 2) / 5) + 1
  const calendarMonth = month < 10 ? month + 3 : month - 9
  const year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
  lastDays = days
  lastDate = `${String(year).padStart(4, "0")}-${two(calendarMonth)}-${two(day)}`
  return lastDate
}

const two = (value: number): string => value < 10 ? `0${value}` : String(value)
const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
const sha256Hex = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

/** Below this a loop beats a native call, characters. */
const SHORT_CHARS = 200
const DAY_MILLIS = 86_400_000
/** 0000-01-01T00:00:00.000Z and 9999-12-31T23:59:59.999Z. */
const FIRST_MILLIS = -62_167_219_200_000
const LAST_MILLIS = 253_402_300_799_999
/** Neighbouring lines are often of one day. */
let lastDays = NaN
let lastDate = ""
let last = { source: "", conversation: "", bytes: Buffer.from([0, 0, 0, 0]) }
