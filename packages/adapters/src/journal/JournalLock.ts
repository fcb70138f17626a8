/**
 * One writer for a journal. LevelDB's own lock is lost when somebody deletes its LOCK file, or when the holder itself
 * opens and closes it; so a second, empty LevelDB stands beside the first, which nobody has a reason to touch, and a
 * file names the holder (`JournalHolder.ts`), which one process at a time can be, whatever becomes of both locks.
 */
import { JournalError } from "@sealog/core/backup/Journal"
import { ClassicLevel } from "classic-level"
import { Effect, Either, Option } from "effect"
import { claimJournal, livingHolder } from "./JournalHolder.ts"
import { toJournalError } from "./LevelDatabase.ts"

/**
 * Holds the lock of the journal in this folder until the scope closes; Locked if another process does. Tells whether
 * the one before ended without giving it back: killed, cut off, or ended by LevelDB over damage.
 */
export const holdLock = Effect.fn("JournalLock.hold")(function*(path: string) {
  yield* Effect.acquireRelease(acquire(path), (lock) => Effect.promise(() => lock.close()))
  return yield* claimJournal(path)
})

/** Who finds it locked is told by whom; a moment is given to a holder that has only just won, or is just leaving. */
const acquire = Effect.fn("JournalLock.acquire")(function*(path: string) {
  let damaged = 0
  for (let attempt = 1;; attempt++) {
    const opened = yield* Effect.either(openLock(path))
    if (Either.isRight(opened)) return opened.right
    const { left: cause } = opened
    if (cause.reason === "Full") return yield* cause
    const holder = yield* livingHolder(path)
    if (Option.isSome(holder)) {
      return yield* new JournalError({ reason: "Locked", method: "open", subject: path, pid: holder.value.pid, cause })
    }
    // The lock's own files hold nothing: if a power cut left them unreadable, they are made anew.
    if (cause.reason !== "Locked") {
      if (++damaged === REPAIRS) return yield* cause
      yield* Effect.ignoreLogged(Effect.tryPromise(() => ClassicLevel.destroy(lockPath(path))))
    } else if (attempt === ATTEMPTS) {
      return yield* new JournalError({ reason: "Locked", method: "open", subject: path, cause })
    }
    yield* Effect.sleep(ATTEMPT_MILLIS)
  }
})

const openLock = (path: string) =>
  Effect.tryPromise({
    try: async () => {
      const lock = new ClassicLevel(lockPath(path), { writeBufferSize: LOCK_BUFFER_BYTES, cacheSize: 0 })
      await lock.open()
      return lock
    },
    catch: (cause) => toJournalError("open", cause, lockPath(path))
  })

const lockPath = (path: string) => `${path}/lock`

/** LevelDB's least. */
const LOCK_BUFFER_BYTES = 64 * 1024
const ATTEMPTS = 250
const ATTEMPT_MILLIS = 20
/** More than one: who comes at the same time may be at it too. */
const REPAIRS = 5
