/** What a journal promises about leaving its log for a new one. */
import { Effect, Stream } from "effect"
import { JournalError, type JournalShape, type StateDelta } from "../backup/Journal.ts"
import { eventsOf } from "../format/Block.ts"
import { emptyRoot } from "../log/MerkleTree.ts"
import { promiseFailure, promiseSame } from "./Contract.ts"
import {
  across,
  clause,
  eventsFrom,
  grow,
  hex,
  holdsEvents,
  openEvents,
  plainHead,
  scrubsClean,
  sha,
  stateIs
} from "./JournalClauses.ts"
import { EntryMaker, eventBytes } from "./JournalEntries.ts"

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

export const forking = [
  clause("leaves its log at an earlier head and goes on in a new one", (journal) =>
    Effect.gen(function*() {
      yield* journal.writeNote("n", "kept")
      yield* journal.remember("s", [["before", "yes"]])
      const { at, old } = yield* forked(journal)
      const logs = yield* journal.logs
      yield* promiseSame(
        logs.map((log) => [hex(log.writer), log.head.size]),
        [[hex(old), 70], [hex(WRITER), 81]],
        "the logs"
      )
      yield* promiseSame(plainHead(logs[0]!.head), plainHead(at), "the head of the log that was left")
      yield* promiseSame(hex((yield* journal.identity).writer), hex(WRITER), "the writer")
      yield* promiseSame((yield* journal.head).size, 81, "the size")
      yield* promiseSame(
        (yield* eventsFrom(journal.blocks({ from: 0, writer: old }))).length,
        70,
        "events of the old log"
      )
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
      yield* journal.fork({
        at: yield* journal.head,
        writer: new Uint8Array(8).fill(78),
        entries: Stream.succeed(link)
      })
      yield* promiseSame((yield* journal.logs).map((log) => log.head.size), [70, 181, 1], "the sizes")
      yield* scrubsClean(journal)
    })),
  clause(
    "refuses to fork where no block ends, at another root, or to a writer it has had",
    (journal) =>
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
      })
  ),
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
