/** A head on paper: the words that `docs/format.md`, on heads, makes of it, read back however people write them. */
import { assert, describe, it } from "@effect/vitest"
import { wordlist } from "@scure/bip39/wordlists/english.js"
import { fingerprintOf, formatFingerprint, parseFingerprint } from "@sealog/core/log/Fingerprint"
import * as fc from "fast-check"
import { createHash } from "node:crypto"

const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const log = fc.record({
  vaultId: bytes32,
  epoch: fc.nat(),
  writer: fc.uint8Array({ minLength: 8, maxLength: 8 }),
  head: fc.record({ size: fc.nat({ max: 2 ** 48 - 1 }), root: bytes32 })
})

/** The definition: the first 88 bits of the digest, 11 a word. */
const wordsOf = ({ epoch, head, vaultId, writer }: Parameters<typeof fingerprintOf>[0]): ReadonlyArray<string> => {
  const numbers = Buffer.alloc(10)
  numbers.writeUInt32BE(epoch)
  numbers.writeUIntBE(head.size, 4, 6)
  const digest = createHash("sha256")
    .update("sealog fingerprint").update(vaultId).update(numbers.subarray(0, 4)).update(writer)
    .update(numbers.subarray(4)).update(head.root).digest()
  const bits = [...digest].map((byte) => byte.toString(2).padStart(8, "0")).join("")
  return Array.from({ length: 8 }, (_, word) => wordlist[Number.parseInt(bits.slice(word * 11, word * 11 + 11), 2)]!)
}

describe("Fingerprint", () => {
  it("is the words of its definition, and the size", () => {
    fc.assert(fc.property(log, (given) => {
      assert.deepStrictEqual(fingerprintOf(given), { size: given.head.size, words: wordsOf(given) })
    }))
  })

  it("is read back from what is printed of it, in any case and spacing", () => {
    fc.assert(fc.property(log, fc.constantFrom(" ", "  ", "\n", " \t "), (given, gap) => {
      const fingerprint = fingerprintOf(given)
      const printed = formatFingerprint(fingerprint)
      assert.strictEqual(printed, [fingerprint.size, ...fingerprint.words].join(" "))
      assert.deepStrictEqual(parseFingerprint(printed), fingerprint)
      assert.deepStrictEqual(
        parseFingerprint(`${gap}${printed.toUpperCase().replaceAll(" ", gap)}${gap}`),
        fingerprint
      )
    }))
  })

  it("is nothing else that people may write", () => {
    const words = "abandon ability able about above absent absorb abstract"
    assert.deepStrictEqual(parseFingerprint(`12 ${words}`), { size: 12, words: words.split(" ") })
    const refused = [
      "",
      "12",
      words,
      `12 ${words} absurd`,
      `12 ${words.replace(" abstract", "")}`,
      `12 ${words.replace("able", "abel")}`,
      `12 ${words.replace("abandon", "zzz")}`,
      `-12 ${words}`,
      `12x ${words}`,
      `x ${words}`,
      `1.5 ${words}`,
      `1234567890123456 ${words}`
    ]
    for (const text of refused) assert.isUndefined(parseFingerprint(text), text)
    assert.strictEqual(parseFingerprint(`123456789012345 ${words}`)?.size, 123_456_789_012_345)
  })
})
