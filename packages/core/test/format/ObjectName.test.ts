import { assert, describe, it } from "@effect/vitest"
import { aessiv } from "@noble/ciphers/aes.js"
import * as Limits from "@sealog/core/format/Limits"
import {
  blobName,
  decodeBase32,
  encodeBase32,
  epochOf,
  isObjectName,
  parseSegmentName,
  type SegmentName,
  segmentName,
  slotName
} from "@sealog/core/format/ObjectName"
import { makeKeyRing } from "@sealog/core/keys/KeyRing"
import { Either, Redacted } from "effect"
import * as fc from "fast-check"
import { createHmac } from "node:crypto"
import { bytesOf, haveCorpora, hexOf, readCorpusJson, type Wycheproof } from "../Corpora.ts"

const vault = (fill: number, ...epochs: ReadonlyArray<number>) =>
  makeKeyRing({
    vaultId: new Uint8Array(32).fill(fill),
    epochs: new Map(epochs.map((epoch) => [epoch, Redacted.make(new Uint8Array(32).fill(epoch + 1))]))
  })
const ring = vault(1, 0, 1)
const some: SegmentName = {
  epoch: 1,
  writer: new Uint8Array(8).fill(5),
  level: 2,
  first: 640,
  last: 703,
  session: new Uint8Array(4).fill(6)
}
const reasonOf = (name: string, under = ring) => {
  const parsed = parseSegmentName(under, name)
  return Either.isLeft(parsed) ? parsed.left.reason : "parsed"
}

const exactly = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const index = fc.oneof(fc.integer({ min: 0, max: 100 }), fc.maxSafeInteger().map((n) => Math.abs(n) % 2 ** 48))
const segment = fc.record({
  epoch: fc.constantFrom(0, 1),
  writer: exactly(8),
  level: fc.integer({ min: 0, max: 255 }),
  range: fc.tuple(index, index).map(([a, b]) => [Math.min(a, b), Math.min(Math.max(a, b), Limits.LOG_EVENTS)] as const),
  session: exactly(4)
}).map(({ range: [first, last], ...rest }) => ({ ...rest, first: Math.min(first, last), last }))

describe("ObjectName", () => {
  /** Verifies: CIPH-9 */
  it("says back what went into a segment's name, in 70 letters that any file system keeps", () => {
    fc.assert(fc.property(segment, (given) => {
      const name = segmentName(ring, given)
      assert.match(name, /^log\/[a-z2-7]{70}$/)
      assert.isTrue(isObjectName(name))
      assert.isAtMost(name.length - 4, Limits.NAME_CHARS)
      assert.strictEqual(epochOf(name), given.epoch)
      assert.deepStrictEqual(Either.getOrThrow(parseSegmentName(ring, name)), given)
      assert.strictEqual(segmentName(ring, given), name)
    }))
  })

  /** Verifies: CIPH-9 */
  it("tells nobody without the key anything but the epoch", () => {
    const next = { ...some, first: some.last + 1, last: some.last + 64 }
    const [a, b] = [segmentName(ring, some), segmentName(ring, next)]
    assert.strictEqual(a.slice(0, 8), "log/aaab")
    assert.strictEqual(b.slice(0, 8), "log/aaab")
    const alike = [...a].filter((letter, at) => letter === b[at]).length
    assert.isBelow(alike, 25)
  })

  /** Verifies: CIPH-10 */
  it("takes no letter changed for a name of ours", () => {
    const name = segmentName(ring, some)
    const letters = "abcdefghijklmnopqrstuvwxyz234567"
    for (let at = 4; at < name.length; at++) {
      for (const letter of letters) {
        if (letter === name[at]) continue
        const reason = reasonOf(name.slice(0, at) + letter + name.slice(at + 1))
        assert.notStrictEqual(reason, "parsed", `${at} ${letter}`)
      }
    }
  })

  /** Verifies: CIPH-10 */
  it("tells what is foreign, what is under a newer key, and what nobody with the key made", () => {
    const name = segmentName(ring, some)
    const foreign = [
      "log/.DS_Store",
      "log/",
      "log/x 2",
      `${name} 2`,
      `${name}a`,
      name.slice(0, -1),
      name.toUpperCase(),
      name.replace("log/", "logs/"),
      name.replace("log/", ""),
      `log/../${name}`,
      `${name}\n`,
      blobName(ring, { epoch: 1, writer: some.writer, sha256: new Uint8Array(32) }),
      `${name.slice(0, -1)}${"b"}`
    ]
    for (const other of foreign) assert.strictEqual(reasonOf(other), "Foreign", JSON.stringify(other))
    const problem = Either.getOrThrow(Either.flip(parseSegmentName(ring, "log/x")))
    assert.deepInclude(problem, { _tag: "NameProblem", name: "log/x" })
    const newer = segmentName(vault(1, 0, 1, 2), { ...some, epoch: 2 })
    assert.strictEqual(reasonOf(newer), "NewerEpoch")
    assert.strictEqual(reasonOf(name, vault(2, 0, 1)), "Unauthentic")
    assert.strictEqual(reasonOf(name, vault(1, 2, 3)), "Unauthentic")
    assert.strictEqual(reasonOf(`log/aaaa${name.slice(8)}`), "Unauthentic")
    assert.strictEqual(reasonOf(name), "parsed")
  })

  it("refuses to name what no segment is", () => {
    const bad: ReadonlyArray<Partial<SegmentName>> = [
      { first: 10, last: 9 },
      { first: -1 },
      { last: 2 ** 48 },
      { level: 256 },
      { level: -1 },
      { epoch: 7 },
      { writer: new Uint8Array(7) },
      { session: new Uint8Array(5) }
    ]
    for (const part of bad) assert.throws(() => segmentName(ring, { ...some, ...part }), RangeError)
    const good: ReadonlyArray<Partial<SegmentName>> = [
      { first: 0, last: 0 },
      { last: Limits.LOG_EVENTS },
      { level: 0 },
      { level: 255 }
    ]
    for (const part of good) assert.strictEqual(reasonOf(segmentName(ring, { ...some, ...part })), "parsed")
  })

  /** Verifies: CIPH-10 */
  it("does not take an authentic name that covers no range", () => {
    const forged = (first: number, last: number) => {
      const plain = Buffer.alloc(25)
      plain.writeUIntBE(first, 9, 6)
      plain.writeUIntBE(last, 15, 6)
      const sealed = aessiv(Redacted.value(ring.key(1, "name")!), Uint8Array.of(1, ...ring.vaultId)).encrypt(plain)
      return `log/aaab${encodeBase32(sealed)}`
    }
    assert.strictEqual(reasonOf(forged(3, 3)), "parsed")
    assert.strictEqual(reasonOf(forged(4, 3)), "Unauthentic")
  })

  /** Verifies: CIPH-9 */
  it("names a blob by its bytes and its writer, under a key", () => {
    const blob = { epoch: 1, writer: some.writer, sha256: new Uint8Array(32).fill(8) }
    const name = blobName(ring, blob)
    const mac = createHmac("sha256", Redacted.value(ring.key(1, "blob-id")!)).update(blob.writer).update(blob.sha256)
    assert.strictEqual(name, `blobs/aaab${encodeBase32(mac.digest())}`)
    assert.match(name, /^blobs\/[a-z2-7]{56}$/)
    assert.isTrue(isObjectName(name))
    assert.strictEqual(epochOf(name), 1)
    const others = [
      blobName(ring, { ...blob, epoch: 0 }),
      blobName(ring, { ...blob, writer: new Uint8Array(8) }),
      blobName(ring, { ...blob, sha256: new Uint8Array(32) }),
      blobName(vault(2, 1), blob)
    ]
    assert.strictEqual(new Set([name, ...others]).size, 5)
    assert.throws(() => blobName(ring, { ...blob, epoch: 9 }), RangeError)
    assert.throws(() => blobName(ring, { ...blob, writer: new Uint8Array(9) }), RangeError)
    assert.throws(() => blobName(ring, { ...blob, sha256: new Uint8Array(31) }), RangeError)
  })

  it("names a slot by its id", () => {
    assert.strictEqual(slotName(new Uint8Array(16)), `slots/${"a".repeat(26)}`)
    assert.isTrue(isObjectName(slotName(new Uint8Array(16).fill(255))))
    assert.throws(() => slotName(new Uint8Array(15)), RangeError)
  })

  it("knows the names that a vault can have", () => {
    assert.isTrue(isObjectName("sealog.json"))
    for (const name of ["", "sealog.jsonx", "log/a", "log", "slots/AAAA", "__proto__", "blobs/../x", "log/a/b"]) {
      assert.isFalse(isObjectName(name), name)
      assert.isUndefined(epochOf(name))
    }
  })

  it("writes the highest epoch that four letters can say, and no higher", () => {
    const highest = 2 ** 20 - 1
    const late = makeKeyRing({
      vaultId: ring.vaultId,
      epochs: new Map([[highest, Redacted.make(new Uint8Array(32))], [highest + 1, Redacted.make(new Uint8Array(32))]])
    })
    const name = segmentName(late, { ...some, epoch: highest })
    assert.strictEqual(name.slice(0, 8), "log/7777")
    assert.strictEqual(epochOf(name), highest)
    assert.strictEqual(epochOf(name.replace("7777", "bcde")), ((1 * 32 + 2) * 32 + 3) * 32 + 4)
    const half = makeKeyRing({ vaultId: ring.vaultId, epochs: new Map([[0.5, Redacted.make(new Uint8Array(32))]]) })
    assert.throws(() => segmentName(half, { ...some, epoch: 0.5 }), RangeError)
    assert.throws(() => segmentName(late, { ...some, epoch: highest + 1 }), RangeError)
  })

  it("writes base32 as RFC 4648 does, and reads only the one text for the bytes", () => {
    const vectors = [["", ""], ["f", "my"], ["fo", "mzxq"], ["foo", "mzxw6"], ["foob", "mzxw6yq"], [
      "fooba",
      "mzxw6ytb"
    ]]
    for (const [bytes, text] of vectors) {
      assert.strictEqual(encodeBase32(new TextEncoder().encode(bytes)), text)
      assert.deepStrictEqual(decodeBase32(text!), new TextEncoder().encode(bytes))
    }
    for (const text of ["a", "mz", "mzx", "MY", "m1", "my======", "mzxw6y", "m y"]) {
      assert.isUndefined(decodeBase32(text), text)
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      assert.deepStrictEqual(decodeBase32(encodeBase32(bytes)), bytes)
    }))
  })

  /** Verifies: CIPH-2 */
  it.skipIf(!haveCorpora)("stands on an AES-SIV that agrees with Wycheproof's vectors", () => {
    const { testGroups } = readCorpusJson<
      Wycheproof<{ keySize: number }, Record<"key" | "iv" | "aad" | "msg" | "ct" | "tag", string>>
    >("vectors/wycheproof/aead_aes_siv_cmac_test.json")
    let seen = 0
    for (const { keySize, tests } of testGroups) {
      if (keySize !== 512) continue
      for (const test of tests) {
        const cipher = aessiv(bytesOf(test.key), bytesOf(test.aad), bytesOf(test.iv))
        const sealed = bytesOf(test.tag + test.ct)
        if (test.result === "valid") {
          assert.strictEqual(hexOf(cipher.encrypt(bytesOf(test.msg))), hexOf(sealed))
          assert.strictEqual(hexOf(cipher.decrypt(sealed)), test.msg)
        } else assert.throws(() => cipher.decrypt(sealed))
        seen++
      }
    }
    assert.isAbove(seen, 200)
  })
})
