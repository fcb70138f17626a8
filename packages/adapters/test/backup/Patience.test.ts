/** Nobody waits for ever for a place that gives no answer. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { patient } from "@sealog/core/backup/Patience"
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { OBJECT_BYTES } from "@sealog/core/format/Limits"
import { makeFaulty } from "@sealog/core/testing/FaultyStorage"
import { Effect, Fiber, Option, Stream, TestClock } from "effect"

const KiB = 1024
const log = `log/${"a".repeat(60)}`

describe("a place that gives no answer", () => {
  const hung = Effect.gen(function*() {
    const { storage } = yield* makeFaulty(yield* makeMemory(), () => ({ _tag: "hang" }))
    return patient(storage)
  })

  /** A request is given up after so many seconds, and not before. */
  const givesUpAfter = Effect.fn("test.givesUpAfter")(
    function*(seconds: number, ask: (storage: StorageShape) => Effect.Effect<unknown, StorageError>) {
      const asked = yield* Effect.fork(Effect.flip(ask(yield* hung)))
      yield* TestClock.adjust(`${seconds - 1} seconds`)
      assert.isTrue(Option.isNone(yield* Fiber.poll(asked)))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(asked)
      assert.deepInclude(error, { reason: "Unreachable", retryable: false })
      assert.include(String(error.cause), `no answer within ${Math.round(seconds)} seconds`)
    }
  )

  /** Verifies: FAULT-19 */
  it.effect("is one that cannot be reached, after a minute and as long as the bytes may take", () =>
    Effect.gen(function*() {
      yield* givesUpAfter(60, (storage) => storage.delete(log))
      yield* givesUpAfter(60, (storage) => Stream.runDrain(storage.list("")))
      yield* givesUpAfter(61, (storage) => storage.get(log, { offset: 0, length: 64 * KiB }))
      yield* givesUpAfter(60 + 4 / 64, (storage) => storage.get("sealog.json"))
      yield* givesUpAfter(70, (storage) => storage.put(log, new Uint8Array(160 * KiB)))
      // Whatever lies there may be as long as an object gets.
      yield* givesUpAfter(60 + OBJECT_BYTES / (64 * KiB), (storage) => storage.get(log))
      yield* givesUpAfter(60 + OBJECT_BYTES / (64 * KiB), (storage) => storage.get(`ada7${log}`))
    }))

  it.effect("is not what a place is that refuses a range that cannot be", () =>
    Effect.gen(function*() {
      const place = patient(yield* makeMemory())
      for (const length of [-5, Number.NaN]) {
        assert.strictEqual((yield* Effect.flip(place.get(log, { offset: 0, length }))).reason, "Unsupported")
      }
    }))

  it.effect("is left behind though it does not stop when it is told to", () =>
    Effect.gen(function*() {
      const memory = yield* makeMemory()
      const stuck = patient({ ...memory, delete: () => Effect.uninterruptible(Effect.never) })
      const asked = yield* Effect.fork(Effect.flip(stuck.delete(log)))
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual((yield* Fiber.join(asked)).reason, "Unreachable")
    }))

  it.effect("is not what a long listing is, whose parts come in time", () =>
    Effect.gen(function*() {
      const memory = yield* makeMemory()
      const slow = patient({
        ...memory,
        list: () =>
          Stream.mapEffect(Stream.range(1, 5), (size) => Effect.as(Effect.sleep("50 seconds"), { name: log, size }))
      })
      const listed = yield* Effect.fork(Stream.runCount(slow.list("")))
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* Fiber.join(listed), 5)
    }))
})
