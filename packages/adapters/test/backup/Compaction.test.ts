/** Which segments become one, what is proven before any of them goes, and what the next compaction clears up. */
import { assert, describe, it } from "@effect/vitest"
import { readCursor, type Target } from "@sealog/core/backup/Shipper"
import { SEGMENT_FINAL_BYTES } from "@sealog/core/format/Limits"
import { Effect, Stream } from "effect"
import { services } from "../journal/support.ts"
import { compactAt, plant, shipSingly } from "./Compacting.ts"
import { copyOf, fill, makeMachine, makePlace, meet, rangesAt, segmentsAt, troubled } from "./Memory.ts"

/** The longest that is not final: what is no Padmé size is no whole segment. */
const BELOW_FINAL_BYTES = SEGMENT_FINAL_BYTES - 128 * 1024

/** The same place, where a listing gives some objects another size. */
const listed = ({ name, storage }: Target, sizeOf: (object: string) => number | undefined): Target => ({
  name,
  storage: {
    ...storage,
    list: (prefix) => Stream.map(storage.list(prefix), (info) => ({ ...info, size: sizeOf(info.name) ?? info.size }))
  }
})

describe("a compaction", () => {
  /** Verifies: SHIP-7 */
  it.effect("makes one of sixteen neighbours, and of sixteen of these one again", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* shipSingly(machine, place, 15)
      const none = { made: 0, removed: 0, bytes: 0 }
      assert.deepStrictEqual(yield* compactAt(machine, place.target), none)
      assert.lengthOf(yield* segmentsAt(place), 15)
      yield* shipSingly(machine, place, 2)
      const before = yield* readCursor(machine.journal, "disk")
      const freed = (yield* segmentsAt(place)).slice(0, 16).reduce((sum, { bytes }) => sum + bytes, 0)
      const report = yield* compactAt(machine, place.target)
      assert.deepStrictEqual(yield* rangesAt(place), [[0, 15, 1], [16, 16, 0]])
      const [merged] = yield* segmentsAt(place)
      assert.deepStrictEqual(report, { made: 1, removed: 16, bytes: merged!.bytes })
      const after = yield* readCursor(machine.journal, "disk")
      assert.deepStrictEqual(after, {
        logs: before.logs,
        objects: before.objects - 15,
        bytes: before.bytes + merged!.bytes - freed
      })
      assert.strictEqual(after.bytes, (yield* segmentsAt(place)).reduce((sum, { bytes }) => sum + bytes, 0))
      assert.deepStrictEqual(yield* compactAt(machine, place.target), none)
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: SHIP-7 */
  it.effect("goes on until nothing is left to merge, level by level", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, ...Array.from({ length: 15 + 16 }, () => 1))
      for (let n = 0; n < 15; n++) yield* plant(machine, place, { from: n, to: n + 1, level: 1 })
      for (let n = 15; n < 31; n++) yield* plant(machine, place, { from: n, to: n + 1, level: 0 })
      const report = yield* compactAt(machine, place.target)
      assert.deepStrictEqual(yield* rangesAt(place), [[0, 30, 2]])
      assert.deepStrictEqual([report.made, report.removed], [2, 32])
    }).pipe(Effect.provide(services)), 30_000)

  it.effect("merges neighbours only, of one level, none that is as long as one gets", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, ...Array.from({ length: 40 }, () => 1))
      // A gap at 8, another level at 20: no sixteen in a row.
      for (let n = 0; n < 33; n++) {
        if (n !== 8) yield* plant(machine, place, { from: n, to: n + 1, level: n === 20 ? 1 : 0 })
      }
      assert.strictEqual((yield* compactAt(machine, place.target)).made, 0)
      const seen = (yield* segmentsAt(place)).find(({ first }) => first === 30)!
      // One in the middle of the next sixteen is long.
      const listing = (size: number) => listed(place.target, (object) => object === seen.object ? size : undefined)
      for (let n = 33; n < 40; n++) yield* plant(machine, place, { from: n, to: n + 1, level: 0 })
      assert.strictEqual((yield* compactAt(machine, listing(SEGMENT_FINAL_BYTES))).made, 0)
      assert.strictEqual((yield* compactAt(machine, listing(BELOW_FINAL_BYTES))).made, 1)
      assert.deepInclude(yield* rangesAt(place), [21, 36, 1])
    }).pipe(Effect.provide(services)), 30_000)

  it.effect("takes no more than fit one segment", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* shipSingly(machine, place, 18)
      // Three of these are more than a segment may have.
      const report = yield* compactAt(machine, listed(place.target, () => BELOW_FINAL_BYTES))
      assert.strictEqual(report.removed % 2, 0)
      assert.deepInclude(yield* rangesAt(place), [0, 1, 1])
    }).pipe(Effect.provide(services)), 30_000)

  it.effect("leaves alone what other sessions, machines and newer logs brought", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, ...Array.from({ length: 17 }, () => 1))
      for (let n = 0; n < 15; n++) yield* plant(machine, place, { from: n, to: n + 1, level: 0 })
      yield* plant(machine, place, { from: 15, to: 16, level: 0 }, { session: new Uint8Array(4).fill(7) })
      assert.strictEqual((yield* compactAt(machine, place.target)).made, 0)
      // One that ends beyond our log is of a copy of this machine that went on.
      const older = yield* copyOf(machine)
      older.disk.logs = [{
        ...older.disk.logs[0]!,
        entries: older.disk.logs[0]!.entries.slice(0, 15),
        head: older.disk.logs[0]!.entries[14]!.head
      }]
      yield* plant(machine, place, { from: 15, to: 16, level: 0 })
      assert.strictEqual((yield* compactAt(older, place.target)).made, 0)
      assert.strictEqual((yield* compactAt(machine, place.target)).made, 1)
    }).pipe(Effect.provide(services)), 30_000)

  it.effect(
    "merges what earlier sessions of this machine brought, once it is known to be ours",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        const place = yield* makePlace()
        yield* shipSingly(machine, place, 16)
        const next = yield* copyOf(machine)
        const gets = troubled(place.target, "get", () => undefined)
        assert.strictEqual((yield* compactAt(next, gets)).made, 1)
        // What was made is read back; of each that goes, the head and the end.
        assert.isAtLeast(gets.calls(), 1 + 16 * 2)
      }).pipe(Effect.provide(services)),
    30_000
  )

  it.effect("removes nothing that does not end at our root", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, ...Array.from({ length: 16 }, () => 1))
      const older = yield* copyOf(machine)
      const session = (yield* machine.journal.identity).session
      for (let n = 0; n < 16; n++) {
        yield* plant(
          machine,
          place,
          { from: n, to: n + 1, level: 0 },
          n === 9 ? { session, root: new Uint8Array(32) } : {}
        )
      }
      assert.deepStrictEqual(yield* compactAt(older, place.target), { made: 0, removed: 0, bytes: 0 })
      assert.isTrue((yield* segmentsAt(place)).some(({ first, level }) => first === 9 && level === 0))
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: SHIP-8 */
  it.effect("clears up what one before it left, and proves the larger one first", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* shipSingly(machine, place, 16)
      yield* plant(machine, place, { from: 0, to: 16, level: 1 })
      const cursor = yield* readCursor(machine.journal, "disk")
      const freed = (yield* segmentsAt(place)).filter(({ level }) => level === 0)
      const report = yield* compactAt(machine, place.target)
      assert.deepStrictEqual(report, { made: 0, removed: 16, bytes: 0 })
      assert.deepStrictEqual(yield* rangesAt(place), [[0, 15, 1]])
      const after = yield* readCursor(machine.journal, "disk")
      assert.strictEqual(after.objects, cursor.objects - 16)
      assert.strictEqual(after.bytes, cursor.bytes - freed.reduce((sum, { bytes }) => sum + bytes, 0))
      const wrong = yield* makePlace()
      yield* plant(machine, wrong, { from: 3, to: 4, level: 0 })
      yield* plant(machine, wrong, { from: 0, to: 16, level: 1 }, { root: new Uint8Array(32) })
      assert.deepStrictEqual(yield* compactAt(machine, wrong.target), { made: 0, removed: 0, bytes: 0 })
      assert.lengthOf(yield* segmentsAt(wrong), 2)
    }).pipe(Effect.provide(services)), 30_000)

  it.effect(
    "takes no segment for covered that reaches further on either side",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        const place = yield* makePlace()
        yield* fill(machine, ...Array.from({ length: 8 }, () => 1))
        yield* plant(machine, place, { from: 2, to: 6, level: 1 })
        yield* plant(machine, place, { from: 1, to: 3, level: 0 })
        yield* plant(machine, place, { from: 5, to: 7, level: 0 })
        assert.strictEqual((yield* compactAt(machine, place.target)).removed, 0)
        yield* plant(machine, place, { from: 3, to: 4, level: 1 })
        yield* plant(machine, place, { from: 2, to: 4, level: 0 })
        yield* plant(machine, place, { from: 4, to: 6, level: 0 })
        assert.strictEqual((yield* compactAt(machine, place.target)).removed, 3)
        assert.deepStrictEqual(yield* rangesAt(place), [[1, 2, 0], [2, 5, 1], [5, 6, 0]])
      }).pipe(Effect.provide(services)),
    30_000
  )

  /** Verifies: SHIP-8 */
  it.effect(
    "clears up what was shipped twice, or torn, and reads nothing where all is in order",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        const place = yield* makePlace()
        yield* shipSingly(machine, place, 8)
        const gets = troubled(place.target, "get", () => undefined)
        yield* compactAt(machine, gets)
        assert.strictEqual(gets.calls(), 0)
        yield* plant(machine, place, { from: 2, to: 5, level: 0 })
        const torn = yield* plant(machine, place, { from: 5, to: 8, level: 0 })
        place.objects.set(torn.object, torn.bytes.slice(0, 4_000))
        assert.deepInclude(yield* compactAt(machine, gets), { made: 0, removed: 4 })
        // The one that stays in the place of three; and those that stay in the place of the torn one.
        assert.strictEqual(gets.calls(), 4)
        assert.deepStrictEqual(
          (yield* rangesAt(place)).map(([first, last]) => [first, last]),
          [[0, 0], [1, 1], [2, 4], [5, 5], [6, 6], [7, 7]]
        )
      }).pipe(Effect.provide(services)),
    30_000
  )

  /** Verifies: SHIP-8 */
  it.effect("keeps the small ones where the large one is damaged, and merges them again", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* shipSingly(machine, place, 18)
      const large = yield* plant(machine, place, { from: 0, to: 17, level: 1 })
      const bytes = place.objects.get(large.object)!
      bytes[100] = bytes[100]! ^ 1
      assert.deepInclude(yield* compactAt(machine, place.target), { made: 1, removed: 16 })
      assert.sameDeepMembers(yield* rangesAt(place), [[0, 15, 1], [0, 16, 1], [16, 16, 0], [17, 17, 0]])
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: SHIP-14 */
  it.effect("goes on around segments of another history, and keeps them", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* fill(machine, ...Array.from({ length: 20 }, () => 1))
      const next = yield* copyOf(machine)
      for (let n = 0; n < 20; n++) yield* plant(machine, place, { from: n, to: n + 1, level: 0 })
      // Longer than any of ours: it looks like what has taken their place.
      const theirs = yield* plant(machine, place, { from: 3, to: 9, level: 0 }, { root: new Uint8Array(32) })
      assert.deepInclude(yield* compactAt(next, place.target), { made: 1, removed: 16 })
      assert.isTrue(place.objects.has(theirs.object))
      assert.deepInclude(yield* rangesAt(place), [0, 15, 1])
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: FAULT-18 */

  it.effect(
    "goes on where the blocks of the journal came back from another target, longer than the segments here",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        const [here, there] = [yield* makePlace("here"), yield* makePlace("there")]
        yield* fill(machine, 1)
        const backup = yield* copyOf(machine)
        // There all is one segment by now; here the first ones were merged, and the rest are small.
        yield* fill(machine, ...Array.from({ length: 30 }, () => 1))
        yield* plant(machine, there, { from: 0, to: 31, level: 2 })
        yield* plant(machine, here, { from: 0, to: 15, level: 1 })
        for (let n = 15; n < 31; n++) yield* plant(machine, here, { from: n, to: n + 1, level: 0 })
        backup.disk.sessions.push(...machine.disk.sessions)
        const found = yield* meet(backup, there, { sources: [] })
        assert.strictEqual(found._tag, "extended")
        assert.deepStrictEqual(yield* compactAt(backup, here.target), { made: 0, removed: 0, bytes: 0 })
        assert.lengthOf(yield* segmentsAt(here), 17)
      }).pipe(Effect.provide(services)),
    30_000
  )

  it.effect("leaves a target alone where nothing may be removed", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* shipSingly(machine, place, 16)
      const { storage } = place.target
      const kept = { ...storage, capabilities: { ...storage.capabilities, deletes: false } }
      assert.strictEqual((yield* compactAt(machine, { name: "disk", storage: kept })).made, 0)
      assert.lengthOf(yield* segmentsAt(place), 16)
    }).pipe(Effect.provide(services)), 30_000)
})
