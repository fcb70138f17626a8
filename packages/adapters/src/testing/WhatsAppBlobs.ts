/**
 * The structures that WhatsApp keeps as Protocol Buffers within its rows, as far as they are publicly known: what a
 * message answers (`ZMETADATA`), who received it and reacted to it (`ZRECEIPTINFO`), the name a sender had.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { Buffer } from "node:buffer"

export interface Quoted {
  readonly stanza: string
  /** In groups. */
  readonly sender?: string
  readonly text?: string
}

export interface GivenReaction {
  /** The stanza that brought it. */
  readonly stanza: string
  /** Absent: the owner's own. */
  readonly sender?: string
  /** Empty: taken back. */
  readonly emoji: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** `ZMETADATA`, of a message that answers one or of one that does not; always with a field that nobody understands. */
export const metadataOf = (quoted?: Quoted): Uint8Array => {
  const writer = new BinaryWriter()
  if (quoted !== undefined) {
    text(writer, 5, quoted.stanza)
    if (quoted.sender !== undefined) text(writer, 6, quoted.sender)
    if (quoted.text !== undefined) {
      text(writer.tag(19, WireType.LengthDelimited).fork(), 1, quoted.text)
      writer.join()
    }
  }
  return writer.tag(13, WireType.Varint).uint32(1).finish()
}

/** One more delivery, read or played mark: the part of `ZRECEIPTINFO` that changes all the time. */
export const withReceipt = (before: Uint8Array | null, sender: string, minutes: number, mark: number): Uint8Array => {
  const writer = new BinaryWriter().raw(before ?? new Uint8Array())
  text(writer.tag(2, WireType.LengthDelimited).fork(), 2, sender)
  writer.tag(9, WireType.LengthDelimited).fork()
  writer.tag(1, WireType.Varint).uint32(minutes).tag(2, WireType.Varint).uint32(mark)
  return writer.join().join().finish()
}

/** `ZRECEIPTINFO` with other reactions, all of them; what else is in it stays. */
export const withReactions = (before: Uint8Array | null, reactions: ReadonlyArray<GivenReaction>): Uint8Array => {
  const writer = new BinaryWriter()
  for (const { bytes, field } of fieldsOf(before)) if (field !== REACTIONS) writer.raw(bytes)
  if (reactions.length === 0) return writer.finish()
  writer.tag(REACTIONS, WireType.LengthDelimited).fork()
  for (const { at, emoji, sender, stanza } of reactions) {
    text(writer.tag(1, WireType.LengthDelimited).fork(), 1, stanza)
    if (sender !== undefined) text(writer, 2, sender)
    text(writer, 3, emoji)
    writer.tag(4, WireType.Varint).int64(at).join()
  }
  return writer.join().finish()
}

/** A sender's name as newer versions wrap it. */
export const wrappedName = (name: string, seconds: number): string =>
  Buffer.from(text(new BinaryWriter(), 1, name).tag(2, WireType.Varint).uint32(seconds).finish()).toString("base64")

const REACTIONS = 7

const fieldsOf = (bytes: Uint8Array | null): ReadonlyArray<{ readonly field: number; readonly bytes: Uint8Array }> => {
  const found: Array<{ field: number; bytes: Uint8Array }> = []
  const reader = new BinaryReader(bytes ?? new Uint8Array())
  while (reader.pos < reader.len) {
    const from = reader.pos
    const [field, type] = reader.tag()
    reader.skip(type, field)
    found.push({ field, bytes: (bytes ?? new Uint8Array()).subarray(from, reader.pos) })
  }
  return found
}

const text = (writer: BinaryWriter, field: number, value: string): BinaryWriter =>
  writer.tag(field, WireType.LengthDelimited).string(value)
