import { assert, describe, it } from "@effect/vitest"
import { argon2id } from "@noble/hashes/argon2.js"
import * as Limits from "@sealog/core/format/Limits"
import * as Kdf from "@sealog/core/keys/Kdf"
import { Effect, Redacted } from "effect"
import * as fc from "fast-check"
import { bytesOf, haveCorpora, hexOf, readCorpus, readCorpusJson } from "../Corpora.ts"

const derive = (password: Uint8Array, salt: Uint8Array, params: Kdf.KdfParams) =>
  Effect.flatMap(Kdf.Kdf, (kdf) => kdf.derive({ password: Redacted.make(password), salt, ...params })).pipe(
    Effect.map((key) => hexOf(Redacted.value(key)))
  )

const utf8 = (text: string) => new TextEncoder().encode(text)

/** From the reference implementation's own tests (phc-winner-argon2, src/test.c), all Argon2id of version 1.3. */
const phc: ReadonlyArray<readonly [passes: number, log2Memory: number, lanes: number, string, string, key: string]> = [
  [2, 16, 1, "password", "somesalt", "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"],
  [2, 8, 1, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"],
  [2, 8, 2, "password", "somesalt", "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"],
  [2, 16, 1, "differentpassword", "somesalt", "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"],
  [2, 16, 1, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"]
]

describe("Kdf", () => {
  /** Verifies: KEY-9 */
  it.effect("is Argon2id as its authors' tests have it", () =>
    Effect.gen(function*() {
      for (const [passes, log2Memory, lanes, password, salt, key] of phc) {
        const params = { passes, memoryKiB: 2 ** log2Memory, lanes }
        const native = yield* derive(utf8(password), utf8(salt), params).pipe(Effect.provide(Kdf.layer))
        assert.strictEqual(native, key)
        if (log2Memory > 8) continue
        const reference = yield* derive(utf8(password), utf8(salt), params).pipe(Effect.provide(Kdf.layerReference))
        assert.strictEqual(reference, key)
      }
    }), 30_000)

  /** Verifies: KEY-9 */
  it.effect("is the same natively and by the reference", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 80 }),
          fc.uint8Array({ minLength: 8, maxLength: 40 }),
          fc.record({
            memoryKiB: fc.integer({ min: 64, max: 256 }),
            passes: fc.integer({ min: 1, max: 4 }),
            lanes: fc.integer({ min: 1, max: 8 })
          }),
          async (password, salt, params) => {
            const both = [Kdf.layer, Kdf.layerReference].map((layer) =>
              derive(password, salt, params).pipe(Effect.provide(layer))
            )
            const [native, reference] = await Effect.runPromise(Effect.all(both))
            assert.strictEqual(native, reference)
          }
        ),
        { numRuns: 15 }
      )
    ), 30_000)

  /** Verifies: KEY-9 */
  it.effect.skipIf(!haveCorpora)("agrees with noble's vectors", () =>
    Effect.gen(function*() {
      // 15 cases for each of three variants in two versions; Argon2id of version 1.3 comes last.
      const keys = readCorpusJson<ReadonlyArray<string>>("vectors/noble/argon2.json").slice(75)
      const pattern = (first: number, length: number) => Uint8Array.from({ length }, (_, index) => first + (index % 5))
      const cases: ReadonlyArray<readonly [index: number, Kdf.KdfParams]> = [
        [0, { passes: 1, lanes: 1, memoryKiB: 8 }],
        [8, { passes: 2, lanes: 2, memoryKiB: 16 }],
        [9, { passes: 4, lanes: 3, memoryKiB: 24 }],
        [10, { passes: 8, lanes: 4, memoryKiB: 32 }],
        [11, { passes: 32, lanes: 1, memoryKiB: 64 }],
        [12, { passes: 1, lanes: 16, memoryKiB: 128 }],
        [13, { passes: 1, lanes: 1, memoryKiB: 1024 }]
      ]
      for (const [index, params] of cases) {
        for (const layer of [Kdf.layer, Kdf.layerReference]) {
          const key = yield* derive(pattern(1, 32), pattern(6, 16), params).pipe(Effect.provide(layer))
          assert.strictEqual(key, keys[index], `case ${index}`)
        }
      }
    }))

  /** Verifies: KEY-9 */
  it.skipIf(!haveCorpora)("has a reference that agrees with the known answer of RFC 9106, section 5.3", () => {
    const tag = /^Tag: (.*)$/m.exec(new TextDecoder().decode(readCorpus("vectors/argon2/argon2id.kat")))?.[1] ?? ""
    const key = argon2id(new Uint8Array(32).fill(1), new Uint8Array(16).fill(2), {
      m: 32,
      t: 3,
      p: 4,
      key: new Uint8Array(8).fill(3),
      personalization: new Uint8Array(12).fill(4),
      dkLen: 32
    })
    assert.deepStrictEqual(new Uint8Array(key), bytesOf(tag.replaceAll(" ", "")))
  })

  it.effect("fails with what to do, and not by throwing", () =>
    Effect.gen(function*() {
      const params = { passes: 3, lanes: 1, memoryKiB: 1 }
      const error = yield* Effect.flip(derive(utf8("x"), utf8("somesalt"), params).pipe(Effect.provide(Kdf.layer)))
      assert.deepStrictEqual([error._tag, error.reason], ["KdfError", "Failed"])
      assert.include(error.message, "try again")
    }))

  it.effect("depends on every input, also where a test stretches nothing", () =>
    Effect.gen(function*() {
      const params = { passes: 3, lanes: 1, memoryKiB: 8 }
      const made = yield* Effect.all([
        derive(utf8("x"), utf8("somesalt"), params),
        derive(utf8("y"), utf8("somesalt"), params),
        derive(utf8("x"), utf8("othersalt"), params),
        derive(utf8("x"), utf8("somesalt"), { ...params, passes: 4 }),
        derive(utf8("x"), utf8("somesalt"), { ...params, lanes: 2 }),
        derive(utf8("x"), utf8("somesalt"), { ...params, memoryKiB: 9 })
      ])
      assert.strictEqual(new Set(made).size, made.length)
      assert.isTrue(made.every((key) => key.length === 64))
    }).pipe(Effect.provide(Kdf.layerTest)))

  /** Verifies: KEY-3 */
  it("refuses parameters out of bounds, of each kind, at once", () => {
    const good = Limits.KDF_DEFAULT
    const bad: Record<keyof Kdf.KdfParams, ReadonlyArray<number>> = {
      memoryKiB: [0, 1, 8, 1024, 19_456, 65_535, 65_536.5, 2_097_153, 2 ** 22, 2 ** 31, 2 ** 32 - 1, -1, NaN, Infinity],
      passes: [0, 1, 2, 2.5, 3.5, 17, 255, 1000, 2 ** 31, 2 ** 32 - 1, -3, NaN, Infinity],
      lanes: [0, 0.5, 1.5, 17, 100, 255, 256, 2 ** 24 - 1, 2 ** 31, 2 ** 32 - 1, -4, NaN, Infinity]
    }
    const sets = (Object.keys(bad) as ReadonlyArray<keyof Kdf.KdfParams>).flatMap((name) =>
      bad[name].map((value) => ({ name, params: { ...good, [name]: value } }))
    )
    assert.isAtLeast(sets.length, 40)
    for (const { params } of sets) assert.strictEqual(Kdf.checkParams(params)?.reason, "Bounds")
    // The best of a few rounds: what else this machine does meanwhile is not the question.
    const rounds = Array.from({ length: 20 }, () => {
      const start = performance.now()
      for (const { name, params } of sets) assert.include(Kdf.checkParams(params)?.detail, name)
      return performance.now() - start
    })
    assert.isBelow(Math.min(...rounds), 10)
    for (const params of [good, Limits.KDF_FLOOR, Limits.KDF_CEILING]) assert.isUndefined(Kdf.checkParams(params))
  })
})
