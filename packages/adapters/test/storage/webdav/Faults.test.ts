/**
 * A connection that is cut, reset or stalls at any byte, at each of the four servers: nothing half-written is ever seen,
 * and after the next try the object is there, once.
 */
import { assert, describe, it } from "@effect/vitest"
import { makeWebDav, prepareWebDav } from "@sealog/adapters/storage/WebDav"
import { startDavServer } from "@sealog/adapters/testing/DavServers"
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { same, sample } from "@sealog/core/testing/StorageSamples"
import { Effect, Fiber, Stream } from "effect"
import { TRIALS } from "../../support.ts"
import { makeWire, type Wire, type WireFault } from "./Proxy.ts"
import { davServers } from "./support.ts"

const IDLE_MILLIS = 250
/** As a shipper does: on a machine that is busy with other tests the idle time above may pass by itself. */
const tryAgain = { times: 5, while: ({ retryable }: StorageError) => retryable }
const NAME = "log/aaaa"
const OBJECT = sample(60_000, 5)

const setUp = (name: ReturnType<typeof davServers>[number]) =>
  Effect.gen(function*() {
    const server = yield* startDavServer(name)
    const wire = yield* makeWire(server.port)
    const direct = `${server.url}vault/`
    yield* prepareWebDav({ url: direct })
    const watcher = yield* makeWebDav({ url: direct })
    const storage = yield* makeWebDav({ url: `${wire.url}vault/`, idleMillis: IDLE_MILLIS })
    return { wire, watcher, storage }
  })

/** What is seen by somebody else: nothing, or the whole object, and nothing beside it. */
const seen = Effect.fn("seen")(function*(watcher: StorageShape) {
  const listed = yield* Stream.runCollect(watcher.list(""))
  const found = yield* Effect.either(watcher.get(NAME))
  if (found._tag === "Right") {
    assert.isTrue(same(found.right, OBJECT), `read ${found.right.length} bytes of ${OBJECT.length}`)
    assert.deepStrictEqual([...listed], [{ name: NAME, size: OBJECT.length }])
    return "whole" as const
  }
  assert.strictEqual(found.left.reason, "NotFound")
  assert.deepStrictEqual([...listed], [])
  return "nothing" as const
})

const faultsOver = (bytes: { readonly up: number; readonly down: number }, kinds: ReadonlyArray<WireFault["kind"]>) => {
  const steps = 6 * TRIALS
  return kinds.flatMap((kind) =>
    (["up", "down"] as const).flatMap((direction) =>
      Array.from({ length: steps }, (_, step): WireFault => ({
        kind,
        direction,
        // The first bytes, the last ones, and what is between them.
        afterBytes: Math.max(1, Math.round((bytes[direction] - 1) * step / (steps - 1)))
      }))
    )
  )
}

/** How many bytes an undisturbed put takes in each direction. */
const measure = Effect.fn("measure")(function*(wire: Wire, storage: StorageShape) {
  wire.set(undefined)
  yield* storage.put(NAME, OBJECT)
  return wire.passed()
})

for (const name of davServers("faults of the wire")) {
  describe(`webdav at ${name}, over a bad wire`, () => {
    /** Verifies: DAV-3, DAV-5 */
    it.scopedLive(
      "leaves all or nothing of a put, wherever it breaks, and one object after the next",
      () =>
        Effect.gen(function*() {
          const { storage, watcher, wire } = yield* setUp(name)
          const bytes = yield* measure(wire, storage)
          yield* watcher.delete(NAME)
          const counts = { nothing: 0, whole: 0 }
          for (const fault of faultsOver(bytes, ["cut", "reset", "stall"])) {
            wire.set(fault)
            const first = yield* Effect.either(storage.put(NAME, OBJECT))
            const left = yield* seen(watcher)
            counts[left]++
            if (first._tag === "Right") assert.strictEqual(left, "whole", JSON.stringify(fault))
            else {
              assert.isTrue(first.left.retryable, `${first.left.reason} after ${JSON.stringify(fault)}`)
              const again = yield* Effect.either(Effect.retry(storage.put(NAME, OBJECT), tryAgain))
              if (again._tag === "Left") {
                assert.strictEqual(again.left.reason, "AlreadyExists", JSON.stringify(fault))
              }
            }
            assert.strictEqual(yield* seen(watcher), "whole", JSON.stringify(fault))
            yield* watcher.delete(NAME)
          }
          // Both must have been met, or the faults missed what they were for.
          assert.isAbove(counts.nothing, 5)
          assert.isAbove(counts.whole, 0)
        }),
      120_000
    )

    /** Verifies: DAV-3 */
    it.scopedLive("gives the whole object or an error, wherever a get breaks", () =>
      Effect.gen(function*() {
        const { storage, wire } = yield* setUp(name)
        yield* storage.put(NAME, OBJECT)
        wire.set(undefined)
        yield* storage.get(NAME)
        for (const fault of faultsOver(wire.passed(), ["cut", "reset"])) {
          wire.set(fault)
          const got = yield* Effect.either(storage.get(NAME))
          if (got._tag === "Right") assert.isTrue(same(got.right, OBJECT), JSON.stringify(fault))
          else assert.deepStrictEqual([got.left.reason, got.left.retryable], ["Unreachable", true])
        }
      }), 60_000)

    /** Verifies: DAV-5 */
    it.scopedLive("closes the connection of a put that is interrupted", () =>
      Effect.gen(function*() {
        const { storage, wire } = yield* setUp(name)
        wire.set({ kind: "stall", direction: "up", afterBytes: 30_000 })
        const put = yield* Effect.fork(storage.put(NAME, OBJECT))
        while (wire.passed().up < 30_000) yield* Effect.sleep("5 millis")
        yield* Fiber.interrupt(put)
        while (wire.open() > 0) yield* Effect.sleep("5 millis")
      }), 10_000)
  })
}
