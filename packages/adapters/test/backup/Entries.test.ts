/** From events to entries, and back to the events of the leaf that is not full. */
import { assert, describe, it } from "@effect/vitest"
import { decodeAll, loadLog, makeEntry, openEvents } from "@sealog/core/backup/Entries"
import { eventsOf } from "@sealog/core/format/Block"
import { decodeEvent } from "@sealog/core/format/EventCodec"
import type { Event } from "@sealog/core/message/Event"
import { Effect, Either, Stream } from "effect"
import { services } from "../journal/support.ts"
import { added, fill, makeMachine } from "./Memory.ts"

const keysOf = (events: ReadonlyArray<Uint8Array>) =>
  events.map(decodeEvent).map((event) => event.kind === "message.added" ? event.message.key : event.kind)

describe("the open leaf", () => {
  it.effect("has the events behind the last full one, at any size, of any log", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      yield* fill(machine, 3, 60, 5, 64, 70)
      const { journal } = machine
      for (const size of [0, 1, 3, 63, 64, 65, 68, 70, 127, 128, 129, 200, 202]) {
        const from = size - (size % 64)
        const expected = Array.from({ length: size - from }, (_, n) => `m${from + n}`)
        assert.deepStrictEqual(keysOf(yield* openEvents(journal, size)), expected, `${size}`)
      }
      const { writer } = yield* journal.identity
      const at = yield* journal.headAt({ size: 68 })
      yield* journal.fork({ at, writer: new Uint8Array(8), entries: Stream.empty })
      assert.deepStrictEqual(yield* openEvents(journal, 0), [])
      assert.deepStrictEqual(keysOf(yield* openEvents(journal, 66, writer)), ["m64", "m65"])
    }).pipe(Effect.provide(services)))
})

describe("an entry", () => {
  it.effect("holds what it was made of, and what follows from it", () =>
    Effect.gen(function*() {
      const { journal } = yield* makeMachine
      const log = yield* loadLog(journal)
      const events: ReadonlyArray<Event> = [
        added("a", { recordedAt: 5 }),
        { kind: "source.checkpoint", recordedAt: 6, source: "other", conversation: "", counts: {} },
        {
          kind: "file.upsert",
          recordedAt: 7,
          source: "test",
          conversation: "",
          path: "p",
          mtimeNs: 1,
          content: { _tag: "inline", bytes: new Uint8Array(3) }
        }
      ]
      const extras = { blobs: ["blobs/x"], states: [{ source: "s", delta: [] }], contents: [["aa", 0]] as const }
      const entry = yield* makeEntry(log, events, extras)
      const { block, head } = entry
      assert.deepStrictEqual([block.first, block.count, block.blobs], [0, 3, extras.blobs])
      assert.deepStrictEqual([head.size, head.recordedAt, head.root], [3, 7, log.head().root])
      assert.deepStrictEqual([entry.leaves, entry.states, entry.contents], [[], extras.states, extras.contents])
      assert.deepStrictEqual(yield* decodeAll(yield* eventsOf(block)), events)
      const places = block.runs.map((
        { alone, class: kind, conversation, source }
      ) => [source, conversation, kind, alone])
      assert.deepStrictEqual(places.toSorted(), [
        ["other", "", "control", false],
        ["test", "", "additions", true],
        ["test", "chat", "additions", false]
      ])
      const full = yield* makeEntry(
        log,
        Array.from({ length: 130 }, (_, n) => added(`b${n}`, { recordedAt: 9 })),
        extras
      )
      assert.lengthOf(full.leaves, 2)
      assert.strictEqual(full.block.first, 3)
    }).pipe(Effect.provide(services)))

  it.effect("is not made of what no event can hold, and the log stays where it was", () =>
    Effect.gen(function*() {
      const { journal } = yield* makeMachine
      const log = yield* loadLog(journal)
      const bad = makeEntry(log, [added("a"), added("half \ud800")], { blobs: [], states: [], contents: [] })
      assert.strictEqual((yield* Effect.flip(bad)).reason, "Malformed")
      assert.strictEqual(log.size, 0)
      assert.isTrue(Either.isLeft(decodeAll([new Uint8Array(0)])))
    }).pipe(Effect.provide(services)))
})
