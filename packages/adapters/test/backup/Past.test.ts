/** What a source is given of what it told before. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemoryDisk, openMemoryJournal } from "@sealog/adapters/journal/Memory"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import * as Capture from "@sealog/core/backup/Capture"
import { Journal, JournalError } from "@sealog/core/backup/Journal"
import type { Batch, Past, SourceShape } from "@sealog/core/backup/Source"
import { LocalObjects } from "@sealog/core/backup/Vault"
import { Effect, Stream, TestClock } from "effect"
import { services } from "../journal/support.ts"
import { eventsIn, sourceOf } from "./Memory.ts"

const batch = (...keys: ReadonlyArray<string>): Batch => ({
  drafts: keys.map((key) => ({
    fact: { kind: "message.added", conversation: key.slice(0, 1), message: { key, type: "text", text: `text ${key}` } }
  }))
})

describe("a source's past", () => {
  it.scoped("is every event it told, whichever block and conversation it stands in, and no other", () =>
    Effect.gen(function*() {
      // A clock may stand between two milliseconds; the log's times do not.
      yield* TestClock.setTime(1_795_594_738_729.5)
      yield* Effect.addFinalizer(() => TestClock.setTime(1_795_594_738_730))
      const journal = yield* openMemoryJournal(yield* makeMemoryDisk)
      const capture = yield* Capture.make.pipe(
        Effect.provideService(Journal, journal),
        Effect.provideService(LocalObjects, yield* makeMemory())
      )
      let given: Past | undefined
      const telling = (...batches: ReadonlyArray<Batch>): SourceShape => ({
        ...sourceOf(),
        changes: (_, past) => {
          given = past
          return Stream.fromIterable(batches)
        }
      })
      yield* capture.pass(telling(batch("a1", "b1", "a2"), batch("b2"), batch("a3", "b3", "c1")))
      yield* capture.pass(telling())
      const told = yield* eventsIn(journal)
      const order = [6, 0, 3, 1, 2, 5, 4, 0]
      const found = yield* Effect.forEach(order, (index) => given!.event(index))
      assert.deepStrictEqual(found, order.map((index) => told[index]))
      assert.deepStrictEqual(yield* Effect.forEach([-1, told.length], (index) => given!.event(index)), [
        undefined,
        undefined
      ])
    }).pipe(Effect.provide(services)))

  it.scoped("that cannot be read fails the pass with what is wrong with the journal", () =>
    Effect.gen(function*() {
      const journal = yield* openMemoryJournal(yield* makeMemoryDisk)
      const damage = new JournalError({ reason: "Corrupt", method: "blocks", subject: "events 0 to 1" })
      const capture = yield* Capture.make.pipe(
        Effect.provideService(Journal, { ...journal, blocks: () => Stream.fail(damage) }),
        Effect.provideService(LocalObjects, yield* makeMemory())
      )
      const asking: SourceShape = {
        ...sourceOf(),
        changes: (_, past) => Stream.as(Stream.fromEffect(past.event(0)), batch("a1"))
      }
      assert.strictEqual(yield* Effect.flip(capture.pass(asking)), damage)
      assert.strictEqual((yield* journal.head).size, 0)
    }).pipe(Effect.provide(services)))
})
