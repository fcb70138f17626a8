/** From a row of Messages to a message. What has no field of its own stands in `extra`, bytes that say more in `raw`. */
import { encode, type Value } from "@sealog/core/format/Value"
import type { Attachment, Message } from "@sealog/core/message/Event"
import { Buffer } from "node:buffer"
import type { Cell, Removal, StoreFile } from "../database/RowReader.ts"
import { readAttributedText, readPlainBody } from "./AttributedText.ts"
import { type Time, timeOf } from "./Dates.ts"
import { readEdits } from "./Edits.ts"
import { partsOf } from "./Parts.ts"

/** The owner's own side, in every store. */
export const ME = "me"

export interface StoredAttachment {
  readonly attachment: Attachment
  readonly file: StoreFile
}

/** What most rows say. */
export interface Basic {
  readonly guid: string
  /** As bytes where a text could not hold it. */
  readonly text: string | Uint8Array | null
  readonly body: Uint8Array | null
  readonly time: Time
  readonly isMine: boolean
  readonly sender: string | undefined
  readonly service: string | null
  readonly account: string | null
  readonly destination: string | null
  /** Beyond the conversation it is told in. */
  readonly otherChats: ReadonlyArray<string>
  /** Other columns that say something. */
  readonly columns: { readonly [name: string]: Value } | undefined
  /** Parts that were deleted and can be got back, and since when. */
  readonly deletedParts: ReadonlyArray<Value>
}

/** What few messages have beside that. */
export interface Fields {
  readonly subject: string | null
  readonly itemType: number
  readonly groupAction: number
  readonly other: string | undefined
  readonly groupTitle: string | null
  readonly associatedType: number
  readonly associatedGuid: string | null
  readonly replyTo: string | null
  readonly replyPart: string | null
  readonly balloon: string | null
  readonly payload: Uint8Array | null
  readonly summary: Uint8Array | null
  readonly isVoice: boolean
  readonly edited: Time
  readonly retracted: Time
  readonly attachments: ReadonlyArray<StoredAttachment>
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export interface Mapped {
  readonly message: Message
  readonly gap?: string
}

export const toMessage = (basic: Basic, fields: Fields | undefined): Mapped => {
  const { time } = basic
  const message: Writable<Message> = { key: basic.guid, type: "text" }
  const extra: Record<string, Value> = {}
  const raw: Record<string, Value> = {}
  const gaps: Array<string> = []
  if (time.at !== undefined) message.at = time.at
  if (time.atQuality !== undefined) message.atQuality = time.atQuality
  if (time.nanos !== undefined) extra["nanos"] = time.nanos
  message.direction = basic.isMine ? "out" : "in"
  if (basic.isMine) message.author = ME
  else if (basic.sender !== undefined) message.author = basic.sender
  if (basic.service !== null) message.service = basic.service
  if (basic.account !== null) extra["account"] = basic.account
  if (basic.destination !== null && basic.destination !== "") extra["destination"] = basic.destination
  if (basic.otherChats.length > 0) extra["chats"] = basic.otherChats
  putText(basic, { message, extra, raw, gaps })
  if (basic.columns !== undefined) extra["columns"] = basic.columns
  if (basic.deletedParts.length > 0) extra["deletedParts"] = basic.deletedParts
  if (fields !== undefined) putFields(fields, { message, extra, raw, gaps })
  if (Object.keys(extra).length > 0) message.extra = extra
  if (Object.keys(raw).length > 0) message.raw = { format: RAW_FORMAT, bytes: encode(raw) }
  return { message, ...(gaps.length === 0 ? {} : { gap: gaps.join("; ") }) }
}

/** A map of columns to their bytes, in the binary form of values. */
const RAW_FORMAT = "imessage.columns"

interface Draft {
  readonly message: Writable<Message>
  readonly extra: Record<string, Value>
  readonly raw: Record<string, Value>
  readonly gaps: Array<string>
}

/** The body is what Messages shows; newer versions leave the column of the text empty. */
const putText = ({ body, text }: Basic, { extra, gaps, message, raw }: Draft): void => {
  const column = text instanceof Uint8Array ? Buffer.from(text).toString("utf8") : text
  if (text instanceof Uint8Array && !Buffer.from(column!).equals(text)) raw["text"] = text
  if (column !== null) message.text = column
  if (body === null) return
  const plain = readPlainBody(body)
  if (plain !== undefined) {
    if (plain.form !== 0) extra["body"] = plain.form
    if (column !== null && column !== plain.text) extra["column"] = column
    message.text = plain.text
    return
  }
  // It is a piece of the bodies of many, which are not to be kept for it.
  raw["attributedBody"] = Uint8Array.from(body)
  try {
    const found = readAttributedText(body)
    const parts = partsOf(found)
    if (column !== null && column !== found.text) extra["column"] = column
    message.text = found.text
    if (parts !== undefined) message.parts = parts
  } catch (cause) {
    gaps.push(`its body could not be read: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

const putFields = (fields: Fields, { extra, gaps, message, raw }: Draft): void => {
  const { attachments, edited, payload, replyPart, replyTo, retracted, subject, summary } = fields
  if (subject !== null && subject !== "") message.subject = subject
  if (replyTo !== null) {
    message.replyTo = replyTo
    message.threadRoot = replyTo
    if (replyPart !== null) extra["replyPart"] = replyPart
  }
  if (attachments.length > 0) message.attachments = attachments.map(({ attachment }) => attachment)
  if (payload !== null) raw["payload_data"] = payload
  if (edited.at !== undefined) extra["edited"] = exactly(edited)
  if (retracted.at !== undefined) extra["retracted"] = exactly(retracted)
  putType(fields, { message, extra })
  if (summary === null) return
  try {
    const { history, isStrange, unsent } = readEdits(summary)
    if (history.length > 0) message.history = history
    if (unsent.length > 0) extra["unsent"] = unsent
    if (history.length > 0 || isStrange) raw["message_summary_info"] = summary
  } catch (cause) {
    raw["message_summary_info"] = summary
    gaps.push(`its edits could not be read: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

/** A time as the store has it, to the nanosecond. */
const exactly = ({ at = 0, nanos }: Time): Value => nanos === undefined ? { at } : { at, nanos }

/** Codes whose meaning is known; any other stays a code. */
const SYSTEM: Readonly<Record<string, string>> = {
  "1.0": "member.added",
  "1.1": "member.removed",
  "2.0": "title.changed",
  "3.0": "member.left",
  "3.1": "icon.changed",
  "3.2": "icon.removed",
  "4.0": "location.shared",
  "5.0": "audio.kept",
  "6.0": "shareplay"
}

/** A sticker put on a message, one as a reaction, that one taken back, and votes. */
const ASSOCIATED: Readonly<Record<number, string>> = {
  1000: "sticker",
  2007: "sticker",
  3007: "sticker.removed",
  4000: "poll.vote"
}

const putType = (fields: Fields, { extra, message }: Pick<Draft, "message" | "extra">): void => {
  const { associatedGuid, associatedType, attachments, balloon, groupAction, groupTitle, isVoice, itemType, other } =
    fields
  if (itemType !== 0) {
    const code = `${itemType}.${groupAction}`
    message.type = "system"
    message.sourceType = code
    extra["system"] = {
      ...(SYSTEM[code] === undefined ? {} : { code: SYSTEM[code] }),
      ...(other === undefined ? {} : { participant: other }),
      ...(groupTitle === null ? {} : { title: groupTitle })
    }
  } else if (associatedType !== 0) {
    message.type = ASSOCIATED[associatedType] ?? "unknown"
    message.sourceType = String(associatedType)
    if (associatedGuid !== null) extra["about"] = { ...aboutOf(associatedGuid) }
  } else if (balloon !== null) {
    message.type = "app"
    message.sourceType = balloon
  } else if (isVoice) message.type = "voice"
  else if (attachments.length > 0 && isBare(message.text)) message.type = kindOf(attachments)
}

/** Nothing but the places of attachments. */
const isBare = (text: string | undefined): boolean => text === undefined || /^\ufffc*$/.test(text)

const kindOf = ([first]: ReadonlyArray<StoredAttachment>): string => {
  const kind = /^(image|video|audio)\//.exec(first?.attachment.mime ?? "")?.[1]
  return kind ?? "file"
}

/** What a tapback is about: `p:<part>/<guid>`, `bp:<guid>` for all of a bubble, or the guid alone. */
export const aboutOf = (guid: string): { readonly key: string; readonly part?: string } => {
  const part = /^p:(\d+)\/(.+)$/s.exec(guid)
  if (part !== null) return { key: part[2]!, part: part[1]! }
  return { key: guid.startsWith("bp:") ? guid.slice("bp:".length) : guid }
}

/** Tapbacks by the last digit of their code; 2000 and on are there, 3000 and on taken back. */
const TAPBACKS = ["❤️", "👍", "👎", "😂", "‼️", "❓"] as const

/** Whether a row says somebody's reaction, and which; `undefined` for any other row. */
export const reactionOf = (
  type: number,
  emoji: Cell
): { readonly emoji: string; readonly removed: boolean } | undefined => {
  const number = type % 1_000
  const [there, back] = [type >= 2_000 && type < 3_000, type >= 3_000 && type < 4_000]
  if (!there && !back) return undefined
  const shown = TAPBACKS[number] ?? (number === CUSTOM && typeof emoji === "string" ? emoji : undefined)
  return shown === undefined ? undefined : { emoji: shown, removed: back }
}

/** Any emoji, since macOS 15. */
const CUSTOM = 6

export const removalAt = (millions: Cell, left: Cell): Removal => {
  const { at } = timeOf(millions as number | null, left as number | null)
  return { scope: "recoverable", ...(at === undefined ? {} : { when: at }) }
}
