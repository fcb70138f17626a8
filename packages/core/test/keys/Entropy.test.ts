import { assert, describe, it } from "@effect/vitest"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Effect } from "effect"
import { createHash } from "node:crypto"

const draw = (...counts: ReadonlyArray<number>) =>
  Effect.map(Entropy.Entropy, (entropy) => counts.map((count) => Buffer.from(entropy.bytes(count)).toString("hex")))

describe("Entropy", () => {
  it.effect("gives as many bytes as asked for, other ones each time", () =>
    Effect.gen(function*() {
      const [a = "", b = "", none] = yield* draw(32, 32, 0)
      assert.strictEqual(a.length, 64)
      assert.notStrictEqual(a, b)
      assert.strictEqual(none, "")
    }).pipe(Effect.provide(Entropy.layer)))

  it.effect("repeats itself for the same seed, however the bytes are drawn, and for no other", () =>
    Effect.gen(function*() {
      const whole = yield* draw(100).pipe(Effect.provide(Entropy.layerSeeded("seed")))
      const parts = yield* draw(1, 40, 59).pipe(Effect.provide(Entropy.layerSeeded("seed")))
      const other = yield* draw(100).pipe(Effect.provide(Entropy.layerSeeded("seed 2")))
      assert.strictEqual(parts.join(""), whole[0])
      assert.notStrictEqual(other[0], whole[0])
    }))

  it.effect("is SHA-256 over seed and counter, for tests", () =>
    Effect.gen(function*() {
      const [drawn] = yield* draw(70).pipe(Effect.provide(Entropy.layerSeeded(7)))
      const blocks = [0, 1, 2].map((n) => createHash("sha256").update(`sealog test seed 7 ${n}`).digest("hex"))
      assert.strictEqual(drawn, blocks.join("").slice(0, 140))
    }))

  it.effect("fails without a word where a test wants that", () =>
    Effect.map(draw(3, 1, 0).pipe(Effect.provide(Entropy.layerConstant(0xa5))), (drawn) => {
      assert.deepStrictEqual(drawn, ["a5a5a5", "a5", ""])
    }))
})
