/** The forms of which everything is made: each value has one, and a reader takes no other. */
import { assert, describe, it } from "@effect/vitest"
import { ByteReader, ByteWriter, parse } from "@sealog/core/format/Binary"
import { FormatError } from "@sealog/core/format/FormatError"
import { Either } from "effect"
import * as fc from "fast-check"
import { bytesOf, hexOf } from "../Corpora.ts"

const refusal = (hex: string, read: (reader: ByteReader) => unknown) =>
  Either.match(parse(bytesOf(hex), "test", read), { onLeft: ({ reason }) => reason, onRight: () => "read" })

describe("Binary", () => {
  it("reads back whatever it writes", () => {
    const number = fc.oneof(fc.nat(300), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }))
    fc.assert(
      fc.property(
        number,
        fc.integer({ min: -8.64e15, max: 8.64e15 }),
        fc.string({ unit: "binary" }),
        fc.uint8Array(),
        (count, millis, text, bytes) => {
          const written = new ByteWriter(1)
            .varint(count).millis(millis).text(text).bytes(bytes).u8(255).u16(65_535).u32(2 ** 32 - 1).u48(2 ** 48 - 1)
            .zeros(3).finish()
          const read = parse(written, "test", (reader) => [
            reader.varint(),
            reader.millis(),
            reader.text(1000),
            reader.bytes(1000),
            reader.u8(),
            reader.u16(),
            reader.u32(),
            reader.u48(),
            reader.zeros(3)
          ])
          assert.deepStrictEqual(
            Either.getOrThrow(read),
            [count, millis, text, bytes, 255, 65_535, 2 ** 32 - 1, 2 ** 48 - 1, undefined]
          )
        }
      ),
      { numRuns: 50 }
    )
  })

  it("takes a number in its shortest form only, up to 2^53 - 1", () => {
    const varint = (reader: ByteReader) => reader.varint()
    assert.strictEqual(refusal("ffffffffffffff0f", varint), "read")
    assert.strictEqual(refusal("8000", varint), "Malformed")
    assert.strictEqual(refusal("ffffffffffffff1f", varint), "Limit")
    assert.strictEqual(refusal("ffffffffffffffff0f", varint), "Limit")
    assert.strictEqual(refusal("80", varint), "Truncated")
    assert.strictEqual(refusal("ff".repeat(8), varint), "Limit")
    assert.strictEqual(refusal("", varint), "Truncated")
  })

  it("refuses what is not UTF-8, not zero, too long or left over", () => {
    assert.strictEqual(refusal("02c328", (reader) => reader.text(9)), "Malformed")
    assert.strictEqual(refusal("03efbfbd", (reader) => reader.text(9)), "read")
    assert.strictEqual(refusal("03eda080", (reader) => reader.text(9)), "Malformed")
    assert.strictEqual(refusal("0003", (reader) => reader.zeros(2)), "Malformed")
    assert.strictEqual(refusal("0a", (reader) => reader.bytes(9)), "Limit")
    assert.strictEqual(refusal("09", (reader) => reader.bytes(9)), "Truncated")
    assert.strictEqual(refusal("0000", (reader) => reader.u8()), "Malformed")
    assert.strictEqual(refusal("7fffffffffffffff", (reader) => reader.millis()), "Limit")
  })

  it("reads a part as a whole of its own: not one byte more, and all of it", () => {
    const two = (reader: ByteReader) => reader.part(2, (part) => [part.remaining, part.u8(), part.u8()])
    assert.strictEqual(refusal("010203", (reader) => [two(reader), reader.u8()]), "read")
    assert.strictEqual(refusal("010203", (reader) => reader.part(2, (part) => part.u16() + part.u8())), "Truncated")
    assert.strictEqual(refusal("010203", (reader) => reader.part(2, (part) => part.u8())), "Malformed")
    assert.strictEqual(refusal("01", two), "Truncated")
    assert.deepStrictEqual(Either.getOrThrow(parse(bytesOf("0102"), "test", two)), [2, 1, 2])
  })

  it("tells where it stands, and what is left", () => {
    const writer = new ByteWriter()
    assert.strictEqual(writer.u8(1).u16(2).length, 3)
    const reader = new ByteReader(writer.finish(), "test")
    assert.deepStrictEqual([reader.offset, reader.remaining], [0, 3])
    reader.u8()
    assert.deepStrictEqual([reader.offset, reader.remaining], [1, 2])
  })

  it("writes each number in its shortest form, and grows as it must", () => {
    for (let bits = 0; bits < 53; bits++) {
      for (const value of [2 ** bits - 1, 2 ** bits, 2 ** bits + 1]) {
        const bytes: Array<number> = []
        let rest = BigInt(value)
        for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
        const writer = new ByteWriter(0)
        for (let times = 0; times < 3; times++) writer.varint(value)
        const expected = [...bytes, Number(rest)]
        assert.deepStrictEqual([...writer.finish()], [...expected, ...expected, ...expected])
      }
    }
    const pieces: ReadonlyArray<(writer: ByteWriter) => ByteWriter> = [
      (writer) => writer.u8(0xa1),
      (writer) => writer.u16(0xa1a2),
      (writer) => writer.u32(0xa1a2a3a4),
      (writer) => writer.u48(0xa1a2a3a4a5a6),
      (writer) => writer.raw(Uint8Array.of(0xa1, 0xa2, 0xa3)),
      (writer) => writer.bytes(Uint8Array.of(0xa1)),
      (writer) => writer.text("\u00e9!"),
      (writer) => writer.zeros(3),
      (writer) => writer.millis(-2)
    ]
    const forms = ["a1", "a1a2", "a1a2a3a4", "a1a2a3a4a5a6", "a1a2a3", "01a1", "03c3a921", "000000", "fffffffffffffffe"]
    for (const [at, piece] of pieces.entries()) {
      for (let room = 0; room < 12; room++) {
        assert.strictEqual(hexOf(piece(piece(new ByteWriter(room))).finish()), forms[at]!.repeat(2))
      }
    }
  })

  it("counts up to a limit, and reads what is inside of a larger buffer", () => {
    assert.strictEqual(refusal("05", (reader) => reader.count(5)), "read")
    assert.strictEqual(refusal("06", (reader) => reader.count(5)), "Limit")
    assert.strictEqual(refusal("03616263", (reader) => reader.text(3)), "read")
    assert.strictEqual(refusal("03616263", (reader) => reader.text(2)), "Limit")
    assert.strictEqual(refusal("03616263", (reader) => reader.bytes(3)), "read")
    assert.strictEqual(refusal("03616263", (reader) => reader.bytes(2)), "Limit")
    assert.strictEqual(refusal("001fffffffffffff", (reader) => reader.millis()), "read")
    assert.strictEqual(refusal("0020000000000000", (reader) => reader.millis()), "Limit")
    assert.strictEqual(refusal("ffe0000000000000", (reader) => reader.millis()), "Limit")
    assert.strictEqual(refusal("ffe0000000000001", (reader) => reader.millis()), "read")
    const inside = Uint8Array.of(9, 1, 2, 3, 4, 5, 6, 7, 9).subarray(1, 8)
    const read = Either.getOrThrow(parse(inside, "test", (reader) => [reader.u16(), reader.raw(2), reader.raw(3)]))
    assert.deepStrictEqual(read, [0x0102, Uint8Array.of(3, 4), Uint8Array.of(5, 6, 7)])
  })

  it("lets go of no error that is not its own", () => {
    assert.throws(() =>
      parse(new Uint8Array(0), "test", () => {
        throw new RangeError("mine")
      }), RangeError)
    assert.throws(() => new ByteReader(new Uint8Array(0), "test").u8(), FormatError)
  })
})
