import { assert, describe, it } from "@effect/vitest"
import { makeMemoryDisk, openMemoryJournal } from "@sealog/adapters/journal/Memory"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import * as Capture from "@sealog/core/backup/Capture"
import { decodeAll } from "@sealog/core/backup/Entries"
import { Journal, JournalError, type JournalShape } from "@sealog/core/backup/Journal"
import { type Batch, SourceError, type SourceShape } from "@sealog/core/backup/Source"
import { countsOf } from "@sealog/core/backup/SourceTable"
import { LocalObjects } from "@sealog/core/backup/Vault"
import { eventsOf } from "@sealog/core/format/Block"
import type { Fact } from "@sealog/core/message/Event"
import { Effect, Stream, TestClock } from "effect"
import { services } from "../journal/support.ts"

/** A source that tells whatever it is given, and remembers the keys it has told. */
const sourceOf = (batches: () => ReadonlyArray<Batch>, failAfter = Infinity): SourceShape => ({
  name: "test",
  kind: "test",
  remember: (event, index, table) => {
    if (event.kind === "message.added") table.set(event.message.key, String(index))
  },
  changes: (state) =>
    Stream.fromIterable(
      batches().map(({ drafts, ...rest }) => ({
        ...rest,
        drafts: drafts.filter(({ fact }) => fact.kind !== "message.added" || !state.has(fact.message.key))
      }))
    ).pipe(
      Stream.zipWithIndex,
      Stream.mapEffect(([batch, at]) =>
        at < failAfter
          ? Effect.succeed(batch)
          : new SourceError({ reason: "Unreadable", method: "changes", subject: "the test" })
      )
    ),
  hints: Stream.never,
  dump: () => Stream.empty,
  gaps: () => []
})

const added = (key: string, bytes?: Uint8Array): Fact => ({
  kind: "message.added",
  conversation: "c",
  message: { key, type: "text", ...(bytes === undefined ? {} : { content: { _tag: "inline" as const, bytes } }) }
})

const batch = (...facts: ReadonlyArray<Fact>): Batch => ({ drafts: facts.map((fact) => ({ fact })) })

/** A capture over a journal in memory, and all events in it so far. */
const opened = Effect.gen(function*() {
  const memory = yield* openMemoryJournal(yield* makeMemoryDisk)
  let left = Infinity
  /** The n-th append from now on fails, after others had time to go on; those after it do not. */
  const failAt = (n: number) => (left = n)
  const journal: JournalShape = {
    ...memory,
    append: (entry) =>
      Effect.zipRight(
        Effect.yieldNow(),
        Effect.suspend(() => --left === 0 ? new JournalError({ reason: "Io", method: "append" }) : memory.append(entry))
      )
  }
  const capture = yield* Capture.make.pipe(
    Effect.provideService(Journal, journal),
    Effect.provideService(LocalObjects, yield* makeMemory())
  )
  const events = Effect.suspend(() =>
    journal.blocks({ from: 0 }).pipe(
      Stream.mapEffect((block) => Effect.flatMap(eventsOf(block), decodeAll)),
      Stream.runCollect,
      Effect.map((chunks) => [...chunks].flat())
    )
  )
  return { capture, events, failAt, journal }
})

describe("capture", () => {
  /** Verifies: CAP-1 */
  it.scoped("keeps what was taken where a pass fails in between, and takes the rest, once, the next time", () =>
    Effect.gen(function*() {
      const { capture, events } = yield* opened
      const all = () => [batch(added("a")), batch(added("b")), batch(added("c"))]
      const failure = yield* Effect.flip(capture.pass(sourceOf(all, 2)))
      assert.strictEqual(failure._tag, "SourceError")
      yield* capture.pass(sourceOf(all))
      const keys = (yield* events).flatMap((event) => event.kind === "message.added" ? [event.message.key] : [])
      assert.deepStrictEqual(keys, ["a", "b", "c"])
    }).pipe(Effect.provide(services)))

  /** Verifies: CAP-1 */
  it.scoped("takes each thing once where two passes of one source meet", () =>
    Effect.gen(function*() {
      const { capture, events } = yield* opened
      const source = sourceOf(() => Array.from({ length: 20 }, (_, at) => batch(added(`m${at}`))))
      yield* Effect.all([capture.pass(source), capture.pass(source)], { concurrency: 2 })
      const keys = (yield* events).flatMap((event) => event.kind === "message.added" ? [event.message.key] : [])
      assert.strictEqual(keys.length, 20)
    }).pipe(Effect.provide(services)))

  /** Verifies: CAP-1, CAP-4 */
  it.scopedLive(
    "loses, repeats and misplaces nothing where a write fails while the next batch is prepared",
    () =>
      Effect.gen(function*() {
        for (let failing = 1; failing <= 12; failing++) {
          const { capture, events, failAt, journal } = yield* opened
          const bytes = (n: number) => new Uint8Array(2_000).fill(n % 5)
          const all = () => Array.from({ length: 10 }, (_, at) => batch(added(`m${at}`, bytes(at)), added(`n${at}`)))
          const source = { ...sourceOf(all), readsAhead: true }
          failAt(failing)
          const first = yield* Effect.either(capture.pass(source))
          assert.strictEqual(first._tag, failing <= 11 ? "Left" : "Right")
          if (first._tag === "Left") assert.strictEqual(first.left._tag, "JournalError")
          yield* capture.pass(source)
          const told = (yield* events).filter((event) => event.kind === "message.added")
          const keys = told.map(({ message }) => message.key)
          assert.deepStrictEqual(keys, all().flatMap((_, at) => [`m${at}`, `n${at}`]), `write ${failing} failed`)
          // What refers to a content refers to the first that has it, wherever it came to lie in the end.
          const state = yield* capture.state("test")
          for (const { message: { content, key } } of told) {
            if (content?._tag !== "same") continue
            const owner = `m${Number(key.slice(1)) % 5}`
            assert.strictEqual(String(content.index), state.get(owner))
          }
          assert.strictEqual((yield* journal.head).size, (yield* events).length)
        }
      }).pipe(Effect.provide(services)),
    60_000
  )

  /** Verifies: CAP-1 */
  it.scopedLive("lets a source go on where a write of another one fails", () =>
    Effect.gen(function*() {
      for (let failing = 1; failing <= 12; failing++) {
        const { capture, events, failAt } = yield* opened
        const sources = ["a", "b"].map((name) => ({
          ...sourceOf(() => Array.from({ length: 6 }, (_, at) => batch(added(`${name}${at}`)))),
          name,
          readsAhead: true
        }))
        failAt(failing)
        const passes = yield* Effect.forEach(sources, (source) => Effect.either(capture.pass(source)), {
          concurrency: 2
        })
        assert.isAtMost(passes.filter(({ _tag }) => _tag === "Left").length, 1)
        yield* Effect.forEach(sources, (source) => capture.pass(source))
        const told = (yield* events).filter((event) => event.kind === "message.added")
        for (const { name } of sources) {
          const keys = told.filter(({ source }) => source === name).map(({ message }) => message.key)
          assert.deepStrictEqual(keys, Array.from({ length: 6 }, (_, at) => `${name}${at}`), `write ${failing} failed`)
        }
      }
    }).pipe(Effect.provide(services)), 60_000)

  /** Verifies: CAP-2 */
  it.scoped("tells of what no event can hold as a gap, once, and takes all the rest", () =>
    Effect.gen(function*() {
      const { capture, events } = yield* opened
      const all = () => [batch(added("a"), added("half \ud800 a character"), added("b"))]
      yield* capture.pass(sourceOf(all))
      yield* capture.pass(sourceOf(all))
      const kinds = (yield* events).map((event) => event.kind)
      assert.deepStrictEqual(kinds.filter((kind) => kind !== "source.checkpoint"), [
        "message.added",
        "source.gap",
        "message.added"
      ])
    }).pipe(Effect.provide(services)))

  /** Verifies: CAP-3 */
  it.scoped("never goes back in time, whatever the clock does", () =>
    Effect.gen(function*() {
      const { capture, events } = yield* opened
      yield* TestClock.setTime(5_000)
      yield* capture.pass(sourceOf(() => [batch(added("a"))]))
      yield* TestClock.setTime(1_000)
      yield* capture.pass(sourceOf(() => [batch(added("b"))]))
      const times = (yield* events).map((event) => event.recordedAt)
      assert.deepStrictEqual(times, times.toSorted((a, b) => a - b))
      assert.strictEqual(times.at(-1), 5_000)
    }).pipe(Effect.provide(services)))

  /** Verifies: CAP-4 */
  it.scoped("keeps equal bytes once, and counts what each source has told", () =>
    Effect.gen(function*() {
      const { capture, events } = yield* opened
      const bytes = new Uint8Array(2_000).fill(7)
      yield* capture.pass(sourceOf(() => [batch(added("a", bytes), added("b", bytes)), batch(added("c", bytes))]))
      const contents = (yield* events).flatMap((event) =>
        event.kind === "message.added" && event.message.content !== undefined ? [event.message.content] : []
      )
      assert.deepStrictEqual(contents.map(({ _tag }) => _tag), ["inline", "same", "same"])
      assert.deepStrictEqual(contents.slice(1).map((content) => content._tag === "same" ? content.index : -1), [0, 0])
      assert.strictEqual(countsOf(yield* capture.state("test")).events, 3)
    }).pipe(Effect.provide(services)))
})
