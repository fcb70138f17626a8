/** What a size may cost, and that it tells no more than its magnitude. */
import { assert, describe, it } from "@effect/vitest"
import { OBJECT_BYTES, OBJECT_MIN_BYTES } from "@sealog/core/format/Limits"
import { isObjectLength, paddedLength, padme } from "@sealog/core/format/Padme"
import { sealedLength } from "@sealog/core/format/SealedStream"
import * as fc from "fast-check"

const length = fc.oneof(fc.nat(70_000), fc.nat(2 ** 30), fc.integer({ min: 0, max: 2 ** 50 }))
const plaintext = fc.oneof(fc.nat(10_000), fc.nat(300_000), fc.nat(34_000_000))

/** Algorithm 1 of the paper, on bigints. */
const reference = (value: bigint): bigint => {
  const exponent = BigInt(value.toString(2).length - 1)
  const bits = exponent - BigInt(exponent.toString(2).length)
  const mask = (1n << (bits < 0n ? 0n : bits)) - 1n
  return (value + mask) & ~mask
}

describe("Padme", () => {
  it("is the paper's, costs at most 12 percent, and is its own size", () => {
    fc.assert(
      fc.property(length, (value) => {
        const padded = padme(value)
        if (value > 1) assert.strictEqual(BigInt(padded), reference(BigInt(value)))
        assert.isAtLeast(padded, value)
        assert.isAtMost(padded, value * 1.12)
        assert.strictEqual(padme(padded), padded)
      }),
      { numRuns: 1000 }
    )
  })

  it("gives lengths that an object can have: one of which a part is gone almost never has one", () => {
    fc.assert(fc.property(plaintext, (value) => assert.isTrue(isObjectLength(sealedLength(paddedLength(value))))))
    assert.deepStrictEqual([0, 1, 1_024, OBJECT_MIN_BYTES - 1].map(isObjectLength), [false, false, false, false])
    const many = Array.from({ length: 100_000 }, (_, at) => OBJECT_MIN_BYTES + at)
    assert.isBelow(many.filter(isObjectLength).length, 200)
  })

  it("never shrinks where the length grows", () => {
    fc.assert(fc.property(length, fc.nat(5000), (value, more) => {
      assert.isAtLeast(padme(value + more), padme(value))
    }))
    for (let value = 1; value < 5000; value++) assert.isAtLeast(padme(value), padme(value - 1))
  })

  /** Verifies: FMT-6 */
  it("gives every object a Padmé size of at least 4 KiB, and hardly more than its content needs", () => {
    fc.assert(
      fc.property(plaintext, (value) => {
        const padded = paddedLength(value)
        const sealed = sealedLength(padded)
        assert.isAtLeast(padded, value)
        assert.isAtLeast(sealed, OBJECT_MIN_BYTES)
        assert.strictEqual(padme(sealed), sealed)
        if (sealed > OBJECT_MIN_BYTES) assert.isAtMost(sealed, sealedLength(value) * 1.13)
      }),
      { numRuns: 500 }
    )
  })

  it("takes the next size where the tags leave a gap", () => {
    // One chunk more than can be full, by less than its tag: no plaintext is sealed to such a size.
    const before = paddedLength(65_536 * 3 - 5000)
    for (let value = before; value < before + 9000; value += 7) {
      const sealed = sealedLength(paddedLength(value))
      assert.strictEqual(padme(sealed), sealed)
    }
  })

  it("refuses what no reader would open", () => {
    assert.throws(() => paddedLength(41_943_040), /over its limit/)
    const most = OBJECT_BYTES - sealedLength(OBJECT_BYTES) + OBJECT_BYTES
    assert.strictEqual(sealedLength(most), OBJECT_BYTES)
    assert.strictEqual(paddedLength(most), most)
    assert.throws(() => paddedLength(most + 1), /over its limit/)
  })
})
