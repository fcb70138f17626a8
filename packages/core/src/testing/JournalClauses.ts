/**
 * What the clauses of the journal's contract are made of: a journal that can be opened again and again, and what is
 * asked of it more than once.
 */
import { Context, Effect, type Scope, Stream } from "effect"
import { Buffer } from "node:buffer"
import type { JournalEntry, JournalError, JournalHead, JournalShape } from "../backup/Journal.ts"
import { type Block, eventsOf } from "../format/Block.ts"
import type { FormatError } from "../format/FormatError.ts"
import { type BrokenPromise, type Clause, promiseSame } from "./Contract.ts"
import { EntryMaker, eventBytes } from "./JournalEntries.ts"

/** An empty journal, and how to open it: each time as a new session, one at a time. */
export class JournalUnderTest
  extends Context.Tag("@sealog/core/testing/JournalClauses/JournalUnderTest")<JournalUnderTest, {
    readonly open: Effect.Effect<JournalShape, JournalError, Scope.Scope>
  }>()
{}

export type Check<A = void> = Effect.Effect<A, JournalError | FormatError | BrokenPromise, Scope.Scope>

/** A clause on a journal that is opened once. */
export const clause = (name: string, check: (journal: JournalShape) => Check, timeoutMillis = 30_000) =>
  ({
    name,
    timeoutMillis,
    check: Effect.flatMap(JournalUnderTest, ({ open }) => Effect.flatMap(open, check))
  }) satisfies Clause<JournalUnderTest, JournalError | FormatError>

/** A clause on a journal that is filled, closed, and opened again. */
export const across = <A>(
  name: string,
  fill: (journal: JournalShape) => Check<A>,
  check: (journal: JournalShape, filled: A) => Check
) =>
  ({
    name,
    timeoutMillis: 30_000,
    check: Effect.flatMap(JournalUnderTest, ({ open }) =>
      Effect.flatMap(
        Effect.scoped(Effect.flatMap(open, fill)),
        (filled) => Effect.scoped(Effect.flatMap(open, (journal) => check(journal, filled)))
      ))
  }) satisfies Clause<JournalUnderTest, JournalError | FormatError>

export const grow = Effect.fn("JournalContract.grow")(function*(journal: JournalShape, sizes: ReadonlyArray<number>) {
  const maker = new EntryMaker()
  const entries: Array<JournalEntry> = []
  for (const count of sizes) {
    const entry = yield* maker.entry(count)
    yield* journal.append(entry)
    entries.push(entry)
  }
  return entries
})

export const scrubsClean = (journal: JournalShape) =>
  Effect.flatMap(
    Stream.runCollect(journal.scrub),
    (found) => promiseSame([...found].map(({ error, first, last }) => [first, last, error.message]), [], "findings")
  )

export const holdsEvents = (journal: JournalShape, count: number, size = 40) =>
  Effect.flatMap(eventsFrom(journal.blocks({ from: 0 })), (events) => {
    const wrong = events.findIndex((bytes, index) => hex(bytes) !== hex(eventBytes(index, size)))
    return promiseSame({ count: events.length, wrong }, { count, wrong: -1 }, "the events")
  })

export const eventsFrom = (blocks: Stream.Stream<Block, JournalError>) =>
  blocks.pipe(Stream.mapEffect(eventsOf), Stream.flattenIterables, Stream.runCollect, Effect.map((all) => [...all]))

export const allBlocks = (journal: JournalShape) =>
  Effect.map(Stream.runCollect(journal.blocks({ from: 0 })), (all) => [...all])

export const openEvents = Effect.fn("JournalContract.openEvents")(function*(journal: JournalShape) {
  const { size } = yield* journal.head
  const from = size - (size % 64)
  const blocks = [...(yield* Stream.runCollect(journal.blocks({ from })))]
  const first = blocks[0]?.first ?? from
  return (yield* eventsFrom(Stream.fromIterable(blocks))).slice(from - first)
})

export const stateIs = (
  journal: JournalShape,
  source: string,
  expected: ReadonlyArray<readonly [string, string | undefined]>
) =>
  Effect.flatMap(
    journal.state(source),
    (state) => promiseSame([...state].toSorted(byKey), [...expected].toSorted(byKey), `what ${source} remembers`)
  )

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]) => a[0] < b[0] ? -1 : 1

export const plainHead = ({ peaks, recordedAt, root, size }: JournalHead) => ({
  size,
  root: hex(root),
  recordedAt,
  peaks: peaks.map(hex)
})

export const sha = (n: number): string => n.toString(16).padStart(64, "0")

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")
