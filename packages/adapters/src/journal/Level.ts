/**
 * The journal on LevelDB: one folder with the database, the lock beside it, a reserve of space, and a note of the
 * newest head. Making one and opening one are two things: a journal that is gone is never made anew in its place.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { JournalError, type JournalShape } from "@sealog/core/backup/Journal"
import { Entropy } from "@sealog/core/keys/Entropy"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Effect, type Scope } from "effect"
import { BALLAST_BYTES, makeBallast, noBallast } from "./Ballast.ts"
import { makeFlush } from "./Flush.ts"
import { checkMark, openHeadMark } from "./HeadMark.ts"
import { holdLock } from "./JournalLock.ts"
import { makeAgain } from "./LevelAgain.ts"
import { checkTail } from "./LevelCheck.ts"
import { finishReplacing } from "./LevelDamaged.ts"
import { type Database, openClassicLevel, type OpenDatabase, toJournalError, type Write } from "./LevelDatabase.ts"
import { checkFiles, keepFiles, letFilesGo } from "./LevelFiles.ts"
import { leftovers } from "./LevelFork.ts"
import { makeLevelJournal } from "./LevelJournal.ts"
import { makeLevelLog } from "./LevelLog.ts"
import { currentWrite, firstWrites, growing, loadMeta, markOf, type Meta, rootWrite } from "./LevelMeta.ts"
import { againPath, condemnedPath, dbPath, healedPath, keptPath, markPath } from "./LevelPaths.ts"
import { SECRET_BYTES, SESSION_BYTES, WRITER_BYTES } from "./LevelRecords.ts"
import { type LevelSeal, makeLevelSeal } from "./LevelSeal.ts"
import { loadState, replaceState, shouldFold } from "./LevelState.ts"
import { type LevelStore, makeLevelStore } from "./LevelStore.ts"
import { syncFolder } from "./SyncFolder.ts"

export interface LevelJournalOptions {
  /** The journal's folder. */
  readonly path: string
  /**
   * Opens although the newest events are not all there or not right, as after a restore of this machine from a backup:
   * to show what is left, and to take the rest from a target. The scrub says what is wrong.
   */
  readonly acceptDamage?: boolean
  /** Space to reserve, bytes; 0 for none. */
  readonly ballastBytes?: number
  /** The database, where a test wants one that fails. */
  readonly openDatabase?: OpenDatabase
}

/** Makes an empty journal under a new writer id; Exists where there is one, however damaged. */
export const createLevelJournal = Effect.fn("Level.create")(function*(
  options: LevelJournalOptions
): Effect.fn.Return<void, JournalError, FileSystem | KeyRing | Entropy> {
  const { path } = options
  const fs = yield* FileSystem
  const entropy = yield* Entropy
  const sealer = makeLevelSeal(yield* KeyRing, entropy)
  const wrap = Effect.mapError((cause: unknown) => toJournalError("create", cause, path))
  yield* wrap(fs.makeDirectory(path, { recursive: true, mode: 0o700 }))
  yield* Effect.scoped(Effect.gen(function*() {
    yield* holdLock(path)
    if ((yield* wrap(fs.exists(dbPath(path)))) || (yield* wrap(fs.exists(healedPath(path))))) {
      return yield* new JournalError({ reason: "Exists", method: "create", subject: path })
    }
    const writer = entropy.bytes(WRITER_BYTES)
    const root = { secret: entropy.bytes(SECRET_BYTES), logs: [{ number: 0, writer, left: undefined }], sessions: [] }
    // Under another name until it is whole: a crash in between leaves no journal, not half of one.
    yield* wrap(fs.remove(`${dbPath(path)}.new`, { recursive: true, force: true }))
    yield* wrap(fs.remove(markPath(path), { force: true }))
    yield* fill(`${dbPath(path)}.new`, options.openDatabase ?? openClassicLevel, firstWrites(sealer, root))
    yield* wrap(fs.rename(`${dbPath(path)}.new`, dbPath(path)))
    yield* wrap(syncFolder(fs, path))
  }))
})

const fill = (path: string, openDatabase: OpenDatabase, writes: ReadonlyArray<Write>) =>
  Effect.tryPromise({
    try: async () => {
      const db = await openDatabase(path, { create: true })
      try {
        await db.write(writes)
      } finally {
        await db.close()
      }
    },
    catch: (cause) => toJournalError("create", cause, path)
  })

/** Takes the lock and looks at the files, before LevelDB is let near them. */
const takeHold = Effect.fn("Level.takeHold")(function*(fs: FileSystem, options: LevelJournalOptions) {
  const { path } = options
  const places = yield* Effect.forEach([dbPath(path), healedPath(path)], (place) => fs.exists(place)).pipe(
    toOpenError(path)
  )
  if (!places.includes(true)) {
    return yield* new JournalError({ reason: "Missing", method: "open", subject: dbPath(path) })
  }
  const ballast = options.ballastBytes === 0
    ? noBallast
    : yield* makeBallast(fs, `${path}/ballast`, options.ballastBytes ?? BALLAST_BYTES)
  const { wasLeftBehind } = yield* holdLock(path).pipe(
    Effect.catchIf(
      (error) => error.reason === "Full",
      (error) => Effect.flatMap(ballast.release, (released) => released ? holdLock(path) : error)
    )
  )
  yield* finishReplacing(fs, path)
  yield* makeAgain(fs, dbPath(path), againPath(path)).recover
  if (options.acceptDamage !== true) {
    yield* refuseCondemned(fs, path)
    yield* checkFiles(fs, dbPath(path), wasLeftBehind)
  }
  yield* keepFiles(fs, dbPath(path), keptPath(path))
  return ballast
})

/** Opens a journal, checks its newest entries, and holds its lock until the scope closes. */
export const openLevelJournal = Effect.fn("Level.open")(function*(
  options: LevelJournalOptions
): Effect.fn.Return<JournalShape, JournalError, FileSystem | KeyRing | Entropy | Scope.Scope> {
  const { path } = options
  const fs = yield* FileSystem
  const entropy = yield* Entropy
  const ring = yield* KeyRing
  const sealer = makeLevelSeal(ring, entropy)
  const ballast = yield* takeHold(fs, options)
  const mark = yield* openHeadMark(fs, markPath(path), sealer)
  let meta: Meta | undefined

  /** What an opening must find: the same as was known before, or more. */
  const check = Effect.fn("Level.check")(function*(db: Database) {
    const found = yield* loadMeta(db, sealer)
    const known = meta
    if (known !== undefined && found.head.size < known.head.size && growing(found).number === growing(known).number) {
      const subject = `events ${found.head.size} to ${known.head.size - 1} are gone`
      return yield* new JournalError({ reason: "Corrupt", method: "reopen", subject })
    }
    if (known !== undefined && found.current.writes < known.current.writes) {
      const subject = `the last ${known.current.writes - found.current.writes} writes are gone`
      return yield* new JournalError({ reason: "Corrupt", method: "reopen", subject })
    }
    meta = found
  })

  const store = yield* makeLevelStore({
    path: dbPath(path),
    open: options.openDatabase ?? openClassicLevel,
    ballast,
    flush: makeFlush(fs, dbPath(path)),
    check,
    again: makeAgain(fs, dbPath(path), againPath(path))
  }).pipe(
    // Damage to both of two records looks like a wrong key, unless their file's checksums tell it from one.
    Effect.tapErrorTag(
      "JournalError",
      (error) => error.reason === "WrongKey" ? checkFiles(fs, dbPath(path), true) : Effect.void
    )
  )
  const levelLog = makeLevelLog(store, sealer)
  const loaded = meta! as Meta
  if (options.acceptDamage !== true) {
    yield* checkMark(yield* mark.read, markOf(loaded))
    yield* checkTail({ store, levelLog, log: growing(loaded) }, loaded.head)
    yield* letFilesGo(fs, keptPath(path))
  }
  const session = entropy.bytes(SESSION_BYTES)
  meta = yield* begin(store, sealer, loaded, session)
  yield* mark.write(markOf(meta))
  yield* ballast.ready
  return makeLevelJournal({
    vaultId: ring.vaultId,
    session,
    store,
    sealer,
    levelLog,
    mark,
    files: { fs, folder: dbPath(path) },
    meta: { get: () => meta!, set: (next) => void (meta = next) }
  })
})

/** The first write of a session: its id, snapshots that have come due, and what a crash left to be removed. */
const begin = Effect.fn("Level.begin")(function*(
  store: LevelStore,
  sealer: LevelSeal,
  meta: Meta,
  session: Uint8Array
): Effect.fn.Return<Meta, JournalError> {
  let states = meta.current.states
  const writes: Array<Write> = [...(yield* leftovers(store, meta.root))]
  for (const state of states.filter(shouldFold)) {
    const change = replaceState(sealer, states, state.name, yield* loadState(store, sealer, state))
    states = change.states
    writes.push(...change.writes)
  }
  const root = { ...meta.root, sessions: [...meta.root.sessions, session] }
  const current = { ...meta.current, writes: meta.current.writes + 1, states }
  writes.push(rootWrite(sealer, root), currentWrite(sealer, current))
  yield* store.inTurn("open", store.writeReserved("open", writes))
  return { ...meta, root, current }
})

/** Notes that a journal was found damaged while it was open: it is not opened again before it was healed. */
export const condemnJournal = Effect.fn("Level.condemn")(function*(path: string, subject: string) {
  const fs = yield* FileSystem
  yield* fs.writeFileString(condemnedPath(path), subject, { mode: 0o600 }).pipe(toOpenError(path))
})

const refuseCondemned = Effect.fn("Level.refuseCondemned")(function*(fs: FileSystem, path: string) {
  const file = condemnedPath(path)
  if (!(yield* fs.exists(file).pipe(toOpenError(file)))) return
  const subject = yield* fs.readFileString(file).pipe(toOpenError(file))
  return yield* new JournalError({ reason: "Corrupt", method: "open", subject: subject.slice(0, SUBJECT_CHARS) })
})

const toOpenError = (path: string) => Effect.mapError((cause: unknown) => toJournalError("open", cause, path))

const SUBJECT_CHARS = 1_000
