/**
 * The files of the journal's LevelDB, looked at before LevelDB opens them: it throws away what it takes for unfinished,
 * deletes what its MANIFEST no longer names, and ends the whole process over some damage. Until an opening is found
 * whole, every file it began with is kept under a second name.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { JournalError } from "@sealog/core/backup/Journal"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { toJournalError } from "./LevelDatabase.ts"
import * as Keys from "./LevelKeys.ts"
import { readLogRecords } from "./LogFile.ts"
import { readManifest } from "./ManifestFile.ts"
import { faultsOfTable, type FileFault } from "./TableFile.ts"

/** Tables looked at by every opening, the newest first, bytes: a moment's work however large the journal is. */
const OPENING_TABLE_BYTES = 4 * 1024 * 1024

/** Fails with the first damage to the files; `all` of them where the last holder was ended from outside. */
export const checkFiles = Effect.fn("LevelFiles.check")(function*(fs: FileSystem, folder: string, all: boolean) {
  const manifest = yield* requireFiles(fs, folder)
  yield* checkFile(fs, folder, manifest)
  const { logs, tables } = yield* filesOf(fs, folder, manifest)
  for (const name of logs) yield* checkFile(fs, folder, name)
  let left = all ? Number.POSITIVE_INFINITY : OPENING_TABLE_BYTES
  for (const { name } of tables.toReversed()) {
    if (left <= 0) return
    left -= yield* checkFile(fs, folder, name)
  }
})

/** The files that belong to the database, the oldest first: what a crash left unfinished beside them means nothing. */
const filesOf = Effect.fn("LevelFiles.filesOf")(function*(fs: FileSystem, folder: string, manifest: string) {
  const { firstLog, tables } = readManifest(yield* fs.readFile(`${folder}/${manifest}`).pipe(wrap(folder)))
  const files = (yield* fs.readDirectory(folder).pipe(wrap(folder)))
    .map((name) => ({ name, number: parseInt(name, 10) }))
    .toSorted((a, b) => a.number - b.number)
  return {
    logs: files.filter(({ name, number }) => isLog(name) && number >= firstLog).map(({ name }) => name),
    tables: files.filter(({ name, number }) => isTable(name) && tables.has(number))
  }
})

/** Checks one file against its checksums; how long it is, bytes. */
const checkFile = Effect.fn("LevelFiles.checkFile")(function*(fs: FileSystem, folder: string, name: string) {
  const bytes = yield* fs.readFile(`${folder}/${name}`).pipe(
    Effect.mapError((cause) => {
      const error = toJournalError("open", cause, name)
      // A page that the disk does not give back is as good as changed.
      return /EIO/.test(String(cause)) ? new JournalError({ ...error, reason: "Corrupt" }) : error
    })
  )
  const [fault] = isTable(name) ? faultsOfTable(bytes) : readLogRecords(bytes).faults
  if (fault === undefined) return bytes.length
  const subject = `${name}: ${fault.what}${eventsAt(fault)}`
  return yield* new JournalError({ reason: "Corrupt", method: "open", subject })
})

/** The same for a table that an open LevelDB may have deleted meanwhile. */
export const checkTable = (fs: FileSystem, folder: string, name: string): Effect.Effect<number, JournalError> =>
  checkFile(fs, folder, name).pipe(
    Effect.catchIf(
      (error) => error.reason !== "Corrupt",
      (error) =>
        Effect.flatMap(fs.exists(`${folder}/${name}`).pipe(wrap(folder)), (there) => there ? error : Effect.succeed(0))
    )
  )

/** The tables that belong to the database now, the oldest first. */
export const tablesOf = (fs: FileSystem, folder: string) =>
  Effect.flatMap(
    requireFiles(fs, folder),
    (manifest) => Effect.map(filesOf(fs, folder, manifest), ({ tables }) => tables)
  )

/** Names what is missing before LevelDB is asked, which would delete or guess; gives the MANIFEST that counts. */
const requireFiles = Effect.fn("LevelFiles.require")(function*(fs: FileSystem, folder: string) {
  const missing = (subject: string) => new JournalError({ reason: "Missing", method: "open", subject })
  const currentPath = `${folder}/CURRENT`
  if (!(yield* fs.exists(currentPath).pipe(wrap(currentPath)))) return yield* missing(currentPath)
  const text = Buffer.from(yield* fs.readFile(currentPath).pipe(wrap(currentPath))).toString("latin1")
  if (!/^MANIFEST-\d+\n$/.test(text)) {
    return yield* new JournalError({ reason: "Corrupt", method: "open", subject: currentPath })
  }
  const manifest = text.trimEnd()
  if (!(yield* fs.exists(`${folder}/${manifest}`).pipe(wrap(folder)))) return yield* missing(`${folder}/${manifest}`)
  return manifest
})

/** Gives every file a second name, unless those of an opening that was never found whole are still there. */
export const keepFiles = Effect.fn("LevelFiles.keep")(function*(fs: FileSystem, folder: string, kept: string) {
  if (yield* fs.exists(kept).pipe(wrap(kept))) return
  const begun = `${kept}.new`
  const keep = Effect.gen(function*() {
    yield* fs.remove(begun, { recursive: true, force: true })
    yield* fs.makeDirectory(begun, { mode: 0o700 })
    for (const name of yield* fs.readDirectory(folder)) {
      if (isData(name)) yield* fs.link(`${folder}/${name}`, `${begun}/${name}`)
    }
    yield* fs.rename(begun, kept)
  })
  // A second name costs nothing and is not to be had on every file system: without it only evidence is lost.
  yield* Effect.catchAll(keep, (cause) => Effect.logDebug("the journal's files could not be kept aside", cause))
})

/** The opening was found whole. */
export const letFilesGo = (fs: FileSystem, kept: string) =>
  fs.remove(kept, { recursive: true, force: true }).pipe(wrap(kept))

/** Everything but the lock, which must not even be opened, and LevelDB's own diary. */
export const isData = (name: string): boolean =>
  isTable(name) || isLog(name) || name.startsWith("MANIFEST-") || name === "CURRENT"
export const isTable = (name: string): boolean => /^\d+\.(ldb|sst)$/.test(name)
export const isLog = (name: string): boolean => /^\d+\.log$/.test(name)

/** The events a fault lies among, where its neighbours in the file tell. */
const eventsAt = ({ after, before }: FileFault): string => {
  const [from, to] = [placeIn(after), placeIn(before)]
  if (from === undefined && to === undefined) return ""
  return from === undefined
    ? `, before event ${to}`
    : to === undefined || to <= from
    ? `, behind event ${from}`
    : `, between events ${from} and ${to}`
}

const placeIn = (key: Keys.Key | undefined): number | undefined =>
  key !== undefined && Keys.isInLog(key) ? Keys.placeOf(key) : undefined

const wrap = (path: string) => Effect.mapError((cause: unknown) => toJournalError("open", cause, path))
