/** What each wrapper is for, by the clock and by what the place behind it sees. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { appendOnly } from "@sealog/adapters/storage/wrappers/AppendOnly"
import { limitBandwidth } from "@sealog/adapters/storage/wrappers/Bandwidth"
import { limitConcurrency } from "@sealog/adapters/storage/wrappers/Concurrency"
import { metered, metricsOf, requests, transferred } from "@sealog/adapters/storage/wrappers/Metered"
import { underPrefix } from "@sealog/adapters/storage/wrappers/Prefix"
import { retrying } from "@sealog/adapters/storage/wrappers/Retry"
import { withTimeout } from "@sealog/adapters/storage/wrappers/Timeout"
import { verified } from "@sealog/adapters/storage/wrappers/Verified"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { failing, type Fault, faultAt, makeFaulty, type Plan, script } from "@sealog/core/testing/FaultyStorage"
import { Clock, Effect, Fiber, Metric, Ref, Stream, TestClock } from "effect"

const BYTES = new Uint8Array(1000).fill(7)
const NAME = "log/aa"

const faulty = (plan?: Plan) => Effect.flatMap(makeMemory(), (memory) => makeFaulty(memory, plan))
const names = (storage: StorageShape, prefix = "") =>
  Effect.map(Stream.runCollect(storage.list(prefix)), (infos) => [...infos].map(({ name }) => name).toSorted())

/** What came of the work, and after how many seconds of the test's clock. */
const timed = <A, E>(work: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const began = yield* Clock.currentTimeMillis
    const ended = yield* Ref.make(0)
    const fiber = yield* Effect.fork(
      Effect.either(work).pipe(Effect.zipLeft(Effect.flatMap(Clock.currentTimeMillis, (now) => Ref.set(ended, now))))
    )
    for (let step = 0; step < 2_000 && (yield* Fiber.poll(fiber))._tag === "None"; step++) {
      yield* TestClock.adjust("100 millis")
    }
    const result = yield* Fiber.join(fiber)
    return { result, seconds: ((yield* Ref.get(ended)) - began) / 1000 }
  })

describe("retries", () => {
  const troubles = (count: number, fault: Fault) => script(Array.from({ length: count }, () => fault))

  /** Verifies: WRP-2 */
  it.effect("ask again, later and later, until the place answers", () =>
    Effect.gen(function*() {
      const { count, storage } = yield* faulty(troubles(4, { _tag: "fail", reason: "Throttled" }))
      const { result, seconds } = yield* timed(retrying(storage, { times: 6 }).put(NAME, BYTES))
      assert.strictEqual(result._tag, "Right")
      assert.strictEqual((yield* count).put, 5)
      // 0.2 + 0.4 + 0.8 + 1.6 s, each jittered by a fifth.
      assert.isTrue(seconds > 2.3 && seconds < 3.8, `${seconds} s`)
    }))

  /** Verifies: WRP-2 */
  it.effect("end after so many, with the last error", () =>
    Effect.gen(function*() {
      const { count, storage } = yield* faulty(failing("Unreachable"))
      const place = retrying(storage, { times: 3 })
      for (const work of [place.put(NAME, BYTES), place.get(NAME), names(place), place.delete(NAME)]) {
        const { result } = yield* timed<unknown, { readonly reason: string }>(work)
        assert.strictEqual(result._tag === "Left" && result.left.reason, "Unreachable")
      }
      assert.deepStrictEqual(yield* count, { put: 4, get: 4, list: 4, delete: 4 })
    }))

  /** Verifies: WRP-2 */
  it.effect("ask once where it cannot pass", () =>
    Effect.gen(function*() {
      const { count, storage } = yield* faulty(failing("Full"))
      assert.strictEqual((yield* Effect.flip(retrying(storage, { times: 6 }).put(NAME, BYTES))).reason, "Full")
      assert.strictEqual((yield* count).put, 1)
    }))

  /** Verifies: WRP-2 */
  it.effect("take a put whose answer was lost for done, and another's object for another's", () =>
    Effect.gen(function*() {
      const lost = yield* faulty(faultAt("put", 0, { _tag: "lostAcknowledgement" }))
      assert.strictEqual((yield* timed(retrying(lost.storage, { times: 6 }).put(NAME, BYTES))).result._tag, "Right")
      const torn = yield* faulty(faultAt("put", 0, { _tag: "torn", keepBytes: 10 }))
      const { result } = yield* timed(retrying(torn.storage, { times: 6 }).put(NAME, BYTES))
      assert.strictEqual(result._tag === "Left" && result.left.reason, "AlreadyExists")
    }))

  /** Verifies: WRP-2 */
  it.effect("list each object once, whatever came before the listing broke", () =>
    Effect.gen(function*() {
      const { setPlan, storage } = yield* faulty()
      yield* storage.put(NAME, BYTES)
      yield* setPlan(faultAt("list", 0, { _tag: "lostAcknowledgement" }))
      const { result } = yield* timed(names(retrying(storage, { times: 2 })))
      assert.deepStrictEqual(result._tag === "Right" && result.right, [NAME])
    }))
})

describe("bandwidth", () => {
  /** Verifies: WRP-3 */
  it.scoped("lets so much through a second, up and down, beyond the first second's", () =>
    Effect.gen(function*() {
      const place = yield* limitBandwidth(yield* makeMemory(), {
        uploadBytesPerSecond: 1000,
        downloadBytesPerSecond: 500
      })
      const up = yield* timed(place.put(NAME, new Uint8Array(4000)))
      assert.isTrue(up.seconds > 2.5 && up.seconds < 4, `${up.seconds} s up`)
      const down = yield* timed(place.get(NAME, { offset: 0, length: 2000 }))
      assert.isTrue(down.seconds > 2.5 && down.seconds < 4, `${down.seconds} s down`)
    }), 20_000)

  /** Verifies: WRP-3 */
  it.scoped("counts what is small as well, all together", () =>
    Effect.gen(function*() {
      const place = yield* limitBandwidth(yield* makeMemory(), { uploadBytesPerSecond: 10_000 })
      const all = Effect.forEach([..."abcdefghijklmnopqrst"], (letter) => place.put(`log/${letter}`, BYTES))
      const { seconds } = yield* timed(all)
      assert.isTrue(seconds > 0.7 && seconds < 2, `${seconds} s for 20 kB`)
    }), 20_000)

  /** Verifies: WRP-3 */
  it.scoped("holds up nothing in a direction that has no limit", () =>
    Effect.gen(function*() {
      const place = yield* limitBandwidth(yield* makeMemory(), { downloadBytesPerSecond: 10 })
      assert.strictEqual((yield* timed(place.put(NAME, BYTES))).seconds, 0)
    }))
})

describe("concurrency", () => {
  /** Verifies: WRP-4 */
  it.effect("asks the place so much at once and no more", () =>
    Effect.gen(function*() {
      const memory = yield* makeMemory()
      const open = yield* Ref.make({ now: 0, most: 0 })
      const watched: StorageShape = {
        ...memory,
        put: (name, bytes) =>
          Ref.update(open, ({ most, now }) => ({ now: now + 1, most: Math.max(most, now + 1) })).pipe(
            Effect.zipRight(Effect.sleep("1 second")),
            Effect.zipRight(memory.put(name, bytes)),
            Effect.ensuring(Ref.update(open, ({ most, now }) => ({ now: now - 1, most })))
          )
      }
      const place = yield* limitConcurrency(watched, 3)
      const all = Effect.forEach([..."abcdefghi"], (letter) => place.put(`log/${letter}`, BYTES), {
        concurrency: 9
      })
      const { seconds } = yield* timed(all)
      assert.strictEqual((yield* Ref.get(open)).most, 3)
      assert.isTrue(seconds >= 3 && seconds < 3.5, `${seconds} s`)
    }))

  /** Verifies: WRP-4 */
  it.effect("lets who reads a listing ask for what it names, one at a time", () =>
    Effect.gen(function*() {
      const place = yield* limitConcurrency(yield* makeMemory(), 1)
      yield* place.put(NAME, BYTES)
      const read = yield* timed(Stream.runCollect(Stream.mapEffect(place.list(""), ({ name }) => place.get(name))))
      assert.strictEqual(read.result._tag, "Right")
    }))
})

describe("a timeout", () => {
  /** Verifies: WRP-5 */
  it.effect("is Unreachable and may pass, in every verb of a place that hangs", () =>
    Effect.gen(function*() {
      const { storage } = yield* faulty(() => ({ _tag: "hang" }))
      const place = withTimeout(storage, "7 seconds")
      for (const work of [place.put(NAME, BYTES), place.get(NAME), names(place), place.delete(NAME)]) {
        const { result, seconds } = yield* timed<unknown, { readonly reason: string; readonly retryable: boolean }>(
          work
        )
        assert.deepStrictEqual(result._tag === "Left" && [result.left.reason, result.left.retryable], [
          "Unreachable",
          true
        ])
        assert.strictEqual(seconds, 7)
      }
    }))

  /** Verifies: WRP-5 */
  it.effect("does not wait for a place that cannot be interrupted", () =>
    Effect.gen(function*() {
      const memory = yield* makeMemory()
      const deaf = { ...memory, get: () => Effect.uninterruptible(Effect.never) }
      assert.strictEqual((yield* timed(withTimeout(deaf, "1 second").get(NAME))).seconds, 1)
    }))
})

describe("a prefix", () => {
  /** Verifies: WRP-6 */
  it.effect("keeps vaults in one place apart, also where one prefix begins another", () =>
    Effect.gen(function*() {
      const memory = yield* makeMemory()
      const [ada, adam] = [underPrefix(memory, "ada"), underPrefix(memory, "adam")]
      for (const name of ["sealog.json", NAME]) {
        yield* ada.put(name, BYTES)
        yield* adam.put(name, new Uint8Array(5))
      }
      yield* memory.put("sealog.json", BYTES)
      assert.deepStrictEqual(yield* names(ada), [NAME, "sealog.json"])
      assert.strictEqual((yield* adam.get("sealog.json")).length, 5)
      yield* ada.delete("sealog.json")
      assert.deepStrictEqual(yield* names(adam), [NAME, "sealog.json"])
      assert.deepStrictEqual(yield* names(memory), [
        "ada7log/aa",
        "adam7/sealogjson",
        "adam7log/aa",
        "sealog.json"
      ])
      for (const start of ["s", "sealog.json"]) assert.deepStrictEqual(yield* names(adam, start), ["sealog.json"])
    }))
})

describe("metrics", () => {
  /** Verifies: WRP-7 */
  it.effect("count requests by what came of them, and bytes by their way", () =>
    Effect.gen(function*() {
      const { setPlan, storage } = yield* faulty()
      const place = metered(storage, "counted")
      yield* place.put(NAME, BYTES)
      yield* place.get(NAME, { offset: 0, length: 10 })
      yield* names(place)
      yield* place.delete(NAME)
      yield* setPlan(failing("Throttled"))
      yield* Effect.flip(place.get(NAME))
      yield* Effect.flip(names(place))
      const requested = (verb: string, outcome: string) =>
        Effect.map(
          Metric.value(
            requests.pipe(
              Metric.tagged("target", "counted"),
              Metric.tagged("verb", verb),
              Metric.tagged("outcome", outcome)
            )
          ),
          ({ count }) => count
        )
      for (const verb of ["put", "get", "list", "delete"]) assert.strictEqual(yield* requested(verb, "done"), 1, verb)
      for (const verb of ["get", "list"]) assert.strictEqual(yield* requested(verb, "Throttled"), 1, verb)
      const moved = (verb: string) =>
        Effect.map(
          Metric.value(transferred.pipe(Metric.tagged("target", "counted"), Metric.tagged("verb", verb))),
          ({ count }) => count
        )
      assert.deepStrictEqual([yield* moved("put"), yield* moved("get")], [1000, 10])
      assert.strictEqual(
        yield* metricsOf("counted"),
        "delete done 1, get Throttled 1, get done 1, list Throttled 1, list done 1, put done 1, 1000 bytes sent, 10 received"
      )
    }))
})

describe("verify after write", () => {
  /** Verifies: WRP-8 */
  it.effect("finds what a place tore in silence, removes it, and lets the put be tried again", () =>
    Effect.gen(function*() {
      const { snapshot, storage } = yield* faulty(faultAt("put", 0, { _tag: "tornSilently", keepBytes: 10 }))
      const place = verified(storage)
      const error = yield* Effect.flip(place.put(NAME, BYTES))
      assert.deepStrictEqual([error.reason, error.retryable], ["Corrupt", true])
      assert.strictEqual((yield* snapshot).size, 0)
      yield* place.put(NAME, BYTES)
    }))

  /** Verifies: WRP-8 */
  it.effect("removes nothing where another's object may stand", () =>
    Effect.gen(function*() {
      const behind = yield* makeMemory({ capabilities: { atomicCreate: false } })
      const { snapshot, storage } = yield* makeFaulty(
        behind,
        faultAt("put", 0, { _tag: "tornSilently", keepBytes: 10 })
      )
      const error = yield* Effect.flip(verified(storage).put(NAME, BYTES))
      assert.deepStrictEqual([error.reason, error.retryable], ["Corrupt", false])
      assert.strictEqual((yield* snapshot).size, 1)
    }))
})

describe("append-only", () => {
  /** Verifies: WRP-9 */
  it.effect("never lets a delete through, and does not claim that it could", () =>
    Effect.gen(function*() {
      const { count, storage } = yield* faulty()
      const place = appendOnly(storage)
      yield* place.put(NAME, BYTES)
      assert.strictEqual((yield* Effect.flip(place.delete(NAME))).reason, "Unsupported")
      assert.strictEqual((yield* count).delete, 0)
      assert.isFalse(place.capabilities.deletes)
    }))
})
