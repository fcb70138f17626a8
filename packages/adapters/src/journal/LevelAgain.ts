/**
 * Opening LevelDB again while the disk makes errors. LevelDB takes a log that it cannot read for one without anything
 * in it, and deletes it; so every file has a second name from before such an opening until what came of it was found
 * whole. Until then nothing is written, and what was there before can be put back at any time.
 */
import type { PlatformError } from "@effect/platform/Error"
import type { FileSystem } from "@effect/platform/FileSystem"
import type { JournalError } from "@sealog/core/backup/Journal"
import { Effect } from "effect"
import { dirname } from "node:path"
import { codeOf, linkMissing } from "../storage/DiskFiles.ts"
import { toJournalError } from "./LevelDatabase.ts"
import { isData } from "./LevelFiles.ts"
import { syncFolder } from "./SyncFolder.ts"

export interface Again {
  /** To be done before LevelDB is opened again: keeps what is there, or puts back what was, where that was found lost. */
  readonly before: Effect.Effect<void, JournalError>
  /** To be done before anything is written to what was found whole, or taken for durable: its names may not be yet. */
  readonly after: Effect.Effect<void, JournalError>
  /** Puts back what was there before an opening in which the process was ended. */
  readonly recover: Effect.Effect<void, JournalError>
}

/** Keeps the files of a LevelDB in a folder beside it. */
export const makeAgain = (fs: FileSystem, folder: string, kept: string): Again => {
  const wrap = Effect.mapError((cause: unknown) => toJournalError("reopen", cause, folder))
  const begun = `${kept}.new`
  const done = `${kept}.done`
  const remove = (path: string) => fs.remove(path, { recursive: true, force: true })

  const keep = Effect.gen(function*() {
    yield* remove(begun)
    yield* fs.makeDirectory(begun, { mode: 0o700 })
    for (const name of (yield* fs.readDirectory(folder)).filter(isData)) {
      yield* fs.link(`${folder}/${name}`, `${begun}/${name}`)
    }
    // Under its name only with all that is in it, also after a power cut.
    yield* syncFolder(fs, begun)
    yield* fs.rename(begun, kept)
  }).pipe(
    Effect.catchIf(
      isWithoutLinks,
      (cause) => Effect.zipRight(Effect.logDebug("the journal's files could not be kept aside", cause), remove(begun))
    )
  )

  const putBack = Effect.gen(function*() {
    const names = yield* fs.readDirectory(kept)
    const there = yield* fs.readDirectory(folder)
    for (const name of names.filter((each) => each !== CURRENT && !there.includes(each))) {
      yield* fs.link(`${kept}/${name}`, `${folder}/${name}`)
    }
    yield* remove(`${folder}/${CURRENT}.before`)
    yield* fs.copyFile(`${kept}/${CURRENT}`, `${folder}/${CURRENT}.before`)
    yield* fs.rename(`${folder}/${CURRENT}.before`, `${folder}/${CURRENT}`)
    for (const name of there.filter((each) => isData(each) && !names.includes(each))) {
      yield* remove(`${folder}/${name}`)
    }
    yield* syncFolder(fs, folder)
  })

  const letGo = Effect.gen(function*() {
    yield* remove(done)
    yield* fs.rename(kept, done)
    yield* syncFolder(fs, dirname(kept))
    // From here on it is only space.
    yield* Effect.ignoreLogged(remove(done))
  })

  return {
    before: wrap(Effect.flatMap(fs.exists(kept), (isThere) => isThere ? putBack : keep)),
    after: wrap(Effect.zipRight(syncFolder(fs, folder), Effect.whenEffect(letGo, fs.exists(kept)))),
    recover: wrap(Effect.whenEffect(Effect.zipRight(putBack, letGo), fs.exists(kept)))
  }
}

const CURRENT = "CURRENT"

const isWithoutLinks = (error: PlatformError): boolean =>
  error._tag === "SystemError" && linkMissing.has(codeOf(error.cause))
