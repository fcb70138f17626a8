/** The place that misbehaves does so exactly as told: what tests rest on has to be right itself. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import type { StorageShape } from "@sealog/core/backup/Storage"
import {
  failing,
  type Fault,
  faultAt,
  makeFaulty,
  script,
  seeded,
  throttling,
  type Verb
} from "@sealog/core/testing/FaultyStorage"
import { Effect, Exit, Fiber, Stream, TestClock } from "effect"

const BYTES = new Uint8Array(1000).fill(7)

const faulty = Effect.flatMap(makeMemory(), (memory) => makeFaulty(memory))

const names = (storage: StorageShape) =>
  Effect.map(Stream.runCollect(storage.list("")), (infos) => [...infos].map((info) => `${info.name} ${info.size}`))

describe("a place that misbehaves", () => {
  const cases: ReadonlyArray<readonly [Fault, Verb, string]> = [
    [{ _tag: "fail", reason: "Full" }, "put", "Full; "],
    [{ _tag: "lostAcknowledgement" }, "put", "Unreachable; log/aa 1000"],
    [{ _tag: "torn", keepBytes: 10 }, "put", "Unreachable; log/aa 10"],
    [{ _tag: "tornSilently", keepBytes: 10 }, "put", "well; log/aa 10"]
  ]
  for (const [fault, verb, expected] of cases) {
    /** Verifies: STO-13 */
    it.effect(`answers a put with ${fault._tag} as told`, () =>
      Effect.gen(function*() {
        const { setPlan, storage } = yield* faulty
        yield* setPlan(faultAt(verb, 0, fault))
        const exit = yield* Effect.either(storage.put("log/aa", BYTES))
        const left = (yield* names(storage)).join()
        assert.strictEqual(`${exit._tag === "Left" ? exit.left.reason : "well"}; ${left}`, expected)
      }))
  }

  /** Verifies: STO-13 */
  it.effect("gives wrong bytes, too few, old listings, and ignores deletes as told", () =>
    Effect.gen(function*() {
      const { setPlan, storage } = yield* faulty
      yield* storage.put("log/aa", BYTES)
      yield* names(storage)
      yield* storage.put("log/bb", BYTES)
      yield* setPlan(
        script([{ _tag: "wrongBytes" }, { _tag: "short", keepBytes: 3 }, { _tag: "staleList" }, { _tag: "ignored" }])
      )
      assert.strictEqual((yield* storage.get("log/aa")).filter((byte) => byte !== 7).length, 1)
      assert.strictEqual((yield* storage.get("log/aa")).length, 3)
      assert.deepStrictEqual(yield* names(storage), ["log/aa 1000"])
      yield* storage.delete("log/aa")
      assert.deepStrictEqual(yield* storage.get("log/aa"), BYTES)
    }))

  /** Verifies: STO-13 */
  it.effect("writes late and in another order, and lists from the end, as told", () =>
    Effect.gen(function*() {
      const { setPlan, storage } = yield* faulty
      yield* setPlan(script([{ _tag: "late" }, { _tag: "late" }]))
      yield* storage.put("log/aa", BYTES)
      yield* storage.put("log/bb", BYTES)
      assert.deepStrictEqual(yield* names(storage), [])
      yield* storage.put("log/cc", BYTES)
      assert.deepStrictEqual(yield* names(storage), ["log/cc 1000", "log/aa 1000", "log/bb 1000"])
      yield* setPlan(() => ({ _tag: "reorderedList" }))
      assert.deepStrictEqual(yield* names(storage), ["log/bb 1000", "log/aa 1000", "log/cc 1000"])
    }))

  /** Verifies: STO-13 */
  it.effect("is slow, and asks to slow down, by the clock", () =>
    Effect.gen(function*() {
      const { setPlan, storage } = yield* faulty
      yield* setPlan(() => ({ _tag: "slow", millis: 5000 }))
      const slow = yield* Effect.fork(storage.put("log/aa", BYTES))
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual((yield* Fiber.poll(slow))._tag, "None")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(slow)
      yield* setPlan(throttling({ requests: 2, perMillis: 1000 }))
      const ask = Effect.match(storage.get("log/aa"), { onSuccess: () => "well", onFailure: ({ reason }) => reason })
      assert.deepStrictEqual(yield* Effect.all([ask, ask, ask]), ["well", "well", "Throttled"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* ask, "well")
    }))

  /** Verifies: STO-13 */
  it.effect("hangs until it is interrupted", () =>
    Effect.gen(function*() {
      const { setPlan, storage } = yield* faulty
      yield* setPlan(() => ({ _tag: "hang" }))
      const hung = yield* Effect.fork(storage.get("log/aa"))
      yield* Effect.repeatN(Effect.yieldNow(), 100)
      assert.strictEqual((yield* Fiber.poll(hung))._tag, "None")
      assert.isTrue(Exit.isInterrupted(yield* Fiber.interrupt(hung)))
    }))

  /** Verifies: STO-13 */
  it.effect("is rolled back to exactly what it was, and tampered with unasked", () =>
    Effect.gen(function*() {
      const { rollBack, snapshot, storage, tamper } = yield* faulty
      yield* storage.put("log/aa", BYTES)
      yield* storage.put("log/bb", BYTES)
      const then = yield* snapshot
      yield* storage.delete("log/aa")
      yield* storage.put("log/cc", BYTES)
      yield* tamper("log/bb", (bytes) => bytes.fill(8))
      yield* rollBack(then)
      assert.deepStrictEqual([...(yield* snapshot)].toSorted(), [...then].toSorted())
    }))

  /** Verifies: STO-13 */
  it.effect("makes the same trouble for the same seed, and counts what it was asked", () =>
    Effect.gen(function*() {
      const run = Effect.fnUntraced(function*(seed: number) {
        const { count, setPlan, storage } = yield* faulty
        yield* setPlan(seeded({ seed, rate: 0.4, severe: true }))
        const outcomes = yield* Effect.forEach(Array.from({ length: 100 }, (_, n) => n), (n) =>
          Effect.map(
            Effect.exit(n % 2 === 0 ? storage.put(`log/a${"bcdefg"[n % 6]}`, BYTES) : storage.get("log/ab")),
            (exit) => exit._tag
          ))
        return { outcomes: outcomes.join(), count: yield* count }
      })
      const first = yield* run(1)
      assert.deepStrictEqual(yield* run(1), first)
      assert.notStrictEqual((yield* run(2)).outcomes, first.outcomes)
      assert.deepStrictEqual(first.count, { put: 50, get: 50, list: 0, delete: 0 })
    }))

  /** Verifies: STO-13 */
  it.effect("refuses only the verbs that it is told to", () =>
    Effect.gen(function*() {
      const { setPlan, storage } = yield* faulty
      yield* setPlan(failing("Denied", ["put"]))
      assert.strictEqual((yield* Effect.flip(storage.put("log/aa", BYTES))).reason, "Denied")
      assert.deepStrictEqual(yield* names(storage), [])
    }))
})
