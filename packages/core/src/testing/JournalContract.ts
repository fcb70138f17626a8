/**
 * What every journal promises, as clauses. A journal is opened by the clause itself, so that it can be closed and
 * opened again: most of what a journal promises is about that.
 */
import { Buffer } from "node:buffer"
import { Context, Effect, Exit, Fiber, type Scope, Stream } from "effect"
import { type JournalEntry, JournalError, type JournalHead, type JournalShape, type StateDelta } from "../backup/Journal.ts"
import type { Block } from "../format/Block.ts"
import { eventsOf } from "../format/Block.ts"
import type { FormatError } from "../format/FormatError.ts"
import { groupEvents, packRuns } from "../format/Run.ts"
import { headAt, LogBuilder } from "../log/MerkleLog.ts"
import { emptyRoot } from "../log/MerkleTree.ts"
import { type BrokenPromise, type Clause, type Contract, promise, promiseFailure, promiseSame } from "./Contract.ts"

/** An empty journal, and how to open it: each time as a new session, one at a time. */
export class JournalUnderTest extends Context.Tag("@sealog/core/testing/JournalContract/JournalUnderTest")<JournalUnderTest, {
  readonly open: Effect.Effect<JournalShape, JournalError, Scope.Scope>
}>() {}

export type JournalContract = Contract<JournalUnderTest, JournalError | FormatError>

/** Makes the entries that grow a log: as capture does, with events that are only bytes. */
export class EntryMaker {
  private readonly log: LogBuilder
  private time: number

  constructor(from?: { readonly head: JournalHead; readonly openEvents: ReadonlyArray<Uint8Array> }) {
    this.log = from === undefined ? LogBuilder.empty() : LogBuilder.make(from.head, from.openEvents)
    this.time = from?.head.recordedAt ?? 1_700_000_000_000
  }

  /** The entry of `count` events of about `size` bytes, or of the events given. */
  readonly entry = (
    events: number | ReadonlyArray<Uint8Array>,
    extras: Partial<Pick<JournalEntry, "states" | "contents">> & { readonly size?: number } = {}
  ): Effect.Effect<JournalEntry> =>
    Effect.suspend(() => {
      const first = this.log.size
      const bytes = typeof events === "number"
        ? Array.from({ length: events }, (_, n) => eventBytes(first + n, extras.size ?? 40))
        : events
      this.log.appendAll(bytes)
      this.time += 1000
      const placed = bytes.map((event, n) => ({
        source: "test",
        conversation: `c${(first + n) % 3}`,
        class: "additions" as const,
        alone: false,
        bytes: event
      }))
      const head = { ...this.log.head(), recordedAt: this.time }
      const leaves = this.log.takeLeaves()
      const { contents = [], states = [] } = extras
      return Effect.map(packRuns(groupEvents(first, placed)), (runs) => ({
        block: { first, count: bytes.length, runs, blobs: first % 2 === 0 ? [] : [`blobs/b${first}`.replace(/[0189]/g, "a")] },
        head,
        leaves,
        states,
        contents
      }))
    })
}

export const journalContract: JournalContract = {
  name: "Journal",
  get clauses() {
    return [...empty, ...appending, ...reading, ...remembering, ...noting, ...opening, ...forking, ...concurrent, ...checking]
  }
}

type Check<A = void> = Effect.Effect<A, JournalError | FormatError | BrokenPromise, Scope.Scope>

/** A clause on a journal that is opened once. */
const clause = (name: string, check: (journal: JournalShape) => Check, timeoutMillis = 30_000) => ({
  name,
  timeoutMillis,
  check: Effect.flatMap(JournalUnderTest, ({ open }) => Effect.flatMap(open, check))
}) satisfies Clause<JournalUnderTest, JournalError | FormatError>

/** A clause on a journal that is filled, closed, and opened again. */
const across = <A>(name: string, fill: (journal: JournalShape) => Check<A>, check: (journal: JournalShape, filled: A) => Check) => ({
  name,
  timeoutMillis: 30_000,
  check: Effect.flatMap(JournalUnderTest, ({ open }) =>
    Effect.flatMap(
      Effect.scoped(Effect.flatMap(open, fill)),
      (filled) => Effect.scoped(Effect.flatMap(open, (journal) => check(journal, filled)))
    ))
}) satisfies Clause<JournalUnderTest, JournalError | FormatError>

const empty = [
  clause("begins empty", (journal) =>
    Effect.gen(function*() {
      const { peaks, root, size } = yield* journal.head
      yield* promiseSame({ size, root: hex(root), peaks }, { size: 0, root: hex(emptyRoot), peaks: [] }, "the head")
      yield* promiseSame((yield* Stream.runCollect(journal.blocks({ from: 0 }))).length, 0, "blocks")
      yield* promiseSame([...(yield* journal.state("any"))], [], "a state")
      yield* promiseSame(yield* journal.contents([sha(1)]), [undefined], "contents")
      yield* promiseSame(yield* journal.readNote("any"), undefined, "a note")
    })),
  clause("has one log, that of its writer", (journal) =>
    Effect.gen(function*() {
      const { session, sessions, writer } = yield* journal.identity
      yield* promiseSame((yield* journal.logs).map((log) => hex(log.writer)), [hex(writer)], "the logs")
      yield* promiseSame([writer.length, session.length], [8, 4], "lengths of writer and session")
      yield* promiseSame(hex(sessions.at(-1)!), hex(session), "the newest session")
    })),
  clause("has nothing to scrub when empty", (journal) => scrubsClean(journal))
]

const appending = [
  clause("gives back an event as appended", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, [1])
      yield* holdsEvents(journal, 1)
    })),
  clause("moves its head with each entry", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      for (const count of [1, 63, 64, 65, 1]) {
        const entry = yield* maker.entry(count)
        yield* journal.append(entry)
        yield* promiseSame(plainHead(yield* journal.head), plainHead(entry.head), "the head")
      }
    })),
  clause("keeps blocks of every size", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, [1, 2, 63, 64, 65, 128, 1, 1000, 7])
      yield* holdsEvents(journal, 1331)
    })),
  clause("keeps a block of 65,536 events", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, [65_536])
      yield* promiseSame((yield* journal.head).size, 65_536, "the size")
      yield* promiseSame((yield* Stream.runCollect(journal.blocks({ from: 65_000 }))).length, 1, "blocks")
    }), 60_000),
  clause("keeps a block of 12 MiB", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      yield* journal.append(yield* maker.entry(60, { size: 200 * 1024 }))
      yield* holdsEvents(journal, 60, 200 * 1024)
    }), 60_000),
  clause("keeps the names of blobs a block needs", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, [1, 1, 1])
      const blobs = (yield* allBlocks(journal)).map((block) => block.blobs)
      yield* promiseSame(blobs, [[], ["blobs/ba"], []], "blobs")
    })),
  clause("refuses an entry that does not begin at its head", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      const first = yield* maker.entry(5)
      const second = yield* maker.entry(5)
      yield* promiseFailure(journal.append(second), "Conflict", "the second before the first")
      yield* journal.append(first)
      yield* promiseFailure(journal.append(first), "Conflict", "the first twice")
      yield* promiseSame((yield* journal.head).size, 5, "the size")
      yield* journal.append(second)
      yield* holdsEvents(journal, 10)
    })),
  clause("refuses an entry whose head is another block's", (journal) =>
    Effect.gen(function*() {
      const entry = yield* new EntryMaker().entry(5)
      yield* promiseFailure(journal.append({ ...entry, head: { ...entry.head, size: 6 } }), "Conflict", "a wrong size")
      yield* promiseFailure(journal.append({ ...entry, leaves: [entry.head.root] }), "Conflict", "a leaf too many")
    })),
  clause("refuses a time before the newest event's", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      yield* journal.append(yield* maker.entry(1))
      const entry = yield* maker.entry(1)
      const early = { ...entry, head: { ...entry.head, recordedAt: 1 } }
      yield* promiseFailure(journal.append(early), "Conflict", "an early entry")
    })),
  clause("changes nothing of what sources remember with an entry it refuses", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      yield* maker.entry(1)
      const refused = yield* maker.entry(1, { states: [{ source: "s", delta: [["k", "v"]] }], contents: [[sha(1), 1]] })
      yield* promiseFailure(journal.append(refused), "Conflict", "an entry out of turn")
      yield* promiseSame([...(yield* journal.state("s"))], [], "the state")
      yield* promiseSame(yield* journal.contents([sha(1)]), [undefined], "contents")
    })),
  clause("leaves all or nothing of an append that was interrupted", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      let entry = yield* maker.entry(3, { states: [{ source: "s", delta: [["n", "0"]] }] })
      for (let round = 0; round < 20; round++) {
        const appending = yield* Effect.fork(journal.append(entry))
        yield* Effect.repeatN(Effect.yieldNow(), round * 2)
        yield* Fiber.interrupt(appending)
        const { size } = yield* journal.head
        yield* promise(size === entry.block.first || size === entry.head.size, `a head at ${size}`)
        yield* promiseSame((yield* journal.state("s")).get("n") === String(round), size === entry.head.size, "state and head")
        if (size === entry.block.first) yield* journal.append(entry)
        entry = yield* maker.entry(3, { states: [{ source: "s", delta: [["n", String(round + 1)]] }] })
      }
      yield* holdsEvents(journal, 60)
    }))
]

const SIZES = [1, 2, 63, 64, 65, 128, 1, 300]
const TOTAL = 624

const reading = [
  clause("reads any range as the blocks that cover it", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, SIZES)
      for (const [from, to] of [[0, 1], [1, 3], [2, 4], [65, 67], [66, 66], [100, 400], [623, 624], [0, TOTAL]] as const) {
        const blocks = [...(yield* Stream.runCollect(journal.blocks({ from, to })))]
        const expected = boundaries.filter(({ first, last }) => from < to && first < to && last >= from)
        yield* promiseSame(blocks.map(({ count, first }) => [first, count]), expected.map(({ count, first }) => [first, count]), `${from} to ${to}`)
      }
    })),
  clause("reads to the head where no end is given, and no further", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, SIZES)
      yield* promiseSame((yield* Stream.runCollect(journal.blocks({ from: 0 }))).length, SIZES.length, "all")
      yield* promiseSame((yield* Stream.runCollect(journal.blocks({ from: 0, to: 10_000 }))).length, SIZES.length, "beyond")
      yield* promiseSame((yield* Stream.runCollect(journal.blocks({ from: TOTAL }))).length, 0, "at the head")
    })),
  clause("can be left in the middle of a range", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, SIZES)
      yield* promiseSame((yield* Stream.runCollect(Stream.take(journal.blocks({ from: 0 }), 2))).length, 2, "blocks")
    })),
  clause("knows the head at each block's end, and Missing between them", (journal) =>
    Effect.gen(function*() {
      const entries = yield* grow(journal, SIZES)
      for (const { head } of entries) {
        yield* promiseSame(plainHead(yield* journal.headAt({ size: head.size })), plainHead(head), `the head at ${head.size}`)
      }
      yield* promiseSame(hex((yield* journal.headAt({ size: 0 })).root), hex(emptyRoot), "the head at 0")
      yield* promiseFailure(journal.headAt({ size: 2 }), "Missing", "inside a block")
      yield* promiseFailure(journal.headAt({ size: TOTAL + 1 }), "Missing", "beyond the head")
    })),
  clause("keeps the hash of every full leaf", (journal) =>
    Effect.gen(function*() {
      const entries = yield* grow(journal, SIZES)
      const all = entries.flatMap((entry) => entry.leaves).map(hex)
      for (const [from, to] of [[0, 9], [0, 1], [1, 2], [2, 7], [8, 9], [4, 4]] as const) {
        yield* promiseSame((yield* journal.leaves({ from, to })).map(hex), all.slice(from, to), `leaves ${from} to ${to}`)
      }
    })),
  clause("keeps what its own root is made of", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, SIZES)
      const { root, size } = yield* journal.head
      const leaves = yield* journal.leaves({ from: 0, to: Math.floor(size / 64) })
      yield* promiseSame(hex(headAt(size, leaves, yield* openEvents(journal)).root), hex(root), "the root")
    })),
  clause("says Missing of a writer it does not know", (journal) =>
    promiseFailure(journal.headAt({ size: 0, writer: new Uint8Array(8).fill(255) }), "Missing", "a stranger's head")),
  clause("finds where contents were first stored", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      yield* journal.append(yield* maker.entry(3, { contents: [[sha(1), 0], [sha(2), 2]] }))
      yield* journal.append(yield* maker.entry(3, { contents: [[sha(3), 4]] }))
      yield* promiseSame(
        yield* journal.contents([sha(3), sha(9), sha(1), sha(2), sha(3)]),
        [4, undefined, 0, 2, 4],
        "the indices"
      )
      yield* promiseSame(yield* journal.contents([]), [], "none asked for")
    }))
]

const boundaries = SIZES.map((count, at) => {
  const first = SIZES.slice(0, at).reduce((sum, size) => sum + size, 0)
  return { first, count, last: first + count - 1 }
})

const remembering = [
  clause("folds changes into what a source remembers", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      const add = (delta: StateDelta) =>
        Effect.flatMap(maker.entry(1, { states: [{ source: "s", delta }] }), journal.append)
      yield* add([["a", "1"], ["b", "2"]])
      yield* add([["a", "3"], ["c", "4"]])
      yield* add([["b", undefined], ["never", undefined]])
      yield* stateIs(journal, "s", [["a", "3"], ["c", "4"]])
    })),
  clause("keeps what several sources remember apart", (journal) =>
    Effect.gen(function*() {
      const states = ["a", "b", "", "ü/\u0000 odd"].map((source) => ({ source, delta: [["k", source]] satisfies StateDelta }))
      yield* journal.append(yield* new EntryMaker().entry(1, { states }))
      for (const { delta, source } of states) yield* stateIs(journal, source, delta)
      yield* stateIs(journal, "c", [])
    })),
  clause("keeps every text as it is", (journal) =>
    Effect.gen(function*() {
      const delta: StateDelta = [["", ""], ["\u0000", "\uFFFD"], ["😀", "é"], ["long", "x".repeat(100_000)]]
      yield* journal.remember("s", delta)
      yield* stateIs(journal, "s", delta)
    })),
  clause("remembers without an event", (journal) =>
    Effect.gen(function*() {
      yield* journal.remember("s", [["a", "1"], ["b", "2"]])
      yield* journal.remember("s", [["a", undefined]])
      yield* stateIs(journal, "s", [["b", "2"]])
      yield* promiseSame((yield* journal.head).size, 0, "the size")
    })),
  clause("replaces all that a source remembers", (journal) =>
    Effect.gen(function*() {
      yield* journal.remember("s", [["a", "1"], ["b", "2"]])
      yield* journal.replaceState("s", new Map([["b", "3"], ["c", "4"]]))
      yield* journal.remember("s", [["d", "5"]])
      yield* stateIs(journal, "s", [["b", "3"], ["c", "4"], ["d", "5"]])
      yield* journal.replaceState("s", new Map())
      yield* stateIs(journal, "s", [])
    })),
  clause("gives out a copy of what a source remembers", (journal) =>
    Effect.gen(function*() {
      yield* journal.remember("s", [["a", "1"]])
      new Map(yield* journal.state("s")).clear()
      yield* stateIs(journal, "s", [["a", "1"]])
    })),
  clause("remembers 20,000 entries", (journal) =>
    Effect.gen(function*() {
      const table = new Map(Array.from({ length: 20_000 }, (_, n) => [`key ${n}`, `value ${n}`]))
      yield* journal.replaceState("s", table)
      yield* promiseSame((yield* journal.state("s")).size, 20_000, "entries")
    }))
]

const noting = [
  clause("overwrites a note as a whole", (journal) =>
    Effect.gen(function*() {
      yield* journal.writeNote("n", "first and longer")
      yield* journal.writeNote("n", "second")
      yield* promiseSame(yield* journal.readNote("n"), "second", "the note")
    })),
  clause("keeps notes of any name and text apart", (journal) =>
    Effect.gen(function*() {
      const names = ["a", "", "a/b", "ü \u0000", "x".repeat(1000)]
      for (const name of names) yield* journal.writeNote(name, `text of ${name}`)
      yield* journal.writeNote("long", "é".repeat(500_000))
      for (const name of names) yield* promiseSame(yield* journal.readNote(name), `text of ${name}`, name)
      yield* promiseSame((yield* journal.readNote("long"))?.length, 500_000, "the long one")
      yield* promiseSame(yield* journal.readNote("b"), undefined, "one never written")
    }))
]

const opening = [
  across("is the same when opened again", (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      for (const count of SIZES) {
        yield* journal.append(yield* maker.entry(count, { states: [{ source: "s", delta: [[`k${count}`, "v"]] }] }))
      }
      yield* journal.append(yield* maker.entry(1, { contents: [[sha(1), 624]] }))
      yield* journal.writeNote("n", "text")
      return { head: plainHead(yield* journal.head), state: [...(yield* journal.state("s"))] }
    }), (journal, before) =>
    Effect.gen(function*() {
      yield* promiseSame(plainHead(yield* journal.head), before.head, "the head")
      yield* holdsEvents(journal, TOTAL + 1)
      yield* stateIs(journal, "s", before.state)
      yield* promiseSame(yield* journal.contents([sha(1)]), [624], "contents")
      yield* promiseSame(yield* journal.readNote("n"), "text", "the note")
      yield* scrubsClean(journal)
    })),
  across("is another session of the same writer each time it is opened", (journal) => journal.identity, (journal, before) =>
    Effect.gen(function*() {
      const now = yield* journal.identity
      yield* promiseSame(hex(now.writer), hex(before.writer), "the writer")
      yield* promise(hex(now.session) !== hex(before.session), "the session is the same")
      yield* promiseSame(now.sessions.map(hex), [hex(before.session), hex(now.session)], "all sessions")
    })),
  across("grows on from where it was left", (journal) => grow(journal, [70, 30]), (journal) =>
    Effect.gen(function*() {
      const maker = new EntryMaker({ head: yield* journal.head, openEvents: yield* openEvents(journal) })
      yield* journal.append(yield* maker.entry(50))
      yield* holdsEvents(journal, 150)
      yield* scrubsClean(journal)
    })),
  across("remembers the same after many changes and an opening", (journal) =>
    Effect.gen(function*() {
      for (let round = 0; round < 40; round++) {
        const delta: StateDelta = Array.from({ length: 200 }, (_, n) => [`k${n}`, `round ${round} ${"x".repeat(40)}`])
        yield* journal.remember("s", delta)
      }
      yield* journal.remember("s", [["k0", undefined]])
    }), (journal) =>
    Effect.gen(function*() {
      const state = yield* journal.state("s")
      yield* promiseSame(state.size, 199, "entries")
      yield* promiseSame(state.get("k1"), `round 39 ${"x".repeat(40)}`, "an entry")
      yield* journal.remember("s", [["k1", "later"]])
      yield* promiseSame((yield* journal.state("s")).get("k1"), "later", "a change afterwards")
    }))
]

const WRITER = new Uint8Array(8).fill(77)

/** A journal of three blocks, and the head after the first. */
const forked = Effect.fn("JournalContract.forked")(function*(journal: JournalShape, blocks = 1) {
  const before = yield* grow(journal, [70, 30, 50])
  const at = blocks === 0 ? yield* journal.headAt({ size: 0 }) : before[blocks - 1]!.head
  const old = (yield* journal.identity).writer
  const maker = new EntryMaker()
  const state = { source: "s", delta: [["forked", "yes"]] satisfies StateDelta }
  const rest = journal.blocks({ from: at.size }).pipe(
    Stream.mapEffect((block) => Effect.flatMap(eventsOf(block), (events) => maker.entry(events)))
  )
  const link = yield* maker.entry(1, { states: [state], contents: [[sha(5), 0]] })
  // Events are only bytes here: an event that does not decode cannot come of reading blocks back.
  const entries = Stream.orDieWith(Stream.concat(Stream.succeed(link), rest), (error) => error)
  yield* journal.fork({ at, writer: WRITER, entries })
  return { at, old }
})

const forking = [
  clause("leaves its log at an earlier head and goes on in a new one", (journal) =>
    Effect.gen(function*() {
      yield* journal.writeNote("n", "kept")
      yield* journal.remember("s", [["before", "yes"]])
      const { at, old } = yield* forked(journal)
      const logs = yield* journal.logs
      yield* promiseSame(logs.map((log) => [hex(log.writer), log.head.size]), [[hex(old), 70], [hex(WRITER), 81]], "the logs")
      yield* promiseSame(plainHead(logs[0]!.head), plainHead(at), "the head of the log that was left")
      yield* promiseSame(hex((yield* journal.identity).writer), hex(WRITER), "the writer")
      yield* promiseSame((yield* journal.head).size, 81, "the size")
      yield* promiseSame((yield* eventsFrom(journal.blocks({ from: 0, writer: old }))).length, 70, "events of the old log")
      const events = yield* eventsFrom(journal.blocks({ from: 1 }))
      yield* promiseSame(hex(events[0]!), hex(eventBytes(70, 40)), "the first event taken along")
      yield* stateIs(journal, "s", [["before", "yes"], ["forked", "yes"]])
      yield* promiseSame(yield* journal.contents([sha(5)]), [0], "contents of the new log")
      yield* promiseSame(yield* journal.readNote("n"), "kept", "the note")
      yield* scrubsClean(journal)
    })),
  clause("forgets where contents were in the log it left", (journal) =>
    Effect.gen(function*() {
      yield* journal.append(yield* new EntryMaker().entry(1, { contents: [[sha(1), 0]] }))
      const link = yield* new EntryMaker().entry(1)
      yield* journal.fork({ at: yield* journal.head, writer: WRITER, entries: Stream.succeed(link) })
      yield* promiseSame(yield* journal.contents([sha(1)]), [undefined], "contents")
    })),
  clause("forks at its very beginning", (journal) =>
    Effect.gen(function*() {
      yield* forked(journal, 0)
      yield* promiseSame((yield* journal.logs).map((log) => log.head.size), [0, 151], "the sizes")
    })),
  clause("forks at its head", (journal) =>
    Effect.gen(function*() {
      yield* forked(journal, 3)
      yield* promiseSame((yield* journal.logs).map((log) => log.head.size), [150, 1], "the sizes")
    })),
  clause("grows on after a fork, and forks again", (journal) =>
    Effect.gen(function*() {
      yield* forked(journal)
      const maker = new EntryMaker({ head: yield* journal.head, openEvents: yield* openEvents(journal) })
      yield* journal.append(yield* maker.entry(100))
      const link = yield* new EntryMaker().entry(1)
      yield* journal.fork({ at: yield* journal.head, writer: new Uint8Array(8).fill(78), entries: Stream.succeed(link) })
      yield* promiseSame((yield* journal.logs).map((log) => log.head.size), [70, 181, 1], "the sizes")
      yield* scrubsClean(journal)
    })),
  clause("refuses to fork where no block ends, at another root, or to a writer it has had", (journal) =>
    Effect.gen(function*() {
      const [first] = yield* grow(journal, [70, 30])
      const { head } = first!
      const { writer } = yield* journal.identity
      const entries = Stream.succeed(yield* new EntryMaker().entry(1))
      const refused = (options: Parameters<JournalShape["fork"]>[0], detail: string) =>
        promiseFailure(journal.fork(options), "Conflict", detail)
      yield* refused({ at: { ...head, size: 69 }, writer: WRITER, entries }, "inside a block")
      yield* refused({ at: { ...head, root: emptyRoot }, writer: WRITER, entries }, "at another root")
      yield* refused({ at: head, writer, entries }, "to the same writer")
      yield* refused({ at: head, writer: WRITER, entries: Stream.concat(entries, entries) }, "entries that overlap")
      yield* holdsEvents(journal, 100)
    })),
  clause("changes nothing where the entries of a fork fail", (journal) =>
    Effect.gen(function*() {
      const [first] = yield* grow(journal, [70, 30])
      const { writer } = yield* journal.identity
      const trouble = new JournalError({ reason: "Io", method: "test" })
      const entries = Stream.concat(Stream.fromEffect(new EntryMaker().entry(5)), Stream.fail(trouble))
      yield* promiseFailure(journal.fork({ at: first!.head, writer: WRITER, entries }), "Io", "the fork")
      yield* promiseSame(hex((yield* journal.identity).writer), hex(writer), "the writer")
      yield* holdsEvents(journal, 100)
      yield* scrubsClean(journal)
    })),
  across("is forked when opened again", (journal) => forked(journal), (journal, { at, old }) =>
    Effect.gen(function*() {
      yield* promiseSame(hex((yield* journal.identity).writer), hex(WRITER), "the writer")
      yield* promiseSame((yield* journal.logs).map((log) => log.head.size), [70, 81], "the sizes")
      yield* promiseSame(plainHead(yield* journal.headAt({ size: 70, writer: old })), plainHead(at), "the old head")
      yield* promiseSame((yield* journal.leaves({ from: 0, to: 1, writer: old })).length, 1, "leaves of the old log")
      yield* scrubsClean(journal)
    }))
]

const concurrent = [
  clause("lets one of ten racing entries in", (journal) =>
    Effect.gen(function*() {
      const entries = yield* Effect.all(Array.from({ length: 10 }, (_, n) => new EntryMaker().entry(n + 1)))
      const exits = yield* Effect.forEach(entries, (entry) => Effect.exit(journal.append(entry)), { concurrency: 10 })
      yield* promiseSame(exits.filter(Exit.isSuccess).length, 1, "entries let in")
      yield* holdsEvents(journal, exits.findIndex(Exit.isSuccess) + 1)
    })),
  clause("can be read, remembered in and noted in while it grows", (journal) =>
    Effect.gen(function*() {
      const growing = yield* Effect.fork(grow(journal, Array.from({ length: 100 }, () => 3)))
      for (let n = 0; n < 20; n++) {
        const { size } = yield* journal.head
        yield* promiseSame((yield* eventsFrom(journal.blocks({ from: 0, to: size }))).length, size, "events")
        yield* journal.remember("s", [[`k${n}`, "v"]])
        yield* journal.writeNote("n", String(n))
      }
      yield* Fiber.join(growing)
      yield* holdsEvents(journal, 300)
      yield* promiseSame((yield* journal.state("s")).size, 20, "what is remembered")
    }))
]

const checking = [
  clause("scrubs clean after live events and an import", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, [...Array.from({ length: 150 }, () => 1), 5000, 64, 1])
      yield* scrubsClean(journal)
    }))
]

const grow = Effect.fn("JournalContract.grow")(function*(journal: JournalShape, sizes: ReadonlyArray<number>) {
  const maker = new EntryMaker()
  const entries: Array<JournalEntry> = []
  for (const count of sizes) {
    const entry = yield* maker.entry(count)
    yield* journal.append(entry)
    entries.push(entry)
  }
  return entries
})

const scrubsClean = (journal: JournalShape) =>
  Effect.flatMap(Stream.runCollect(journal.scrub), (found) =>
    promiseSame([...found].map(({ error, first, last }) => [first, last, error.message]), [], "findings"))

const holdsEvents = (journal: JournalShape, count: number, size = 40) =>
  Effect.flatMap(eventsFrom(journal.blocks({ from: 0 })), (events) => {
    const wrong = events.findIndex((bytes, index) => hex(bytes) !== hex(eventBytes(index, size)))
    return promiseSame({ count: events.length, wrong }, { count, wrong: -1 }, "the events")
  })

const eventsFrom = (blocks: Stream.Stream<Block, JournalError>) =>
  blocks.pipe(Stream.mapEffect(eventsOf), Stream.flattenIterables, Stream.runCollect, Effect.map((all) => [...all]))

const allBlocks = (journal: JournalShape) => Effect.map(Stream.runCollect(journal.blocks({ from: 0 })), (all) => [...all])

const openEvents = Effect.fn("JournalContract.openEvents")(function*(journal: JournalShape) {
  const { size } = yield* journal.head
  const from = size - (size % 64)
  const blocks = [...(yield* Stream.runCollect(journal.blocks({ from })))]
  const first = blocks[0]?.first ?? from
  return (yield* eventsFrom(Stream.fromIterable(blocks))).slice(from - first)
})

const stateIs = (journal: JournalShape, source: string, expected: ReadonlyArray<readonly [string, string | undefined]>) =>
  Effect.flatMap(journal.state(source), (state) =>
    promiseSame([...state].toSorted(byKey), [...expected].toSorted(byKey), `what ${source} remembers`))

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]) => a[0] < b[0] ? -1 : 1

const plainHead = ({ peaks, recordedAt, root, size }: JournalHead) => ({ size, root: hex(root), recordedAt, peaks: peaks.map(hex) })

/** The event at an index: bytes that do not compress well and differ from all others. */
export const eventBytes = (index: number, size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  let state = (index + 1) * 0x9e3779b1 | 0
  for (let at = 0; at < size; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}

const sha = (n: number): string => n.toString(16).padStart(64, "0")

const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")
