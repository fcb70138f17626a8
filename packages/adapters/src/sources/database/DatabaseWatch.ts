/**
 * Wakes when a database may have changed. Looking at the files is the truth: some systems report no writes to a file
 * that stays open, and a watch of a log goes deaf when that is made anew. A watch of the folder only makes it quicker.
 */
import { Clock, Effect, Stream } from "effect"
import { basename, dirname } from "node:path"
import { clearTimeout, setTimeout } from "node:timers"
import { stamps, watchFolder } from "./DatabaseFiles.ts"

/** How often the files are looked at while they change, and … */
const ACTIVE_MILLIS = 200
/** … when they have not for a while. A look costs a twentieth of a millisecond. */
const IDLE_MILLIS = 1_000
const IDLE_AFTER_MILLIS = 60_000
/** One commit is several writes, which become one sign. */
const GATHER_MILLIS = 5
/** A watch that broke is set up again after this. */
const REARM_MILLIS = 30_000

export const watchDatabase = (path: string): Stream.Stream<void> =>
  Stream.asyncScoped<void>((emit) =>
    Effect.gen(function*() {
      const seen = { stamp: "", changedAt: yield* Clock.currentTimeMillis, armedAt: -Infinity }
      const sign = gathered(() => void emit.single(undefined))
      let watch = undefined as ReturnType<typeof watchFolder>
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          sign.stop()
          watch?.close()
        })
      )
      const names = new Set([basename(path), `${basename(path)}-wal`])
      const look = Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        if (now - seen.armedAt >= REARM_MILLIS) {
          watch?.close()
          watch = watchFolder(dirname(path), (name) => {
            if (name === null || names.has(name)) sign.give()
          })
          seen.armedAt = now
        }
        const stamp = stampOf(path)
        if (stamp !== seen.stamp) {
          seen.stamp = stamp
          seen.changedAt = now
          sign.give()
        }
        return yield* Effect.sleep(now - seen.changedAt > IDLE_AFTER_MILLIS ? IDLE_MILLIS : ACTIVE_MILLIS)
      })
      yield* Effect.forkScoped(Effect.forever(look))
    }), { bufferSize: 1, strategy: "sliding" })

/** Signs that come close together are given as one. */
const gathered = (give: () => void) => {
  let timer: NodeJS.Timeout | undefined
  return {
    give: () => {
      timer ??= setTimeout(() => {
        timer = undefined
        give()
      }, GATHER_MILLIS)
    },
    stop: () => clearTimeout(timer)
  }
}

/** A file that cannot be looked at is another state too. */
const stampOf = (path: string): string => {
  try {
    return JSON.stringify(stamps(path))
  } catch (cause) {
    return String(cause)
  }
}
