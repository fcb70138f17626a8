/** A part of a long content, there and back, at a size that tells little. */
import { assert, describe, it } from "@effect/vitest"
import { decodeBlob, encodeBlob, splitParts } from "@sealog/core/format/Blob"
import { BLOB_PART_BYTES } from "@sealog/core/format/Limits"
import { padme } from "@sealog/core/format/Padme"
import { sealedLength } from "@sealog/core/format/SealedStream"
import { Either } from "effect"
import * as fc from "fast-check"

const reasonOf = (plaintext: Uint8Array) =>
  Either.match(decodeBlob(plaintext), { onLeft: ({ reason }) => reason, onRight: () => "read" })

describe("Blob", () => {
  /** Verifies: FMT-6 */
  it("brings back its bytes, and is sealed to a Padmé size", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 9000 }), (bytes) => {
      const plaintext = encodeBlob(bytes)
      const sealed = sealedLength(plaintext.length)
      assert.strictEqual(padme(sealed), sealed)
      assert.deepStrictEqual(Either.getOrThrow(decodeBlob(plaintext)), bytes)
    }))
  })

  it("takes a part of full length, and none longer", () => {
    const bytes = new Uint8Array(BLOB_PART_BYTES).fill(7)
    assert.strictEqual(Buffer.compare(Either.getOrThrow(decodeBlob(encodeBlob(bytes))), bytes), 0)
    assert.throws(() => encodeBlob(new Uint8Array(BLOB_PART_BYTES + 1)), /over its limit/)
  })

  it("refuses other padding, a length past the end, and one over the limit", () => {
    const plaintext = encodeBlob(Uint8Array.of(1, 2, 3))
    assert.strictEqual(reasonOf(plaintext.with(plaintext.length - 1, 1)), "Malformed")
    assert.strictEqual(reasonOf(plaintext.with(2, 255)), "Truncated")
    assert.strictEqual(reasonOf(plaintext.with(0, 255)), "Limit")
    assert.strictEqual(reasonOf(plaintext.subarray(0, 3)), "Truncated")
  })

  it("splits a content into full parts and a shorter last one", () => {
    const content = new Uint8Array(2 * BLOB_PART_BYTES + 5)
    assert.deepStrictEqual(splitParts(content).map((part) => part.length), [BLOB_PART_BYTES, BLOB_PART_BYTES, 5])
    assert.deepStrictEqual(splitParts(content.subarray(0, BLOB_PART_BYTES)).length, 1)
    assert.deepStrictEqual(splitParts(new Uint8Array(0)), [])
  })
})
