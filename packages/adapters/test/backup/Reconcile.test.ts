/** What a machine finds at a target when it starts: its own log, less of it, more of it, or another one. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { loadLog, makeEntry } from "@sealog/core/backup/Entries"
import { rootAt } from "@sealog/core/backup/Reconcile"
import { readCursor, shippedOf } from "@sealog/core/backup/Shipper"
import { sealBlob } from "@sealog/core/backup/VaultObjects"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Effect, Stream } from "effect"
import { services } from "../journal/support.ts"
import {
  added,
  append,
  copyOf,
  eventsIn,
  fill,
  keysIn,
  makeMachine,
  makePlace,
  meet,
  ring,
  segmentsAt,
  shipAll,
  sourceOf,
  tell,
  troubled
} from "./Memory.ts"

describe("a target that has our log", () => {
  it.effect("agrees, as far as it reaches", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      assert.deepStrictEqual(yield* meet(machine, place), { _tag: "agrees", size: 0 })
      yield* fill(machine, 3, 4)
      yield* shipAll(machine, place.target)
      yield* fill(machine, 2)
      assert.deepStrictEqual(yield* meet(machine, place), { _tag: "agrees", size: 7 })
      assert.strictEqual((yield* machine.journal.head).size, 9)
    }).pipe(Effect.provide(services)))

  it.effect("settles what the journal knows of it: where it stands, how many objects of how many bytes", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, 3)
      yield* shipAll(machine, place.target)
      yield* fill(machine, 4)
      yield* shipAll(machine, place.target)
      place.objects.set(`blobs/${"a".repeat(56)}`, new Uint8Array(100))
      place.objects.set(`blobs/${"b".repeat(56)}`, new Uint8Array(11))
      const forgetful = yield* copyOf(machine)
      forgetful.disk.notes.clear()
      yield* meet(forgetful, place)
      const bytes = (yield* segmentsAt(place)).reduce((sum, segment) => sum + segment.bytes, 0)
      const { root, size } = yield* machine.journal.head
      const { writer } = yield* machine.journal.identity
      assert.deepStrictEqual(yield* readCursor(forgetful.journal, "disk"), {
        logs: [{ writer: new Uint8Array(writer), size, root: new Uint8Array(root) }],
        objects: 4,
        bytes: bytes + 111
      })
      assert.deepStrictEqual(yield* shipAll(forgetful, place.target), { objects: 0, bytes: 0 })
    }).pipe(Effect.provide(services)))

  it.effect("is looked at no more than it takes: the end of what this session did not write, and of the furthest", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      for (let n = 0; n < 3; n++) {
        yield* fill(machine, 1)
        yield* shipAll(machine, place.target)
      }
      const own = troubled(place.target, "get", () => undefined)
      yield* meet(machine, { target: own })
      // Each is two reads: a head, and the last chunk.
      assert.strictEqual(own.calls(), 2)
      machine.disk.sessions.length = 0
      const strange = troubled(place.target, "get", () => undefined)
      yield* meet(machine, { target: strange })
      assert.strictEqual(strange.calls(), 6)
    }).pipe(Effect.provide(services)))

  it.effect("has a root at every size, on a block's end or not", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      yield* fill(machine, 70, 5, 60)
      const { journal } = machine
      const { writer } = yield* journal.identity
      const log = yield* loadLog((yield* makeMachine).journal)
      const events = yield* eventsIn(journal)
      for (const [at, event] of events.entries()) {
        yield* makeEntry(log, [event], { blobs: [], states: [], contents: [] })
        if (at % 9 !== 0 && at !== 69) continue
        assert.deepStrictEqual(Buffer.from(yield* rootAt(journal, at + 1)), Buffer.from(log.head().root), `${at + 1}`)
      }
      yield* journal.fork({ at: yield* journal.headAt({ size: 70 }), writer: new Uint8Array(8), entries: Stream.empty })
      const old = yield* rootAt(journal, 66, writer)
      assert.notDeepEqual(old, yield* rootAt(journal, 0))
    }).pipe(Effect.provide(services)))
})

describe("a target that lacks what was shipped", () => {
  /** Verifies: SHIP-4 */
  it.effect("is short, and brought up again from where it breaks off", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      for (let n = 0; n < 3; n++) {
        yield* fill(machine, 2)
        yield* shipAll(machine, place.target)
      }
      const [, second, third] = yield* segmentsAt(place)
      place.objects.delete(second!.object)
      assert.deepStrictEqual(yield* meet(machine, place), { _tag: "short", size: 2, shipped: 6 })
      const { writer } = yield* machine.journal.identity
      assert.strictEqual(shippedOf(yield* readCursor(machine.journal, "disk"), writer), 2)
      yield* shipAll(machine, place.target)
      assert.deepStrictEqual(yield* meet(machine, place), { _tag: "agrees", size: 6 })
      assert.isTrue(place.objects.has(third!.object))
    }).pipe(Effect.provide(services)))
})

describe("an object that is none any more", () => {
  /** A machine that shipped three times two events. */
  const shipped = Effect.gen(function*() {
    const machine = yield* makeMachine
    const place = yield* makePlace()
    for (let n = 0; n < 3; n++) {
      yield* fill(machine, 2)
      yield* shipAll(machine, place.target)
    }
    const [first, second, third] = yield* segmentsAt(place)
    return { machine, place, first: first!, second: second!, third: third! }
  })
  const flipEnd = (objects: Map<string, Uint8Array>, object: string) => {
    const bytes = objects.get(object)!.slice()
    bytes[bytes.length - 1] = bytes.at(-1)! ^ 1
    objects.set(object, bytes)
  }

  /** Verifies: SHIP-4, FAULT-18 */
  it.effect("does not count where it was torn, wherever it lies: its events are shipped again", () =>
    Effect.gen(function*() {
      const { machine, place, second } = yield* shipped
      place.objects.set(second.object, place.objects.get(second.object)!.slice(0, 1_000))
      assert.deepStrictEqual(yield* meet(machine, place), { _tag: "short", size: 2, shipped: 6 })
      // Another session: the same events under another name.
      const next = yield* copyOf(machine)
      yield* shipAll(next, place.target)
      assert.deepStrictEqual(yield* meet(next, place), { _tag: "agrees", size: 6 })
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-4 */
  it.effect("does not count where we had brought it and its end cannot be read; that is looked at twice", () =>
    Effect.gen(function*() {
      const { machine, place, third } = yield* shipped
      const garbled = troubled(place.target, "get", (call) => call === 0 ? "Corrupt" : undefined)
      assert.deepStrictEqual(yield* meet(machine, { target: garbled }), { _tag: "agrees", size: 6 })
      flipEnd(place.objects, third.object)
      assert.deepStrictEqual(yield* meet(machine, place), { _tag: "short", size: 4, shipped: 6 })
    }).pipe(Effect.provide(services)))

  it.effect("stops us where nobody knows whose history it held", () =>
    Effect.gen(function*() {
      const { machine, place, third } = yield* shipped
      flipEnd(place.objects, third.object)
      machine.disk.sessions.length = 0
      assert.strictEqual((yield* Effect.flip(meet(machine, place)))._tag, "FormatError")
    }).pipe(Effect.provide(services)))
})

describe("a target that has more of our log", () => {
  /** Verifies: SHIP-2 */
  it.effect("gives it back: events, what sources remember, and the blobs they need", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* tell(machine, "a", "b")
      const backup = yield* copyOf(machine)
      yield* tell(machine, "c")
      yield* shipAll(machine, place.target)
      yield* tell(machine, "d", "e")
      const { writer } = yield* machine.journal.identity
      const local = yield* makeMemory()
      const bytes = new Uint8Array(9)
      const blob = yield* sealBlob({
        ring,
        entropy: yield* Entropy,
        epoch: 0,
        writer,
        sha256: new Uint8Array(32),
        bytes
      })
      yield* local.put(blob.object, blob.bytes)
      const content = {
        _tag: "blob",
        sha256: new Uint8Array(32),
        size: 9,
        writer,
        epoch: 0,
        parts: [{ sha256: new Uint8Array(32), size: 9 }]
      } as const
      yield* append(machine, [added("f", { message: { key: "f", type: "mail", content } })], [blob.object])
      yield* shipAll(machine, place.target, { local })
      const mine = yield* makeMemory()
      const other = { ...sourceOf("other") }
      const finding = yield* meet(backup, place, { local: mine, sources: [sourceOf(), other] })
      assert.deepStrictEqual(finding, { _tag: "extended", from: 2, size: 6 })
      assert.deepStrictEqual(yield* eventsIn(backup.journal), yield* eventsIn(machine.journal))
      assert.deepStrictEqual((yield* backup.journal.head).root, (yield* machine.journal.head).root)
      assert.deepStrictEqual([...(yield* backup.journal.state("test"))].filter(([key]) => !key.startsWith("sealog")), [
        ["c", "2"],
        ["d", "3"],
        ["e", "4"],
        ["f", "5"]
      ])
      assert.deepStrictEqual([...(yield* backup.journal.state("other"))], [])
      assert.deepStrictEqual(yield* mine.get(blob.object), blob.bytes)
      const [block] = [...(yield* Stream.runCollect(backup.journal.blocks({ from: 5 })))]
      assert.deepStrictEqual(block!.blobs, [blob.object])
      assert.deepStrictEqual(yield* shipAll(backup, place.target), { objects: 0, bytes: 0 })
      assert.deepStrictEqual(yield* meet(backup, place), { _tag: "agrees", size: 6 })
    }).pipe(Effect.provide(services)))

  it.effect("gives back what lies in the middle of a segment, and takes the longest of several", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* tell(machine, "a")
      const backup = yield* copyOf(machine)
      yield* tell(machine, "b")
      yield* shipAll(machine, place.target)
      yield* tell(machine, "c")
      // A second ship from the beginning: [0, 1] and [0, 2].
      machine.disk.notes.clear()
      yield* shipAll(machine, place.target)
      const reads = troubled(place.target, "get", () => undefined)
      assert.deepStrictEqual(yield* meet(backup, { target: reads }), { _tag: "extended", from: 1, size: 3 })
      assert.deepStrictEqual(yield* keysIn(backup.journal), ["a", "b", "c"])
      assert.strictEqual(reads.calls(), 1)
    }).pipe(Effect.provide(services)))

  it.effect("is taken as far as it goes without a gap", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      const backup = yield* copyOf(machine)
      for (const key of ["a", "b", "c"]) {
        yield* tell(machine, key)
        yield* shipAll(machine, place.target)
      }
      const [, second] = yield* segmentsAt(place)
      place.objects.delete(second!.object)
      assert.deepStrictEqual(yield* meet(backup, place), { _tag: "extended", from: 0, size: 1 })
      assert.deepStrictEqual(yield* keysIn(backup.journal), ["a"])
    }).pipe(Effect.provide(services)))
})
