/** The forms of which everything is made: each value has one, and a reader takes no other. */
import { assert, describe, it } from "@effect/vitest"
import { ByteReader, ByteWriter, parse } from "@sealog/core/format/Binary"
import { FormatError } from "@sealog/core/format/FormatError"
import { Either } from "effect"
import * as fc from "fast-check"
import { bytesOf } from "../Corpora.ts"

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

  it("lets go of no error that is not its own", () => {
    assert.throws(() =>
      parse(new Uint8Array(0), "test", () => {
        throw new RangeError("mine")
      }), RangeError)
    assert.throws(() => new ByteReader(new Uint8Array(0), "test").u8(), FormatError)
  })
})
