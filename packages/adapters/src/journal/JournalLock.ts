/**
 * One writer for a journal. LevelDB's own lock is lost when somebody deletes its LOCK file, or when the holder itself
 * opens and closes it; so a second, empty LevelDB stands beside the first, which nobody has a reason to touch, and a
 * file names the holder, who is asked after when both locks were free.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { JournalError } from "@sealog/core/backup/Journal"
import { ClassicLevel } from "classic-level"
import { Effect, Option, Schema } from "effect"
import { toJournalError } from "./LevelDatabase.ts"
import { isAlive, ownMark, type ProcessMark } from "./ProcessId.ts"

/**
 * Holds the lock of the journal in this folder until the scope closes; Locked, at once, if another process does. Tells
 * whether the one before ended without giving it back: killed, cut off, or ended by LevelDB over damage.
 */
export const holdLock = Effect.fn("JournalLock.hold")(function*(path: string) {
  const fs = yield* FileSystem
  yield* Effect.acquireRelease(acquire(path), (lock) => Effect.promise(() => lock.close()))
  const holder = yield* readHolder(path)
  if (Option.isSome(holder) && holder.value.pid !== process.pid && (yield* isAlive(holder.value))) {
    return yield* new JournalError({ reason: "Locked", method: "open", subject: path, pid: holder.value.pid })
  }
  yield* Effect.acquireRelease(
    writeHolder(path, yield* ownMark),
    () => Effect.ignore(fs.remove(pidPath(path), { force: true }))
  )
  return { wasLeftBehind: Option.isSome(holder) }
})

const acquire = Effect.fn("JournalLock.acquire")(function*(path: string) {
  const opened = yield* Effect.either(openLock(path))
  if (opened._tag === "Right") return opened.right
  if (opened.left.reason === "Locked") return yield* locked(path, opened.left)
  if (opened.left.reason === "Full") return yield* opened.left
  // The lock's own files hold nothing: if a power cut left them unreadable, they are made anew.
  yield* Effect.tryPromise({
    try: () => ClassicLevel.destroy(lockPath(path)),
    catch: (cause) => toJournalError("open", cause, lockPath(path))
  })
  return yield* Effect.catchIf(openLock(path), (error) => error.reason === "Locked", (error) => locked(path, error))
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

/** Names the holder; a moment is given to one that has only just won. */
const locked = Effect.fn("JournalLock.locked")(function*(path: string, cause: unknown) {
  for (let attempt = 0; attempt < HOLDER_ATTEMPTS; attempt++) {
    const holder = yield* readHolder(path)
    if (Option.isSome(holder) && (yield* isAlive(holder.value))) {
      return yield* new JournalError({ reason: "Locked", method: "open", subject: path, pid: holder.value.pid, cause })
    }
    yield* Effect.sleep(HOLDER_MILLIS)
  }
  return yield* new JournalError({ reason: "Locked", method: "open", subject: path, cause })
})

const readHolder = Effect.fn("JournalLock.readHolder")(function*(path: string) {
  const fs = yield* FileSystem
  const text = yield* Effect.option(fs.readFileString(pidPath(path)))
  return Option.flatMap(text, Schema.decodeUnknownOption(Holder))
})

const writeHolder = Effect.fn("JournalLock.writeHolder")(function*(path: string, mark: ProcessMark) {
  const fs = yield* FileSystem
  const temporary = `${pidPath(path)}.new`
  yield* fs.writeFileString(temporary, JSON.stringify(mark), { mode: 0o600 }).pipe(
    Effect.zipRight(fs.rename(temporary, pidPath(path))),
    Effect.mapError((cause) => toJournalError("open", cause, pidPath(path)))
  )
})

const Holder = Schema.parseJson(Schema.Struct({ pid: Schema.Int, started: Schema.String }))

const lockPath = (path: string) => `${path}/lock`
const pidPath = (path: string) => `${path}/pid`

/** LevelDB's least. */
const LOCK_BUFFER_BYTES = 64 * 1024
const HOLDER_ATTEMPTS = 25
const HOLDER_MILLIS = 20
