/**
 * What is left of a journal whose LevelDB cannot be trusted, or does not open: every record in every file that matches
 * its checksum, whatever the MANIFEST says of the file, and of these only what opens under its own key. The files are
 * read and nothing else is done to them.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { JournalError } from "@sealog/core/backup/Journal"
import type { LogName, Salvage, SalvagedLog } from "@sealog/core/backup/Salvage"
import { decodeBlock } from "@sealog/core/format/Block"
import type { FormatError } from "@sealog/core/format/FormatError"
import { Effect, Either, Option } from "effect"
import { Buffer } from "node:buffer"
import { toJournalError } from "./LevelDatabase.ts"
import { isLog, isTable } from "./LevelFiles.ts"
import * as Keys from "./LevelKeys.ts"
import {
  type CurrentRecord,
  decodeCurrent,
  decodeHead,
  decodeRoot,
  type MarkRecord,
  type RootRecord
} from "./LevelRecords.ts"
import type { LevelSeal, Place } from "./LevelSeal.ts"
import { readLogFile } from "./LogFile.ts"
import { type FileContents, type FileRecord, type FileValue, readTable } from "./TableFile.ts"

/** Where a value lies. */
interface Found {
  readonly sequence: number
  readonly file: string
  readonly value: FileValue
}

/** Places of one log's records, by first index or size. */
interface FoundLog {
  readonly entries: Map<number, Array<Found>>
  readonly heads: Map<number, Array<Found>>
}

export interface LevelSalvage extends Salvage {
  /** More than any write that is known of. */
  readonly writes: number
}

/** Reads the files of these folders of LevelDB: the one that is damaged, and what an opening of it began with. */
export const salvageLevel = Effect.fn("LevelSalvage.salvage")(function*(options: {
  readonly fs: FileSystem
  readonly folders: ReadonlyArray<string>
  readonly sealer: LevelSeal
  /** The newest head as it was noted beside LevelDB. */
  readonly mark: Option.Option<MarkRecord>
}): Effect.fn.Return<LevelSalvage, JournalError> {
  const { sealer } = options
  const mark = Option.getOrUndefined(options.mark)
  const index = yield* readIndex(options.fs, options.folders)
  const values = makeValues(options.fs)

  /** The newest of some values that opens and decodes. */
  const newest = Effect.fn("LevelSalvage.newest")(function*<A>(
    found: ReadonlyArray<Found>,
    place: Place,
    decode: (bytes: Uint8Array) => Either.Either<A, FormatError>
  ): Effect.fn.Return<A | undefined, JournalError> {
    for (const each of found) {
      const opened = Either.map(sealer.open(place, yield* values(each)), decode)
      if (Either.isLeft(opened)) continue
      if (Either.isRight(opened.right)) return opened.right.right
      if (opened.right.left.reason !== "Unknown") continue
      return yield* new JournalError({ reason: "Unsupported", method: "heal", cause: opened.right.left })
    }
    return undefined
  })

  const root = yield* newest<RootRecord>(index.root, { key: Keys.ROOT }, decodeRoot)
  const current = yield* newest<CurrentRecord>(index.current, { key: Keys.CURRENT }, decodeCurrent)

  /** Under which number the records of a writer stand: the root says so, or the first of them that opens as his. */
  const numberOf = Effect.fn("LevelSalvage.numberOf")(function*(writer: Uint8Array) {
    const told = root?.logs.find((log) => same(log.writer, writer))?.number
    if (told !== undefined) return told
    for (const [number, { heads }] of index.logs) {
      for (const [size, found] of heads) {
        const key = Keys.inLog(number, Keys.HEAD, size)
        if ((yield* newest(found, { key, writer }, decodeHead)) !== undefined) return number
      }
    }
    return undefined
  })

  const log = Effect.fn("LevelSalvage.log")(function*(writer: Uint8Array): Effect.fn.Return<SalvagedLog, JournalError> {
    const number = yield* numberOf(writer)
    const { entries, heads } = (number === undefined ? undefined : index.logs.get(number)) ?? newLog()
    const sizes = [
      ...heads.keys(),
      ...(current !== undefined && current.log === number ? [current.size] : []),
      ...(mark !== undefined && same(mark.writer, writer) ? [mark.size] : [])
    ]
    return {
      starts: [...entries.keys()].toSorted((a, b) => a - b),
      known: sizes.reduce((most, size) => Math.max(most, size), 0),
      block: (first) => {
        const place = { key: Keys.inLog(number ?? 0, Keys.ENTRY, first), writer }
        return Effect.map(
          newest(entries.get(first) ?? [], place, decodeBlock),
          (block) => Option.filter(Option.fromNullable(block), (found) => found.first === first)
        )
      },
      rootAt: (size) => {
        const place = { key: Keys.inLog(number ?? 0, Keys.HEAD, size), writer }
        return Effect.map(
          newest(heads.get(size) ?? [], place, decodeHead),
          (head) => Option.map(Option.fromNullable(head), (found) => found.root)
        )
      }
    }
  })

  const logs = logsOf(root, mark)
  const tells = current !== undefined && current.log === root?.logs.at(-1)?.number && index.isWhole
  return {
    logs,
    log,
    sessions: root?.sessions ?? [],
    isSure: mark !== undefined || tells,
    writes: Math.max(mark?.writes ?? 0, current?.writes ?? 0)
  }
})

/** A root that a later one should have followed does not know the log that the mark names. */
const logsOf = (root: RootRecord | undefined, mark: MarkRecord | undefined): ReadonlyArray<LogName> => {
  const logs = root?.logs.map(({ left, writer }): LogName => ({ writer, left })) ?? []
  return mark === undefined || logs.some(({ writer }) => same(writer, mark.writer))
    ? logs
    : [...logs, { writer: mark.writer }]
}

/** Where everything of interest lies, the newest first; what was deleted later is not there. */
const readIndex = Effect.fn("LevelSalvage.index")(function*(fs: FileSystem, folders: ReadonlyArray<string>) {
  const logs = new Map<number, FoundLog>()
  const fixed = { root: new Array<Found>(), current: new Array<Found>() }
  const deleted = new Map<string, number>()
  const seen = new Set<string>()
  let isWhole = true

  const placeOf = (key: Keys.Key): Array<Found> | undefined => {
    if (same(key, Keys.ROOT)) return fixed.root
    if (same(key, Keys.CURRENT)) return fixed.current
    if (!Keys.isInLog(key) || Keys.kindOf(key) === Keys.LEAVES) return undefined
    const log = logs.get(Keys.logOf(key)) ?? newLog()
    logs.set(Keys.logOf(key), log)
    const table = Keys.kindOf(key) === Keys.ENTRY ? log.entries : log.heads
    const found = table.get(Keys.placeOf(key)) ?? []
    table.set(Keys.placeOf(key), found)
    return found
  }
  const take = ({ key, sequence, value }: FileRecord, file: string) => {
    if (value === undefined) {
      const name = Buffer.from(key).toString("latin1")
      deleted.set(name, Math.max(sequence, deleted.get(name) ?? 0))
      return
    }
    placeOf(key)?.push({ sequence, file, value: value instanceof Uint8Array ? Buffer.from(value) : value })
  }

  for (const folder of folders) {
    for (const name of yield* filesIn(fs, folder)) {
      const bytes = yield* readWhatCanBe(fs, `${folder}/${name}`)
      // A file that was kept aside is mostly the same one.
      const isKnown = seen.has(`${name} ${bytes.length}`)
      seen.add(`${name} ${bytes.length}`)
      if (isKnown) continue
      const contents: FileContents = isTable(name) ? readTable(bytes) : readLogFile(bytes)
      isWhole &&= contents.faults.length === 0
      for (const record of contents.records) take(record, `${folder}/${name}`)
    }
  }
  for (const found of [fixed.root, fixed.current]) found.sort(newestFirst)
  for (const [number, { entries, heads }] of logs) {
    settle(entries, (place) => Keys.inLog(number, Keys.ENTRY, place), deleted)
    settle(heads, (place) => Keys.inLog(number, Keys.HEAD, place), deleted)
  }
  return { logs, ...fixed, isWhole }
})

const settle = (
  table: Map<number, Array<Found>>,
  keyOf: (place: number) => Keys.Key,
  deleted: ReadonlyMap<string, number>
): void => {
  for (const [place, found] of table) {
    const since = deleted.get(Buffer.from(keyOf(place)).toString("latin1")) ?? 0
    const left = found.filter(({ sequence }) => sequence >= since).toSorted(newestFirst)
    if (left.length === 0) table.delete(place)
    else table.set(place, left)
  }
}

const filesIn = Effect.fn("LevelSalvage.files")(function*(fs: FileSystem, folder: string) {
  const wrap = Effect.mapError((cause: unknown) => toJournalError("heal", cause, folder))
  if (!(yield* fs.exists(folder).pipe(wrap))) return []
  return (yield* fs.readDirectory(folder).pipe(wrap)).filter((name) => isTable(name) || isLog(name))
})

/** Reads values; of files the last few are remembered, since neighbours lie in the same one. */
const makeValues = (fs: FileSystem) => {
  const files = new Map<string, Uint8Array>()
  return Effect.fn("LevelSalvage.value")(function*({ file, value }: Found) {
    if (value instanceof Uint8Array) return value
    const known = files.get(file)
    const bytes = known ?? (yield* readWhatCanBe(fs, file))
    if (known === undefined) {
      const [oldest] = files.keys()
      if (files.size >= FILES_REMEMBERED && oldest !== undefined) files.delete(oldest)
      files.set(file, bytes)
    }
    return bytes.subarray(value.offset, value.offset + value.length)
  })
}

/** A file with zeros where the disk does not give it back. */
const readWhatCanBe = Effect.fn("LevelSalvage.read")(function*(fs: FileSystem, path: string) {
  const wrap = Effect.mapError((cause: unknown) => toJournalError("heal", cause, path))
  const whole = yield* Effect.either(fs.readFile(path))
  if (Either.isRight(whole)) return whole.right
  return yield* Effect.scoped(Effect.gen(function*() {
    const bytes = Buffer.alloc(Number((yield* fs.stat(path)).size))
    const file = yield* fs.open(path, { flag: "r" })
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      yield* file.seek(at, "start")
      // What cannot be read stays zero, and fails its checksum.
      yield* Effect.ignore(file.read(bytes.subarray(at, at + PIECE_BYTES)))
    }
    return bytes
  })).pipe(wrap)
})

const newLog = (): FoundLog => ({ entries: new Map(), heads: new Map() })

const newestFirst = (a: Found, b: Found): number => b.sequence - a.sequence

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

const FILES_REMEMBERED = 4
const PIECE_BYTES = 4 * 1024
