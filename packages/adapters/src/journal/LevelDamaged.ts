/**
 * The swap of a damaged journal for a healed one, and what is kept of the damaged one: a folder beside the journal's,
 * until its owner removes it. A swap that was cut short is finished by whoever opens the journal next.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import { DateTime, Effect } from "effect"
import { toJournalError } from "./LevelDatabase.ts"
import { condemnedPath, dbPath, healedPath, healingPath, keptPath, markPath } from "./LevelPaths.ts"

/** Puts what was built in the place of the damaged journal; gives the folder in which that is kept. */
export const replaceDamaged = Effect.fn("LevelDamaged.replace")(function*(
  fs: FileSystem,
  path: string,
  options: { readonly account: string; readonly atMillis: number }
) {
  const folder = `${path}${DAMAGED}${
    DateTime.formatIso(DateTime.unsafeMake(options.atMillis)).replaceAll(/[:.]/g, "-")
  }`
  yield* Effect.gen(function*() {
    yield* fs.makeDirectory(folder, { mode: 0o700 })
    yield* fs.writeFileString(`${folder}/${ACCOUNT}`, options.account, { mode: 0o600 })
    // From here on it has happened, whatever comes in between.
    yield* fs.rename(healingPath(path), healedPath(path))
  }).pipe(wrap(folder))
  yield* finishReplacing(fs, path)
  return folder
})

/** Does what is left to do of a swap, if there is one. */
export const finishReplacing = Effect.fn("LevelDamaged.finish")(function*(fs: FileSystem, path: string) {
  yield* Effect.gen(function*() {
    if (!(yield* fs.exists(healedPath(path)))) return
    const folder = (yield* damagedFolders(fs, path)).at(-1)
    if (folder === undefined) return
    // The database last: as long as it stands here, the rest may still have to follow.
    for (const from of [markPath(path), condemnedPath(path), keptPath(path), dbPath(path)]) {
      if (yield* fs.exists(from)) yield* fs.rename(from, `${folder}${from.slice(path.length)}`)
    }
    yield* fs.rename(healedPath(path), dbPath(path))
    if (process.platform === "win32") return
    yield* Effect.scoped(Effect.flatMap(fs.open(path, { flag: "r" }), (opened) => opened.sync))
  }).pipe(wrap(path))
})

/** What was said of each damaged journal that is kept, and where it is, oldest first. */
export const readDamaged = Effect.fn("LevelDamaged.read")(function*(fs: FileSystem, path: string) {
  return yield* Effect.gen(function*() {
    const told: Array<{ readonly folder: string; readonly account: string }> = []
    for (const folder of yield* damagedFolders(fs, path)) {
      const file = `${folder}/${ACCOUNT}`
      if (yield* fs.exists(file)) told.push({ folder, account: yield* fs.readFileString(file) })
    }
    return told
  }).pipe(wrap(path))
})

const damagedFolders = (fs: FileSystem, path: string) => {
  const at = path.lastIndexOf("/")
  const [parent, name] = [path.slice(0, Math.max(1, at)), path.slice(at + 1)]
  return Effect.map(
    fs.readDirectory(parent),
    (all) => all.filter((each) => each.startsWith(`${name}${DAMAGED}`)).toSorted().map((each) => `${parent}/${each}`)
  )
}

const DAMAGED = ".damaged-"
const ACCOUNT = "healed.json"

const wrap = (path: string) => Effect.mapError((cause: unknown) => toJournalError("heal", cause, path))
