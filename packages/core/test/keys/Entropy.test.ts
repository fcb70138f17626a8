import { assert, describe, it } from "@effect/vitest"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Effect } from "effect"

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
})
