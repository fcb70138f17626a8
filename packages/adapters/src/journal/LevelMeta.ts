/**
 * What a journal is before it is a log: its format, the check of the key, its root, and where the growing log stands.
 * Read and held against each other each time LevelDB is opened.
 */
import { JournalError, type JournalHead } from "@sealog/core/backup/Journal"
import { Effect, Either } from "effect"
import { Buffer } from "node:buffer"
import { digest } from "./LevelContents.ts"
import { type Database, firstRow, toJournalError, type Write } from "./LevelDatabase.ts"
import * as Keys from "./LevelKeys.ts"
import { fullLeaves, type LogPlace } from "./LevelLog.ts"
import { emptyHead } from "./LevelLog.ts"
import {
  type CurrentRecord,
  decodeCurrent,
  decodeHead,
  decodeLeaves,
  decodeRoot,
  encodeCurrent,
  encodeNote,
  encodeRoot,
  type MarkRecord,
  type Note,
  type RootRecord
} from "./LevelRecords.ts"
import { type LevelSeal, read } from "./LevelSeal.ts"

/** All that is kept in memory of an open journal. */
export interface Meta {
  readonly root: RootRecord
  readonly current: CurrentRecord
  /** Of the log that grows. */
  readonly head: JournalHead
}

/** The log that grows. */
export const growing = ({ root }: Pick<Meta, "root">): LogPlace => root.logs.at(-1)!

/** What is noted beside LevelDB. */
export const markOf = (meta: Meta): MarkRecord => ({
  writes: meta.current.writes,
  writer: growing(meta).writer,
  size: meta.head.size,
  root: meta.head.root
})

export const rootWrite = (sealer: LevelSeal, root: RootRecord): Write => [
  Keys.ROOT,
  sealer.seal({ key: Keys.ROOT }, encodeRoot(root))
]

export const currentWrite = (sealer: LevelSeal, current: CurrentRecord): Write => [
  Keys.CURRENT,
  sealer.seal({ key: Keys.CURRENT }, encodeCurrent(current))
]

/** A note, and by which record its version is known. */
export const noteWrite = (sealer: LevelSeal, secret: Uint8Array, note: Note) => {
  const noteDigest = digest(secret, Buffer.from(note.name))
  const key = Keys.note(noteDigest)
  const write: Write = [key, sealer.seal({ key }, encodeNote(note))]
  return { record: { digest: noteDigest, version: note.version }, write }
}

/** The first writes of a new journal. */
export const firstWrites = (sealer: LevelSeal, root: RootRecord): ReadonlyArray<Write> => [
  [Keys.FORMAT, FORMAT],
  [Keys.CHECK, sealer.seal({ key: Keys.CHECK }, FORMAT)],
  rootWrite(sealer, root),
  currentWrite(sealer, { writes: 1, log: growing({ root }).number, size: 0, states: [], notes: [] })
]

/** Reads it all; every way in which it is not whole has its reason. */
export const loadMeta = Effect.fn("LevelMeta.load")(function*(
  db: Database,
  sealer: LevelSeal
): Effect.fn.Return<Meta, JournalError> {
  const attempt = <A>(body: () => Promise<A>) =>
    Effect.tryPromise({ try: body, catch: (e) => toJournalError("open", e) })
  const fixed = [Keys.FORMAT, Keys.CHECK, Keys.ROOT, Keys.CURRENT]
  const [format, check, rootValue, currentValue] = yield* attempt(() => db.getMany(fixed))
  yield* checkFormat(format)
  yield* checkKey(sealer, check, rootValue)
  const what = (subject: string) => ({ method: "open", subject })
  const root = yield* read(sealer, { key: Keys.ROOT }, rootValue, decodeRoot, what("the root"))
  const current = yield* read(sealer, { key: Keys.CURRENT }, currentValue, decodeCurrent, what("the current state"))
  const log = growing({ root })
  if (log === undefined || log.number !== current.log) {
    return yield* new JournalError({ reason: "Corrupt", ...what("the root and the current state disagree") })
  }
  const last = yield* attempt(() => firstRow(db, { ...Keys.from(log.number, Keys.HEAD, 0), reverse: true }))
  const size = last === undefined ? 0 : Keys.placeOf(last[0])
  if (size !== current.size) {
    const [from, to] = [Math.min(size, current.size), Math.max(size, current.size)]
    return yield* new JournalError({ reason: "Corrupt", ...what(`events ${from} to ${to - 1} are not there`) })
  }
  if (last === undefined) return { root, current, head: emptyHead }
  const [key, value] = last
  const head = yield* read(sealer, { key, writer: log.writer }, value, decodeHead, what(`the head at ${size}`))
  const leaves = fullLeaves(size)
  if (leaves === 0) return { root, current, head: { size, ...head, peaks: [] } }
  const row = yield* attempt(() => firstRow(db, { ...Keys.before(log.number, Keys.LEAVES, leaves), reverse: true }))
  const record = yield* read(
    sealer,
    { key: row?.[0] ?? Keys.ROOT, writer: log.writer },
    row?.[1],
    decodeLeaves,
    what("the newest leaves")
  )
  if (row === undefined || Keys.placeOf(row[0]) + record.leaves.length !== leaves) {
    return yield* new JournalError({ reason: "Corrupt", ...what("the newest leaves") })
  }
  return { root, current, head: { size, ...head, peaks: record.peaks } }
})

const checkFormat = (format: Uint8Array | undefined): Effect.Effect<void, JournalError> => {
  if (format !== undefined && FORMAT.equals(format)) return Effect.void
  const newer = format !== undefined && format.length === FORMAT.length
    && MAGIC.equals(format.subarray(0, MAGIC.length))
  return new JournalError({ reason: newer ? "Unsupported" : "Corrupt", method: "open", subject: "the format" })
}

/** A wrong key opens neither of two records; damage hits one of them. */
const checkKey = (
  sealer: LevelSeal,
  check: Uint8Array | undefined,
  root: Uint8Array | undefined
): Effect.Effect<void, JournalError> => {
  const opens = (key: Keys.Key, value: Uint8Array | undefined) =>
    value !== undefined && Either.isRight(sealer.open({ key }, value))
  if (opens(Keys.CHECK, check)) return Effect.void
  const wrong = check !== undefined && root !== undefined && !opens(Keys.ROOT, root)
  return new JournalError({ reason: wrong ? "WrongKey" : "Corrupt", method: "open", subject: "the check of the key" })
}

const MAGIC = Buffer.from("sealog journal ")
/** The last byte is the version. */
const FORMAT = Buffer.concat([MAGIC, Buffer.of(1)])
