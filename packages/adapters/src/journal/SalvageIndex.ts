/**
 * Where in the files of a LevelDB the journal's records lie: of every table and log file, whatever the MANIFEST says of
 * it, each record that matches its checksum. A disk that does not give back a page costs that page.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { Effect, Either } from "effect"
import { Buffer } from "node:buffer"
import { toJournalError } from "./LevelDatabase.ts"
import { isLog, isTable } from "./LevelFiles.ts"
import * as Keys from "./LevelKeys.ts"
import { readLogFile } from "./LogFile.ts"
import { type FileContents, type FileRecord, type FileValue, readTable } from "./TableFile.ts"

/** Where a value lies. */
export interface Found {
  readonly sequence: number
  readonly file: string
  readonly value: FileValue
}

/** Places of one log's records, by first index or size. */
interface FoundLog {
  readonly entries: Map<number, Array<Found>>
  readonly heads: Map<number, Array<Found>>
}

/** Where everything of interest lies, the newest first; what was deleted later is not there. */
export const readIndex = Effect.fn("LevelSalvage.index")(function*(fs: FileSystem, folders: ReadonlyArray<string>) {
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
export const makeValues = (fs: FileSystem) => {
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

export const newLog = (): FoundLog => ({ entries: new Map(), heads: new Map() })

const newestFirst = (a: Found, b: Found): number => b.sequence - a.sequence

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

const FILES_REMEMBERED = 4
const PIECE_BYTES = 4 * 1024
