/**
 * One line of a JSON Lines store, both ways: what it says, and the line again from the event. Where the two ways do
 * not lead back to the same bytes, the event keeps the line itself beside what was understood of it.
 */
import { compareUtf8 } from "@sealog/core/format/EventBytes"
import { timeOf } from "@sealog/core/message/Canonical"
import {
  type Attachment,
  Direction,
  type Message,
  RemovalScope,
  TimeQuality,
  type Value
} from "@sealog/core/message/Event"
import { createHash } from "node:crypto"

/** A line longer than this is a gap, bytes: its event holds it twice at most, once as fields and once as it was. */
const LINE_BYTES = 120 * 1024
/** Lists and objects within each other. */
const DEPTH = 28

interface JsonObject {
  readonly [name: string]: Value
}

type Scope = typeof RemovalScope.Type

/** What a line asks to be done to one message. */
export type Line =
  | { readonly op: "put"; readonly conversation: string; readonly message: Message }
  | { readonly op: "remove"; readonly id: string; readonly scope: Scope; readonly by?: string; readonly when?: number }
  | { readonly op: "restore"; readonly id: string }
  | { readonly op: "flags"; readonly id: string; readonly flags: ReadonlyArray<string> }
  | {
    readonly op: "react" | "unreact"
    readonly id: string
    readonly author: string
    readonly emoji: string
    readonly when?: number
  }
  | {
    readonly op: "receipt"
    readonly id: string
    readonly receipt: string
    readonly by?: string
    readonly when?: number
  }

/** A line that says nothing that could be kept as a message, and why. */
export interface BadLine {
  readonly op: "bad"
  readonly reason: string
}

const RAW_FORMAT = "jsonl"

/** The bytes of a line, without its line break. */
export const parseLine = (bytes: Uint8Array): Line | BadLine => {
  if (bytes.length > LINE_BYTES) return bad(`longer than ${LINE_BYTES} bytes`)
  let text: string
  let parsed: unknown
  try {
    text = decoder.decode(bytes)
    parsed = JSON.parse(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text)
  } catch {
    return bad("not JSON in UTF-8")
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return bad("not a JSON object")
  const object = clean(parsed, 0)
  if (object === undefined) return bad("nested too deep")
  return lineOf(object as JsonObject, bytes, text)
}

const lineOf = (object: JsonObject, bytes: Uint8Array, text: string): Line | BadLine => {
  const { op } = object
  if (op === undefined || op === "add" || op === "edit") return put(object, bytes, text)
  const id = object["id"]
  if (typeof id !== "string") return bad("no id to say which message it is about")
  const by = textOr(object["by"])
  const when = millisOf(object["at"])
  const said = { ...(by === undefined ? {} : { by }), ...(when === undefined ? {} : { when }) }
  switch (op) {
    case "remove": {
      const scope = object["scope"] ?? "everyone"
      return isScope(scope) ? { op, id, scope, ...said } : bad("a scope that is not known")
    }
    case "restore":
      return { op, id }
    case "flags": {
      const flags = object["flags"]
      return isTexts(flags) ? { op, id, flags: sortedSet(flags) } : bad("flags are no list of text")
    }
    case "react":
    case "unreact": {
      const { author, emoji } = object
      if (typeof author !== "string" || typeof emoji !== "string") return bad("no author or no emoji")
      return { op, id, author, emoji, ...(when === undefined ? {} : { when }) }
    }
    case "receipt": {
      const { receipt } = object
      return typeof receipt === "string" ? { op, id, receipt, ...said } : bad("no receipt")
    }
    default:
      return bad("an op that is not known")
  }
}

const put = (object: JsonObject, bytes: Uint8Array, text: string): Line | BadLine => {
  const { conversation, id } = object
  if (id !== undefined && typeof id !== "string") return bad("an id that is no text")
  const place = typeof conversation === "string" ? conversation : ""
  const key = id ?? `${HASHED_ID}${createHash("sha256").update(bytes).digest("base64url")}`
  const message = messageOf(key, object)
  const exact = rebuild(place, message) === text
  return {
    op: "put",
    conversation: place,
    message: exact ? message : { ...message, raw: { format: RAW_FORMAT, bytes: Uint8Array.from(bytes) } }
  }
}

/** The exact line a message came from. */
export const sourceLine = (conversation: string, message: Message): Uint8Array =>
  message.raw?.format === RAW_FORMAT ? message.raw.bytes : encoder.encode(rebuild(conversation, message))

/** An id made of the line, for lines that bring none. */
const HASHED_ID = "line:"

/** Names of a line and the fields of a message they become, with what makes a value fit. */
const FIELDS: { readonly [name: string]: { readonly field: keyof Message; readonly read: (value: Value) => unknown } } =
  {
    at: { field: "at", read: (value) => millisOf(value) },
    atQuality: {
      field: "atQuality",
      read: (value) => (TimeQuality.literals as ReadonlyArray<Value>).find((one) => one === value)
    },
    attachments: { field: "attachments", read: (value) => isAttachments(value) ? value : undefined },
    author: { field: "author", read: textOr },
    direction: {
      field: "direction",
      read: (value) => (Direction.literals as ReadonlyArray<Value>).find((one) => one === value)
    },
    edits: { field: "history", read: (value) => Array.isArray(value) ? value : undefined },
    flags: { field: "flags", read: (value) => isTexts(value) ? sortedSet(value) : undefined },
    parts: { field: "parts", read: (value) => Array.isArray(value) ? value : undefined },
    reactions: { field: "reactions", read: (value) => isReactions(value) ? value : undefined },
    replyTo: { field: "replyTo", read: textOr },
    service: { field: "service", read: textOr },
    sourceType: { field: "sourceType", read: textOr },
    subject: { field: "subject", read: textOr },
    text: { field: "text", read: textOr },
    threadRoot: { field: "threadRoot", read: textOr },
    type: { field: "type", read: textOr }
  }

/** What a field cannot hold as it stands in the line is kept in `extra`, under the line's own name for it. */
const messageOf = (key: string, object: JsonObject): Message => {
  const fields: Record<string, unknown> = {}
  const extra: Record<string, Value> = {}
  for (const [name, value] of Object.entries(object)) {
    if (name === "id" || (name === "conversation" && typeof value === "string")) continue
    const known = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined
    const read = known?.read(value)
    if (known !== undefined && read !== undefined) fields[known.field] = read
    const written = known === undefined || read === undefined ? undefined : write(name, read as Value)
    if (written === undefined || canonical(written) !== canonical(value)) extra[name] = value
  }
  const message = { type: "unknown", ...fields, key } as Message
  return Object.keys(extra).length === 0 ? message : { ...message, extra }
}

const write = (name: string, value: Value): Value =>
  name === "at" && typeof value === "number" ? JSON.parse(timeOf(value)) as Value : value

/** The canonical line a message would come from: keys sorted, no spaces. */
const rebuild = (conversation: string, message: Message): string => {
  const line: Record<string, Value> = {}
  for (const [name, { field }] of Object.entries(FIELDS)) {
    const value = message[field] as Value | undefined
    if (value !== undefined && !(field === "type" && value === "unknown")) line[name] = write(name, value)
  }
  if (conversation !== "") line["conversation"] = conversation
  if (!message.key.startsWith(HASHED_ID)) line["id"] = message.key
  return canonical({ ...line, ...(message.extra as JsonObject | undefined) })
}

/** Says whether two versions are one: all of a message but its reactions, its flags and how its line was written. */
export const contentDigest = (conversation: string, message: Message): string => {
  const { extra, flags, raw: _raw, reactions: _reactions, ...rest } = message
  const { flags: unsorted, op: _op, ...others } = (extra ?? {}) as JsonObject
  const unread = flags === undefined && unsorted !== undefined ? { flags: unsorted } : {}
  return digest(canonical({ ...rest, conversation, extra: { ...others, ...unread } } as unknown as Value))
}

export const digest = (data: string | Uint8Array): string =>
  createHash("sha256").update(data).digest("base64url").slice(0, DIGEST_CHARS)

/** 132 bits: nobody finds two texts of one digest. */
const DIGEST_CHARS = 22

const BYTE_ORDER_MARK = "\ufeff"
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

const bad = (reason: string): BadLine => ({ op: "bad", reason })

function textOr(value: Value | undefined): string | undefined {
  return typeof value === "string" ? value : undefined
}

const isTexts = (value: Value | undefined): value is ReadonlyArray<string> =>
  Array.isArray(value) && value.every((item) => typeof item === "string")
const isScope = (value: Value): value is Scope => (RemovalScope.literals as ReadonlyArray<Value>).includes(value)
const sortedSet = (texts: ReadonlyArray<string>): Array<string> => [...new Set(texts)].toSorted(compareUtf8)

const isReactions = (value: Value): boolean =>
  Array.isArray(value) &&
  value.every((item: Value) =>
    isObject(item) && hasOnly(item, ["author", "emoji"]) && typeof item["author"] === "string"
    && typeof item["emoji"] === "string"
  )

const isAttachments = (value: Value): value is ReadonlyArray<Attachment> & Value =>
  Array.isArray(value) &&
  value.every((item: Value) =>
    isObject(item) && hasOnly(item, ["id", "name", "mime", "size", "extra"]) && typeof item["id"] === "string"
    && isAbsentOr(item["name"], "string") && isAbsentOr(item["mime"], "string")
    && (item["size"] === undefined || Number.isSafeInteger(item["size"]))
  )

const isObject = (value: Value): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
const hasOnly = (object: JsonObject, names: ReadonlyArray<string>): boolean =>
  Object.keys(object).every((name) => names.includes(name))
const isAbsentOr = (value: Value | undefined, type: "string"): boolean => value === undefined || typeof value === type

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)$/

/** RFC 3339, or milliseconds since 1970; parts of a millisecond are cut off. */
const millisOf = (value: Value | undefined): number | undefined => {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined
  const found = typeof value === "string" ? RFC3339.exec(value) : null
  if (found === null) return undefined
  const [, year, month, day, hour, minute, second, fraction = "", zone = "Z"] = found
  const [y, m, d] = [Number(year), Number(month), Number(day)]
  if (m < 1 || m > 12 || d < 1 || d > 31 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) {
    return undefined
  }
  const offset = /[Zz]/.test(zone) ? 0 : Number(`${zone[0]}1`) * (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4)))
  // The years 0 to 99 are moved out of the way of a calendar that takes them for those of the last century.
  const date = Date.UTC(y + 400, m - 1, d, Number(hour), Number(minute), Number(second)) - FOUR_CENTURIES_MILLIS
  return date + Number(fraction.padEnd(3, "0").slice(0, 3)) - offset * 60_000
}

const FOUR_CENTURIES_MILLIS = 146_097 * 86_400_000

/** Only what an event can hold: no half characters, no numbers without end; `undefined` if nested too deep. */
const clean = (value: unknown, depth: number): Value | undefined => {
  if (typeof value === "string") return value.replace(HALF_CHARACTER, "\ufffd")
  if (typeof value === "number") return Number.isFinite(value) ? value + 0 : null
  if (typeof value !== "object" || value === null) return value as boolean | null
  if (depth >= DEPTH) return undefined
  if (Array.isArray(value)) {
    const items = value.map((item) => clean(item, depth + 1))
    return items.includes(undefined) ? undefined : items as Array<Value>
  }
  const object: Record<string, Value> = {}
  for (const [name, item] of Object.entries(value)) {
    const cleaned = clean(item, depth + 1)
    if (cleaned === undefined) return undefined
    // No event may hold this name; the line itself is kept, since it is not the same without it.
    if (name !== "__proto__") object[name.replace(HALF_CHARACTER, "\ufffd")] = cleaned
  }
  return object
}

const HALF_CHARACTER = /\p{Surrogate}/gu

/** JSON with sorted keys and no spaces; other values than JSON's do not come here. */
const canonical = (value: Value): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (!isObject(value)) return JSON.stringify(value)
  const names = Object.keys(value).toSorted(compareUtf8)
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name]!)}`).join(",")}}`
}
