/**
 * A message store in a SQLite database that another program writes, as a source: the frame that all such stores share,
 * made one by what reads its rows (`RowReader`).
 *
 * A pass looks at pages of neighbouring rows. New rows are in the last ones, which every pass looks at; what changed in
 * older ones is found by scans, of the newest rows often and of all rows now and then, which together may take a
 * hundredth of a processor. What differs is compared with what was told, by the log itself.
 */
import type { Batch, OpenSource, Past, SourceError, SourceShape, SourceState } from "@sealog/core/backup/Source"
import { Clock, Effect, PubSub, Stream } from "effect"
import { AttachmentLooks, type AttachmentOptions, tellAttachments } from "./DatabaseAttachments.ts"
import { tellChats } from "./DatabaseChats.ts"
import { dumpDatabase } from "./DatabaseDump.ts"
import { ledgerOf } from "./DatabaseLedger.ts"
import { compareAllReactions, lookAt, type Pass } from "./DatabasePass.ts"
import { pagesToLookAt } from "./DatabasePlan.ts"
import { FILE, gapsOf, hasGaps, isSound, makeTold, reactedKeys, remember, soundWith } from "./DatabaseTable.ts"
import { watchDatabase } from "./DatabaseWatch.ts"
import { makeKnownKeys } from "./KnownKeys.ts"
import { type LiveDatabase, makeLiveDatabase } from "./LiveDatabase.ts"
import { tellWhileWaiting } from "./Meanwhile.ts"
import { makeReactions } from "./Reactions.ts"
import type { OpenReader } from "./RowReader.ts"
import { makeSchedule } from "./Schedule.ts"

export interface DatabaseOptions {
  /** The source's name in the vault. */
  readonly name: string
  readonly kind: string
  /** The database file. */
  readonly path: string
  readonly reader: OpenReader
  /** Where a store has files beside its database. */
  readonly attachments?: AttachmentOptions
}

export const openDatabaseSource = (
  { attachments = NO_ATTACHMENTS, kind, name, path, reader }: DatabaseOptions
): OpenSource =>
  Effect.gen(function*() {
    const database = makeLiveDatabase(path, reader)
    const files = new AttachmentLooks(database, attachments)
    const wakes = yield* PubSub.sliding<number>(1)
    const fileWakes = yield* PubSub.sliding<number>(1)
    const turn = yield* Effect.makeSemaphore(1)
    const pass = makePasses(database, files, wakes)
    const passFiles = (state: SourceState, past: Past): Stream.Stream<Batch, SourceError> =>
      Stream.concat(
        tellAttachments(files, { database, state, rows: newRows(database, state, past, files) }),
        Stream.execute(Effect.flatMap(Clock.currentTimeMillis, (now) => wake(fileWakes, files.again(now))))
      )
    const source: SourceShape = {
      name,
      kind,
      readsAhead: true,
      remember: (event, index, table) => {
        files.noticed(event)
        remember(event, index, table)
      },
      changes: (state, past) =>
        Stream.acquireRelease(turn.take(1), () => turn.release(1)).pipe(
          Stream.flatMap(() => Stream.concat(Stream.unwrap(pass(state, past)), passFiles(state, past)))
        ),
      hints: hintsOf(path, wakes, fileWakes),
      dump: (options) => dumpDatabase(database, options?.keys),
      ledger: (state) => database.look((rows) => ledgerOf(rows, state, attachments.policy === 0)),
      gaps: gapsOf
    }
    // Whether it is there and of its kind shows at once.
    yield* database.version
    return source
  }).pipe(Effect.withSpan("Database.open"))

/** Changes of the files, and what passes left for later. */
const hintsOf = (path: string, wakes: PubSub.PubSub<number>, fileWakes: PubSub.PubSub<number>): Stream.Stream<void> =>
  Stream.mergeAll([
    watchDatabase(path),
    Stream.mapEffect(Stream.fromPubSub(wakes), (millis) => Effect.sleep(millis)),
    // Each pass says anew when files are to be looked for again.
    Stream.flatMap(Stream.fromPubSub(fileWakes), (millis) => Stream.fromEffect(Effect.sleep(millis)), { switch: true })
  ], { concurrency: "unbounded" })

/** One pass after another over a database; `wakes` hear when one more is due. */
const makePasses = (database: LiveDatabase, files: AttachmentLooks, wakes: PubSub.PubSub<number>) => {
  const schedule = makeSchedule()
  /** What the last batch asked to be remembered: it never became durable, if that is not so when a pass begins. */
  let asked: NonNullable<Batch["cursor"]> = []

  return Effect.fn("Database.changes")(function*(state: SourceState, past: Past) {
    const version = yield* database.version
    const identity = yield* database.identity
    const now = yield* Clock.currentTimeMillis
    const isKnown = isSound(state)
    const isFirst = !isKnown && knowsNothing(state)
    const isReplay = !isKnown && !isFirst
    const doubt = state.has(FILE) && state.get(FILE) !== identity
    const lost = asked.some(([key, value]) => state.get(key) !== value)
    const plan = schedule.plan({ version, now, whole: doubt || lost || !isKnown })
    if (plan === "nothing") return Stream.empty
    const looking = timed(pagesToLookAt(database, state, plan), (millis) => schedule.spent(plan, millis))
    const pass: Pass = {
      database,
      state,
      past,
      told: makeTold(state),
      reactions: makeReactions(state, isReplay),
      keys: makeKnownKeys(state, past, doubt),
      changed: files.changed,
      isReplay,
      hasGaps: hasGaps(state),
      spent: (millis) => schedule.spent(plan, millis)
    }
    const chats = plan === "rows" ? [] : yield* database.look((rows) => tellChats(rows, state))
    // A scan takes seconds, and what is new does not wait for it, unless it may be known.
    const isLong = plan === "all" && isKnown && !doubt && !lost
    const told = isLong
      ? tellWhileWaiting(
        { database, rows: newRows(database, state, past, files) },
        looking,
        (pages) => lookAt(pass, pages)
      )
      : lookAt(pass, yield* looking)
    const sound = Stream.sync((): Batch => ({ drafts: [], cursor: soundWith(state, identity) }))
    const hasReactionRows = yield* database.look((rows) => rows.reactions !== undefined)
    const done = Effect.suspend(() => wake(wakes, schedule.done({ plan, version, now })))
    return (isFirst ? sound : Stream.empty).pipe(
      Stream.concat(inGroups(chats, now)),
      Stream.concat(told),
      // Where they are kept with their messages, they are compared with these.
      Stream.concat(isReplay && hasReactionRows ? compareAllReactions(pass, reactedKeys(state)) : Stream.empty),
      // What began with doubts is to begin with them again, if it does not come to its end.
      Stream.concat(isFirst ? Stream.empty : sound),
      Stream.filter(({ cursor, drafts, release }) =>
        drafts.length > 0 || (cursor ?? []).length > 0 || release !== undefined
      ),
      Stream.tap(({ cursor }) => Effect.sync(() => (asked = cursor ?? asked))),
      Stream.concat(Stream.execute(done))
    )
  })
}

/** The same, and how long it took, milliseconds. */
const timed = <A, E>(work: Effect.Effect<A, E>, took: (millis: number) => void): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const from = performance.now()
    return Effect.tap(work, () => Effect.sync(() => took(performance.now() - from)))
  })

/** Before the first pass, and whatever the log says of the source beside. */
const knowsNothing = (state: SourceState): boolean => {
  for (const key of state.keys()) if (!key.startsWith("sealog:")) return false
  return true
}

const wake = (wakes: PubSub.PubSub<number>, millis: number | undefined): Effect.Effect<unknown> =>
  millis === undefined ? Effect.void : PubSub.publish(wakes, millis)

/** What came into the table while something else goes on; nothing else of it is looked at then. */
const newRows = (
  database: LiveDatabase,
  state: SourceState,
  past: Past,
  files: AttachmentLooks
): Stream.Stream<Batch, SourceError> =>
  Stream.unwrap(Effect.gen(function*() {
    // Of another file all has to be doubted first.
    if ((yield* database.identity) !== state.get(FILE)) return Stream.empty
    const pages = yield* pagesToLookAt(database, state, "rows")
    const pass: Pass = {
      database,
      state,
      past,
      told: makeTold(state),
      reactions: makeReactions(state, false),
      keys: makeKnownKeys(state, past, false),
      changed: files.changed,
      isReplay: false,
      hasGaps: hasGaps(state),
      spent: () => undefined
    }
    return lookAt(pass, pages)
  }))

const NO_ATTACHMENTS: AttachmentOptions = { policy: 0, folders: [] }
const FACTS = 2_000

const inGroups = (facts: ReturnType<typeof tellChats>, now: number): Stream.Stream<Batch> =>
  Stream.fromIterable(facts).pipe(
    Stream.grouped(FACTS),
    Stream.map((group): Batch => ({
      drafts: [...group].map((fact) => ({ fact })),
      cursor: [[CHATS, String(now)]]
    }))
  )

/** When something was told of chats last. */
const CHATS = "t"
