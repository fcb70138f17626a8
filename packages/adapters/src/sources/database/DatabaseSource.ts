/**
 * A message store in a SQLite database that another program writes, as a source: the frame that all such stores share,
 * made one by what reads its rows (`RowReader`).
 *
 * A pass looks at pages of neighbouring rows. New rows are in the last ones, which every pass looks at; what changed in
 * older ones is found by scans, of the newest rows often and of all rows now and then, which together may take a
 * hundredth of a processor. What differs is compared with what was told, by the log itself.
 */
import {
  type Batch,
  type OpenSource,
  type Past,
  SourceError,
  type SourceShape,
  type SourceState
} from "@sealog/core/backup/Source"
import { Clock, Effect, PubSub, Stream } from "effect"
import { ask } from "../../threads/Thread.ts"
import { breathe } from "../Breath.ts"
import {
  type AttachmentLooks,
  type AttachmentOptions,
  makeAttachmentLooks,
  tellAttachments
} from "./DatabaseAttachments.ts"
import { tellChats } from "./DatabaseChats.ts"
import { dumpDatabase } from "./DatabaseDump.ts"
import { ledgerOf } from "./DatabaseLedger.ts"
import { compareAllReactions, lookAt, type Pass } from "./DatabasePass.ts"
import { differing, nextRow, pagesFrom, type Table } from "./DatabaseScan.ts"
import { gapsOf, pagesIn, reactedKeys, remember } from "./DatabaseTable.ts"
import { watchDatabase } from "./DatabaseWatch.ts"
import { makeKnownKeys } from "./KnownKeys.ts"
import { type LiveDatabase, makeLiveDatabase } from "./LiveDatabase.ts"
import { pageOf, strongIn } from "./Pages.ts"
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

/** Which file the database was when it was last looked at as a whole. */
const FILE = "f"
/** When something was told of chats last. */
const CHATS = "t"

export const openDatabaseSource = (
  { attachments = NO_ATTACHMENTS, kind, name, path, reader }: DatabaseOptions
): OpenSource =>
  Effect.gen(function*() {
    const database = makeLiveDatabase(path, reader)
    const files = makeAttachmentLooks(database, attachments)
    const wakes = yield* PubSub.sliding<number>(1)
    const fileWakes = yield* PubSub.sliding<number>(1)
    const turn = yield* Effect.makeSemaphore(1)
    const begin = makePasses(database, wakes, files)
    const beginFiles = (state: SourceState, past: Past): Stream.Stream<Batch, SourceError> =>
      Stream.concat(
        tellAttachments(files, { database, state, rows: newRows(database, state, past, files) }),
        Stream.execute(Effect.flatMap(Clock.currentTimeMillis, (now) => wake(fileWakes, files.again(now))))
      )

    const source: SourceShape = {
      name,
      kind,
      readsAhead: true,
      remember,
      changes: (state, past) =>
        Stream.acquireRelease(turn.take(1), () => turn.release(1)).pipe(
          Stream.flatMap(() => Stream.concat(Stream.unwrap(begin(state, past)), beginFiles(state, past)))
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

/** Passes over the rows, one after the other. */
const makePasses = (database: LiveDatabase, wakes: PubSub.PubSub<number>, files: AttachmentLooks) => {
  const schedule = makeSchedule()
  /** What the last batch asked to be remembered: it never became durable, if that is not so when a pass begins. */
  let asked: NonNullable<Batch["cursor"]> = []

  return Effect.fn("Database.changes")(function*(state: SourceState, past: Past) {
    const version = yield* database.version
    const identity = yield* database.identity
    const now = yield* Clock.currentTimeMillis
    const doubt = state.has(FILE) && state.get(FILE) !== identity
    const isFirst = knowsNothing(state)
    const isReplay = !isFirst && !state.has(FILE)
    const lost = asked.some(([key, value]) => state.get(key) !== value)
    const plan = schedule.plan({ version, now, whole: doubt || lost || !state.has(FILE) })
    if (plan === "nothing") return Stream.empty
    const started = performance.now()
    const pages = yield* pagesOf(database, state, plan)
    const pass: Pass = {
      database,
      state,
      past,
      reactions: makeReactions(state, isReplay),
      keys: makeKnownKeys(state, past, doubt),
      changed: files.changed,
      hasGaps: gapsOf(state).length > 0,
      spent: (millis) => schedule.spent(plan, millis)
    }
    const chats = plan === "rows" ? [] : yield* database.look((rows) => tellChats(rows, state))
    schedule.spent(plan, performance.now() - started)
    // Where they are kept with their messages, they are compared with these.
    const hasReactionRows = yield* database.look((rows) => rows.reactions !== undefined)
    const reacted = isReplay && hasReactionRows ? compareAllReactions(pass, reactedKeys(state)) : Stream.empty
    const file: Batch = { drafts: [], cursor: state.get(FILE) === identity ? [] : [[FILE, identity]] }
    return Stream.succeed(isFirst ? file : NOTHING).pipe(
      Stream.concat(inGroups(chats, now)),
      Stream.concat(lookAt(pass, pages)),
      Stream.concat(reacted),
      // What began with doubts is to begin with them again, if it does not come to its end.
      Stream.concat(Stream.succeed(isFirst ? NOTHING : file)),
      Stream.filter(({ cursor, drafts }) => drafts.length > 0 || (cursor ?? []).length > 0),
      Stream.tap(({ cursor }) => Effect.sync(() => (asked = cursor ?? asked))),
      Stream.concat(
        Stream.execute(Effect.flatMap(
          Effect.sync(() => schedule.done({ plan, version, now })),
          (again) => wake(wakes, again)
        ))
      )
    )
  })
}

/** Before the first pass, and whatever the log says of the source beside. */
const knowsNothing = (state: SourceState): boolean => {
  for (const key of state.keys()) if (!key.startsWith("sealog:")) return false
  return true
}

const wake = (wakes: PubSub.PubSub<number>, millis: number | undefined): Effect.Effect<unknown> =>
  millis === undefined ? Effect.void : PubSub.publish(wakes, millis)

/** What came into the table while attachments are told; nothing else of it is looked at then. */
const newRows = (
  database: LiveDatabase,
  state: SourceState,
  past: Past,
  files: AttachmentLooks
): Stream.Stream<Batch, SourceError> =>
  Stream.unwrap(
    Effect.map(pagesOf(database, state, "rows"), (pages) =>
      lookAt(
        {
          database,
          state,
          past,
          reactions: makeReactions(state, false),
          keys: makeKnownKeys(state, past, false),
          changed: files.changed,
          hasGaps: gapsOf(state).length > 0,
          spent: () => undefined
        },
        pages
      ))
  )

const NO_ATTACHMENTS: AttachmentOptions = { policy: 0, folders: [] }
const FACTS = 2_000
const NOTHING: Batch = { drafts: [] }

const inGroups = (facts: ReturnType<typeof tellChats>, now: number): Stream.Stream<Batch> =>
  Stream.fromIterable(facts).pipe(
    Stream.grouped(FACTS),
    Stream.map((group): Batch => ({
      drafts: [...group].map((fact) => ({ fact })),
      cursor: [[CHATS, String(now)]]
    }))
  )

/** How many of the newest rows are scanned often: those that are still edited, and reacted to. */
const RECENT_PAGES = 16

type Plan = Exclude<ReturnType<ReturnType<typeof makeSchedule>["plan"]>, "nothing">

/** The pages to look at: those that are not as they were, or may not be. */
const pagesOf = Effect.fnUntraced(function*(database: LiveDatabase, state: SourceState, plan: Plan) {
  const known = pagesIn(state)
  const newest = known.at(-1)
  if (newest === undefined) {
    return yield* database.look((reader, queries) => {
      const first = nextRow(queries, reader, Number.MIN_SAFE_INTEGER)
      return first === undefined ? [] : [...pagesFrom(queries, reader, pageOf(first))]
    })
  }
  if (plan === "all") return yield* scan(database, state, known)
  const recent = plan === "recent" ? known.slice(-RECENT_PAGES) : [newest]
  const later = yield* database.look((reader, queries) => [...pagesFrom(queries, reader, newest)])
  return [...new Set([...recent, ...later])]
})

/** Scans all rows, in another thread where the database is read in its place. */
const scan = Effect.fnUntraced(function*(database: LiveDatabase, state: SourceState, pages: ReadonlyArray<number>) {
  const known = new Map(pages.map((page) => [page, strongIn(state.get(`d:${page}`)) ?? ""]))
  const table = yield* database.look(({ column, marks, table: name }): Table => ({ column, marks, table: name }))
  const here = Effect.zipRight(breathe, database.look((_, queries) => differing(queries, table, known)))
  if (database.isCopy() || pages.length <= RECENT_PAGES) return yield* here
  const answer = yield* ask("scan", { message: { path: database.path, table, known }, transfer: [] })
  if ("pages" in answer) return answer.pages
  return yield* new SourceError({
    reason: "Unreadable",
    method: "scan",
    subject: database.path,
    cause: { message: answer.failed, errcode: answer.code }
  })
})
