/**
 * LevelDB's MANIFEST read without LevelDB: which tables belong to the database now, and which logs. Others may lie beside
 * them, unfinished, after a crash or while tables are being merged, and mean nothing.
 *
 * A log of changes, each a list of fields by number.
 */
import { readLogRecords } from "./LogFile.ts"
import { Varints } from "./TableFile.ts"

export interface Manifest {
  /** Numbers of the tables that count. */
  readonly tables: ReadonlySet<number>
  /** Logs of this number or a greater one are not in tables yet. */
  readonly firstLog: number
}

/** What the whole changes in it come to; what follows one that cannot be read is not looked at. */
export const readManifest = (bytes: Uint8Array): Manifest => {
  const tables = new Set<number>()
  let firstLog = 0
  for (const record of readLogRecords(bytes).records) {
    const reader = new Varints(record, 0)
    while (reader.at < record.length) {
      switch (reader.next()) {
        case COMPARATOR:
          reader.skipText()
          break
        case LOG_NUMBER:
          firstLog = reader.next() ?? firstLog
          break
        case NEXT_FILE:
        case LAST_SEQUENCE:
        case PREVIOUS_LOG:
          reader.next()
          break
        case COMPACT_POINTER:
          reader.next()
          reader.skipText()
          break
        case DELETED_FILE:
          reader.next()
          tables.delete(reader.next() ?? -1)
          break
        case NEW_FILE:
          reader.next()
          tables.add(reader.next() ?? -1)
          reader.next()
          reader.skipText()
          reader.skipText()
          break
        default:
          return { tables, firstLog }
      }
    }
  }
  return { tables, firstLog }
}

const COMPARATOR = 1
const LOG_NUMBER = 2
const NEXT_FILE = 3
const LAST_SEQUENCE = 4
const COMPACT_POINTER = 5
const DELETED_FILE = 6
const NEW_FILE = 7
const PREVIOUS_LOG = 9
