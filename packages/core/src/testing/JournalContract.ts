/**
 * What every journal promises, as clauses. A journal is opened by the clause itself, so that it can be closed and
 * opened again: most of what a journal promises is about that.
 */
import { Effect, Exit, Fiber, Stream } from "effect"
import type { JournalError, StateDelta } from "../backup/Journal.ts"
import type { FormatError } from "../format/FormatError.ts"
import { headAt } from "../log/MerkleLog.ts"
import { emptyRoot } from "../log/MerkleTree.ts"
import { type Contract, promise, promiseFailure, promiseSame } from "./Contract.ts"
import {
  across,
  allBlocks,
  clause,
  eventsFrom,
  grow,
  hex,
  holdsEvents,
  type JournalUnderTest,
  openEvents,
  plainHead,
  scrubsClean,
  sha,
  stateIs
} from "./JournalClauses.ts"
import { EntryMaker } from "./JournalEntries.ts"
import { forking } from "./JournalForks.ts"
import { noting, remembering } from "./JournalStates.ts"

export { JournalUnderTest } from "./JournalClauses.ts"

export type JournalContract = Contract<JournalUnderTest, JournalError | FormatError>

export const journalContract: JournalContract = {
  name: "Journal",
  get clauses() {
    return [
      ...empty,
      ...appending,
      ...reading,
      ...remembering,
      ...noting,
      ...opening,
      ...forking,
      ...concurrent,
      ...checking
    ]
  }
}

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
        const running = yield* Effect.fork(journal.append(entry))
        yield* Effect.repeatN(Effect.yieldNow(), round * 2)
        yield* Fiber.interrupt(running)
        const { size } = yield* journal.head
        yield* promise(size === entry.block.first || size === entry.head.size, `a head at ${size}`)
        yield* promiseSame(
          (yield* journal.state("s")).get("n") === String(round),
          size === entry.head.size,
          "state and head"
        )
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
      for (
        const [from, to] of [[0, 1], [1, 3], [2, 4], [65, 67], [66, 66], [100, 400], [623, 624], [0, TOTAL]] as const
      ) {
        const blocks = [...(yield* Stream.runCollect(journal.blocks({ from, to })))]
        const expected = boundaries.filter(({ first, last }) => from < to && first < to && last >= from)
        yield* promiseSame(
          blocks.map(({ count, first }) => [first, count]),
          expected.map(({ count, first }) => [first, count]),
          `${from} to ${to}`
        )
      }
    })),
  clause("reads to the head where no end is given, and no further", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, SIZES)
      yield* promiseSame((yield* Stream.runCollect(journal.blocks({ from: 0 }))).length, SIZES.length, "all")
      yield* promiseSame(
        (yield* Stream.runCollect(journal.blocks({ from: 0, to: 10_000 }))).length,
        SIZES.length,
        "beyond"
      )
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
        yield* promiseSame(
          plainHead(yield* journal.headAt({ size: head.size })),
          plainHead(head),
          `the head at ${head.size}`
        )
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
        yield* promiseSame(
          (yield* journal.leaves({ from, to })).map(hex),
          all.slice(from, to),
          `leaves ${from} to ${to}`
        )
      }
    })),
  clause("keeps what its own root is made of", (journal) =>
    Effect.gen(function*() {
      yield* grow(journal, SIZES)
      const { root, size } = yield* journal.head
      const leaves = yield* journal.leaves({ from: 0, to: Math.floor(size / 64) })
      yield* promiseSame(hex(headAt(size, leaves, yield* openEvents(journal)).root), hex(root), "the root")
    })),
  clause(
    "says Missing of a writer it does not know",
    (journal) =>
      promiseFailure(journal.headAt({ size: 0, writer: new Uint8Array(8).fill(255) }), "Missing", "a stranger's head")
  ),
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
  across(
    "is another session of the same writer each time it is opened",
    (journal) => journal.identity,
    (journal, before) =>
      Effect.gen(function*() {
        const now = yield* journal.identity
        yield* promiseSame(hex(now.writer), hex(before.writer), "the writer")
        yield* promise(hex(now.session) !== hex(before.session), "the session is the same")
        yield* promiseSame(now.sessions.map(hex), [hex(before.session), hex(now.session)], "all sessions")
      })
  ),
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
