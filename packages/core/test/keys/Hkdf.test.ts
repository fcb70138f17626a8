import { assert, describe, it } from "@effect/vitest"
import * as Hkdf from "@sealog/core/keys/Hkdf"
import * as Labels from "@sealog/core/keys/Labels"
import * as fc from "fast-check"
import { createHmac } from "node:crypto"
import { bytesOf, haveCorpora, hexOf, readCorpusJson, type Wycheproof } from "../Corpora.ts"

const bytes = (maxLength: number) => fc.uint8Array({ maxLength })

describe("HKDF", () => {
  /** Verifies: KEY-9 */
  it.skipIf(!haveCorpora)("agrees with Wycheproof's vectors", () => {
    const { testGroups } = readCorpusJson<
      Wycheproof<unknown, { ikm: string; salt: string; info: string; size: number; okm: string }>
    >("vectors/wycheproof/hkdf_sha256_test.json")
    let seen = 0
    for (const test of testGroups.flatMap((group) => group.tests)) {
      const run = () => Hkdf.hkdf(bytesOf(test.ikm), bytesOf(test.salt), bytesOf(test.info), test.size)
      if (test.result === "valid") assert.strictEqual(hexOf(run()), test.okm, `${test.tcId}`)
      else assert.throws(run, undefined, undefined, `${test.tcId}`)
      seen++
    }
    assert.isAbove(seen, 80)
  })

  /** Verifies: KEY-9 */
  it.skipIf(!haveCorpora)("stands on an HMAC that agrees with Wycheproof's vectors", () => {
    const { testGroups } = readCorpusJson<
      Wycheproof<{ tagSize: number }, { key: string; msg: string; tag: string }>
    >("vectors/wycheproof/hmac_sha256_test.json")
    let seen = 0
    for (const { tagSize, tests } of testGroups) {
      for (const test of tests) {
        const mac = createHmac("sha256", bytesOf(test.key)).update(bytesOf(test.msg)).digest("hex")
        assert.strictEqual(mac.slice(0, tagSize / 4) === test.tag, test.result === "valid", `${test.tcId}`)
        seen++
      }
    }
    assert.isAbove(seen, 150)
  })

  it("is RFC 5869, step by step", () => {
    const hmac = (key: Uint8Array, ...parts: ReadonlyArray<Uint8Array>) => {
      const mac = createHmac("sha256", key)
      for (const part of parts) mac.update(part)
      return new Uint8Array(mac.digest())
    }
    fc.assert(
      fc.property(bytes(80), bytes(80), bytes(200), fc.integer({ min: 1, max: 200 }), (secret, salt, info, length) => {
        const extracted = hmac(salt, secret)
        let block = new Uint8Array(0)
        const out: Array<number> = []
        for (let counter = 1; out.length < length; counter++) {
          block = hmac(extracted, block, info, Uint8Array.of(counter))
          out.push(...block)
        }
        assert.strictEqual(hexOf(Hkdf.hkdf(secret, salt, info, length)), hexOf(Uint8Array.from(out.slice(0, length))))
      })
    )
  })

  it("keeps a label and its context apart", () => {
    const derive = (label: string, context?: Uint8Array) =>
      hexOf(Hkdf.derive({
        secret: new Uint8Array(32),
        salt: new Uint8Array(32),
        label,
        length: 32,
        ...(context === undefined ? {} : { context })
      }))
    const made = [derive("a"), derive("a", new Uint8Array(0)), derive("ab"), derive("a", Uint8Array.of(0x62))]
    assert.strictEqual(new Set(made).size, made.length)
  })

  /** Verifies: KEY-8 */
  it("has no label twice, and none with a zero in it", () => {
    const labels = [
      ...Object.values(Labels.purposes).map(({ label }) => label),
      Labels.OBJECT,
      Labels.OBJECT_SALT,
      Labels.SLOT,
      Labels.TEST_KDF
    ]
    assert.strictEqual(new Set(labels).size, labels.length)
    for (const label of labels) assert.match(label, /^sealog 20\d\d-[01]\d [\x20-\x7e]+$/)
  })
})
