/** A copy of this machine went on by itself: both histories are kept, and ours goes on under a name of its own. */
import { assert, describe, it } from "@effect/vitest"
import { readCursor } from "@sealog/core/backup/Shipper"
import type { Event } from "@sealog/core/message/Event"
import { Effect, Stream } from "effect"
import { services } from "../journal/support.ts"
import {
  added,
  append,
  copyOf,
  eventsIn,
  keysIn,
  makeMachine,
  makePlace,
  meet,
  segmentsAt,
  shipAll,
  tell
} from "./Memory.ts"

describe("a target that has another log under our name", () => {
  /** A machine and a clone of it that shipped first. */
  const parted = Effect.gen(function*() {
    const machine = yield* makeMachine
    const place = yield* makePlace()
    yield* tell(machine, "a", "b")
    yield* shipAll(machine, place.target)
    const clone = yield* copyOf(machine)
    return { clone, machine, place }
  })

  /** Verifies: SHIP-3, SHIP-6 */
  it.effect("is left to it: ours goes on in a new log from where both agree", () =>
    Effect.gen(function*() {
      const { clone, machine, place } = yield* parted
      yield* tell(clone, "theirs")
      yield* shipAll(clone, place.target)
      yield* tell(machine, "c")
      const old = yield* machine.journal.identity
      const reference: Event = {
        kind: "message.flags",
        recordedAt: 0,
        source: "test",
        conversation: "chat",
        key: "a",
        flags: ["seen"],
        origin: 0
      }
      const same = (index: number, writer = old.writer) =>
        ({ _tag: "same", sha256: new Uint8Array(32), size: 600, writer, index }) as const
      const sharing = (key: string, content: ReturnType<typeof same>) =>
        added(key, { message: { key, type: "mail", content } })
      yield* append(machine, [
        reference,
        { ...reference, origin: 2 },
        { ...reference, origin: 1 },
        sharing("d", same(2)),
        sharing("e", same(1)),
        sharing("f", same(2, new Uint8Array(8).fill(9)))
      ], [`blobs/${"a".repeat(56)}`])
      const head = yield* machine.journal.headAt({ size: 2 })
      const finding = yield* meet(machine, place)
      assert.strictEqual(finding._tag, "forked")
      if (finding._tag !== "forked") return
      const { writer } = yield* machine.journal.identity
      assert.deepStrictEqual([finding.at, finding.writer], [2, writer])
      assert.notDeepEqual(writer, old.writer)
      const events = yield* eventsIn(machine.journal)
      assert.deepInclude(events[0], {
        kind: "log.continues",
        source: "",
        conversation: "",
        size: 2,
        recordedAt: head.recordedAt
      })
      const link = events[0]!
      if (link.kind === "log.continues") {
        assert.deepStrictEqual([Buffer.from(link.writer), Buffer.from(link.root)], [
          Buffer.from(old.writer),
          Buffer.from(head.root)
        ])
      }
      assert.deepStrictEqual(
        events.slice(1).map((event) => event.kind === "message.added" ? event.message.key : event.kind),
        [
          "c",
          "message.flags",
          "message.flags",
          "message.flags",
          "d",
          "e",
          "f"
        ]
      )
      assert.deepStrictEqual(
        events.flatMap((event) => event.kind === "message.flags" ? [event.origin] : []),
        [undefined, 1, undefined]
      )
      const contents = events.flatMap((event) =>
        event.kind === "message.added" && event.message.content?._tag === "same" ? [event.message.content] : []
      )
      assert.deepStrictEqual(contents.map(({ index }) => index), [1, 1, 2])
      assert.deepStrictEqual(
        contents.map((content) => [Buffer.from(content.writer)]),
        [[Buffer.from(writer)], [Buffer.from(old.writer)], [Buffer.alloc(8, 9)]]
      )
      const blocks = [...(yield* Stream.runCollect(machine.journal.blocks({ from: 0 })))]
      assert.deepStrictEqual(blocks.map(({ blobs, count }) => [count, blobs.length]), [[1, 0], [1, 0], [6, 1]])
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-6 */
  it.effect("makes the sources remember anew: what is here by its new place, what was left as not here", () =>
    Effect.gen(function*() {
      const { clone, machine, place } = yield* parted
      yield* tell(clone, "theirs")
      yield* shipAll(clone, place.target)
      yield* tell(machine, "c")
      machine.disk.states.set(
        "test",
        new Map([["kept", "by the source"], ["a", "0"], ["c", "2"], ["sealog:events", "3 9"]])
      )
      yield* meet(machine, place)
      const state = new Map(yield* machine.journal.state("test"))
      assert.deepStrictEqual(
        ["kept", "a", "b", "c"].map((key) => state.get(key)),
        ["by the source", "-1", "-1", "1"]
      )
      assert.strictEqual(state.get("sealog:events")!.split(" ")[0], "3")
      assert.strictEqual(yield* machine.journal.readNote("refold"), "done")
      const cursor = yield* readCursor(machine.journal, "disk")
      assert.deepStrictEqual(cursor.logs.map(({ size }) => size), [2, 0])
      yield* shipAll(machine, place.target)
      assert.strictEqual((yield* meet(machine, place))._tag, "agrees")
      assert.lengthOf(yield* segmentsAt(place), 3)
    }).pipe(Effect.provide(services)))

  it.effect("is found where it reaches further than ours, and nothing of it is taken", () =>
    Effect.gen(function*() {
      const { clone, machine, place } = yield* parted
      yield* tell(clone, "theirs", "too", "three")
      yield* shipAll(clone, place.target)
      yield* tell(machine, "c")
      const finding = yield* meet(machine, place)
      assert.deepStrictEqual([finding._tag, "at" in finding && finding.at], ["forked", 2])
      assert.deepStrictEqual(yield* keysIn(machine.journal), ["log.continues", "c"])
    }).pipe(Effect.provide(services)))

  it.effect("is left at the last end of a block that is before it", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* tell(machine, "a")
      const clone = yield* copyOf(machine)
      yield* tell(machine, "b", "c", "d")
      // Its own segment begins in the middle of our block.
      yield* tell(clone, "b")
      yield* shipAll(clone, place.target)
      yield* tell(clone, "theirs")
      yield* shipAll(clone, place.target)
      const [first] = yield* segmentsAt(place)
      place.objects.delete(first!.object)
      const finding = yield* meet(machine, place)
      assert.deepStrictEqual([finding._tag, "at" in finding && finding.at], ["forked", 1])
      assert.deepStrictEqual(yield* keysIn(machine.journal), ["log.continues", "b", "c", "d"])
      const whole = yield* makePlace("whole")
      const fresh = yield* makeMachine
      const twin = yield* copyOf(fresh)
      yield* tell(twin, "theirs")
      yield* shipAll(twin, whole.target)
      yield* tell(fresh, "ours")
      const other = yield* meet(fresh, whole)
      assert.deepStrictEqual([other._tag, "at" in other && other.at], ["forked", 0])
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-3 */
  it.effect("is left where the histories part, also where it was written in a session that ours knows", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* tell(machine, "a")
      yield* shipAll(machine, place.target)
      // Put back later, it knows the session that went on.
      const backup = yield* copyOf(machine)
      for (const key of ["b", "c"]) {
        yield* tell(machine, key)
        yield* shipAll(machine, place.target)
      }
      for (const key of ["x", "y", "z"]) yield* tell(backup, key)
      const finding = yield* meet(backup, place)
      assert.deepStrictEqual([finding._tag, "at" in finding && finding.at], ["forked", 1])
      assert.deepStrictEqual(yield* keysIn(backup.journal), ["log.continues", "x", "y", "z"])
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-3 */
  it.effect("is found where both histories were brought there, though both are of sessions that ours knows", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* tell(machine, "a")
      yield* shipAll(machine, place.target)
      const backup = yield* copyOf(machine)
      for (const key of ["b", "c"]) {
        yield* tell(machine, key)
        yield* shipAll(machine, place.target)
      }
      // They had met the target before the other one went on.
      yield* tell(backup, "x", "y")
      yield* shipAll(backup, place.target)
      const next = yield* copyOf(backup)
      const finding = yield* meet(next, place)
      assert.deepStrictEqual([finding._tag, "at" in finding && finding.at], ["forked", 1])
      assert.deepStrictEqual(yield* keysIn(next.journal), ["log.continues", "x", "y"])
    }).pipe(Effect.provide(services)))

  it.effect("ends a fork that was cut short: what sources remember is folded before all else", () =>
    Effect.gen(function*() {
      const { machine, place } = yield* parted
      machine.disk.states.set("test", new Map([["a", "7"]]))
      yield* machine.journal.writeNote("refold", "due")
      yield* meet(machine, place)
      const state = new Map(yield* machine.journal.state("test"))
      assert.deepStrictEqual([state.get("a"), state.get("b")], ["0", "1"])
      assert.strictEqual(yield* machine.journal.readNote("refold"), "done")
      machine.disk.states.set("test", new Map([["a", "7"]]))
      yield* meet(machine, place)
      assert.strictEqual((yield* machine.journal.state("test")).get("a"), "7")
    }).pipe(Effect.provide(services)))

  it.effect("cannot be left where the log cannot be read", () =>
    Effect.gen(function*() {
      const { clone, machine, place } = yield* parted
      yield* tell(clone, "theirs")
      yield* shipAll(clone, place.target)
      yield* tell(machine, "c")
      const entries = machine.disk.logs[0]!.entries
      const damaged = entries.map((entry, at) =>
        at < 1 ? entry : {
          ...entry,
          block: {
            ...entry.block,
            runs: entry.block.runs.map((run) => ({ ...run, frame: new Uint8Array(3), codec: "brotli" as const }))
          }
        }
      )
      machine.disk.logs = [{ ...machine.disk.logs[0]!, entries: damaged }]
      const error = yield* Effect.flip(meet(machine, place))
      assert.deepInclude(error, { _tag: "JournalError", reason: "Corrupt" })
    }).pipe(Effect.provide(services)))
})
