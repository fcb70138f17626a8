/**
 * One log in LevelDB: its blocks, the head after each of them, and the hashes of its leaves. Nothing here is given out
 * before it was opened under its own key and found to continue what came before.
 */
import { type JournalEntry, JournalError, type JournalHead } from "@sealog/core/backup/Journal"
import { type Block, decodeBlock, encodeBlock } from "@sealog/core/format/Block"
import { LEAF_EVENTS } from "@sealog/core/format/Limits"
import { emptyRoot } from "@sealog/core/log/MerkleTree"
import { Effect, Stream } from "effect"
import { firstRow, type Row, type Write } from "./LevelDatabase.ts"
import * as Keys from "./LevelKeys.ts"
import { decodeHead, decodeLeaves, encodeHead, encodeLeaves, type LeavesRecord } from "./LevelRecords.ts"
import { type LevelSeal, read } from "./LevelSeal.ts"
import type { LevelStore } from "./LevelStore.ts"

/** A log by the number its keys begin with. */
export interface LogPlace {
  readonly number: number
  readonly writer: Uint8Array
}

export const emptyHead: JournalHead = { size: 0, root: emptyRoot, peaks: [], recordedAt: 0 }

/** The writes that append a block, its head and its leaves. */
export const entryWrites = (sealer: LevelSeal, log: LogPlace, entry: JournalEntry): ReadonlyArray<Write> => {
  const { block, head, leaves } = entry
  const write = (key: Keys.Key, plaintext: Uint8Array): Write => [
    key,
    sealer.seal({ key, writer: log.writer }, plaintext)
  ]
  const writes = [
    write(Keys.inLog(log.number, Keys.ENTRY, block.first), encodeBlock(block)),
    write(Keys.inLog(log.number, Keys.HEAD, head.size), encodeHead(head))
  ]
  if (leaves.length > 0) {
    const key = Keys.inLog(log.number, Keys.LEAVES, fullLeaves(head.size) - leaves.length)
    writes.push(write(key, encodeLeaves({ leaves, peaks: head.peaks })))
  }
  return writes
}

/** Whether an entry continues a head; why not, where it does not. */
export const misfit = (entry: JournalEntry, head: JournalHead): string | undefined => {
  const { block, leaves } = entry
  if (block.first !== head.size) return `a block from ${block.first} where the log has ${head.size} events`
  if (block.count < 1 || entry.head.size !== block.first + block.count) return "a head that is not the block's"
  if (leaves.length !== fullLeaves(entry.head.size) - fullLeaves(head.size)) return `${leaves.length} leaves`
  if (entry.head.recordedAt < head.recordedAt) return "a time before the newest event's"
  return undefined
}

export interface LevelLog {
  /** The head after the block that ends at a size; Missing where none ends there. */
  readonly headAt: (log: LogPlace, size: number) => Effect.Effect<JournalHead, JournalError>
  /** The roots after the blocks that end at these sizes, in one read; `undefined` where none ends there. */
  readonly rootsAt: (
    log: LogPlace,
    sizes: ReadonlyArray<number>
  ) => Effect.Effect<ReadonlyArray<Uint8Array | undefined>, JournalError>
  readonly blocks: (
    log: LogPlace,
    range: { readonly from: number; readonly to: number }
  ) => Stream.Stream<Block, JournalError>
  readonly leaves: (
    log: LogPlace,
    range: { readonly from: number; readonly to: number }
  ) => Effect.Effect<ReadonlyArray<Uint8Array>, JournalError>
  /** The compact range of the first `count` leaves, where a block completed just these; else Missing. */
  readonly peaksAt: (log: LogPlace, count: number) => Effect.Effect<ReadonlyArray<Uint8Array>, JournalError>
  readonly decode: (log: LogPlace, row: Row) => Effect.Effect<Block, JournalError>
}

export const makeLevelLog = (store: LevelStore, sealer: LevelSeal): LevelLog => {
  const decode = (log: LogPlace, [key, value]: Row) => {
    const first = Keys.placeOf(key)
    const what = { method: "read", subject: `the block at event ${first}` }
    return Effect.filterOrFail(
      read(sealer, { key, writer: log.writer }, value, decodeBlock, what),
      (block) => block.first === first,
      () => new JournalError({ reason: "Corrupt", ...what })
    )
  }

  const leafRecord = (log: LogPlace, [key, value]: Row) =>
    read(sealer, { key, writer: log.writer }, value, decodeLeaves, {
      method: "read",
      subject: `the leaves from ${Keys.placeOf(key)}`
    })

  const peaksAt = Effect.fn("LevelLog.peaksAt")(function*(log: LogPlace, count: number) {
    if (count === 0) return []
    const row = yield* store.read(
      "read",
      (db) => firstRow(db, { ...Keys.before(log.number, Keys.LEAVES, count), reverse: true })
    )
    const record = row === undefined ? undefined : yield* leafRecord(log, row)
    if (row === undefined || record === undefined || Keys.placeOf(row[0]) + record.leaves.length !== count) {
      return yield* new JournalError({ reason: "Missing", method: "headAt", subject: `the peaks at leaf ${count}` })
    }
    return record.peaks
  })

  return {
    decode,
    peaksAt,
    headAt: Effect.fn("LevelLog.headAt")(function*(log, size) {
      if (size === 0) return emptyHead
      const key = Keys.inLog(log.number, Keys.HEAD, size)
      const subject = `the head at ${size}`
      const value = yield* store.read("headAt", (db) => db.get(key))
      if (value === undefined) return yield* new JournalError({ reason: "Missing", method: "headAt", subject })
      const head = yield* read(sealer, { key, writer: log.writer }, value, decodeHead, { method: "headAt", subject })
      return { size, ...head, peaks: yield* peaksAt(log, fullLeaves(size)) }
    }),
    rootsAt: Effect.fn("LevelLog.rootsAt")(function*(log, sizes) {
      const keys = sizes.map((size) => Keys.inLog(log.number, Keys.HEAD, size))
      const values = yield* store.read("read", (db) => db.getMany(keys))
      const what = (at: number) => ({ method: "read", subject: `the head at ${sizes[at]}` })
      return yield* Effect.forEach(values, (value, at) =>
        value === undefined
          ? Effect.succeed(undefined)
          : Effect.map(read(sealer, { key: keys[at]!, writer: log.writer }, value, decodeHead, what(at)), ({ root }) =>
            root))
    }),
    blocks: (log, range) => blocks(store, decode, log, range),
    leaves: (log, range) => leaves(store, leafRecord, log, range)
  }
}

const leaves = Effect.fn("LevelLog.leaves")(function*(
  store: LevelStore,
  leafRecord: (log: LogPlace, row: Row) => Effect.Effect<LeavesRecord, JournalError>,
  log: LogPlace,
  { from, to }: { readonly from: number; readonly to: number }
): Effect.fn.Return<ReadonlyArray<Uint8Array>, JournalError> {
  if (from >= to) return []
  const start = yield* store.read(
    "leaves",
    (db) => firstRow(db, { ...Keys.before(log.number, Keys.LEAVES, from + 1), reverse: true, values: false })
  )
  const range = {
    gte: start?.[0] ?? Keys.inLog(log.number, Keys.LEAVES, from),
    lt: Keys.inLog(log.number, Keys.LEAVES, to)
  }
  const hashes: Array<Uint8Array> = []
  let at = start === undefined ? from : Keys.placeOf(start[0])
  yield* store.pages("leaves", range).pipe(Stream.runForEach(Effect.fnUntraced(function*(page) {
    for (const row of page) {
      if (Keys.placeOf(row[0]) !== at) return yield* gap("leaves", at, Keys.placeOf(row[0]))
      for (const leaf of (yield* leafRecord(log, row)).leaves) {
        if (at >= from && at < to) hashes.push(leaf)
        at++
      }
    }
  })))
  if (at < to) return yield* gap("leaves", at, to)
  return hashes
})

const blocks = (
  store: LevelStore,
  decode: LevelLog["decode"],
  log: LogPlace,
  { from, to }: { readonly from: number; readonly to: number }
): Stream.Stream<Block, JournalError> =>
  from >= to ? Stream.empty : Stream.unwrap(Effect.gen(function*() {
    const start = yield* store.read(
      "blocks",
      (db) => firstRow(db, { ...Keys.before(log.number, Keys.ENTRY, from + 1), reverse: true, values: false })
    )
    if (start === undefined) return Stream.fail(gap("events", from, to))
    let expected = Keys.placeOf(start[0])
    const opened = store.pages("blocks", { gte: start[0], lt: Keys.inLog(log.number, Keys.ENTRY, to) }).pipe(
      Stream.mapEffect(Effect.fnUntraced(function*(page) {
        const decoded: Array<Block> = []
        for (const row of page) {
          const block = yield* decode(log, row)
          if (block.first !== expected) return yield* gap("events", expected, block.first)
          expected += block.count
          if (expected > from) decoded.push(block)
        }
        return decoded
      })),
      Stream.flattenIterables
    )
    const end = Stream.suspend(() => expected >= to ? Stream.empty : Stream.fail(gap("events", expected, to)))
    return Stream.concat(opened, end)
  }))

export const fullLeaves = (size: number): number => Math.floor(size / LEAF_EVENTS)

const gap = (what: string, from: number, to: number) =>
  new JournalError({ reason: "Corrupt", method: "read", subject: `${what} ${from} to ${to - 1} are not there` })
