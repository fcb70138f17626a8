/**
 * Holds what LevelDB gives back against what was written: each block opened under its own place and continuing the one
 * before, the leaves recomputed from the events, the root recomputed at every head. Opening does it for the newest
 * entries, the scrub for all of them.
 */
import { JournalError, type JournalHead } from "@sealog/core/backup/Journal"
import { type Block, eventsOf } from "@sealog/core/format/Block"
import { LEAF_EVENTS, TAIL_CHECK_BYTES, TAIL_CHECK_ENTRIES } from "@sealog/core/format/Limits"
import { unpackRuns } from "@sealog/core/format/Run"
import { LogBuilder } from "@sealog/core/log/MerkleLog"
import { Chunk, Effect, Option, Stream } from "effect"
import { Buffer } from "node:buffer"
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

export interface Checking {
  readonly store: LevelStore
  readonly levelLog: LevelLog
  readonly log: LogPlace
}

/** Checks the newest entries: as many as stand in Limits, fewer where they are large. All are read and opened at once. */
export const checkTail = Effect.fn("LevelCheck.tail")(function*(checking: Checking, head: JournalHead) {
  if (head.size === 0) return
  const { levelLog, log } = checking
  const rows = yield* newestRows(checking)
  const blocks = yield* Effect.forEach(rows, (row) => levelLog.decode(log, row))
  const first = blocks[0]?.first ?? head.size
  const end = blocks.reduce((next, block) => block.first === next ? next + block.count : next, first)
  if (first === head.size || end !== head.size) return yield* gone(end, head.size)
  // Of the oldest block only what the hashes begin with: it may be one of an import, with thousands of mails.
  const hashed = first === 0 ? 0 : fullLeaves(first + blocks[0]!.count) * LEAF_EVENTS
  const runs = blocks.flatMap((block) => block.runs).filter(({ indices }) => indices.at(-1)! >= hashed)
  const events = Array.from<Uint8Array>({ length: end - first })
  yield* unpackRuns(runs, ({ indices }, bytes) => {
    for (let n = 0; n < bytes.length; n++) events[indices[n]! - first] = bytes[n]!
  }).pipe(Effect.mapError((cause) => contradiction({ first, count: end - first }, "the events", cause)))
  const roots = yield* levelLog.rootsAt(log, blocks.map((block) => block.first + block.count))
  const range = { from: Math.ceil(first / LEAF_EVENTS), to: fullLeaves(end) }
  const leaves = yield* levelLog.leaves(log, range)
  const checker = makeChecker(checking, first)
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at]!
    yield* checker.take(block, {
      events: events.slice(block.first - first, block.first - first + block.count),
      root: roots[at],
      leaves: ({ from, to }) => Effect.succeed(leaves.slice(from - range.from, to - range.from))
    })
  }
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
  Stream.paginateChunkEffect(beginCheck(checking, 0), (checker) =>
    Effect.map(
      scrubSome(checking, head, checker, SCRUB_BYTES),
      ({ findings, next }) => [Chunk.fromIterable(findings), Option.fromNullable(next)] as const
    ))

/** A check that has come so far. */
export const beginCheck = (checking: Checking, event: number): Checker => makeChecker(checking, event)

/** Goes on with a check over about so many bytes; without `next`, the log's head was reached. */
export const scrubSome = Effect.fn("LevelCheck.scrubSome")(function*(
  checking: Checking,
  head: JournalHead,
  checker: Checker,
  most: number
) {
  const { levelLog, log, store } = checking
  const findings: Array<Finding> = []
  let current = checker
  let bytes = 0
  for (let steps = 0; steps < SCRUB_STEPS; steps++) {
    if (bytes >= most) break
    const first = current.next()
    if (first >= head.size) return { findings, bytes, next: undefined }
    const key = Keys.inLog(log.number, Keys.ENTRY, first)
    const checked = yield* store.read("scrub", (db) => db.get(key)).pipe(
      Effect.tap((value) => Effect.sync(() => void (bytes += value?.length ?? 0))),
      Effect.flatMap((value) => value === undefined ? gone(first, first + 1) : levelLog.decode(log, [key, value])),
      Effect.flatMap((block) => Effect.flatMap(storedWith(checking, block), (stored) => current.take(block, stored))),
      Effect.either
    )
    if (checked._tag === "Right") continue
    const next = yield* nextBoundary(checking, first, head.size)
    findings.push({ first, last: next - 1, error: checked.left })
    current = makeChecker(checking, next)
  }
  return { findings, bytes, next: current }
})

/** Where the next block begins, for all that is known: at the next head or the next block that is there. */
const nextBoundary = Effect.fn("LevelCheck.nextBoundary")(
  function*({ log, store }: Checking, first: number, end: number) {
    const after = (kind: Keys.Kind) =>
      store.read("scrub", (db) => firstRow(db, { ...Keys.from(log.number, kind, first + 1), values: false })).pipe(
        Effect.map((row) => row === undefined ? end : Keys.placeOf(row[0])),
        // A page that cannot be read hides what follows: then all of it is the range.
        Effect.catchIf((error) => error.reason === "Corrupt" || error.reason === "Io", () => Effect.succeed(end))
      )
    return Math.min(end, yield* after(Keys.HEAD), yield* after(Keys.ENTRY))
  }
)

/** What is stored of a block, beside its runs. */
interface Stored {
  readonly events: ReadonlyArray<Uint8Array>
  readonly root: Uint8Array | undefined
  readonly leaves: (range: { readonly from: number; readonly to: number }) => Effect.Effect<
    ReadonlyArray<Uint8Array>,
    JournalError
  >
}

const storedWith = Effect.fnUntraced(function*({ levelLog, log }: Checking, block: Block) {
  const events = yield* Effect.mapError(eventsOf(block), (cause) => contradiction(block, "the events", cause))
  const [root] = yield* levelLog.rootsAt(log, [block.first + block.count])
  return { events, root, leaves: (range) => levelLog.leaves(log, range) } satisfies Stored
})

/** Where a check has come to, and what it needs to go on. */
export interface Checker {
  /** The event that must come next. */
  readonly next: () => number
  /** Checks one block, the root stored after it, and the leaves that it completed. */
  readonly take: (block: Block, stored: Stored) => Effect.Effect<void, JournalError>
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

  const take = Effect.fnUntraced(function*(block: Block, { events, leaves: storedLeaves, root }: Stored) {
    if (block.first !== next) return yield* gone(next, block.first)
    const end = block.first + block.count
    if (root === undefined) return yield* contradiction(block, "the head after it")
    next = end
    const before = builder
    if (before === undefined) {
      builder = yield* begin(block, events)
    } else {
      before.appendAll(events)
      const completed = before.takeLeaves()
      const range = { from: fullLeaves(end) - completed.length, to: fullLeaves(end) }
      const leaves = completed.length === 0 ? [] : yield* storedLeaves(range)
      if (!sameAll(leaves, completed)) return yield* contradiction(block, "a leaf's hash")
    }
    if (builder !== undefined && !same(builder.head().root, root)) {
      return yield* contradiction(block, "the root after it")
    }
  })
  return { next: () => next, take }
}

/** Blocks, and bytes of them, checked between two looks at whether anyone still wants to know. */
const SCRUB_STEPS = 64
const SCRUB_BYTES = 16 * 1024 * 1024

const gone = (from: number, to: number) =>
  new JournalError({ reason: "Corrupt", method: "check", subject: `events ${from} to ${to - 1} are not there` })

const contradiction = (block: Pick<Block, "first" | "count">, what: string, cause?: unknown) =>
  new JournalError({
    reason: "Corrupt",
    method: "check",
    subject: `events ${block.first} to ${block.first + block.count - 1}: ${what}`,
    ...(cause === undefined ? {} : { cause })
  })

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const sameAll = (a: ReadonlyArray<Uint8Array>, b: ReadonlyArray<Uint8Array>) =>
  a.length === b.length && a.every((bytes, at) => same(bytes, b[at]!))
