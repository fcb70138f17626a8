/** What goes into the log beside the facts: checkpoints, gaps, blobs, times; and what is left out of it. */
import { assert, describe, it } from "@effect/vitest"
import { makeMemoryDisk, openMemoryJournal } from "@sealog/adapters/journal/Memory"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import * as Capture from "@sealog/core/backup/Capture"
import { Journal, JournalError, type JournalShape } from "@sealog/core/backup/Journal"
import type { Batch, SourceShape } from "@sealog/core/backup/Source"
import { LocalObjects } from "@sealog/core/backup/Vault"
import type { Fact } from "@sealog/core/message/Event"
import { Effect, Stream, TestClock } from "effect"
import { createHash } from "node:crypto"
import { services } from "../journal/support.ts"
import { eventsIn, sourceOf } from "./Memory.ts"

const added = (key: string): Fact => ({ kind: "message.added", conversation: "c", message: { key, type: "text" } })
const batch = (...facts: ReadonlyArray<Fact>): Batch => ({ drafts: facts.map((fact) => ({ fact })) })
const telling = (...batches: ReadonlyArray<Batch>): SourceShape => ({
  ...sourceOf(),
  changes: () => Stream.fromIterable(batches)
})

const opened = Effect.fn("test.opened")(
  function*(wrap: (journal: JournalShape) => JournalShape = (journal) => journal) {
    const local = yield* makeMemory()
    const journal = wrap(yield* openMemoryJournal(yield* makeMemoryDisk))
    const capture = yield* Capture.make.pipe(
      Effect.provideService(Journal, journal),
      Effect.provideService(LocalObjects, local)
    )
    const kinds = Effect.map(eventsIn(journal), (events) => events.map(({ kind }) => kind))
    return { capture, journal, kinds, local }
  }
)

describe("a checkpoint", () => {
  it.scoped(
    "rides along with many events, or after ten minutes, and says what is remembered",
    () =>
      Effect.gen(function*() {
        const { capture, journal, kinds } = yield* opened()
        const many = (from: number, count: number) =>
          telling(batch(...Array.from({ length: count }, (_, n) => added(`m${from + n}`))))
        yield* TestClock.setTime(10 * 60_000 - 1)
        yield* capture.pass(many(0, 999))
        assert.notInclude(yield* kinds, "source.checkpoint")
        yield* capture.pass(many(1_000, 1_000))
        const first = (yield* eventsIn(journal)).at(-1)!
        assert.deepInclude(first, { kind: "source.checkpoint", conversation: "", source: "test", recordedAt: 599_999 })
        // The messages, and beside them how many events there were.
        if (first.kind === "source.checkpoint") assert.deepEqual({ ...first.counts as object }, { remembered: 2_000 })
        yield* TestClock.setTime(599_999 + 599_999)
        yield* capture.pass(many(5_000, 1))
        assert.lengthOf((yield* kinds).filter((kind) => kind === "source.checkpoint"), 1)
        yield* TestClock.setTime(599_999 + 600_000)
        yield* capture.pass(many(6_000, 1))
        assert.lengthOf((yield* kinds).filter((kind) => kind === "source.checkpoint"), 2)
        assert.strictEqual((yield* capture.state("test")).get("sealog:checkpoint"), "1199999")
        yield* capture.pass(telling())
        assert.lengthOf((yield* kinds).filter((kind) => kind === "source.checkpoint"), 2)
      }).pipe(Effect.provide(services)),
    30_000
  )

  it.scoped("is counted with the pass it rides along with, and each batch is told of once it is there", () =>
    Effect.gen(function*() {
      const { capture, journal } = yield* opened()
      const told: Array<Capture.PassReport> = []
      const source = telling(batch(added("a"), added("b")), batch(added("c")), { drafts: [] })
      yield* TestClock.setTime(600_000)
      const report = yield* capture.pass(source, (each) => Effect.sync(() => void told.push(each)))
      assert.deepStrictEqual(told.map(({ events }) => events), [2, 1, 0, 1])
      assert.strictEqual(report.events, 4)
      const blocks = [...(yield* Stream.runCollect(journal.blocks({ from: 0 })))]
      const sizes = blocks.map(({ runs }) => runs.reduce((sum, { frame }) => sum + frame.length, 0))
      assert.deepStrictEqual(told.map(({ bytes }) => bytes), [sizes[0], sizes[1], 0, sizes[2]])
      assert.strictEqual(report.bytes, sizes.reduce((sum, size) => sum + size, 0))
      assert.deepStrictEqual(yield* capture.pass(telling()), { events: 0, bytes: 0 })
    }).pipe(Effect.provide(services)))
})

describe("what no event can hold", () => {
  it.scoped("becomes a gap that says what and why, once, in text that can be written", () =>
    Effect.gen(function*() {
      const { capture, journal } = yield* opened()
      const long = `${"x".repeat(1_500)}\ud800`
      const facts: ReadonlyArray<Fact> = [
        { kind: "message.flags", conversation: "c\ud800", key: "half \ud800" },
        { ...added(long), conversation: "d" } as Fact,
        { kind: "file.removed", conversation: "e", path: "\u0100" },
        added("fine")
      ]
      yield* capture.pass(telling(batch(...facts)))
      const events = yield* eventsIn(journal)
      const gaps = events.flatMap((event) => event.kind === "source.gap" ? [[event.conversation, event.subject]] : [])
      assert.deepStrictEqual(gaps, [["c\ufffd", "half \ufffd"], ["d", "x".repeat(1_000)], ["e", "file.removed"]])
      assert.isTrue(events.every((event) => event.kind !== "source.gap" || event.reason.startsWith("event: ")))
      assert.strictEqual(events.at(-1)!.kind, "message.added")
      yield* capture.pass(telling(batch(...facts)))
      assert.lengthOf((yield* eventsIn(journal)).filter(({ kind }) => kind === "source.gap"), 3)
    }).pipe(Effect.provide(services)))

  it.scoped("does not keep a batch's cursor from being remembered", () =>
    Effect.gen(function*() {
      const { capture } = yield* opened()
      yield* capture.pass(telling({ ...batch(added("half \ud800")), cursor: [["at", "7"]] }))
      assert.strictEqual((yield* capture.state("test")).get("at"), "7")
    }).pipe(Effect.provide(services)))
})

describe("what a source remembers", () => {
  it.scoped("is written without an event where there is none, and forgotten where it says so", () =>
    Effect.gen(function*() {
      const { capture, journal } = yield* opened()
      const remembering = (...cursor: NonNullable<Batch["cursor"]>) => telling({ drafts: [], cursor })
      yield* capture.pass(remembering(["a", "1"], ["b", "2"]))
      assert.strictEqual((yield* journal.head).size, 0)
      assert.deepStrictEqual([...(yield* journal.state("test"))], [["a", "1"], ["b", "2"]])
      yield* capture.pass(remembering(["a", undefined]))
      assert.deepStrictEqual([...(yield* journal.state("test"))], [["b", "2"]])
      assert.deepStrictEqual([...(yield* capture.state("test"))], [["b", "2"]])
      yield* capture.pass(telling({ ...batch(added("m")), cursor: [["b", undefined], ["c", "3"]] }))
      const state = new Map(yield* journal.state("test"))
      assert.deepStrictEqual([state.get("m"), state.get("b"), state.get("c")], ["0", undefined, "3"])
    }).pipe(Effect.provide(services)))

  it.scoped("is loaded anew after something else had the log, or after a write failed", () =>
    Effect.gen(function*() {
      let failing = false
      const { capture, journal } = yield* opened((memory) => ({
        ...memory,
        append: (entry) =>
          Effect.suspend(() => failing ? new JournalError({ reason: "Io", method: "append" }) : memory.append(entry))
      }))
      yield* capture.pass(telling(batch(added("a"))))
      yield* journal.remember("test", [["else", "1"]])
      assert.isFalse((yield* capture.state("test")).has("else"))
      yield* capture.exclusively(Effect.void)
      assert.strictEqual((yield* capture.state("test")).get("else"), "1")
      failing = true
      const error = yield* Effect.flip(capture.pass(telling(batch(added("b")))))
      assert.strictEqual(error._tag === "JournalError" && error.reason, "Io")
      assert.isFalse((yield* capture.state("test")).has("b"))
      failing = false
      yield* capture.pass(telling(batch(added("b")), batch(added("c"))))
      const state = yield* journal.state("test")
      assert.deepStrictEqual(["a", "b", "c"].map((key) => state.get(key)), ["0", "1", "2"])
    }).pipe(Effect.provide(services)))
})

describe("an event", () => {
  it.scoped("names no place in a log that was left, and none of its own but a real one", () =>
    Effect.gen(function*() {
      const { capture, journal } = yield* opened()
      const flags = (origin?: number): Fact => ({
        kind: "message.flags",
        conversation: "c",
        key: "k",
        ...(origin === undefined ? {} : { origin })
      })
      yield* capture.pass(telling(batch(flags(-1), flags(0), flags(5), flags())))
      const origins = (yield* eventsIn(journal)).map((event) => event.kind === "message.flags" ? event.origin : -9)
      assert.deepStrictEqual(origins, [undefined, 0, 5, undefined])
    }).pipe(Effect.provide(services)))

  it.scoped("comes after the blobs that its content needs, which its block names", () =>
    Effect.gen(function*() {
      const { capture, journal, local } = yield* opened()
      const bytes = new Uint8Array(300_000).fill(7)
      const sha256 = createHash("sha256").update(bytes).digest()
      const large = { sha256, size: bytes.length, bytes: Stream.make(bytes.subarray(0, 5), bytes.subarray(5)) }
      yield* capture.pass(telling({ drafts: [{ fact: added("small") }, { fact: added("large"), large }] }))
      const [block] = [...(yield* Stream.runCollect(journal.blocks({ from: 0 })))]
      assert.lengthOf(block!.blobs, 1)
      assert.isAbove((yield* local.get(block!.blobs[0]!)).length, bytes.length)
      const [small, event] = yield* eventsIn(journal)
      assert.isFalse(small!.kind === "message.added" && "content" in small!.message)
      if (event!.kind !== "message.added" || event!.message.content?._tag !== "blob") return assert.fail("no blob")
      assert.deepInclude(event!.message.content, { size: bytes.length, epoch: 0 })
      assert.deepStrictEqual(Buffer.from(event!.message.content.sha256), sha256)
    }).pipe(Effect.provide(services)))

  it.scoped("lets its contents' memory go once they are in the block", () =>
    Effect.gen(function*() {
      const { capture } = yield* opened()
      let released = 0
      const release = () => void released++
      yield* capture.pass(telling({ ...batch(added("a")), release }, { ...batch(added("b")), release }))
      assert.strictEqual(released, 2)
    }).pipe(Effect.provide(services)))
})
