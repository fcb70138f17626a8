/**
 * LevelDB as the journal uses it: single reads, ranges in pages, and writes that are on the disk when they return.
 * The one place that calls classic-level, so that tests can put a database in its place that fails.
 */
import { JournalError, type JournalReason } from "@sealog/core/backup/Journal"
import { Level } from "level"
import { type Key, type Range } from "./LevelKeys.ts"

export type Row = readonly [key: Key, value: Uint8Array]

/** A new value, or `undefined` to remove the key. */
export type Write = readonly [key: Key, value: Uint8Array | undefined]

export interface RangeOptions extends Range {
  readonly reverse?: boolean
  readonly limit?: number
  readonly values?: boolean
}

export interface Database {
  readonly get: (key: Key) => Promise<Uint8Array | undefined>
  readonly getMany: (keys: ReadonlyArray<Key>) => Promise<ReadonlyArray<Uint8Array | undefined>>
  /** Pages of a range as it was when the first one was asked for. */
  readonly pages: (options: RangeOptions) => AsyncIterable<ReadonlyArray<Row>>
  /** All of the writes or none, synced. */
  readonly write: (writes: ReadonlyArray<Write>) => Promise<void>
  readonly close: () => Promise<void>
}

export type OpenDatabase = (path: string, options: { readonly create: boolean }) => Promise<Database>

/**
 * Of what LevelDB writes to one log: replayed at opening, so no more than what a disk reads in a moment; and several
 * blocks of an import, since what is written out block by block is merged again and again.
 */
export const WRITE_BUFFER_BYTES = 8 * 1024 * 1024

/** Records are ciphertext, which does not compress. */
const LEVEL_OPTIONS = {
  keyEncoding: "view",
  valueEncoding: "view",
  compression: false,
  writeBufferSize: WRITE_BUFFER_BYTES,
  cacheSize: 4 * 1024 * 1024,
  // LevelDB maps the files it has open into memory, at least 64 of them: short ones, so that this does not grow with the
  // journal, bytes.
  maxFileSize: 2 * 1024 * 1024,
  maxOpenFiles: 74
} as const

/** Rows fetched at a time, at most; the bytes among them are limited too. */
const PAGE_ROWS = 256
const PAGE_BYTES = 1024 * 1024

export const openClassicLevel: OpenDatabase = (path, { create }) => open(path, create, LEVEL_OPTIONS.writeBufferSize)

/** The same with another size of what is written to one log, so that a test sees LevelDB change logs often. */
export const openWithBuffer = (writeBufferSize: number): OpenDatabase => (path, { create }) =>
  open(path, create, writeBufferSize)

const open = async (path: string, create: boolean, writeBufferSize: number): Promise<Database> => {
  const level = new Level<Uint8Array, Uint8Array>(path, LEVEL_OPTIONS)
  // Without `createIfMissing: false` LevelDB takes a lost CURRENT for a new database, and deletes the old one's files.
  await level.open({ ...LEVEL_OPTIONS, writeBufferSize, createIfMissing: create, errorIfExists: create })
  return {
    get: (key) => level.get(key),
    getMany: (keys) => level.getMany([...keys]),
    pages: ({ gte, limit, lt, reverse, values }) => pages(level, { gte, lt, limit, reverse, values }),
    write: async (writes) => {
      // Chained: a tenth of the time of an array of operations, and an import brings thousands at once.
      const batch = level.batch()
      for (const [key, value] of writes) {
        if (value === undefined) batch.del(key)
        else batch.put(key, value)
      }
      // Always: with one synced write in ten, power cuts left holes below what had been synced.
      await batch.write({ sync: true })
    },
    close: () => level.close()
  }
}

/** The first row of a range, or the last one in reverse. */
export const firstRow = async (db: Database, options: RangeOptions): Promise<Row | undefined> => {
  for await (const page of db.pages({ ...options, limit: 1 })) return page[0]
  return undefined
}

/** Wraps what classic-level throws. */
export const toJournalError = (method: string, cause: unknown, subject?: string): JournalError =>
  new JournalError({ reason: reasonOf(cause), method, cause, ...(subject === undefined ? {} : { subject }) })

const reasonOf = (cause: unknown): JournalReason => {
  const codes = new Set([codeOf(cause), codeOf(causeOf(cause))])
  const text = `${messageOf(cause)} ${messageOf(causeOf(cause))}`
  if (codes.has("LEVEL_LOCKED")) return "Locked"
  if (/No space left|Disk quota exceeded|ENOSPC|EDQUOT/.test(text)) return "Full"
  if (codes.has("LEVEL_CORRUPTION") || /Corruption:/.test(text)) return "Corrupt"
  if (/does not exist \(create_if_missing is false\)/.test(text)) return "Missing"
  if (/exists \(error_if_exists is true\)/.test(text)) return "Exists"
  return "Io"
}

async function* pages(
  level: Level<Uint8Array, Uint8Array>,
  options: { [K in keyof RangeOptions]: RangeOptions[K] | undefined }
): AsyncGenerator<ReadonlyArray<Row>> {
  const { gte, limit = -1, lt, reverse = false, values = true } = options
  const iterator = level.iterator({ gte: gte!, lt: lt!, limit, reverse, values, highWaterMarkBytes: PAGE_BYTES })
  try {
    while (true) {
      const page = await iterator.nextv(PAGE_ROWS)
      if (page.length === 0) return
      yield page
    }
  } finally {
    await iterator.close()
  }
}

const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : ""
const causeOf = (error: unknown): unknown => error instanceof Error ? error.cause : undefined
const messageOf = (error: unknown): string => error instanceof Error ? error.message : ""
