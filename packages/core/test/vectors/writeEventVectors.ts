/**
 * Made the files in `docs/vectors/events` once, from a seed; they are frozen since, and this stays to show how. It
 * writes only files that are not there.
 */
import { ByteWriter } from "@sealog/core/format/Binary"
import { encodeEvent } from "@sealog/core/format/EventCodec"
import { type Event, kinds } from "@sealog/core/message/Event"
import { EventJson } from "@sealog/core/message/EventJson"
import { Schema } from "effect"
import * as fc from "fast-check"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { eventOf } from "../Arbitraries.ts"

const SEED = 20_261_123
const folder = process.argv[2] ?? "docs/vectors/events"

const write = (name: string, vector: object): void => {
  const path = `${folder}/${name}.json`
  if (!existsSync(path)) writeFileSync(path, `${JSON.stringify(vector, null, 2)}\n`)
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const good = (name: string, comment: string, event: Event): void =>
  write(`ok-${name}`, {
    comment,
    hex: hex(encodeEvent(event)),
    expect: "ok",
    event: Schema.encodeSync(EventJson)(event)
  })

const bad = (expect: string, name: string, comment: string, build: (writer: ByteWriter) => ByteWriter): void =>
  write(`${expect.toLowerCase()}-${name}`, { comment, hex: hex(build(new ByteWriter()).finish()), expect })

/** Version, kind, recordedAt 1, source `s`, conversation `c`. */
const head = (writer: ByteWriter, kind: number): ByteWriter => writer.u8(1).u8(kind).u8(2).text("s").text("c")
/** The same of a `message.added`, and the message up to its key `k`, without type. */
const added = (writer: ByteWriter): ByteWriter => head(writer, 6).u8(1).u8(1).text("k")
/** A `poll.vote` up to its vote: key `k`, author `a`. */
const vote = (writer: ByteWriter): ByteWriter => head(writer, 15).u8(1).text("k").u8(3).text("a").u8(4)
/** A `file.upsert` up to its content. */
const file = (writer: ByteWriter): ByteWriter => head(writer, 19).u8(1).text("p").u8(2).u8(0).u8(3)

mkdirSync(folder, { recursive: true })
for (const kind of kinds) {
  const samples = fc.sample(eventOf(kind), { seed: SEED, numRuns: 12 }) as ReadonlyArray<Event>
  const length = (event: Event): number => encodeEvent(event).length
  const sorted = [...samples].toSorted((left, right) => length(left) - length(right))
  good(`${kind}-least`, `A short ${kind}.`, sorted[0]!)
  good(`${kind}-most`, `A ${kind} with much in it.`, sorted.at(-1)!)
}
good("chat", "A message of a chat, as most are.", {
  kind: "message.added",
  recordedAt: 1_700_000_000_000,
  source: "imessage",
  conversation: "chat-1",
  message: {
    key: "3EB0C767D097B7C9A1B2",
    at: 1_699_999_999_000,
    atQuality: "exact",
    author: "+15550100",
    direction: "in",
    type: "text",
    text: "Bring the keys 🔑",
    flags: ["read"]
  }
})
good("before-1970", "Times before 1970 are negative: zigzag.", {
  kind: "chat.members",
  recordedAt: -1,
  source: "s",
  conversation: "c",
  members: []
})

bad("Truncated", "empty", "No bytes at all.", (writer) => writer)
bad("Unknown", "version", "Version 2.", (writer) => writer.u8(2).u8(4).u8(2).text("s").text("c").u8(1).u8(0).u8(0))
bad("Unknown", "version-0", "Version 0.", (writer) => writer.u8(0).u8(4).u8(2).text("s").text("c").u8(1).u8(0).u8(0))
bad("Unknown", "kind", "Kind 28.", (writer) => head(writer, 28).u8(0))
bad("Unknown", "kind-0", "Kind 0.", (writer) => head(writer, 0).u8(0))
bad("Unknown", "field", "Field 9 of chat.removed.", (writer) => head(writer, 5).u8(9).u8(0))
bad(
  "Unknown",
  "message-field",
  "Field 22 of a message.",
  (writer) => added(writer).u8(6).text("text").u8(22).u8(0).u8(0).u8(0)
)
bad("Unknown", "choice", "Direction 4.", (writer) => added(writer).u8(5).u8(4).u8(6).text("text").u8(0).u8(0))
bad("Unknown", "content", "Content of form 4.", (writer) => file(writer).u8(4).u8(0))
bad("Unknown", "value", "A value of type 9.", (writer) => vote(writer).u8(9).u8(0))
bad("Truncated", "no-end", "The zero after the last field is not there.", (writer) => head(writer, 4).u8(1).u8(0))
bad(
  "Truncated",
  "text",
  "A text longer than what is left.",
  (writer) => writer.u8(1).u8(4).u8(2).u8(5).raw(Uint8Array.of(0x73))
)
bad("Truncated", "list", "A list of more than is left.", (writer) => head(writer, 4).u8(1).u8(3).text("a"))
bad(
  "Truncated",
  "digest",
  "A root of 31 bytes.",
  (writer) => head(writer, 26).u8(1).zeros(8).u8(2).u8(0).u8(3).zeros(31)
)
bad("Malformed", "trailing", "A byte after the end.", (writer) => head(writer, 5).u8(0).u8(0))
bad(
  "Malformed",
  "order",
  "Fields 2 and 1 of chat.upsert.",
  (writer) => head(writer, 3).u8(2).text("x").u8(1).text("y").u8(0)
)
bad("Malformed", "twice", "A field twice.", (writer) => head(writer, 3).u8(1).text("x").u8(1).text("y").u8(0))
bad("Malformed", "missing", "chat.members without members.", (writer) => head(writer, 4).u8(0))
bad("Malformed", "missing-in-message", "A message without a type.", (writer) => added(writer).u8(0).u8(0))
bad(
  "Malformed",
  "missing-before",
  "poll.vote without its author.",
  (writer) => head(writer, 15).u8(1).text("k").u8(4).u8(0).u8(0)
)
bad(
  "Malformed",
  "varint",
  "A length of 1 in two bytes.",
  (writer) => writer.u8(1).u8(5).u8(2).raw(Uint8Array.of(0x81, 0x00, 0x73)).text("c").u8(0)
)
bad(
  "Malformed",
  "int",
  "A time of 1 in two bytes.",
  (writer) => writer.u8(1).u8(5).raw(Uint8Array.of(0x82, 0x00)).text("s").text("c").u8(0)
)
bad(
  "Malformed",
  "boolean",
  "A boolean of 2.",
  (writer) => head(writer, 22).u8(1).text("x").u8(2).text("y").u8(3).u8(2).u8(0)
)
bad(
  "Malformed",
  "utf8",
  "A byte that no UTF-8 has.",
  (writer) => head(writer, 3).u8(1).bytes(Uint8Array.of(0xff)).u8(0)
)
bad(
  "Malformed",
  "utf8-overlong",
  "A slash in two bytes.",
  (writer) => head(writer, 3).u8(1).bytes(Uint8Array.of(0xc0, 0xaf)).u8(0)
)
bad(
  "Malformed",
  "utf8-surrogate",
  "Half a character.",
  (writer) => head(writer, 3).u8(1).bytes(Uint8Array.of(0xed, 0xa0, 0xbd)).u8(0)
)
bad(
  "Malformed",
  "flags-order",
  "Flags b, a.",
  (writer) => head(writer, 10).u8(1).text("k").u8(3).u8(2).text("b").text("a").u8(0)
)
bad(
  "Malformed",
  "flags-twice",
  "Flags a, a.",
  (writer) => head(writer, 10).u8(1).text("k").u8(3).u8(2).text("a").text("a").u8(0)
)
bad(
  "Malformed",
  "map-order",
  "A map of b, a.",
  (writer) => vote(writer).u8(8).u8(2).text("b").u8(0).text("a").u8(0).u8(0)
)
bad(
  "Malformed",
  "map-twice",
  "A map with a key twice.",
  (writer) => vote(writer).u8(8).u8(2).text("a").u8(0).text("a").u8(0).u8(0)
)
bad(
  "Malformed",
  "float-integer",
  "5 as a float64.",
  (writer) => vote(writer).u8(4).raw(Uint8Array.of(0x40, 0x14, 0, 0, 0, 0, 0, 0)).u8(0)
)
bad(
  "Malformed",
  "float-minus-zero",
  "Minus zero.",
  (writer) => vote(writer).u8(4).raw(Uint8Array.of(0x80, 0, 0, 0, 0, 0, 0, 0)).u8(0)
)
bad(
  "Malformed",
  "float-nan",
  "A NaN with a payload.",
  (writer) => vote(writer).u8(4).raw(Uint8Array.of(0x7f, 0xf8, 0, 0, 0, 0, 0, 1)).u8(0)
)
bad(
  "Malformed",
  "blob-size",
  "A part of 1 byte for a content of 2.",
  (writer) => file(writer).u8(3).zeros(32).u8(2).zeros(8).u8(0).u8(1).zeros(32).u8(1).u8(0)
)
bad(
  "Malformed",
  "blob-part",
  "A part of 16 MiB and a byte.",
  (writer) => file(writer).u8(3).zeros(32).varint(16_777_217).zeros(8).u8(0).u8(1).zeros(32).varint(16_777_217).u8(0)
)
bad(
  "Limit",
  "time",
  "A time of 2^53.",
  (writer) =>
    writer.u8(1).u8(5).raw(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20)).text("s").text("c").u8(0)
)
bad(
  "Limit",
  "length",
  "A length of 2^53.",
  (writer) => head(writer, 3).u8(1).raw(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10)).u8(0)
)
bad(
  "Limit",
  "int64",
  "An integer of 65 bits.",
  (writer) => vote(writer).u8(3).raw(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02)).u8(0)
)
bad("Limit", "list", "A list of 65,537.", (writer) => head(writer, 4).u8(1).varint(65_537).u8(0))
bad("Limit", "depth", "33 lists in one another.", (writer) => {
  vote(writer)
  for (let depth = 0; depth < 33; depth++) writer.u8(7).u8(1)
  return writer.u8(0).u8(0)
})
