import { assert, describe, it } from "@effect/vitest"
import { open, openReference, OVERHEAD_BYTES, seal, sealReference } from "@sealog/core/format/Sealed"
import { Redacted } from "effect"
import * as fc from "fast-check"
import { createCipheriv, createDecipheriv } from "node:crypto"
import { bytesOf, haveCorpora, hexOf, readCorpusJson, type Wycheproof } from "../Corpora.ts"

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const record = fc.record({
  key: exactly(32).map((bytes) => Redacted.make(bytes)),
  nonce: exactly(24),
  plaintext: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 0, max: 70_000 }).map((n) => new Uint8Array(n))
  ),
  aad: fc.uint8Array({ maxLength: 100 })
})

interface AeadTest {
  readonly key: string
  readonly iv: string
  readonly aad: string
  readonly msg: string
  readonly ct: string
  readonly tag: string
}

const aeadTests = (file: string) =>
  readCorpusJson<Wycheproof<unknown, AeadTest>>(`vectors/wycheproof/${file}`).testGroups.flatMap(({ tests }) => tests)

describe("Sealed", () => {
  /** Verifies: CIPH-1 */
  it("makes the same bytes as the reference, and each opens the other's", () => {
    fc.assert(
      fc.property(record, (options) => {
        const sealed = seal(options)
        assert.strictEqual(Buffer.compare(sealed, sealReference(options)), 0)
        assert.strictEqual(sealed.length, options.plaintext.length + OVERHEAD_BYTES)
        for (const opened of [open({ ...options, sealed }), openReference({ ...options, sealed })]) {
          assert.strictEqual(Buffer.compare(opened!, options.plaintext), 0)
        }
      }),
      { numRuns: 200 }
    )
  })

  /** Verifies: CIPH-2 */
  it.skipIf(!haveCorpora)("agrees with Wycheproof's vectors of XChaCha20-Poly1305", () => {
    let [valid, invalid, otherNonce] = [0, 0, 0]
    for (const test of aeadTests("xchacha20_poly1305_test.json")) {
      const [nonce, aad, plaintext] = [bytesOf(test.iv), bytesOf(test.aad), bytesOf(test.msg)]
      const key = Redacted.make(bytesOf(test.key))
      if (nonce.length !== 24) {
        assert.throws(() => seal({ key, nonce, aad, plaintext }), RangeError)
        otherNonce++
        continue
      }
      const sealed = bytesOf(test.iv + test.ct + test.tag)
      for (const opener of [open, openReference]) {
        const opened = opener({ key, sealed, aad })
        assert.strictEqual(
          opened === undefined ? undefined : hexOf(opened),
          test.result === "valid" ? test.msg : undefined
        )
      }
      if (test.result === "valid") {
        for (const sealer of [seal, sealReference]) {
          assert.strictEqual(hexOf(sealer({ key, nonce, aad, plaintext })), hexOf(sealed))
        }
        valid++
      } else invalid++
    }
    assert.isTrue(valid > 200 && invalid > 30 && otherNonce > 5)
  })

  /** Verifies: CIPH-2 */
  it.skipIf(!haveCorpora)("agrees with noble's own vector of XChaCha20-Poly1305", () => {
    const tests = readCorpusJson<
      ReadonlyArray<{ key: string; nonce: string; aad: string; msg: string; result: string }>
    >(
      "vectors/noble/stablelib_xchacha20poly1305.json"
    )
    assert.isNotEmpty(tests)
    for (const test of tests) {
      const options = { nonce: bytesOf(test.nonce), aad: bytesOf(test.aad), plaintext: bytesOf(test.msg) }
      assert.strictEqual(hexOf(seal({ key: Redacted.make(bytesOf(test.key)), ...options })), test.nonce + test.result)
    }
  })

  /** Verifies: CIPH-2 */
  it.skipIf(!haveCorpora)("stands on a native ChaCha20-Poly1305 that agrees with Wycheproof's vectors", () => {
    let [valid, invalid] = [0, 0]
    for (const test of aeadTests("chacha20_poly1305_test.json")) {
      if (test.iv.length !== 24) continue
      const decipher = createDecipheriv("chacha20-poly1305", bytesOf(test.key), bytesOf(test.iv), { authTagLength: 16 })
      decipher.setAAD(bytesOf(test.aad), { plaintextLength: 0 }).setAuthTag(bytesOf(test.tag))
      const opened = decipher.update(bytesOf(test.ct)).toString("hex")
      if (test.result === "valid") {
        decipher.final()
        assert.strictEqual(opened, test.msg)
        const cipher = createCipheriv("chacha20-poly1305", bytesOf(test.key), bytesOf(test.iv), { authTagLength: 16 })
        cipher.setAAD(bytesOf(test.aad), { plaintextLength: 0 })
        const sealed = cipher.update(bytesOf(test.msg)).toString("hex") + cipher.final("hex")
        assert.strictEqual(sealed + cipher.getAuthTag().toString("hex"), test.ct + test.tag)
        valid++
      } else {
        assert.throws(() => decipher.final())
        invalid++
      }
    }
    assert.isTrue(valid > 200 && invalid > 30)
  })

  /** Verifies: CIPH-3 */
  it("opens nothing of which one bit has changed", () => {
    const options = {
      key: Redacted.make(new Uint8Array(32).fill(1)),
      nonce: new Uint8Array(24).fill(2),
      plaintext: new TextEncoder().encode("a record of the journal"),
      aad: new TextEncoder().encode("what it is")
    }
    const sealed = seal(options)
    const flip = (bytes: Uint8Array, bit: number) =>
      bytes.map((byte, at) => at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)
    assert.isDefined(open({ ...options, sealed }))
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      assert.isUndefined(open({ ...options, sealed: flip(sealed, bit) }))
    }
    for (let bit = 0; bit < options.aad.length * 8; bit++) {
      assert.isUndefined(open({ ...options, sealed, aad: flip(options.aad, bit) }))
    }
    for (let bit = 0; bit < 256; bit++) {
      assert.isUndefined(open({ ...options, sealed, key: Redacted.make(flip(Redacted.value(options.key), bit)) }))
    }
    for (let length = 0; length < sealed.length; length++) {
      assert.isUndefined(open({ ...options, sealed: sealed.subarray(0, length) }))
    }
  })

  it("takes a nonce of its own length only", () => {
    const options = { key: Redacted.make(new Uint8Array(32)), plaintext: Uint8Array.of(1), aad: new Uint8Array(0) }
    for (const length of [0, 16, 23, 25, 32]) {
      assert.throws(() => seal({ ...options, nonce: new Uint8Array(length) }), RangeError)
    }
    assert.lengthOf(seal({ ...options, nonce: new Uint8Array(24) }), 1 + OVERHEAD_BYTES)
  })

  it("opens what is a view into a larger buffer, at any offset", () => {
    const options = {
      key: Redacted.make(new Uint8Array(33).fill(5).subarray(1)),
      aad: Uint8Array.of(1),
      plaintext: Uint8Array.of(1, 2, 3)
    }
    const nonce = new Uint8Array(30).map((_, index) => index).subarray(3, 27)
    const sealed = seal({ ...options, nonce })
    assert.strictEqual(hexOf(sealed), hexOf(sealReference({ ...options, nonce })))
    const shifted = new Uint8Array(sealed.length + 1)
    shifted.set(sealed, 1)
    assert.deepStrictEqual(open({ ...options, sealed: shifted.subarray(1) }), options.plaintext)
  })
})
