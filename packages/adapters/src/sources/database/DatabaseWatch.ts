/**
 * Wakes when a database may have changed. Looking at the files is the truth: some systems report no writes to a file
 * that stays open, and watches of a log that is made anew go deaf. A watch of the folder only makes it quicker.
 */
import { watch } from "chokidar"
import { Clock, Effect, Stream } from "effect"
import { basename, dirname } from "node:path"
import { stamps } from "./DatabaseFiles.ts"

/** How often the files are looked at while they change, and … */
const ACTIVE_MILLIS = 200
/** … when they have not for a while. A look costs a twentieth of a millisecond. */
const IDLE_MILLIS = 1_000
const IDLE_AFTER_MILLIS = 60_000

export const watchDatabase = (path: string): Stream.Stream<void> =>
  Stream.asyncScoped<void>((emit) =>
    Effect.gen(function*() {
      let last = ""
      let changedAt = yield* Clock.currentTimeMillis
      const hint = () => void emit.single(undefined)
      const look = Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const stamp = stampOf(path)
        if (stamp !== last) {
          last = stamp
          changedAt = now
          hint()
        }
        return yield* Effect.sleep(now - changedAt > IDLE_AFTER_MILLIS ? IDLE_MILLIS : ACTIVE_MILLIS)
      })
      yield* Effect.acquireRelease(
        Effect.sync(() => watchFolder(path, hint)),
        (watcher) => Effect.promise(() => watcher.close())
      )
      yield* Effect.forkScoped(Effect.forever(look))
    }), { bufferSize: 1, strategy: "sliding" })

const watchFolder = (path: string, hint: () => void) => {
  const names = new Set([basename(path), `${basename(path)}-wal`])
  const folder = dirname(path)
  return watch(folder, {
    ignored: (one) => one !== folder && !names.has(basename(one)),
    depth: 0,
    ignoreInitial: true,
    followSymlinks: false,
    ignorePermissionErrors: true
  }).on("all", hint).on("raw", hint).on("error", hint)
}

/** A file that cannot be looked at is another state too. */
const stampOf = (path: string): string => {
  try {
    return JSON.stringify(stamps(path))
  } catch (cause) {
    return String(cause)
  }
}
