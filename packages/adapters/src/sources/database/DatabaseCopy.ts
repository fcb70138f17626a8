/**
 * A copy of a database that another program writes, for where it cannot be read in its place. Copying takes no locks,
 * so a copy counts only if nothing moved meanwhile and SQLite finds nothing wrong with it. Where the system allows it
 * has no name any more once it is open: whatever happens, nothing readable stays behind.
 */
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite"
import { SourceError } from "@sealog/core/backup/Source"
import { Effect } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { databaseError } from "./DatabaseError.ts"
import { ABSENT, SIDES, stamps } from "./DatabaseFiles.ts"

/** Under a writer that commits twenty times a second one try in three fails. */
const TRIES = 20
const TRY_AGAIN_MILLIS = 50

/** Opens a copy of the database as it is now. */
export const openCopy = Effect.fn("Database.openCopy")(function*(path: string) {
  for (let left = TRIES; left > 0; left--) {
    const copy = yield* Effect.try({ try: () => tryCopy(path), catch: (cause) => databaseError("copy", path, cause) })
    if (copy !== undefined) return copy
    yield* Effect.sleep(TRY_AGAIN_MILLIS)
  }
  return yield* new SourceError({ reason: "Changed", method: "copy", subject: path })
})

/** `undefined` where the database changed while it was copied. */
const tryCopy = (path: string): DatabaseSyncInstance | undefined => {
  // Nobody else may enter a folder made so.
  const folder = fs.mkdtempSync(join(tmpdir(), "sealog-copy-"))
  try {
    const copy = join(folder, "store.db")
    const before = stamps(path)
    for (const side of SIDES) {
      if (before[side] !== ABSENT) fs.copyFileSync(path + side, copy + side, fs.constants.COPYFILE_FICLONE)
    }
    const after = stamps(path)
    return SIDES.every((side) => before[side] === after[side]) ? openChecked(copy) : undefined
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

const openChecked = (copy: string): DatabaseSyncInstance | undefined => {
  const whole = new DatabaseSync(copy)
  try {
    // What stands in the log beside it goes into the one file that stays open.
    whole.exec("PRAGMA journal_mode=DELETE")
    const [found] = whole.prepare("PRAGMA quick_check(1)", { returnArrays: true }).all() as ReadonlyArray<[string]>
    if (found?.[0] !== "ok") return undefined
  } finally {
    whole.close()
  }
  const opened = new DatabaseSync(copy, { readOnly: true })
  // Has the file open from here on, not only its name.
  opened.prepare("SELECT count(*) FROM sqlite_schema").get()
  return opened
}
