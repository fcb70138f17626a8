/**
 * A database that another program writes, read and nothing else: the file is opened read-only, every look is one
 * short transaction, so that the writer can always tidy up, and nothing is ever checkpointed. SQLite itself makes the
 * `-shm` side file of a database in WAL mode, if the writer has not; nothing else is ever written.
 *
 * One connection stays open for as long as the source: nothing else in this process may open these files, since
 * closing a file gives up all locks that the process has on it.
 */
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from "@photostructure/sqlite"
import { SourceError } from "@sealog/core/backup/Source"
import { Effect } from "effect"
import { openCopy } from "./DatabaseCopy.ts"
import { copyMayHelp, databaseError } from "./DatabaseError.ts"
import { identityOf, stamps } from "./DatabaseFiles.ts"
import type { Cell, OpenReader, Queries, RowReader } from "./RowReader.ts"

/** How long a reader waits where a writer holds the whole file, milliseconds: never in WAL mode. */
const BUSY_MILLIS = 1_000

export interface LiveDatabase {
  readonly path: string
  /** Looks at the database in one read transaction; it must be short. */
  readonly look: <A>(work: (reader: RowReader, queries: Queries) => A) => Effect.Effect<A, SourceError>
  /** Changes with every commit, and with the file itself. */
  readonly version: Effect.Effect<string, SourceError>
  /** Which file it is: another one after it was replaced. */
  readonly identity: Effect.Effect<string, SourceError>
  /** Whether a copy is read, since the database cannot be read in its place. */
  readonly isCopy: () => boolean
}

interface Opened {
  readonly database: DatabaseSyncInstance
  readonly queries: Queries
  readonly reader: RowReader
  /** Of the file that was opened. */
  readonly identity: string
  /** Of its tables: another one after the program that writes it was upgraded. */
  readonly schema: Cell
  /** Of a copy: the files as they were when it was made. */
  readonly copied?: string
}

/** A database of a kind that `openReader` knows. It is opened when it is first looked at. */
export const makeLiveDatabase = (path: string, openReader: OpenReader): LiveDatabase => {
  let opened: Opened | undefined

  const close = () => {
    opened?.database.close()
    opened = undefined
  }

  const open = Effect.fn("Database.open")(function*(identity: string) {
    const direct = yield* Effect.either(attempt("open", path, () => wrap(path, openDirect(path), openReader, identity)))
    if (direct._tag === "Right") return direct.right
    if (!copyMayHelp(direct.left.cause)) return yield* direct.left
    const copied = JSON.stringify(stamps(path))
    const copy = yield* openCopy(path)
    return { ...(yield* attempt("open", path, () => wrap(path, copy, openReader, identity))), copied }
  })

  /** Opened, and the file that has the name now. */
  const ready = Effect.gen(function*() {
    const identity = yield* attempt("open", path, () => identityOf(path))
    if (opened !== undefined && (yield* attempt("open", path, () => isStale(path, opened!, identity)))) close()
    return opened ??= yield* open(identity)
  })

  return {
    path,
    look: (work) =>
      Effect.flatMap(ready, ({ database, queries, reader }) =>
        attempt("read", path, () => {
          database.exec("BEGIN")
          try {
            return work(reader, queries)
          } finally {
            database.exec("ROLLBACK")
          }
        })).pipe(Effect.tapError(() => Effect.sync(close))),
    version: Effect.flatMap(
      ready,
      ({ copied, identity, queries }) =>
        attempt("read", path, () => copied ?? `${identity} ${queries.get("PRAGMA data_version")?.[0]}`)
    ),
    identity: Effect.map(ready, ({ identity }) => identity),
    isCopy: () => opened?.copied !== undefined
  }
}

/** Whether it is another file, another copy is due, or its tables are others than its reader was made for. */
const isStale = (path: string, { copied, identity, queries, schema }: Opened, now: string): boolean =>
  identity !== now
  || (copied === undefined ? schemaOf(queries) !== schema : copied !== JSON.stringify(stamps(path)))

const schemaOf = (queries: Queries): Cell => queries.get("PRAGMA schema_version")?.[0] ?? null

const openDirect = (path: string): DatabaseSyncInstance => {
  const database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MILLIS })
  try {
    // Belt and braces: the file is open for reading only.
    database.exec("PRAGMA query_only=1")
    // Whether it can be read shows when it is.
    database.prepare("SELECT count(*) FROM sqlite_schema").get()
    return database
  } catch (cause) {
    database.close()
    throw cause
  }
}

const wrap = (path: string, database: DatabaseSyncInstance, openReader: OpenReader, identity: string): Opened => {
  const queries = makeQueries(database)
  const schema = schemaOf(queries)
  const reader = openReader(queries)
  if (reader !== undefined) return { database, queries, reader, identity, schema }
  database.close()
  throw new SourceError({ reason: "Unsupported", method: "open", subject: path })
}

/** Statements of a database, each prepared when it is first asked. */
export const makeQueries = (database: DatabaseSyncInstance): Queries => {
  const prepared = new Map<string, StatementSyncInstance>()
  const statement = (sql: string): StatementSyncInstance => {
    const known = prepared.get(sql) ?? database.prepare(sql, { returnArrays: true })
    prepared.set(sql, known)
    return known
  }
  return {
    all: (sql, ...values) => statement(sql).all(...values) as ReadonlyArray<ReadonlyArray<Cell>>,
    get: (sql, ...values) => statement(sql).get(...values) as ReadonlyArray<Cell> | undefined,
    columns: (table) =>
      new Set((statement("SELECT name FROM pragma_table_info(?)").all(table) as Array<[string]>).map(([name]) => name))
  }
}

const attempt = <A>(method: string, path: string, work: () => A): Effect.Effect<A, SourceError> =>
  Effect.try({ try: work, catch: (cause) => databaseError(method, path, cause) })
