/**
 * What each kind of event looks like in bytes: the number of every kind, field and choice. A kind or field that
 * `message/Event` has and these tables lack does not compile. Numbers are written once: one that was ever used keeps
 * its meaning for ever, and a new field takes a new number.
 */
import type * as Event from "../message/Event.ts"
import type { EventReader, EventWriter } from "./EventBytes.ts"
import {
  type AnyFields,
  byteName,
  bytes,
  choice,
  type Codec,
  compile,
  type Fields,
  fixed,
  flag,
  int64,
  list,
  may,
  millis,
  name,
  need,
  size,
  type Struct,
  struct,
  text,
  value,
  words
} from "./Fields.ts"
import { BLOB_PART_BYTES, BLOB_PARTS, INLINE_CONTENT_BYTES } from "./Limits.ts"

const digest = fixed(32)
const writerId = fixed(8)

const timeQuality = choice<typeof Event.TimeQuality.Type>({ exact: 1, second: 2, minute: 3, local: 4, unknown: 5 })
const direction = choice<typeof Event.Direction.Type>({ in: 1, out: 2, unknown: 3 })
const scope = choice<typeof Event.RemovalScope.Type>({
  everyone: 1,
  me: 2,
  admin: 3,
  expired: 4,
  vanished: 5,
  recoverable: 6
})

const contentForms = { inline: 1, same: 2, blob: 3 } as const satisfies Record<Event.Content["_tag"], number>

/** Inline content is its bytes alone: its digest follows from them. */
const content: Codec<Event.Content> = {
  write: (writer, item) => {
    writer.u8(contentForms[item._tag])
    switch (item._tag) {
      case "inline":
        if (item.bytes.length >= INLINE_CONTENT_BYTES) {
          writer.fail("Limit", `${item.bytes.length} bytes of inline content`)
        }
        return writer.bytes(item.bytes)
      case "same":
        writer.fixed(item.sha256, 32)
        writer.size(item.size)
        writer.fixed(item.writer, 8)
        return writer.size(item.index)
      case "blob":
        return writeBlob(writer, item)
    }
  },
  read: (reader) => {
    const form = reader.u8()
    switch (form) {
      case contentForms.inline: {
        const inline = reader.bytes()
        if (inline.length >= INLINE_CONTENT_BYTES) reader.fail("Limit", `${inline.length} bytes of inline content`)
        return { _tag: "inline", bytes: inline }
      }
      case contentForms.same:
        return {
          _tag: "same",
          sha256: reader.fixed(32),
          size: reader.varint(),
          writer: reader.fixed(8),
          index: reader.varint()
        }
      case contentForms.blob:
        return readBlob(reader)
      default:
        return reader.fail("Unknown", `content of form ${form}`)
    }
  }
}

type Blob = Extract<Event.Content, { readonly _tag: "blob" }>

const writeBlob = (writer: EventWriter, blob: Blob): void => {
  if (blob.parts.length > BLOB_PARTS) writer.fail("Limit", `${blob.parts.length} parts`)
  if (!isWhole(blob)) writer.fail("Malformed", "parts that do not make up the content")
  writer.fixed(blob.sha256, 32)
  writer.size(blob.size)
  writer.fixed(blob.writer, 8)
  writer.size(blob.epoch)
  writer.varint(blob.parts.length)
  for (const part of blob.parts) {
    writer.fixed(part.sha256, 32)
    writer.size(part.size)
  }
}

const readBlob = (reader: EventReader): Blob => {
  const sha256 = reader.fixed(32)
  const total = reader.varint()
  const writer = reader.fixed(8)
  const epoch = reader.varint()
  const count = reader.count(BLOB_PARTS)
  const parts: Array<Blob["parts"][number]> = []
  for (let index = 0; index < count; index++) parts.push({ sha256: reader.fixed(32), size: reader.varint() })
  const blob = { _tag: "blob", sha256, size: total, writer, epoch, parts } as const
  return isWhole(blob) ? blob : reader.fail("Malformed", "parts that do not make up the content")
}

const isWhole = (blob: Blob): boolean =>
  blob.parts.every((part) => part.size >= 0 && part.size <= BLOB_PART_BYTES)
  && blob.parts.reduce((sum, part) => sum + part.size, 0) === blob.size

const place = struct<Event.Place>({
  folder: need(1, byteName),
  sub: need(2, choice({ new: 1, cur: 2 })),
  name: need(3, byteName),
  mtimeNs: need(4, int64)
})

const attachment = struct<Event.Attachment>({
  id: need(1, text),
  name: may(2, text),
  mime: may(3, name),
  size: may(4, int64),
  extra: may(5, value)
})

const message = struct<Event.Message>({
  key: need(1, text),
  at: may(2, millis),
  atQuality: may(3, timeQuality),
  author: may(4, name),
  direction: may(5, direction),
  type: need(6, name),
  sourceType: may(7, name),
  service: may(8, name),
  subject: may(9, text),
  text: may(10, text),
  parts: may(11, list(value)),
  attachments: may(12, list(attachment)),
  replyTo: may(13, text),
  threadRoot: may(14, text),
  history: may(15, list(value)),
  flags: may(16, words),
  reactions: may(
    17,
    list(struct<{ readonly author: string; readonly emoji: string }>({
      author: need(1, name),
      emoji: need(2, name)
    }))
  ),
  places: may(18, list(place)),
  content: may(19, content),
  raw: may(
    20,
    struct<{ readonly format: string; readonly bytes: Uint8Array }>({
      format: need(1, name),
      bytes: need(2, bytes)
    })
  ),
  extra: may(21, value)
})

interface Head {
  readonly writer: Uint8Array
  readonly size: number
  readonly root: Uint8Array
}

const head = { writer: need(1, writerId), size: need(2, size), root: need(3, digest) }
const about = { key: need(1, text), origin: may(2, size) }
const mutable = { ...about, flags: may(3, words), places: may(4, list(place)) }
const reaction = { ...about, part: may(3, text), author: need(4, name), emoji: need(5, name), when: may(6, millis) }

/** The number and the fields of each kind. */
const tables: { readonly [K in Event.Kind]: readonly [wire: number, fields: Fields<Event.BodyOf<K>>] } = {
  "account.seen": [1, { account: need(1, text), name: may(2, text), extra: may(3, value) }],
  "participant.upsert": [2, {
    participant: need(1, text),
    name: may(2, text),
    addresses: may(3, list(text)),
    extra: may(4, value)
  }],
  "chat.upsert": [3, { title: may(1, text), type: may(2, name), folder: may(3, byteName), extra: may(4, value) }],
  "chat.members": [4, { members: need(1, list(name)) }],
  "chat.removed": [5, { folder: may(1, byteName) }],
  "message.added": [6, { message: need(1, message) }],
  "message.edited": [7, { message: need(1, message), origin: may(2, size) }],
  "message.removed": [8, { ...about, scope: need(3, scope), by: may(4, name), when: may(5, millis) }],
  "message.restored": [9, mutable],
  "message.flags": [10, mutable],
  "reaction.added": [11, reaction],
  "reaction.removed": [12, reaction],
  "reaction.snapshot": [13, { ...about, reactions: need(3, value) }],
  "receipt.changed": [14, { ...about, receipt: need(3, name), by: may(4, name), when: may(5, millis) }],
  "poll.vote": [15, { ...about, author: need(3, name), vote: need(4, value) }],
  "attachment.seen": [16, { ...about, attachment: need(3, attachment) }],
  "attachment.content": [17, { ...about, attachment: need(3, text), content: need(4, content) }],
  "attachment.missing": [18, { ...about, attachment: need(3, text), reason: need(4, name) }],
  "file.upsert": [19, { path: need(1, byteName), mtimeNs: need(2, int64), content: need(3, content) }],
  "file.removed": [20, { path: need(1, byteName) }],
  "source.checkpoint": [21, { counts: need(1, value), cursor: may(2, bytes) }],
  "source.gap": [22, { subject: need(1, text), reason: need(2, text), closed: may(3, flag) }],
  "source.schema": [23, { store: need(1, text), version: need(2, text), extra: may(3, value) }],
  "witness": [24, { ...head, target: may(4, text) }],
  "keys.changed": [25, {
    epoch: need(1, size),
    slots: need(2, list(digest)),
    heads: need(3, list(struct<Head>(head)))
  }],
  "log.continues": [26, head],
  "log.replaces": [27, head]
}

export interface KindTable {
  readonly kind: Event.Kind
  readonly wire: number
  readonly struct: Struct
}

const compiled = (Object.keys(tables) as Array<Event.Kind>).map((kind): KindTable => {
  const [wire, fields] = tables[kind]
  return { kind, wire, struct: compile(fields as AnyFields) }
})

export const byKind: ReadonlyMap<string, KindTable> = new Map(compiled.map((table) => [table.kind, table]))

/** By number; a hole where there is none. */
export const byWire: ReadonlyArray<KindTable | undefined> = Array.from(
  { length: 256 },
  (_, wire) => compiled.find((table) => table.wire === wire)
)
