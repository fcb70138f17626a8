/** A scan of a whole table, for the working thread: it takes about a second, in which nothing else would happen. */
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite"
import type { Parcel } from "../../threads/Thread.ts"
import { databaseError } from "./DatabaseError.ts"
import { differing, type Table } from "./DatabaseScan.ts"
import { makeQueries } from "./LiveDatabase.ts"

export interface ScanRequest {
  readonly path: string
  readonly table: Table
  readonly known: ReadonlyMap<number, string>
}

/** The pages that are not as they were, or why that could not be seen. */
export type ScanAnswer =
  | { readonly pages: ReadonlyArray<number> }
  | { readonly failed: string; readonly code: number | undefined }

export const scanJob = ({ known, path, table }: ScanRequest): Parcel<ScanAnswer> => {
  let database: DatabaseSyncInstance | undefined
  try {
    database = new DatabaseSync(path, { readOnly: true })
    return { message: { pages: differing(makeQueries(database), table, known) }, transfer: [] }
  } catch (cause) {
    const { message } = databaseError("scan", path, cause)
    return { message: { failed: message, code: (cause as { errcode?: number }).errcode }, transfer: [] }
  } finally {
    database?.close()
  }
}
