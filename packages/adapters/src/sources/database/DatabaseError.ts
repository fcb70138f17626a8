/** What SQLite and the file system say when a store cannot be read, as the reasons that a source knows. */
import { SourceError, type SourceReason } from "@sealog/core/backup/Source"

/** SQLite's primary result codes. */
const PERM = 3
const BUSY = 5
const LOCKED = 6
const READONLY = 8
const IOERR = 10
const CORRUPT = 11
const CANTOPEN = 14
const PROTOCOL = 15
const AUTH = 23
const NOTADB = 26

const reasons: Readonly<Record<number, SourceReason>> = {
  [PERM]: "Denied",
  [AUTH]: "Denied",
  [BUSY]: "Changed",
  [LOCKED]: "Changed",
  [NOTADB]: "Unsupported"
}

const fileReasons: Readonly<Record<string, SourceReason>> = {
  EACCES: "Denied",
  EPERM: "Denied",
  ENOENT: "NotFound",
  ENOTDIR: "NotFound"
}

/** SQLite's primary result code, where the error is one of SQLite's. */
export const codeOf = (cause: unknown): number | undefined => {
  const code = (cause as { readonly errcode?: unknown } | undefined)?.errcode
  return typeof code === "number" ? code & 0xff : undefined
}

export const isCorrupt = (cause: unknown): boolean => codeOf(cause) === CORRUPT

/**
 * Whether a copy can be read though the database cannot be opened in its place: locks are refused, or the side files
 * that a reader needs cannot be made in its folder, or a write that broke off would have to be undone first.
 */
export const copyMayHelp = (cause: unknown): boolean =>
  [PERM, READONLY, IOERR, CANTOPEN, PROTOCOL, AUTH].includes(codeOf(cause) ?? 0)

interface SqliteError extends Error {
  readonly errcode: number
  readonly sqliteCodeName?: string
}

/** With SQLite's own name of what is wrong as its code: it is what people search for. */
const inSqlitesWord = (cause: SqliteError): SqliteError & { readonly code: string } =>
  Object.assign(new Error(cause.message, { cause }), {
    code: cause.sqliteCodeName ?? "SQLITE_ERROR",
    errcode: cause.errcode
  })

export const databaseError = (method: string, subject: string, cause: unknown): SourceError => {
  if (cause instanceof SourceError) return cause
  const code = codeOf(cause)
  const reason = code === undefined
    ? fileReasons[String((cause as { readonly code?: unknown } | undefined)?.code)]
    : reasons[code]
  const said = code === undefined ? cause : inSqlitesWord(cause as SqliteError)
  return new SourceError({ reason: reason ?? "Unreadable", method, subject, cause: said })
}
