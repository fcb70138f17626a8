/** A target is brought up to the journal's head, step by step, and no step can be lost or done twice. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { JournalError } from "@sealog/core/backup/Journal"
import { cut } from "@sealog/core/backup/Segmenter"
import {
  readCursor,
  type SealedCut,
  type ShipCursor,
  shippedOf,
  withLog,
  writeCursor
} from "@sealog/core/backup/Shipper"
import { StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { openSegment, readSegment, sealSegment } from "@sealog/core/backup/VaultObjects"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Duration, Effect, Exit, Fiber, Ref, Stream, TestClock } from "effect"
import { services } from "../journal/support.ts"
import {
  added,
  append,
  fill,
  type Machine,
  makeMachine,
  makePlace,
  type Place,
  rangesAt,
  ring,
  segmentsAt,
  shipAll,
  troubled
} from "./Memory.ts"

/** One whose notes cannot be written the first time, as where the program is killed after a put. */
const forgetful = ({ disk, journal }: Machine): Machine => {
  let writes = 0
  return {
    disk,
    journal: {
      ...journal,
      writeNote: (name, text) =>
        writes++ === 0
          ? Effect.fail(new JournalError({ reason: "Full", method: "writeNote" }))
          : journal.writeNote(name, text)
    }
  }
}

describe("a ship", () => {
  /** Verifies: SHIP-1 */
  it.effect("brings what the target lacks, and then nothing", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, 3, 70)
      const first = yield* shipAll(machine, place.target)
      const [segment] = yield* segmentsAt(place)
      assert.deepStrictEqual(yield* rangesAt(place), [[0, 72, 0]])
      assert.deepStrictEqual(first, { objects: 1, bytes: segment!.bytes })
      assert.deepStrictEqual(yield* shipAll(machine, place.target), { objects: 0, bytes: 0 })
      const { session, writer } = yield* machine.journal.identity
      assert.deepStrictEqual([segment!.session, segment!.writer, segment!.epoch], [session, writer, 0])
      yield* fill(machine, 5)
      const second = yield* shipAll(machine, place.target)
      assert.deepStrictEqual(yield* rangesAt(place), [[0, 72, 0], [73, 77, 0]])
      const { root, size } = yield* machine.journal.head
      const cursor = yield* readCursor(machine.journal, "disk")
      assert.deepStrictEqual(cursor, {
        logs: [{ writer: new Uint8Array(writer), size, root: new Uint8Array(root) }],
        objects: 2,
        bytes: first.bytes + second.bytes
      })
      const { trailer } = yield* readSegment(place.target.storage, ring, (yield* segmentsAt(place))[1]!)
      assert.deepStrictEqual([trailer.before.size, trailer.after.size], [73, size])
      assert.deepStrictEqual(Buffer.from(trailer.after.root), Buffer.from(root))
    }).pipe(Effect.provide(services)))

  it.effect("tells of each segment once it is there, with where the target stands then", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, 2)
      const told: Array<ShipCursor> = []
      const onShipped = (cursor: ShipCursor) => Effect.sync(() => void told.push(cursor))
      yield* shipAll(machine, place.target, { onShipped })
      assert.deepStrictEqual(told, [yield* readCursor(machine.journal, "disk")])
      yield* fill(machine, 1)
      const failed = yield* Effect.flip(
        shipAll(machine, place.target, { onShipped: () => Effect.fail("no pin" as const) })
      )
      assert.strictEqual(failed, "no pin")
      assert.strictEqual((yield* readCursor(machine.journal, "disk")).objects, 2)
    }).pipe(Effect.provide(services)))

  it.effect("brings every log, the one that was left first", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      yield* fill(machine, 4)
      const old = yield* machine.journal.identity
      const at = yield* machine.journal.headAt({ size: 4 })
      yield* machine.journal.fork({ at, writer: new Uint8Array(8).fill(9), entries: Stream.empty })
      yield* fill(machine, 2)
      const place = yield* makePlace()
      yield* shipAll(machine, place.target)
      const cursor = yield* readCursor(machine.journal, "disk")
      assert.deepStrictEqual(cursor.logs.map(({ size }) => size), [4, 2])
      assert.strictEqual(shippedOf(cursor, old.writer), 4)
      assert.strictEqual(shippedOf(cursor, new Uint8Array(8).fill(9)), 2)
      assert.strictEqual(shippedOf(cursor, new Uint8Array(8).fill(8)), 0)
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-5 */
  it.effect("puts blobs before the segment that names them, and none that is there twice", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const local = yield* makeMemory()
      const names = ["a", "b"].map((letter) => `blobs/${letter.repeat(56)}`)
      for (const [at, name] of names.entries()) yield* local.put(name, new Uint8Array(10 + at))
      yield* append(machine, [added("one")], [names[0]!])
      yield* append(machine, [added("two")], [names[1]!])
      const place = yield* makePlace()
      yield* place.target.storage.put(names[0]!, new Uint8Array(10))
      const order: Array<string> = []
      const target = troubled(place.target, "put", (_, object) => void order.push(object))
      const report = yield* shipAll(machine, target, { local })
      const [segment] = yield* segmentsAt(place)
      assert.deepStrictEqual(order, [...names, segment!.object])
      assert.deepStrictEqual(report, { objects: 3, bytes: 21 + segment!.bytes })
      assert.deepStrictEqual(place.objects.get(names[1]!), new Uint8Array(11))
    }).pipe(Effect.provide(services)))

  it.effect("names no blob that it could not bring", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      yield* append(machine, [added("one")], [`blobs/${"a".repeat(56)}`])
      const place = yield* makePlace()
      const error = yield* Effect.flip(shipAll(machine, place.target))
      assert.strictEqual(error._tag === "StorageError" && error.reason, "NotFound")
      const local = yield* makeMemory()
      yield* local.put(`blobs/${"a".repeat(56)}`, new Uint8Array(9))
      const full = troubled(place.target, "put", () => "Full")
      const refused = yield* Effect.flip(shipAll(machine, full, { local }))
      assert.strictEqual(refused._tag === "StorageError" && refused.reason, "Full")
      assert.strictEqual(full.calls(), 1)
      assert.strictEqual(place.objects.size, 0)
      assert.deepStrictEqual(yield* readCursor(machine.journal, "disk"), { logs: [], objects: 0, bytes: 0 })
    }).pipe(Effect.provide(services)))
})

/** A machine with nine events, an empty place, and the segment that is the first to go there. */
const nineToShip = Effect.gen(function*() {
  const machine = yield* makeMachine
  const place = yield* makePlace()
  yield* fill(machine, 9)
  const { session, writer } = yield* machine.journal.identity
  const { contents } = yield* cut(machine.journal, { writer, from: 0, to: 9 })
  return { machine, place, contents, name: { epoch: 0, writer, level: 0, first: 0, last: 8, session } }
})

describe("a put whose answer was lost", () => {
  /** Verifies: SHIP-1 */
  it.effect("is recognised by the next program, whose bytes are others", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, 9)
      yield* Effect.flip(shipAll(forgetful(machine), place.target))
      const [there] = [...place.objects]
      assert.deepStrictEqual(yield* shipAll(machine, place.target), { objects: 1, bytes: there![1].length })
      assert.deepStrictEqual([...place.objects], [there])
      assert.strictEqual((yield* readCursor(machine.journal, "disk")).logs[0]!.size, 9)
    }).pipe(Effect.provide(services)))

  it.effect("is tried again with the same bytes by the same program, before anything is cut anew", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, 9)
      const pending = yield* Ref.make<SealedCut | undefined>(undefined)
      yield* Effect.flip(shipAll(machine, troubled(place.target, "put", () => "Denied"), { pending }))
      const kept = yield* Ref.get(pending)
      yield* fill(machine, 3)
      const order: Array<Uint8Array> = []
      yield* shipAll(machine, {
        name: "disk",
        storage: {
          ...place.target.storage,
          put: (object, bytes) =>
            Effect.zipRight(Effect.sync(() => order.push(bytes)), place.target.storage.put(object, bytes))
        }
      }, { pending })
      assert.strictEqual(order[0], kept!.sealed.bytes)
      assert.deepStrictEqual(yield* rangesAt(place), [[0, 8, 0], [9, 11, 0]])
      assert.isUndefined(yield* Ref.get(pending))
    }).pipe(Effect.provide(services)))

  it.effect("is not the one that is kept for another place in the log, or for another log", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, 9)
      const pending = yield* Ref.make<SealedCut | undefined>(undefined)
      yield* Effect.flip(shipAll(machine, troubled(place.target, "put", () => "Denied"), { pending }))
      const kept = (yield* Ref.get(pending))!
      for (const name of [{ ...kept.name, first: 1 }, { ...kept.name, writer: new Uint8Array(8) }]) {
        yield* Ref.set(pending, { ...kept, name })
        const other = yield* makePlace("other")
        yield* shipAll(machine, other.target, { pending })
        assert.deepStrictEqual(yield* rangesAt(other), [[0, 8, 0]])
        assert.notDeepEqual([...other.objects.values()][0], kept.sealed.bytes)
        yield* writeCursor(machine.journal, "other", { logs: [], objects: 0, bytes: 0 })
      }
    }).pipe(Effect.provide(services)))

  it.effect("is refused where another segment has its name", () =>
    Effect.gen(function*() {
      const { contents, machine, name, place } = yield* nineToShip
      const entropy = yield* Entropy
      const after = { ...contents.after, root: new Uint8Array(32) }
      const other = yield* sealSegment({ ring, entropy, name, contents: { ...contents, after } })
      yield* place.target.storage.put(other.object, other.bytes)
      const error = yield* Effect.flip(shipAll(machine, place.target))
      assert.strictEqual(error._tag === "FormatError" && error.reason, "Mismatch")
      assert.deepStrictEqual((yield* readCursor(machine.journal, "disk")).logs, [])
    }).pipe(Effect.provide(services)))

  /** Verifies: FAULT-18 */
  it.effect("is put again where what has its name does not open any more, if objects can be removed", () =>
    Effect.gen(function*() {
      const { contents, machine, name, place } = yield* nineToShip
      const { object } = yield* sealSegment({ ring, entropy: yield* Entropy, name, contents })
      place.objects.set(object, new Uint8Array(5000))
      const { storage } = place.target
      const kept = { ...storage, capabilities: { ...storage.capabilities, deletes: false } }
      assert.strictEqual((yield* Effect.flip(shipAll(machine, { name: "disk", storage: kept })))._tag, "FormatError")
      yield* shipAll(machine, place.target)
      assert.deepStrictEqual((yield* readCursor(machine.journal, "disk")).logs.map(({ size }) => size), [9])
      const bytes = yield* storage.get(object)
      yield* openSegment(ring, { ...name, object, bytes: bytes.length }, bytes)
    }).pipe(Effect.provide(services)))
})

describe("an object of which a place kept only the beginning", () => {
  /** The first put of each name is cut short, and its answer lost. */
  const tearing = ({ objects, target: { storage } }: Place, deletes = true) => {
    const seen = new Set<string>()
    const put: StorageShape["put"] = (name, bytes) =>
      Effect.suspend(() => {
        if (seen.has(name)) return storage.put(name, bytes)
        seen.add(name)
        objects.set(name, bytes.slice(0, bytes.length - 1))
        return new StorageError({ reason: "Unreachable", method: "put", subject: name, retryable: true })
      })
    return { name: "disk", storage: { ...storage, put, capabilities: { ...storage.capabilities, deletes } } }
  }

  /** Verifies: FAULT-18 */
  it.effect("is removed and put again, a blob or a segment", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      const local = yield* makeMemory()
      const blob = `blobs/${"a".repeat(56)}`
      yield* local.put(blob, new Uint8Array(10).fill(1))
      yield* append(machine, [added("one")], [blob])
      const shipping = yield* Effect.fork(shipAll(machine, tearing(place), { local }))
      yield* TestClock.adjust("10 seconds")
      const report = yield* Fiber.join(shipping)
      assert.deepStrictEqual(place.objects.get(blob), new Uint8Array(10).fill(1))
      const [segment] = yield* segmentsAt(place)
      assert.deepStrictEqual(report, { objects: 2, bytes: 10 + segment!.bytes })
      assert.strictEqual((yield* readSegment(place.target.storage, ring, segment!)).trailer.after.size, 1)
    }).pipe(Effect.provide(services)))

  it.effect("is told of where nothing can be removed, and not taken for the whole", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, 1)
      const shipping = yield* Effect.fork(Effect.flip(shipAll(machine, tearing(place, false))))
      yield* TestClock.adjust("10 seconds")
      const error = yield* Fiber.join(shipping)
      assert.deepInclude(error, { _tag: "StorageError", reason: "Corrupt", method: "put" })
      assert.deepStrictEqual((yield* readCursor(machine.journal, "disk")).logs, [])
    }).pipe(Effect.provide(services)))
})

describe("a target that is away", () => {
  const attempt = Effect.fn("test.attempt")(function*(failures: number, retryable: boolean) {
    const machine = yield* makeMachine
    const place = yield* makePlace()
    yield* fill(machine, 1)
    const target = troubled(place.target, "put", (call) => call < failures ? "Unreachable" : undefined, retryable)
    const fiber = yield* Effect.fork(Effect.exit(shipAll(machine, target)))
    return { fiber, target }
  })

  it.effect("is tried seven times, further and further apart", () =>
    Effect.gen(function*() {
      const { fiber, target } = yield* attempt(6, true)
      const tries: Array<number> = []
      for (let tenths = 0; tenths < 200; tenths++) {
        yield* TestClock.adjust(Duration.millis(100))
        while (tries.length < target.calls()) tries.push(tenths * 100)
      }
      assert.isTrue(Exit.isSuccess(yield* Fiber.join(fiber)))
      assert.lengthOf(tries, 7)
      const waits = tries.slice(1).map((at, n) => at - tries[n]!)
      for (const [n, wait] of waits.entries()) {
        assert.isAtLeast(wait, 200 * 2 ** n * 0.8 - 100)
        assert.isAtMost(wait, 200 * 2 ** n * 1.2 + 100)
      }
    }).pipe(Effect.provide(services)), 30_000)

  it.effect("is given up after that, and at once where it will not come back by itself", () =>
    Effect.gen(function*() {
      const away = yield* attempt(7, true)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(Exit.isFailure(yield* Fiber.join(away.fiber)))
      assert.strictEqual(away.target.calls(), 7)
      const gone = yield* attempt(1, false)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(gone.fiber)))
      assert.strictEqual(gone.target.calls(), 1)
    }).pipe(Effect.provide(services)))
})

describe("the cursor of a target", () => {
  it.effect("is its own, and refused where it is not what was written", () =>
    Effect.gen(function*() {
      const { journal } = yield* makeMachine
      const cursor: ShipCursor = {
        logs: [{ writer: Uint8Array.of(1), size: 3, root: Uint8Array.of(2) }],
        objects: 4,
        bytes: 5
      }
      yield* writeCursor(journal, "a", cursor)
      assert.deepStrictEqual(yield* readCursor(journal, "a"), cursor)
      assert.deepStrictEqual(yield* readCursor(journal, "b"), { logs: [], objects: 0, bytes: 0 })
      assert.strictEqual(
        yield* journal.readNote("ship:a"),
        `{"logs":[{"writer":"01","size":3,"root":"02"}],"objects":4,"bytes":5}`
      )
      for (const text of ["", "{}", `{"logs":[],"objects":1.5,"bytes":0}`]) {
        yield* journal.writeNote("ship:a", text)
        const error = yield* Effect.flip(readCursor(journal, "a"))
        assert.strictEqual(error._tag === "FormatError" && error.reason, "Malformed")
      }
      const broken = yield* Effect.flip(writeCursor(journal, "a", { ...cursor, objects: 1.5 }))
      assert.strictEqual(broken._tag === "FormatError" && broken.reason, "Malformed")
    }).pipe(Effect.provide(services)))

  it("has one head a log, the newest", () => {
    const log = (writer: number, size: number) => ({ writer: Uint8Array.of(writer), size, root: Uint8Array.of(size) })
    const cursor: ShipCursor = { logs: [log(1, 5), log(2, 6)], objects: 1, bytes: 2 }
    assert.deepStrictEqual(withLog(cursor, log(1, 9)), { logs: [log(2, 6), log(1, 9)], objects: 1, bytes: 2 })
    assert.deepStrictEqual(withLog(cursor, log(3, 9)).logs, [log(1, 5), log(2, 6), log(3, 9)])
  })
})
