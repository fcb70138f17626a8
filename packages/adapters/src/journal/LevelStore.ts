/**
 * LevelDB that is closed, opened again and checked after every failed write: once one write has failed it refuses all
 * others, and whether the failed one is there "may or may not" be. Here it is looked up, so that a write either
 * succeeded as a whole or is reported as failed, once.
 */
import { JournalError } from "@sealog/core/backup/Journal"
import { Effect, Either, type Scope, Stream } from "effect"
import { Buffer } from "node:buffer"
import type { Ballast } from "./Ballast.ts"
import type { Again } from "./LevelAgain.ts"
import {
  type Database,
  type OpenDatabase,
  type RangeOptions,
  type Row,
  toJournalError,
  type Write
} from "./LevelDatabase.ts"

export interface LevelStore {
  readonly read: <A>(
    method: string,
    body: (db: Database) => Promise<A>,
    subject?: string
  ) => Effect.Effect<A, JournalError>
  /** A range in pages, as it is when the stream begins. */
  readonly pages: (method: string, options: RangeOptions) => Stream.Stream<ReadonlyArray<Row>, JournalError>
  /** All of the writes, durable, or none; Full at once while the disk is. To be called in the writer's turn. */
  readonly write: (method: string, writes: ReadonlyArray<Write>) => Effect.Effect<void, JournalError>
  /** The same, for the little that has to be written to open: into the reserved space, if there is no other. */
  readonly writeReserved: (method: string, writes: ReadonlyArray<Write>) => Effect.Effect<void, JournalError>
  /** Work that must not overlap with another writer's, on a database that is open when it begins. */
  readonly inTurn: <A, E, R>(method: string, work: Effect.Effect<A, E, R>) => Effect.Effect<A, E | JournalError, R>
}

export interface LevelStoreOptions {
  readonly path: string
  readonly open: OpenDatabase
  readonly ballast: Ballast
  readonly flush: Effect.Effect<void, JournalError>
  /** Called with each newly opened database before anything else is done with it. */
  readonly check: (db: Database) => Effect.Effect<void, JournalError>
  /** What is done about each opening but the first. */
  readonly again: Pick<Again, "before" | "after">
}

export const makeLevelStore = Effect.fn("LevelStore.make")(function*(
  options: LevelStoreOptions
): Effect.fn.Return<LevelStore, JournalError, Scope.Scope> {
  const { ballast, flush } = options
  const turn = yield* Effect.makeSemaphore(1)
  let db: Database | undefined

  const openAny = makeOpening(options)
  const open = (method: string) => Effect.tap(openAny(method), (opened) => Effect.sync(() => void (db = opened)))

  const close = Effect.suspend(() => {
    const closing = db
    db = undefined
    return closing === undefined ? Effect.void : Effect.ignoreLogged(attempt("close", () => closing.close()))
  })

  const database = (method: string) =>
    Effect.suspend(() =>
      db === undefined ? turn.withPermits(1)(Effect.suspend(() => held(method))) : Effect.succeed(db)
    )
  const held = (method: string): Effect.Effect<Database, JournalError> =>
    db === undefined ? open(method) : Effect.succeed(db)

  const write = Effect.fn("LevelStore.write")(function*(method: string, writes: ReadonlyArray<Write>) {
    const current = yield* held(method)
    const written = yield* Effect.either(attempt(method, () => current.write(writes)).pipe(Effect.zipLeft(flush)))
    if (Either.isRight(written)) return
    if (written.left.reason === "Full") yield* ballast.suspend
    yield* close
    const reopened = yield* Effect.either(open(method))
    if (Either.isRight(reopened) && (yield* attempt(method, () => holds(reopened.right, writes)))) return
    return yield* Either.isLeft(reopened) && reopened.left.reason === "Corrupt" ? reopened.left : written.left
  })

  yield* Effect.acquireRelease(open("open"), () => close)
  return {
    read: (method, body, subject) =>
      Effect.flatMap(database(method), (opened) => attempt(method, () => body(opened), subject)),
    pages: (method, range) =>
      Stream.unwrap(
        Effect.map(database(method), (opened) =>
          Stream.fromAsyncIterable(opened.pages(range), (cause) => toJournalError(method, cause)))
      ),
    write: (method, writes) =>
      Effect.uninterruptible(Effect.flatMap(
        ballast.ready,
        (ready) => ready ? write(method, writes) : new JournalError({ reason: "Full", method, subject: options.path })
      )),
    writeReserved: (method, writes) => Effect.uninterruptible(write(method, writes)),
    inTurn: (method, work) => turn.withPermits(1)(Effect.zipRight(Effect.suspend(() => held(method)), work))
  }
})

/** What LevelDB cannot open for is in its MANIFEST, or is missing by that. */
const inItsWords = (cause: unknown): string | undefined => {
  const inner = cause instanceof Error ? cause.cause : undefined
  return inner instanceof Error && inner.message.startsWith("Corruption: ")
    ? `MANIFEST: ${inner.message.slice("Corruption: ".length)}`
    : undefined
}

const attempt = <A>(method: string, body: () => Promise<A>, subject?: string) =>
  Effect.tryPromise({ try: body, catch: (cause) => toJournalError(method, cause, subject) })

/** Opens and checks the database, also with the reserved space, and more than once where LevelDB lost what was there. */
const makeOpening = ({ again, ballast, check, open, path }: LevelStoreOptions) => {
  let wasOpen = false

  const openOnce = Effect.fn("LevelStore.openOnce")(function*(method: string) {
    if (wasOpen) yield* again.before
    const opened = yield* attempt(method, () => open(path, { create: false }), path).pipe(
      Effect.mapError((error) => new JournalError({ ...error, subject: inItsWords(error.cause) ?? path }))
    )
    const checked = wasOpen ? Effect.zipRight(check(opened), again.after) : check(opened)
    yield* Effect.onError(checked, () => Effect.promise(() => opened.close()))
    wasOpen = true
    return opened
  })

  return Effect.fn("LevelStore.open")((method: string) =>
    openOnce(method).pipe(
      Effect.catchIf(
        (error) => error.reason === "Full",
        (error) => Effect.flatMap(ballast.release, (released) => released ? openOnce(method) : error)
      ),
      Effect.retry({ times: OPENINGS - 1, while: (error) => wasOpen && error.reason === "Corrupt" })
    )
  )
}

/** Openings after which what was lost is lost: a disk that fails one of a hundred calls fails three in a row seldom. */
const OPENINGS = 5

/** Whether the database holds exactly these writes: sealed values carry a nonce of their own, so none is alike. */
const holds = async (db: Database, writes: ReadonlyArray<Write>): Promise<boolean> => {
  const values = await db.getMany(writes.map(([key]) => key))
  return writes.every(([, value], at) => {
    const found = values[at]
    return value === undefined || found === undefined ? value === found : Buffer.compare(value, found) === 0
  })
}
