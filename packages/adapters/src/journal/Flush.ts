/**
 * What the platforms ask for beyond LevelDB's own sync. On macOS that is `fsync`, which leaves data in the drive's
 * cache: a power cut can lose or reorder it. Node's `fsync` there is F_FULLFSYNC, which empties the cache of the drive
 * for whatever was written before, through any descriptor; so the newest log file is opened and synced once more.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { JournalError } from "@sealog/core/backup/Journal"
import { Effect } from "effect"

/** Makes what LevelDB has written to this folder survive a power cut; nothing to do where its own sync does. */
export const makeFlush = (
  fs: FileSystem,
  path: string,
  platform: string = process.platform
): Effect.Effect<void, JournalError> =>
  platform === "darwin"
    ? Effect.scoped(Effect.gen(function*() {
      const logs = (yield* fs.readDirectory(path)).filter((name) => name.endsWith(".log"))
      const newest = logs.reduce((best, name) => parseInt(name, 10) > parseInt(best, 10) ? name : best, logs[0] ?? "")
      if (newest === "") return
      const file = yield* fs.open(`${path}/${newest}`, { flag: "r" })
      yield* file.sync
    })).pipe(Effect.mapError((cause) => new JournalError({ reason: "Io", method: "flush", subject: path, cause })))
    : Effect.void
