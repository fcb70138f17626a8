/**
 * The workshop in which a damaged journal is healed: reads what is left of it, builds a whole one beside it, and swaps
 * the two. What was built takes its place only after it was read back and every entry of it checked.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { JournalError, type JournalHead } from "@sealog/core/backup/Journal"
import type { NewJournal, Workshop } from "@sealog/core/backup/Salvage"
import { Entropy } from "@sealog/core/keys/Entropy"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Clock, Effect, Option, type Scope, Stream } from "effect"
import { Buffer } from "node:buffer"
import { noBallast } from "./Ballast.ts"
import { readHeadMark } from "./HeadMark.ts"
import { holdLock } from "./JournalLock.ts"
import { scrubLog } from "./LevelCheck.ts"
import { contentWrites } from "./LevelContents.ts"
import { finishReplacing, replaceDamaged } from "./LevelDamaged.ts"
import { type Database, openClassicLevel, toJournalError, type Write } from "./LevelDatabase.ts"
import { emptyHead, entryWrites, makeLevelLog, misfit } from "./LevelLog.ts"
import { currentWrite, firstWrites, loadMeta, type Meta, noteWrite, rootWrite } from "./LevelMeta.ts"
import { dbPath, healingPath, keptPath, markPath } from "./LevelPaths.ts"
import { type LogRecord, SECRET_BYTES, type StateRecord } from "./LevelRecords.ts"
import { salvageLevel } from "./LevelSalvage.ts"
import { type LevelSeal, makeLevelSeal } from "./LevelSeal.ts"
import { replaceState } from "./LevelState.ts"
import { makeLevelStore } from "./LevelStore.ts"

/** Holds the lock of the journal in this folder, which need not be there any more, until the scope closes. */
export const openWorkshop = Effect.fn("LevelHeal.open")(function*(
  path: string
): Effect.fn.Return<Workshop, JournalError, FileSystem | KeyRing | Entropy | Scope.Scope> {
  const fs = yield* FileSystem
  const entropy = yield* Entropy
  const sealer = makeLevelSeal(yield* KeyRing, entropy)
  yield* fs.makeDirectory(path, { recursive: true, mode: 0o700 }).pipe(wrap(path))
  yield* holdLock(path)
  yield* finishReplacing(fs, path)
  const salvage = yield* Effect.cached(Effect.gen(function*() {
    const mark = yield* readHeadMark(fs, markPath(path), sealer)
    return yield* salvageLevel({ fs, folders: [dbPath(path), keptPath(path)], sealer, mark })
  }))
  const folder = healingPath(path)

  const build = Effect.fn("LevelHeal.build")(function*<E>(journal: NewJournal<E>) {
    const { writes } = yield* salvage
    yield* fs.remove(folder, { recursive: true, force: true }).pipe(wrap(folder))
    const heads = yield* Effect.scoped(write(folder, { sealer, entropy, writes: writes + 1 }, journal)).pipe(
      // A full disk must not stay full of what nobody will ever open.
      Effect.tapError(() => Effect.ignore(fs.remove(folder, { recursive: true, force: true })))
    )
    yield* Effect.scoped(prove(folder, sealer, heads))
    return heads
  })

  const replace = Effect.fn("LevelHeal.replace")(function*(account: string) {
    return yield* replaceDamaged(fs, path, { account, atMillis: yield* Clock.currentTimeMillis })
  })
  return { salvage, build, replace }
})

/** Everything of a journal; how far targets have come is no part of it, and found out when they are met. */
const write = Effect.fn("LevelHeal.write")(function*<E>(
  folder: string,
  options: {
    readonly sealer: LevelSeal
    readonly entropy: Entropy["Type"]
    readonly writes: number
  },
  journal: NewJournal<E>
) {
  const { entropy, sealer, writes } = options
  const db = yield* Effect.acquireRelease(
    attempt(() => openClassicLevel(folder, { create: true })),
    (opened) => Effect.ignoreLogged(attempt(() => opened.close()))
  )
  const secret = entropy.bytes(SECRET_BYTES)
  const records: Array<LogRecord> = []
  const heads: Array<JournalHead> = []
  for (const [number, { entries, writer }] of journal.logs.entries()) {
    const isLast = number === journal.logs.length - 1
    let head = emptyHead
    const writing = batches(db)
    yield* entries.pipe(Stream.runForEach(Effect.fnUntraced(function*(entry) {
      const subject = misfit(entry, head)
      if (subject !== undefined) return yield* new JournalError({ reason: "Conflict", method: "heal", subject })
      head = entry.head
      yield* writing.add(entryWrites(sealer, { number, writer }, entry))
      if (isLast) yield* writing.add(contentWrites(secret, number, entry.contents))
    })))
    yield* writing.end
    records.push({ number, writer, left: isLast ? undefined : head })
    heads.push(head)
  }
  const root = { secret, logs: records, sessions: journal.sessions }
  let states: ReadonlyArray<StateRecord> = []
  for (const [name, table] of yield* journal.states) {
    const change = replaceState(sealer, states, name, table)
    states = change.states
    yield* attempt(() => db.write(change.writes))
  }
  const noted = [...journal.notes].map(([name, text]) => noteWrite(sealer, secret, { version: 1, name, text }))
  const notes = noted.map(({ record }) => record)
  const current = { writes, log: records.length - 1, size: heads.at(-1)!.size, states, notes }
  const last = [
    ...noted.map(({ write: each }) => each),
    ...firstWrites(sealer, root),
    rootWrite(sealer, root),
    currentWrite(sealer, current)
  ]
  yield* attempt(() => db.write(last))
  return heads
})

/** Entries by the batch: each write is synced, and here none counts before all are there. */
const batches = (db: Database) => {
  let gathered: Array<Write> = []
  let bytes = 0
  const end = Effect.suspend(() => {
    const writes = gathered
    gathered = []
    bytes = 0
    return attempt(() => db.write(writes))
  })
  const add = (writes: ReadonlyArray<Write>) =>
    Effect.suspend(() => {
      gathered.push(...writes)
      for (const [, value] of writes) bytes += value?.length ?? 0
      return bytes < BATCH_BYTES ? Effect.void : end
    })
  return { add, end }
}

/** Reads what was built from the disk: every entry of every log must be there and lead to the head it was to have. */
const prove = Effect.fn("LevelHeal.prove")(function*(
  folder: string,
  sealer: LevelSeal,
  heads: ReadonlyArray<JournalHead>
) {
  let meta: Meta | undefined
  const store = yield* makeLevelStore({
    path: folder,
    open: openClassicLevel,
    ballast: noBallast,
    flush: Effect.void,
    again: { before: Effect.void, after: Effect.void },
    check: (db) => Effect.map(loadMeta(db, sealer), (loaded) => void (meta = loaded))
  })
  const levelLog = makeLevelLog(store, sealer)
  const { head, root } = meta! as Meta
  for (const [at, log] of root.logs.entries()) {
    const stored = log.left ?? head
    const found = yield* Stream.runHead(scrubLog({ store, levelLog, log }, stored))
    if (Option.isSome(found)) return yield* found.value.error
    if (Buffer.compare(stored.root, heads[at]!.root) === 0 && stored.size === heads[at]!.size) continue
    return yield* new JournalError({ reason: "Corrupt", method: "heal", subject: "what was built reads otherwise" })
  }
})

const BATCH_BYTES = 4 * 1024 * 1024

const attempt = <A>(body: () => Promise<A>) =>
  Effect.tryPromise({ try: body, catch: (cause) => toJournalError("heal", cause) })
const wrap = (path: string) => Effect.mapError((cause: unknown) => toJournalError("heal", cause, path))
