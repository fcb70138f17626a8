/**
 * What survives a power cut beyond LevelDB's own sync.
 *
 * LevelDB syncs a log's bytes and not its name: from the moment it goes on in a new log until it next syncs the folder,
 * what it calls synced is in a file that a power cut may leave without a name. So the folder is synced as soon as a
 * write has gone into a log that is new.
 *
 * On macOS its sync is `fsync`, which leaves data in the drive's cache: a power cut can lose or reorder it. Node's
 * `fsync` there is F_FULLFSYNC, which empties the cache of the drive for whatever was written before, through any
 * descriptor; so the newest log is opened and synced once more.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import type { JournalError } from "@sealog/core/backup/Journal"
import { Effect, Option } from "effect"
import { toJournalError } from "./LevelDatabase.ts"
import { syncFolder } from "./SyncFolder.ts"

/** Makes what LevelDB has just written to this folder survive a power cut; to be called after each write. */
export const makeFlush = (
  fs: FileSystem,
  folder: string,
  platform: string = process.platform
): Effect.Effect<void, JournalError> => {
  /** The log that the last write went into, and how long it was then. */
  let last: { readonly log: string; readonly size: bigint } | undefined

  const sizeOf = (log: string) => Effect.map(fs.stat(`${folder}/${log}`), ({ size }) => size)

  /** A log that has grown took the write; else a new one did, of which only the folder knows. */
  const findLog = Effect.gen(function*() {
    if (last !== undefined) {
      const { log } = last
      const size = yield* Effect.option(sizeOf(log))
      if (Option.isSome(size) && size.value > last.size) {
        last = { log, size: size.value }
        return log
      }
    }
    const logs = (yield* fs.readDirectory(folder)).filter((name) => name.endsWith(".log"))
    const [newest] = logs.toSorted((a, b) => parseInt(b, 10) - parseInt(a, 10))
    if (newest === undefined) return undefined
    yield* syncFolder(fs, folder)
    last = { log: newest, size: yield* sizeOf(newest) }
    return newest
  })

  return Effect.gen(function*() {
    const log = yield* findLog
    if (platform !== "darwin" || log === undefined) return
    yield* Effect.scoped(Effect.flatMap(fs.open(`${folder}/${log}`, { flag: "r" }), (file) => file.sync))
  }).pipe(Effect.mapError((cause) => toJournalError("flush", cause, folder)))
}
