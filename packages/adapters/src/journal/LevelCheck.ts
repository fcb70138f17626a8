/**
 * Holds what LevelDB gives back against what was written: each block opened under its own place and continuing the one
 * before, the leaves recomputed from the events, the root recomputed at every head. Opening does it for the newest
 * entries, the scrub for all of them.
 */
import { JournalError, type JournalHead } from "@sealog/core/backup/Journal"
import { type Block, eventsOf } from "@sealog/core/format/Block"
import { LEAF_EVENTS, TAIL_CHECK_BYTES, TAIL_CHECK_ENTRIES } from "@sealog/core/format/Limits"
import { LogBuilder } from "@sealog/core/log/MerkleLog"
import { Buffer } from "node:buffer"
import { Chunk, Effect, Option, Stream } from "effect"
import { firstRow, type Row } from "./LevelDatabase.ts"
import * as Keys from "./LevelKeys.ts"
import { fullLeaves, type LevelLog, type LogPlace } from "./LevelLog.ts"
import type { LevelStore } from "./LevelStore.ts"

/** A range that is not what was written. */
export interface Finding {
  readonly first: number
  readonly last: number
  readonly error: JournalError
}

interface Checking {
  readonly store: LevelStore
  readonly levelLog: LevelLog
  readonly log: LogPlace
}

/** Checks the newest entries: as many as stand in Limits, fewer where they are large. */
export const checkTail = Effect.fn("LevelCheck.tail")(function*(checking: Checking, head: JournalHead) {
  if (head.size === 0) return
  const rows = yield* newestRows(checking)
  const start = rows[0] === undefined ? head.size : Keys.placeOf(rows[0][0])
  const checker = makeChecker(checking, start)
  for (const row of rows) yield* Effect.flatMap(checking.levelLog.decode(checking.log, row), checker.take)
  if (checker.next() !== head.size) return yield* gone(checker.next(), head.size)
})

/** Rows of the newest entries in their order, within the limits of the check. */
const newestRows = Effect.fn("LevelCheck.newestRows")(function*({ log, store }: Checking) {
  const rows: Array<Row> = []
  let bytes = 0
  const range = { ...Keys.from(log.number, Keys.ENTRY, 0), reverse: true, limit: TAIL_CHECK_ENTRIES }
  yield* store.read("open", async (db) => {
    for await (const page of db.pages(range)) {
      for (const row of page) {
        rows.push(row)
        bytes += row[1].length
        if (bytes > TAIL_CHECK_BYTES) return
      }
    }
  })
  return rows.toReversed()
})

/** All of a log up to its head, as ranges that are not right. */
export const scrubLog = (checking: Checking, head: JournalHead): Stream.Stream<Finding, JournalError> =>
  Stream.paginateChunkEffect({ checker: makeChecker(checking, 0) }, (state) =>
    Effect.map(scrubSome(checking, head, state), ({ findings, next }) => [Chunk.fromIterable(findings), next] as const))

const scrubSome = Effect.fn("LevelCheck.scrubSome")(function*(
  checking: Checking,
  head: JournalHead,
  { checker }: { readonly checker: Checker }
) {
  const { levelLog, log, store } = checking
  const findings: Array<Finding> = []
  let current = checker
  for (let steps = 0; steps < SCRUB_STEPS; steps++) {
    const first = current.next()
    if (first >= head.size) return { findings, next: Option.none() }
    const key = Keys.inLog(log.number, Keys.ENTRY, first)
    const checked = yield* store.read("scrub", (db) => db.get(key)).pipe(
      Effect.flatMap((value) => value === undefined ? gone(first, first + 1) : levelLog.decode(log, [key, value])),
      Effect.flatMap(current.take),
      Effect.either
    )
    if (checked._tag === "Right") continue
    const next = yield* nextBoundary(checking, first, head.size)
    findings.push({ first, last: next - 1, error: checked.left })
    current = makeChecker(checking, next)
  }
  return { findings, next: Option.some({ checker: current }) }
})

/** Where the next block begins, for all that is known: at the next head or the next block that is there. */
const nextBoundary = Effect.fn("LevelCheck.nextBoundary")(function*({ log, store }: Checking, first: number, end: number) {
  const after = (kind: Keys.Kind) =>
    store.read("scrub", (db) => firstRow(db, { ...Keys.from(log.number, kind, first + 1), values: false })).pipe(
      Effect.map((row) => row === undefined ? end : Keys.placeOf(row[0])),
      // A page that cannot be read hides what follows: then all of it is the range.
      Effect.catchIf((error) => error.reason === "Corrupt" || error.reason === "Io", () => Effect.succeed(end))
    )
  return Math.min(end, yield* after(Keys.HEAD), yield* after(Keys.ENTRY))
})

interface Checker {
  /** The event that must come next. */
  readonly next: () => number
  /** Checks one block, and the head and leaves that it brought. */
  readonly take: (block: Block) => Effect.Effect<void, JournalError>
}

/** Begins anywhere: hashes are compared from the first full leaf on whose compact range is known. */
const makeChecker = ({ levelLog, log }: Checking, start: number): Checker => {
  let next = start
  let builder = start === 0 ? LogBuilder.empty() : undefined

  /** A builder at the last leaf boundary of a block, if its events from there on are in the block. */
  const begin = Effect.fnUntraced(function*(block: Block, events: ReadonlyArray<Uint8Array>) {
    const end = block.first + block.count
    const boundary = fullLeaves(end) * LEAF_EVENTS
    if (boundary < block.first || boundary === 0) return undefined
    const peaks = yield* levelLog.peaksAt(log, boundary / LEAF_EVENTS)
    const begun = LogBuilder.make({ size: boundary, peaks }, [])
    begun.appendAll(events.slice(boundary - block.first))
    return begun
  })

  const take = Effect.fnUntraced(function*(block: Block) {
    if (block.first !== next) return yield* gone(next, block.first)
    const end = block.first + block.count
    const events = yield* Effect.mapError(eventsOf(block), (cause) => contradiction(block, "the events", cause))
    const stored = yield* Effect.catchIf(
      levelLog.headAt(log, end),
      (error) => error.reason === "Missing",
      (cause) => contradiction(block, "the head after it", cause)
    )
    next = end
    const before = builder
    if (before === undefined) {
      builder = yield* begin(block, events)
    } else {
      before.appendAll(events)
      const completed = before.takeLeaves()
      const range = { from: fullLeaves(end) - completed.length, to: fullLeaves(end) }
      const leaves = completed.length === 0 ? [] : yield* levelLog.leaves(log, range)
      if (!sameAll(leaves, completed)) return yield* contradiction(block, "a leaf's hash")
    }
    if (builder !== undefined && !same(builder.head().root, stored.root)) {
      return yield* contradiction(block, "the root after it")
    }
  })
  return { next: () => next, take }
}

/** Blocks checked between two looks at whether anyone still wants to know. */
const SCRUB_STEPS = 64

const gone = (from: number, to: number) =>
  new JournalError({ reason: "Corrupt", method: "check", subject: `events ${from} to ${to - 1} are not there` })

const contradiction = (block: Block, what: string, cause?: unknown) =>
  new JournalError({
    reason: "Corrupt",
    method: "check",
    subject: `events ${block.first} to ${block.first + block.count - 1}: ${what}`,
    ...(cause === undefined ? {} : { cause })
  })

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const sameAll = (a: ReadonlyArray<Uint8Array>, b: ReadonlyArray<Uint8Array>) =>
  a.length === b.length && a.every((bytes, at) => same(bytes, b[at]!))
