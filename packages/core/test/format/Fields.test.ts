/** Structures as numbered fields: their order, what may be absent, and the limits of what is in them. */
import { assert, describe, it } from "@effect/vitest"
import { EventReader, EventWriter } from "@sealog/core/format/EventBytes"
import { decodeEvent, encodeEvent } from "@sealog/core/format/EventCodec"
import * as Fields from "@sealog/core/format/Fields"
import { FormatError } from "@sealog/core/format/FormatError"
import { BLOB_PART_BYTES, INLINE_CONTENT_BYTES, LIST_ENTRIES } from "@sealog/core/format/Limits"
import type { Content, Event } from "@sealog/core/message/Event"
import { bytesOf, hexOf } from "../Corpora.ts"

const writer = new EventWriter()

const written = <A>(codec: Fields.Codec<A>, value: A): string => {
  writer.start("test")
  codec.write(writer, value)
  return hexOf(writer.finish())
}

const read = <A>(codec: Fields.Codec<A>, hex: string): A => {
  const reader = new EventReader(bytesOf(hex), "test")
  const value = codec.read(reader)
  reader.end()
  return value
}

const reasonOf = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof FormatError) return error.reason
    throw error
  }
  return "ok"
}

describe("a structure", () => {
  interface Shape {
    readonly last: number
    readonly first: number
    readonly maybe?: number
    readonly perhaps?: number
  }
  // Not in the order of their numbers, on purpose.
  const shape = Fields.struct<Shape>({
    last: Fields.need(9, Fields.size),
    first: Fields.need(2, Fields.size),
    maybe: Fields.may(5, Fields.size),
    perhaps: Fields.may(200, Fields.size)
  })

  it("has its fields in the order of their numbers, absent ones left out, and a zero", () => {
    const forms: ReadonlyArray<readonly [Shape, string]> = [
      [{ last: 8, first: 1 }, "0201090800"],
      [{ maybe: 3, last: 8, first: 1 }, "02010503090800"],
      [{ perhaps: 4, last: 8, first: 1 }, "02010908c80400"],
      [{ perhaps: 4, maybe: 0, last: 8, first: 1 }, "020105000908c80400"]
    ]
    for (const [value, hex] of forms) {
      assert.strictEqual(written(shape, value), hex)
      assert.deepStrictEqual(read(shape, hex), value)
    }
  })

  it("is not written without what it needs", () => {
    assert.strictEqual(reasonOf(() => written(shape, { first: 1 } as Shape)), "Malformed")
    assert.strictEqual(reasonOf(() => written(shape, { last: 1 } as Shape)), "Malformed")
    assert.strictEqual(reasonOf(() => written(shape, { maybe: 1 } as Shape)), "Malformed")
  })

  it("is not read in another order, twice over, or without what it needs", () => {
    const refused: ReadonlyArray<readonly [string, string]> = [
      ["00", "Malformed"],
      ["020100", "Malformed"],
      ["090800", "Malformed"],
      ["0201050300", "Malformed"],
      ["0201c80400", "Malformed"],
      ["0908020100", "Malformed"],
      ["02010201090800", "Malformed"],
      ["02010908050300", "Malformed"],
      ["0201090800ff", "Malformed"],
      ["02010908", "Truncated"],
      ["0201030109080000", "Unknown"],
      ["02010908ff0000", "Unknown"]
    ]
    for (const [hex, reason] of refused) assert.strictEqual(reasonOf(() => read(shape, hex)), reason, hex)
  })
})

describe("a field", () => {
  it("of one of some words is a number, and no other number or word", () => {
    const choice = Fields.choice<"up" | "down">({ up: 1, down: 3 })
    assert.deepStrictEqual([written(choice, "up"), written(choice, "down")], ["01", "03"])
    assert.deepStrictEqual([read(choice, "01"), read(choice, "03")], ["up", "down"])
    for (const hex of ["00", "02", "04", "ff"]) assert.strictEqual(reasonOf(() => read(choice, hex)), "Unknown")
    assert.strictEqual(reasonOf(() => written(choice, "left" as "up")), "Malformed")
  })

  it("that is true or not is 1 or 0", () => {
    assert.deepStrictEqual([written(Fields.flag, true), written(Fields.flag, false)], ["01", "00"])
    assert.deepStrictEqual([read(Fields.flag, "01"), read(Fields.flag, "00")], [true, false])
    assert.strictEqual(reasonOf(() => read(Fields.flag, "02")), "Malformed")
  })

  it("that is a list has as many entries as it says, and not too many", () => {
    const list = Fields.list(Fields.flag)
    assert.strictEqual(written(list, [true, false]), "020100")
    assert.deepStrictEqual(read(list, "020100"), [true, false])
    const longest = Array.from({ length: LIST_ENTRIES }, () => false)
    assert.lengthOf(read(list, written(list, longest)), LIST_ENTRIES)
    assert.strictEqual(reasonOf(() => written(list, [...longest, true])), "Limit")
    assert.strictEqual(reasonOf(() => read(list, "818004")), "Limit")
    assert.strictEqual(reasonOf(() => read(list, "808004")), "Truncated")
  })

  it("that is a set of words is sorted by their bytes, each once, however it comes", () => {
    const sorted = ["", "a", "b", "\uffff", "\u{1f512}"]
    const hex = "05000161016203efbfbf04f09f9492"
    for (
      const words of [sorted, sorted.toReversed(), [...sorted, ...sorted], ["b", "a", "", "\u{1f512}", "\uffff", "b"]]
    ) {
      assert.strictEqual(written(Fields.words, words), hex)
    }
    assert.deepStrictEqual(read(Fields.words, hex), sorted)
    assert.strictEqual(written(Fields.words, ["a", "a"]), "010161")
    for (const other of ["0201620161", "0201610161", "020000", "0204f09f949203efbfbf"]) {
      assert.strictEqual(reasonOf(() => read(Fields.words, other)), "Malformed", other)
    }
    assert.strictEqual(written(Fields.words, Array.from({ length: LIST_ENTRIES }, () => "a")), "010161")
    assert.strictEqual(
      reasonOf(() => written(Fields.words, Array.from({ length: LIST_ENTRIES + 1 }, () => "a"))),
      "Limit"
    )
    assert.strictEqual(reasonOf(() => read(Fields.words, "818004")), "Limit")
    assert.strictEqual(reasonOf(() => read(Fields.words, "808004")), "Truncated")
  })
})

describe("a content", () => {
  const event = (content: Content): Event => ({
    kind: "file.upsert",
    recordedAt: 0,
    source: "s",
    conversation: "",
    path: "p",
    mtimeNs: 1,
    content
  })
  const reason = (content: Content) =>
    reasonOf(() => assert.deepStrictEqual(decodeEvent(encodeEvent(event(content))), event(content)))
  const digest = new Uint8Array(32).fill(1)
  const at = { sha256: digest, writer: new Uint8Array(8).fill(2) }
  const blob = (size: number, ...sizes: ReadonlyArray<number>): Content => ({
    _tag: "blob",
    ...at,
    size,
    epoch: 3,
    parts: sizes.map((part) => ({ sha256: digest, size: part }))
  })

  it("in an event is shorter than what goes into blobs, read and written", () => {
    const inline = (length: number): Content => ({ _tag: "inline", bytes: new Uint8Array(length) })
    assert.strictEqual(reason(inline(INLINE_CONTENT_BYTES - 1)), "ok")
    assert.strictEqual(reason(inline(INLINE_CONTENT_BYTES)), "Limit")
    const longest = encodeEvent(event(inline(INLINE_CONTENT_BYTES - 1)))
    // The length is the three bytes before the content, which ends with the field's and the event's last byte.
    const from = longest.length - 1 - (INLINE_CONTENT_BYTES - 1) - 3
    assert.strictEqual(hexOf(longest.subarray(from, from + 3)), "ffff07")
    const longer = Buffer.concat([
      longest.subarray(0, from),
      bytesOf("808008"),
      longest.subarray(from + 3),
      bytesOf("00")
    ])
    assert.strictEqual(reasonOf(() => decodeEvent(longer)), "Limit")
  })

  it("in blobs is made of parts that are no longer than they may be, and of all of them", () => {
    assert.strictEqual(reason(blob(0)), "ok")
    assert.strictEqual(reason(blob(1)), "Malformed")
    assert.strictEqual(reason(blob(BLOB_PART_BYTES + 5, BLOB_PART_BYTES, 5)), "ok")
    assert.strictEqual(reason(blob(BLOB_PART_BYTES + 5, BLOB_PART_BYTES + 1, 4)), "Malformed")
    assert.strictEqual(reason(blob(BLOB_PART_BYTES + 4, BLOB_PART_BYTES, 5)), "Malformed")
    assert.strictEqual(reason(blob(4, 5, -1)), "Malformed")
    assert.strictEqual(reasonOf(() => encodeEvent(event(blob(1)))), "Malformed")
    const bytes = encodeEvent(event(blob(9, 5, 4)))
    assert.strictEqual(reasonOf(() => decodeEvent(bytes.with(bytes.length - 2, 5))), "Malformed")
  })

  it("is of the same bytes as another, wherever that stands", () => {
    assert.strictEqual(reason({ _tag: "same", ...at, size: 7, index: 2 ** 48 - 2 }), "ok")
    assert.strictEqual(reason({ _tag: "same", ...at, size: 7, index: -1 }), "Malformed")
    assert.strictEqual(reason({ _tag: "same", ...at, writer: digest, size: 7, index: 1 }), "Malformed")
  })

  it("has one of three forms", () => {
    const bytes = encodeEvent(event({ _tag: "inline", bytes: Uint8Array.of(7) }))
    assert.strictEqual(reasonOf(() => decodeEvent(bytes.with(bytes.length - 4, 4))), "Unknown")
  })
})
