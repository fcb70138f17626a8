/** Writes rows as Core Data does: numbered by its own table, each save of a row counted in it, in WAL mode. */
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from "@photostructure/sqlite"
import { statementsOf, stores } from "./WhatsAppSchema.ts"

export type Cell = string | number | bigint | Uint8Array | null
export type Columns = Readonly<Record<string, Cell>>

export interface Tables {
  readonly database: DatabaseSyncInstance
  /** Columns go without their `Z`. Gives the row's number. */
  readonly insert: (table: string, columns: Columns) => number
  readonly update: (table: string, row: number, columns: Columns) => void
  readonly remove: (table: string, row: number) => void
  readonly get: (table: string, row: number) => Readonly<Record<string, Cell>>
  /** All of it in one commit. */
  readonly together: <A>(work: () => A) => A
  readonly close: () => void
}

export const openTables = (path: string, store: keyof typeof stores, uuid: string): Tables => {
  const database = new DatabaseSync(path, { timeout: 5_000 })
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
  const statements = new Map<string, StatementSyncInstance>()
  const statement = (sql: string): StatementSyncInstance => {
    const known = statements.get(sql) ?? database.prepare(sql)
    statements.set(sql, known)
    return known
  }
  let open = false
  const together = <A>(work: () => A): A => {
    if (open) return work()
    database.exec("BEGIN IMMEDIATE")
    open = true
    try {
      const result = work()
      database.exec("COMMIT")
      return result
    } catch (error) {
      database.exec("ROLLBACK")
      throw error
    } finally {
      open = false
    }
  }
  const isNew = statement("SELECT count(*) AS n FROM sqlite_master").get() as { n: number }
  if (isNew.n === 0) {
    together(() => {
      for (const sql of statementsOf(store)) database.exec(sql)
      statement("INSERT INTO Z_METADATA VALUES (1, ?, NULL)").run(uuid)
    })
  }
  return {
    database,
    together,
    insert: (table, columns) =>
      together(() => {
        const { entity } = (stores[store] as Record<string, { readonly entity: string }>)[table]!
        const { n, row } = statement(
          "UPDATE Z_PRIMARYKEY SET Z_MAX = Z_MAX + 1 WHERE Z_NAME = ? RETURNING Z_MAX AS row, Z_ENT AS n"
        ).get(entity) as { n: number; row: number }
        const names = Object.keys(columns)
        const all = ["Z_PK", "Z_ENT", "Z_OPT", ...names.map((name) => `Z${name}`)]
        statement(`INSERT INTO ${table} (${all.join(", ")}) VALUES (${all.map(() => "?").join(", ")})`)
          .run(row, n, 1, ...Object.values(columns))
        return row
      }),
    update: (table, row, columns) => {
      const sets = Object.keys(columns).map((name) => `Z${name} = ?, `).join("")
      statement(`UPDATE ${table} SET ${sets}Z_OPT = Z_OPT + 1 WHERE Z_PK = ?`).run(...Object.values(columns), row)
    },
    remove: (table, row) => void statement(`DELETE FROM ${table} WHERE Z_PK = ?`).run(row),
    get: (table, row) => {
      const found = statement(`SELECT * FROM ${table} WHERE Z_PK = ?`).get(row)
      if (found === undefined) throw new Error(`${table} has no row ${row}`)
      return found as Record<string, Cell>
    },
    close: () => database.close()
  }
}
