/** What one row of `ZWAMESSAGE`, with the item, the member and the conversation it points to, says as a message. */
import type { Attachment, Message, Value } from "@sealog/core/message/Event"
import { Buffer } from "node:buffer"
import { join, normalize, sep } from "node:path"
import type { Cell, MessageRow, Removal, StoreFile } from "../database/RowReader.ts"
import { isAddress, ME, nameIn, quotedIn, reactionsIn } from "./Blobs.ts"
import type { Understood } from "./Columns.ts"

/** A row as it was read, by the names of its columns. */
export interface RawMessage {
  readonly row: number
  /** The address of its conversation; empty where it belongs to none. */
  readonly chat: string
  /** The address of the member who sent it. */
  readonly member: Cell
  readonly receiptInfo: Cell
  readonly cells: { readonly [name in Understood]?: Cell }
  /** Columns that nobody here has heard of, where they are neither null nor zero. */
  readonly strange?: { readonly [name: string]: Cell }
}

/** By its address a conversation is known: the store's own number for it says the same, and less. */
export const kindOfChat = (address: string): string | undefined => {
  const [, domain = ""] = /@([^@]*)$/.exec(address) ?? []
  return CHATS.get(domain)
}

const CHATS: ReadonlyMap<string, string> = new Map([
  ["s.whatsapp.net", "direct"],
  ["lid", "direct"],
  ["g.us", "group"],
  ["broadcast", "broadcast"],
  ["newsletter", "channel"]
])

/** The code of a message that was deleted for everyone. */
const DELETED = 14

/** What codes are known to mean; those that only tell what file there is are here as that. */
const TYPES: Readonly<Record<number, string>> = {
  0: "text",
  1: "image",
  2: "video",
  3: "voice",
  4: "contact",
  5: "location",
  6: "system",
  7: "text",
  8: "document",
  10: "system",
  11: "video",
  14: "deleted",
  15: "sticker",
  20: "image",
  24: "document",
  38: "image",
  39: "video",
  43: "video",
  53: "voice",
  54: "video"
}

/** Of a code that is not known, what the type of its file says: a word of the sender's, which may be `constructor`. */
const MEDIA: ReadonlyMap<string, string> = new Map([
  ["image", "image"],
  ["video", "video"],
  ["audio", "voice"],
  ["application", "document"],
  ["text", "document"]
])

const HAS_FILE = new Set(["image", "video", "voice", "document", "sticker"])

/** Seconds from 1970 to 2001. */
const EPOCH_SECONDS = 978_307_200
/** The last moment that a date can be, milliseconds. */
const LAST_MOMENT = 8.64e15

/** Longer text is cut: the app itself allows 65,536 characters, which is 192 KiB of the 256 that an event may have. */
const TEXT_CHARS = 66_000
/** All the rest of a message together; what is beyond is cut, bytes. */
const REST_BYTES = 40_000
/** What was not understood about reactions, bytes. */
const REACTION_BYTES = 4_000
/** Columns that are not known, of one message. */
const STRANGE_COLUMNS = 16

/** The message of a row; `folder` is the one in which files of messages lie. */
export const messageOf = (raw: RawMessage, folder: string): MessageRow => {
  const { cells, cut, strange } = shortened(raw)
  const code = numberIn(cells.ZMESSAGETYPE)
  const card = textIn(cells.ZVCARDSTRING)
  const mime = card !== undefined && /^\w+\/[\w.+-]+/.test(card) ? card : undefined
  const type = typeOf(code, mime)
  const isMine = numberIn(cells.ZISFROMME) === 1
  const metadata = bytesIn(cells.ZMETADATA)
  const quoted = metadata === undefined ? undefined : quotedIn(metadata)
  const given = raw.receiptInfo instanceof Uint8Array ? reactionsIn(raw.receiptInfo) : undefined
  const attachment = HAS_FILE.has(type) ? attachmentOf(cells, type, mime) : undefined
  const author = authorOf(raw, type, isMine)
  const extra: Record<string, Value | undefined> = {
    ...contentOf(cells, type, card, attachment !== undefined),
    event: type === "system" ? numberIn(cells.ZGROUPEVENTTYPE) : undefined,
    pushName: mapped(textIn(cells.ZPUSHNAME), nameIn),
    quoted: quoted === undefined ? undefined : { ...quoted },
    parent: numberIn(cells.ZPARENTMESSAGE),
    metadata,
    reactions: given?.rest?.subarray(0, REACTION_BYTES),
    columns: strange,
    cut: cut.length === 0 ? undefined : cut
  }
  const message: Message = present({
    key: keyOf(raw, type, isMine),
    ...timeOf(cells),
    author,
    direction: type === "system" ? undefined : isMine ? "out" as const : "in" as const,
    type,
    sourceType: code === undefined ? undefined : String(code),
    service: "whatsapp",
    text: textIn(cells.ZTEXT) ?? (attachment !== undefined && type !== "document" ? textIn(cells.ZTITLE) : undefined),
    attachments: attachment === undefined ? undefined : [attachment],
    replyTo: quoted?.stanza,
    flags: numberIn(cells.ZSTARRED) === 1 ? ["starred"] : undefined,
    extra: present(extra) as Value
  }) as Message
  return {
    _tag: "message",
    row: raw.row,
    conversation: raw.chat,
    message,
    reactions: given?.reactions ?? [],
    ...(code === DELETED ? { removed: removalOf(card, author, raw.chat) } : {}),
    ...(attachment === undefined ? {} : { files: [fileOf(attachment.id, cells, folder)] })
  }
}

/**
 * The conversation, the direction and the stanza that brought the message, which all devices know it by. A notice may
 * come with others of one stanza, so it has its row's number too, as has what came without a stanza.
 */
const keyOf = ({ cells, chat, row }: RawMessage, type: string, isMine: boolean): string => {
  const stanza = textIn(cells.ZSTANZAID) ?? ""
  return `${chat}|${isMine ? 1 : 0}|${stanza}${type === "system" || stanza === "" ? `#${row}` : ""}`
}

/** Puts together what `keyOf` did. */
export interface KeyParts {
  readonly chat: string
  readonly mine: number
  readonly stanza: string
  readonly row?: number
}

export const partsOfKey = (key: string): KeyParts | undefined => {
  const [, chat, mine, stanza, row] = /^([^|]*)\|([01])\|(.*?)(?:#(\d+))?$/s.exec(key) ?? []
  if (chat === undefined || mine === undefined || stanza === undefined) return undefined
  return { chat, mine: Number(mine), stanza, ...(row === undefined ? {} : { row: Number(row) }) }
}

const typeOf = (code: number | undefined, mime: string | undefined): string => {
  const known = code === undefined ? undefined : TYPES[code]
  return known ?? MEDIA.get(mime?.split("/")[0] ?? "") ?? "unknown"
}

/** In a group only the member tells: the address that the row itself has is the group's. */
const authorOf = ({ cells, chat, member }: RawMessage, type: string, isMine: boolean): string | undefined => {
  if (isMine) return ME
  if (typeof member === "string" && member !== "") return member
  const from = textIn(cells.ZFROMJID)
  if (from !== undefined && from !== chat && kindOfChat(from) === "direct") return from
  return kindOfChat(chat) === "direct" && type !== "system" ? chat : undefined
}

/** Seconds since 2001, of which 0 is none at all: of a message that came whole ones, of one that was sent here exact. */
const timeOf = (cells: RawMessage["cells"]): Pick<Message, "at" | "atQuality"> => {
  for (const cell of [cells.ZMESSAGEDATE, cells.ZSENTDATE]) {
    if (typeof cell !== "number" || cell === 0) continue
    const at = Math.round((cell + EPOCH_SECONDS) * 1_000)
    if (Math.abs(at) <= LAST_MOMENT) return { at, atQuality: Number.isInteger(cell) ? "second" : "exact" }
  }
  return {}
}

const attachmentOf = (cells: RawMessage["cells"], type: string, mime: string | undefined): Attachment => {
  const size = numberIn(cells.ZFILESIZE)
  const extra = {
    seconds: positive(cells.ZMOVIEDURATION),
    // Of a file these are no coordinates.
    width: positive(cells.ZLATITUDE),
    height: positive(cells.ZLONGITUDE)
  }
  return present({
    id: idOf(type, mime),
    name: type === "document" ? textIn(cells.ZTITLE) : undefined,
    mime,
    size: size !== undefined && size > 0 ? size : undefined,
    extra: Object.values(extra).some((value) => value !== undefined) ? present(extra) as Value : undefined
  }) as Attachment
}

/** A message has one file, which the store gives no name: `image.jpg`. */
const idOf = (type: string, mime: string | undefined): string => {
  const [, subtype = ""] = /^\w+\/([a-z0-9]{2,5})(?![\w.+-])/i.exec(mime ?? "") ?? []
  const extension = subtype === "jpeg" ? "jpg" : subtype
  return extension === "" ? type : `${type}.${extension}`
}

/** Where the file is, if it has come yet. A path that leads out of the folder is none. */
const fileOf = (attachment: string, cells: RawMessage["cells"], folder: string): StoreFile => {
  const local = textIn(cells.ZMEDIALOCALPATH)
  const path = local === undefined ? undefined : normalize(join(folder, local))
  return { attachment, ...(path !== undefined && path.startsWith(`${folder}${sep}`) ? { path } : {}) }
}

/** What the item holds that is neither a file nor an answer. */
const contentOf = (
  cells: RawMessage["cells"],
  type: string,
  card: string | undefined,
  hasFile: boolean
): Record<string, Value | undefined> => {
  const title = textIn(cells.ZTITLE)
  const more = { authorName: textIn(cells.ZAUTHORNAME), cardName: textIn(cells.ZVCARDNAME) }
  if (hasFile) return { ...more, title: type !== "document" && cells.ZTEXT !== null ? title : undefined }
  if (type === "deleted") return {}
  const [latitude, longitude] = [numberIn(cells.ZLATITUDE) ?? 0, numberIn(cells.ZLONGITUDE) ?? 0]
  const isPlace = type === "location" || latitude !== 0 || longitude !== 0
  const location = { latitude, longitude, accuracy: positive(cells.ZHACCURACY) }
  return { ...more, title, card, location: isPlace ? present(location) as Value : undefined }
}

/** By whom a message was deleted stands where its type was; by somebody else than its author, it was an admin. */
const removalOf = (card: string | undefined, author: string | undefined, chat: string): Removal => {
  if (card === undefined || !isAddress(card) || card === chat) return { scope: "everyone" }
  const isOther = author !== undefined && author !== ME && author !== card && kindOfChat(chat) === "group"
  return { scope: isOther ? "admin" : "everyone", by: card }
}

/** The cells with none so long that the message would fit no event; what was cut is told. */
const shortened = ({ cells, strange }: RawMessage) => {
  if (strange === undefined && isShort(cells)) return { cells, strange, cut: NOTHING }
  const cut: Array<string> = []
  let left = REST_BYTES
  /** What an answer quotes is in the message twice. */
  const weigh = (name: string, cell: Cell): number =>
    (typeof cell === "string" ? Buffer.byteLength(cell) : cell instanceof Uint8Array ? cell.length : 8)
    * (name === "ZMETADATA" ? 2 : 1)
  const fit = (name: string, cell: Cell): Cell => {
    if (name === "ZTEXT") return typeof cell === "string" && cell.length > TEXT_CHARS ? shorten(cell, TEXT_CHARS) : cell
    const weight = weigh(name, cell)
    left -= weight
    return left >= 0 ? cell : shorten(cell, Math.floor(Math.max(0, left + weight) / 3))
  }
  const shorten = (cell: Cell, length: number): Cell =>
    typeof cell === "string"
      ? cell.slice(0, length).replace(/[\ud800-\udbff]$/, "")
      : cell instanceof Uint8Array
      ? cell.subarray(0, length)
      : cell
  const fitAll = (all: Readonly<Record<string, Cell | undefined>>): Record<string, Cell> => {
    const fitted: Record<string, Cell> = {}
    for (const name in all) {
      const cell = all[name] ?? null
      const kept = fit(name, cell)
      if (kept !== cell) cut.push(name)
      fitted[name] = kept
    }
    return fitted
  }
  const fitted: RawMessage["cells"] = fitAll(cells)
  const kept = strange === undefined
    ? undefined
    : fitAll(Object.fromEntries(Object.entries(strange).slice(0, STRANGE_COLUMNS)))
  return { cells: fitted, strange: kept, cut }
}

/** Most messages are. */
const isShort = (cells: RawMessage["cells"]): boolean => {
  let length = 0
  for (const name in cells) {
    const cell = cells[name as Understood]
    if (typeof cell === "string" || cell instanceof Uint8Array) length += cell.length
  }
  return length * LONGEST_CHAR < REST_BYTES
}

/** Bytes of UTF-8 for one unit of UTF-16; and what is quoted counts twice. */
const LONGEST_CHAR = 6
const NOTHING: ReadonlyArray<string> = []

const numberIn = (cell: Cell | undefined): number | undefined => typeof cell === "number" ? cell : undefined

const positive = (cell: Cell | undefined): number | undefined => typeof cell === "number" && cell > 0 ? cell : undefined

const textIn = (cell: Cell | undefined): string | undefined =>
  typeof cell === "string" && cell !== "" ? cell : undefined

const bytesIn = (cell: Cell | undefined): Uint8Array | undefined =>
  cell instanceof Uint8Array && cell.length > 0 ? cell : undefined

const mapped = <A, B>(value: A | undefined, change: (value: A) => B): B | undefined =>
  value === undefined ? undefined : change(value)

/** Leaves out what there is not. */
const present = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } => {
  const there: Record<string, unknown> = {}
  for (const name in fields) if (fields[name] !== undefined) there[name] = fields[name]
  return there as { [K in keyof T]?: Exclude<T[K], undefined> }
}
