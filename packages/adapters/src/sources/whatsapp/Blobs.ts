/**
 * What WhatsApp keeps as Protocol Buffers within its rows. Nobody documents them: the numbers of the fields were found
 * out by others from real stores, so what does not have the shape it should have is not believed, and is given back
 * as it is. The wire format itself is read by a library that checks every bound; values are nested three deep at most.
 */
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire"
import { Buffer } from "node:buffer"

export interface Quoted {
  /** The stanza of the message that is answered. */
  readonly stanza: string
  /** Who sent that one; in groups. */
  readonly sender?: string
  /** Its words at that time. */
  readonly text?: string
}

export interface Reaction {
  readonly author: string
  readonly emoji: string
  /** Milliseconds since 1970. */
  readonly when?: number
}

/** Whoever has the store: no address has this form. */
export const ME = "me"

/** What a message answers, out of `ZWAMEDIAITEM.ZMETADATA`: 5 is the stanza, 6 the sender, 19.1 the text. */
export const quotedIn = (metadata: Uint8Array): Quoted | undefined => {
  const fields = fieldsOf(metadata)
  const stanza = textIn(last(fields, 5))
  if (stanza === undefined || !STANZA.test(stanza)) return undefined
  const sender = textIn(last(fields, 6))
  const copy = last(fields, 19)
  const text = copy === undefined ? undefined : textIn(last(fieldsOf(copy), 1))
  return {
    stanza,
    ...(sender !== undefined && isAddress(sender) ? { sender } : {}),
    ...(text === undefined ? {} : { text })
  }
}

export interface Reactions {
  /** One of each author at most. */
  readonly reactions: ReadonlyArray<Reaction>
  /** All of what is kept about reactions, where some of it was not understood. */
  readonly rest?: Uint8Array
}

/**
 * Who reacts to a message, out of `ZWAMESSAGEINFO.ZRECEIPTINFO`: field 7 holds them, each in a field 1 of its own with 2
 * the author (absent: the owner), 3 the emoji (absent or empty: taken back) and 4 the time in milliseconds. What is newer
 * stands for what is older. All the rest of it is who received and read the message, which changes all the time.
 */
export const reactionsIn = (receiptInfo: Uint8Array): Reactions => {
  const newest = new Map<string, Reaction>()
  const raw: Array<Uint8Array> = []
  let isUnderstood = true
  for (const group of fieldsOf(receiptInfo)) {
    if (group.field !== 7) continue
    if (group.bytes === undefined) {
      isUnderstood = false
      continue
    }
    raw.push(group.bytes)
    for (const { bytes, field } of fieldsOf(group.bytes)) {
      if (field === BROKEN) isUnderstood = false
      if (field !== 1) continue
      const reaction = bytes === undefined ? undefined : reactionOf(fieldsOf(bytes))
      if (reaction === undefined) isUnderstood = false
      else if (!((newest.get(reaction.author)?.when ?? 0) > (reaction.when ?? 0))) newest.set(reaction.author, reaction)
    }
  }
  const reactions = [...newest.values()].filter(({ emoji }) => emoji !== "")
  return isUnderstood ? { reactions } : { reactions, rest: Buffer.concat(raw) }
}

const reactionOf = (fields: ReadonlyArray<Field>): Reaction | undefined => {
  const [sender, emoji, when] = [last(fields, 2), last(fields, 3), fields.findLast(({ field }) => field === 4)?.number]
  const author = sender === undefined || sender.length === 0 ? ME : textIn(sender)
  const text = emoji === undefined ? "" : textIn(emoji)
  if (author === undefined || text === undefined || (author !== ME && !isAddress(author))) return undefined
  if (text.length > EMOJI_CHARS || fields.some(({ field }) => field === BROKEN)) return undefined
  return { author, emoji: text, ...(when === undefined || !isTime(when) ? {} : { when }) }
}

/** The name a sender had: as it is, or wrapped in base64 as newer versions do. */
export const nameIn = (text: string): string => {
  const wrapped = text.startsWith("+") ? text.slice(1) : text
  if (!BASE64.test(wrapped)) return text
  const bytes = Buffer.from(wrapped, "base64")
  if (bytes[0] !== 0x0a) return text
  const fields = fieldsOf(bytes)
  const name = textIn(last(fields, 1))
  return name === undefined || fields.some(({ field }) => field === BROKEN) ? text : name
}

/** Printable, without spaces: what programs of every kind make. */
const STANZA = /^[\x21-\x7e]{6,128}$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$|^[A-Za-z0-9+/]{2,3}={1,2}$/
/** The longest emoji in use is a family of four, 11 UTF-16 units; and room for new ones. */
const EMOJI_CHARS = 64

export const isAddress = (text: string): boolean => /^[^@\s]+@[^@\s]+$/.test(text)

/** From 2009, when there was no WhatsApp, to 2200. */
const isTime = (millis: number): boolean => millis > 1_230_000_000_000 && millis < 7_258_000_000_000

interface Field {
  readonly field: number
  readonly bytes?: Uint8Array
  /** Of an integer that is exact. */
  readonly number?: number
}

/** Stands for the place from which on bytes could not be read. */
const BROKEN = -1

/** The fields of one level, up to where they can be read. */
const fieldsOf = (bytes: Uint8Array): ReadonlyArray<Field> => {
  const found: Array<Field> = []
  const reader = new BinaryReader(bytes)
  try {
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag()
      if (type === WireType.LengthDelimited) found.push({ field, bytes: reader.bytes() })
      else if (type === WireType.Varint) {
        const number = Number(reader.uint64())
        found.push(Number.isSafeInteger(number) ? { field, number } : { field })
      } else {
        reader.skip(type, field)
        found.push({ field })
      }
    }
  } catch {
    // Whatever the library found wrong, it is here; what came before is good.
    found.push({ field: BROKEN })
  }
  return found
}

const last = (fields: ReadonlyArray<Field>, wanted: number): Uint8Array | undefined =>
  fields.findLast(({ bytes, field }) => field === wanted && bytes !== undefined)?.bytes

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** `undefined` where it is no text. */
const textIn = (bytes: Uint8Array | undefined): string | undefined => {
  if (bytes === undefined) return undefined
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
