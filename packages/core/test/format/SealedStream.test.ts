import { assert, describe, it } from "@effect/vitest"
import * as Limits from "@sealog/core/format/Limits"
import {
  HEAD_BYTES,
  layout,
  openChunk,
  openChunks,
  openStream,
  SALT_BYTES,
  sealChunks,
  SEALED_CHUNK_BYTES,
  sealedLength,
  sealStream,
  streamContext
} from "@sealog/core/format/SealedStream"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as Hkdf from "@sealog/core/keys/Hkdf"
import { Effect, Either, Redacted } from "effect"
import * as fc from "fast-check"
import { createHash } from "node:crypto"
import { readdirSync } from "node:fs"
import { inflateSync } from "node:zlib"
import { bytesOf, corpus, haveCorpora, hexOf, readCorpus } from "../Corpora.ts"

const CHUNK = Limits.CHUNK_BYTES
const key = Redacted.make(new Uint8Array(32).fill(1))
const vaultId = new Uint8Array(32).fill(2)
const name = "log/aaaasomesegment"
const context = streamContext({ kind: "segment", vaultId, name })
const random = new Uint8Array(32).fill(3)

const pattern = (length: number) => new Uint8Array(length).map((_, index) => index % 251)
const seal = (plaintext: Uint8Array) => sealStream({ key, context, name, random, plaintext })
const open = (sealed: Uint8Array) => openStream({ key, context, sealed })
const reasonOf = (opened: Either.Either<unknown, { readonly reason: string }>) =>
  Either.isLeft(opened) ? opened.left.reason : "opened"
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const join = (...parts: ReadonlyArray<Uint8Array>) => new Uint8Array(Buffer.concat(parts))

/** Lengths around everything that matters. */
const lengths = [0, 1, 15, 16, 17, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 3 * CHUNK + 5]

describe("SealedStream", () => {
  /** Verifies: CIPH-5 */
  it("opens what was sealed, of any length, and says its length beforehand", () => {
    for (const length of lengths) {
      const plaintext = pattern(length)
      const sealed = seal(plaintext)
      assert.strictEqual(sealed.length, sealedLength(length))
      assert.isTrue(same(Either.getOrThrow(open(sealed)), plaintext), `${length}`)
      assert.strictEqual(Either.getOrThrow(layout(sealed.length)).plaintextLength, length)
    }
  })

  it("tells where each chunk is from the size alone, for every size an object can have", () => {
    const size = fc.integer({ min: 0, max: 5 * CHUNK }).map(sealedLength)
    fc.assert(fc.property(size, (bytes) => {
      const shape = Either.getOrThrow(layout(bytes))
      let [offset, plainOffset] = [HEAD_BYTES, 0]
      for (let index = 0; index < shape.chunks; index++) {
        const chunk = shape.chunk(index)
        assert.deepStrictEqual([chunk.offset, chunk.plainOffset], [offset, plainOffset])
        assert.strictEqual(chunk.final, index === shape.chunks - 1)
        assert.strictEqual(chunk.length, chunk.plainLength + 16)
        offset += chunk.length
        plainOffset += chunk.plainLength
      }
      assert.deepStrictEqual([offset, plainOffset], [bytes, shape.plaintextLength])
      for (const none of [shape.chunks, -1, 0.5, NaN]) assert.throws(() => shape.chunk(none), RangeError)
    }))
  })

  it("refuses every size that no object has", () => {
    for (let size = 0; size < HEAD_BYTES + 16; size++) assert.strictEqual(reasonOf(layout(size)), "Truncated")
    for (const chunks of [1, 2, 3]) {
      for (let extra = 1; extra <= 16; extra++) {
        assert.strictEqual(reasonOf(layout(HEAD_BYTES + chunks * SEALED_CHUNK_BYTES + extra)), "Malformed")
      }
      assert.strictEqual(reasonOf(layout(HEAD_BYTES + chunks * SEALED_CHUNK_BYTES + 17)), "opened")
    }
    assert.strictEqual(reasonOf(layout(Limits.OBJECT_BYTES + 1)), "Limit")
    assert.notStrictEqual(reasonOf(layout(Limits.OBJECT_BYTES)), "Limit")
    assert.throws(() => seal(new Uint8Array(Limits.OBJECT_BYTES - HEAD_BYTES)), RangeError)
    const most = Limits.OBJECT_BYTES - (sealedLength(Limits.OBJECT_BYTES) - Limits.OBJECT_BYTES)
    assert.lengthOf(seal(new Uint8Array(most)), Limits.OBJECT_BYTES)
    assert.throws(() => seal(new Uint8Array(most + 1)), RangeError)
  })

  /** Verifies: CIPH-6 */
  it("refuses an object cut anywhere, and above all between chunks", () => {
    for (const length of [40, 2 * CHUNK, 2 * CHUNK + 100]) {
      const sealed = seal(pattern(length))
      const boundaries = [0, 1, 2, 3].map((chunk) => HEAD_BYTES + chunk * SEALED_CHUNK_BYTES)
      const cuts = [0, 31, 32, 63, 64, ...boundaries.flatMap((at) => [at - 1, at, at + 1, at + 15, at + 16, at + 17])]
      for (const cut of cuts.filter((at) => at >= 0 && at < sealed.length)) {
        assert.notStrictEqual(reasonOf(open(sealed.subarray(0, cut))), "opened", `${length} cut at ${cut}`)
      }
      for (const added of [1, 16, 17, 100]) {
        assert.notStrictEqual(reasonOf(open(join(sealed, new Uint8Array(added)))), "opened", `${length} and ${added}`)
      }
    }
  })

  /** Verifies: CIPH-6 */
  it("refuses every other order of its chunks: dropped, doubled, swapped, and the last one elsewhere", () => {
    const sealed = seal(pattern(3 * CHUNK))
    const head = sealed.subarray(0, HEAD_BYTES)
    const chunks = [0, 1, 2].map((index) =>
      sealed.subarray(HEAD_BYTES + index * SEALED_CHUNK_BYTES, HEAD_BYTES + (index + 1) * SEALED_CHUNK_BYTES)
    )
    const orders: Array<ReadonlyArray<number>> = [[]]
    for (let at = 0; at < orders.length; at++) {
      if (orders[at]!.length < 4) orders.push(...[0, 1, 2].map((index) => [...orders[at]!, index]))
    }
    assert.lengthOf(orders, 1 + 3 + 9 + 27 + 81)
    for (const order of orders) {
      const reason = reasonOf(open(join(head, ...order.map((index) => chunks[index]!))))
      assert.strictEqual(reason === "opened", order.join() === "0,1,2", order.join())
    }
  })

  /** Verifies: CIPH-6 */
  it("refuses a bit changed anywhere, and says nothing of the rest", () => {
    const small = seal(pattern(100))
    for (let bit = 0; bit < small.length * 8; bit++) {
      const reason = reasonOf(open(small.map((byte, at) => at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte)))
      assert.strictEqual(reason, "Unauthentic")
    }
    const large = seal(pattern(2 * CHUNK + 9))
    for (
      const at of [HEAD_BYTES, HEAD_BYTES + SEALED_CHUNK_BYTES - 1, HEAD_BYTES + SEALED_CHUNK_BYTES, large.length - 1]
    ) {
      const changed = large.slice()
      changed[at]! ^= 1
      assert.strictEqual(reasonOf(open(changed)), "Unauthentic")
    }
  })

  /** Verifies: CIPH-7 */
  it("does not open under another name, kind, vault or key, and says so by the commitment", () => {
    const sealed = seal(pattern(10))
    const others = [
      { context: streamContext({ kind: "blob", vaultId, name }) },
      { context: streamContext({ kind: "segment", vaultId: new Uint8Array(32), name }) },
      { context: streamContext({ kind: "segment", vaultId, name: `${name}a` }) },
      { context: new Uint8Array(0) },
      { key: Redacted.make(new Uint8Array(32)) }
    ]
    for (const other of others) {
      const opened = openStream({ key, context, sealed, ...other })
      assert.isTrue(
        Either.isLeft(opened) && opened.left.reason === "Unauthentic" && opened.left.detail === "commitment"
      )
    }
  })

  /** Verifies: CIPH-5 */
  it("opens chunk by chunk, each as the one it is and no other", () => {
    for (const length of lengths) {
      const plaintext = pattern(length)
      const sealed = seal(plaintext)
      const head = sealed.subarray(0, HEAD_BYTES)
      const shape = Either.getOrThrow(layout(sealed.length))
      for (let index = 0; index < shape.chunks; index++) {
        const { final, length: bytes, offset, plainLength, plainOffset } = shape.chunk(index)
        const options = { key, context, head, bytes: sealed.subarray(offset, offset + bytes) }
        const opened = Either.getOrThrow(openChunk({ ...options, index, final }))
        assert.isTrue(same(opened, plaintext.subarray(plainOffset, plainOffset + plainLength)))
        for (const none of [-1, index + 0.5, NaN, 2 ** 32]) {
          assert.strictEqual(reasonOf(openChunk({ ...options, index: none, final })), "Malformed")
        }
        for (const wrong of [{ index, final: !final }, { index: index + 1, final }]) {
          assert.notStrictEqual(reasonOf(openChunk({ ...options, ...wrong })), "opened")
        }
        assert.strictEqual(reasonOf(openChunk({ ...options, index, final, head: head.subarray(1) })), "Truncated")
        assert.strictEqual(
          reasonOf(openChunk({ ...options, index, final, context: Uint8Array.of(1) })),
          "Unauthentic"
        )
      }
    }
  })

  it("knows a chunk that no object has by its length alone", () => {
    const head = seal(pattern(1)).subarray(0, HEAD_BYTES)
    const reason = (index: number, final: boolean, length: number) =>
      reasonOf(openChunk({ key, context, head, index, final, bytes: new Uint8Array(length) }))
    for (const length of [0, 15, 16, 17, SEALED_CHUNK_BYTES - 1, SEALED_CHUNK_BYTES + 1]) {
      assert.strictEqual(reason(0, false, length), "Malformed", `${length}`)
    }
    assert.strictEqual(reason(0, false, SEALED_CHUNK_BYTES), "Unauthentic")
    assert.strictEqual(reason(0, true, SEALED_CHUNK_BYTES), "Unauthentic")
    for (const length of [0, 15, SEALED_CHUNK_BYTES + 1]) assert.strictEqual(reason(0, true, length), "Malformed")
    // Empty only where it is the only one.
    assert.strictEqual(reason(0, true, 16), "Unauthentic")
    assert.strictEqual(reason(1, true, 16), "Malformed")
    assert.strictEqual(reason(1, true, 17), "Unauthentic")
    assert.strictEqual(reason(2 ** 32 - 1, true, 17), "Unauthentic")
    assert.strictEqual(reason(2 ** 32, true, 17), "Malformed")
  })

  /** Verifies: CIPH-4 */
  it.effect("still has another salt for other bytes or another name when randomness has failed", () =>
    Effect.gen(function*() {
      const entropy = yield* Entropy.Entropy
      const salts = new Set<string>()
      const add = (plaintext: Uint8Array, called: string, under = key) => {
        const sealed = sealStream({ key: under, context, name: called, random: entropy.bytes(32), plaintext })
        salts.add(hexOf(sealed.subarray(0, SALT_BYTES)))
      }
      for (let index = 0; index < 2000; index++) add(new TextEncoder().encode(`plaintext ${index}`), name)
      for (let index = 0; index < 2000; index++) add(random, `${name}${index}`)
      add(random, name, Redacted.make(new Uint8Array(32)))
      assert.strictEqual(salts.size, 4001)
      add(random, name, Redacted.make(new Uint8Array(32)))
      assert.strictEqual(salts.size, 4001)
    }).pipe(Effect.provide(Entropy.layerConstant(0))))

  /** Verifies: CIPH-4 */
  it("has another salt each time where randomness works", () => {
    const salts = [1, 2].map((byte) =>
      hexOf(
        sealStream({ key, context, name, random: new Uint8Array(32).fill(byte), plaintext: random }).subarray(0, 32)
      )
    )
    assert.notStrictEqual(salts[0], salts[1])
    for (const length of [0, 31, 33]) {
      const other = new Uint8Array(length)
      assert.throws(() => sealStream({ key, context, name, random: other, plaintext: random }), RangeError)
    }
  })

  /** Verifies: CIPH-8 */
  it.skipIf(!haveCorpora)("divides and seals as age does, by age's own test kit", () => {
    const vectors = readdirSync(corpus("vectors/age-testkit/age/testdata")).filter((file) => file.startsWith("stream_"))
    assert.isAtLeast(vectors.length, 28)
    let [opened, refused] = [0, 0]
    for (const file of vectors) {
      const vector = ageVector(readCorpus(`vectors/age-testkit/age/testdata/${file}`))
      if (vector.nonce.length < 16) continue
      const streamKey = Redacted.make(
        Hkdf.hkdf(vector.fileKey, vector.nonce, new TextEncoder().encode("payload"), 32)
      )
      // Our layout counts a head before the chunks.
      const object = join(new Uint8Array(HEAD_BYTES), vector.stream)
      const result = Either.flatMap(layout(object.length), (shape) => openChunks(streamKey, shape, object))
      assert.strictEqual(Either.isRight(result), vector.expect === "success", file)
      if (Either.isRight(result)) {
        assert.strictEqual(createHash("sha256").update(result.right).digest("hex"), vector.payload, file)
        const again = new Uint8Array(vector.stream.length)
        sealChunks(streamKey, result.right, again)
        assert.isTrue(same(again, vector.stream), file)
        opened++
      } else refused++
    }
    assert.isTrue(opened >= 7 && refused >= 15)
  })
})

/** The parts of an age file that STREAM needs; its header is not ours to check. */
const ageVector = (bytes: Uint8Array) => {
  const text = Buffer.from(bytes).toString("latin1")
  const end = text.indexOf("\n\n")
  const fields = new Map(text.slice(0, end).split("\n").map((line) => line.split(": ") as [string, string]))
  const body = Buffer.from(bytes).subarray(end + 2)
  const file = fields.get("compressed") === "zlib" ? inflateSync(body) : body
  const mac = file.indexOf("\n---")
  const payload = new Uint8Array(file.subarray(file.indexOf("\n", mac + 1) + 1))
  return {
    expect: fields.get("expect"),
    payload: fields.get("payload"),
    fileKey: bytesOf(fields.get("file key") ?? ""),
    nonce: payload.subarray(0, 16),
    stream: payload.subarray(16)
  }
}
