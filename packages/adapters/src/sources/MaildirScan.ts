/**
 * One look over a Maildir by names, sizes and times alone: what is there that is not remembered, and what is
 * remembered that is not there. What cannot be looked at is left as it is remembered, never taken for deleted.
 *
 * The names in a `new` or `cur` change only when the folder's own time does. So every file is looked at when a source
 * is opened and every ten minutes after that; in between only folders whose time moved, and files a watcher named.
 */
import { textOfName } from "@sealog/core/message/MailFolder"
import { Effect } from "effect"
import { breathe } from "./Breath.ts"
import { join, type Sub } from "./MaildirName.ts"
import type { MaildirReader } from "./MaildirReader.ts"
import type { Failure, MaildirStore, Stat } from "./MaildirStore.ts"
import type { KnownFile, MaildirIndex } from "./MaildirTable.ts"

/** A file of a message that is not remembered as it is. */
export interface Found {
  readonly folder: string
  readonly sub: Sub
  readonly name: string
  readonly stat: Stat
}

export interface Scan {
  readonly folders: Set<string>
  /** Files of the store that are no messages. */
  readonly files: Map<string, Stat>
  readonly fresh: Array<Found>
  /** Paths of places that are not as remembered, by message. */
  readonly lost: Map<string, Set<string>>
  readonly gaps: Map<string, string>
  /** Folders that could not be looked into: all in them stays as remembered. */
  readonly blind: Array<string>
  /** The times of every `new` and `cur` before it was listed. */
  readonly times: Map<string, bigint>
  /** Something moved while it was looked at. */
  moving: boolean
}

/** What one open source keeps from pass to pass, to look at less. */
export interface Trust {
  /** Times of `new` and `cur` folders that held just what is remembered. */
  readonly clean: Map<string, bigint>
  /** Files, by folder, that a watcher saw change. */
  readonly suspects: Map<string, Set<string>>
}

export interface ScanOptions {
  readonly store: MaildirStore
  readonly reader: MaildirReader
  readonly index: MaildirIndex
  readonly trust: Trust
  /** Looks at every file. */
  readonly full: boolean
  readonly nowNs: bigint
}

/** A folder that changed less than this ago may change again without its time moving, nanoseconds. */
const TIME_GRAIN_NS = 2_000_000_000n
/** Files of one folder that are looked at before it is seen what they are. */
const LOOK_FILES = 8_000
/** Folders within folders. */
const FOLDER_DEPTH = 32

export const scan = Effect.fn("MaildirScan.scan")(function*(options: ScanOptions) {
  const result: Scan = {
    folders: new Set(),
    files: new Map(),
    fresh: [],
    lost: new Map(),
    gaps: new Map(),
    blind: [],
    times: new Map(),
    moving: false
  }
  yield* walk(options, result, "", 0)
  missedFolders(options.index, result)
  return result
})

/** Whether everything in this path was left alone because a folder on the way to it cannot be looked into. */
export const isBlind = ({ blind: folders }: Scan, path: string): boolean =>
  folders.some((folder) => folder === "" || path === folder || path.startsWith(`${folder}/`))

export const reasonOf = ({ code }: Failure): string => `could not be read (${code})`

const GONE = new Set(["ENOENT", "ENOTDIR"])
export const isGone = ({ code }: Failure): boolean => GONE.has(code)

/** Whether there is a folder of messages here or further down. */
const walk = (
  options: ScanOptions,
  result: Scan,
  folder: string,
  depth: number
): Effect.Effect<boolean> =>
  Effect.gen(function*() {
    const listing = options.store.list(folder)
    if (listing._tag === "failure") {
      if (isGone(listing)) result.moving = true
      else blind(result, folder, reasonOf(listing))
      return false
    }
    const files = new Map<string, Stat>()
    const gaps = new Map<string, string>()
    const subfolders: Array<string> = []
    let isFolder = false
    for (const name of listing.names) {
      if (name === "tmp") continue
      const path = join(folder, name)
      const stat = options.store.stat(path)
      if (stat._tag === "failure") {
        if (isGone(stat)) result.moving = true
        else {
          blind(result, path, reasonOf(stat))
          isFolder ||= name === "cur" || name === "new"
        }
      } else if (name === "cur" || name === "new") isFolder ||= stat.type === "folder"
      else if (stat.type === "folder") subfolders.push(name)
      else if (name.startsWith(".")) continue
      else if (stat.type === "file") files.set(path, stat)
      else gaps.set(textOfName(path), oddity(stat))
    }
    if (isFolder) {
      result.folders.add(folder)
      // In this order: a mail that a reader takes from new to cur meanwhile is then seen twice, not missed.
      yield* look(options, result, folder, "new")
      yield* look(options, result, folder, "cur")
    }
    let holds = isFolder
    for (const name of subfolders.toSorted()) {
      const path = join(folder, name)
      if (name.startsWith(".") && !isMaildir(options.store, path)) continue
      if (depth >= FOLDER_DEPTH) blind(result, path, "nested too deep")
      else holds = (yield* walk(options, result, path, depth + 1)) || holds
    }
    if (holds) {
      for (const [path, stat] of files) result.files.set(path, stat)
      for (const [subject, reason] of gaps) result.gaps.set(subject, reason)
    }
    return holds
  })

/** One `new` or `cur`. */
const look = Effect.fnUntraced(function*(options: ScanOptions, result: Scan, folder: string, sub: Sub) {
  const { index, reader, store, trust } = options
  const path = join(folder, sub)
  const before = store.stat(path)
  if (before._tag === "failure") {
    if (!isGone(before)) blind(result, path, reasonOf(before))
    return
  }
  if (before.type !== "folder") return blind(result, path, oddity(before))
  result.times.set(path, before.mtimeNs)
  const suspects = trust.suspects.get(path)
  trust.suspects.delete(path)
  if (!options.full && suspects === undefined && trust.clean.get(path) === before.mtimeNs) return
  trust.clean.delete(path)
  const listing = store.list(path)
  if (listing._tag === "failure") {
    if (isGone(listing)) result.moving = true
    else blind(result, path, reasonOf(listing))
    return
  }
  const known = index.folders.get(path) ?? NOTHING
  const matched = new Set<string>()
  const freshBefore = result.fresh.length
  let odd = false
  const unsure: Array<string> = []
  for (const name of listing.names) {
    if (name.startsWith(".")) continue
    const remembered = known.get(name)
    const trusted = remembered !== undefined && !options.full && remembered.others === undefined && !suspects?.has(name)
    if (trusted) matched.add(name)
    else unsure.push(name)
  }
  let stats: ReadonlyArray<Stat | Failure> = []
  for (const [at, name] of unsure.entries()) {
    // Piece by piece: what is known of a hundred thousand files need not be held at once.
    if (at % LOOK_FILES === 0) {
      const piece = unsure.slice(at, at + LOOK_FILES)
      stats = yield* reader.stats(piece.map((each) => `${path}/${each}`), known.size === 0)
    }
    const stat = stats[at % LOOK_FILES]!
    const remembered = known.get(name)
    if (stat._tag === "failure") {
      if (!isGone(stat)) return blind(result, path, reasonOf(stat))
      result.moving = true
    } else if (stat.type !== "file") {
      odd = true
      result.gaps.set(textOfName(`${path}/${name}`), oddity(stat))
    } else if (remembered !== undefined && isAsRemembered(remembered, stat)) matched.add(name)
    else result.fresh.push({ folder, sub, name, stat })
  }
  yield* breathe
  if (matched.size !== known.size) {
    for (const [name, file] of known) if (!matched.has(name)) lose(result, file, `${path}/${name}`)
  }
  const clean = matched.size === known.size && result.fresh.length === freshBefore && !odd
  if (clean && options.nowNs - before.mtimeNs > TIME_GRAIN_NS) trust.clean.set(path, before.mtimeNs)
})

/** Whole folders that are remembered and were not come by. */
const missedFolders = (index: MaildirIndex, result: Scan): void => {
  for (const [path, files] of index.folders) {
    if (result.times.has(path) || isBlind(result, path)) continue
    for (const [name, file] of files) lose(result, file, `${path}/${name}`)
  }
}

const lose = (result: Scan, file: KnownFile, path: string): void => {
  for (const key of [file.key, ...(file.others ?? [])]) {
    const paths = result.lost.get(key)
    if (paths === undefined) result.lost.set(key, new Set([path]))
    else paths.add(path)
  }
}

const blind = (result: Scan, path: string, reason: string): void => {
  result.blind.push(path)
  result.gaps.set(textOfName(path), reason)
}

const oddity = ({ type }: Stat): string =>
  type === "link" ? "a symbolic link, which is not followed" : "not a regular file"

/** Whether a folder holds mail itself. */
export const isMaildir = (store: MaildirStore, path: string): boolean =>
  ["cur", "new"].some((sub) => {
    const stat = store.stat(join(path, sub))
    // One that may not be looked into is walked, so that it is reported.
    return stat._tag === "failure" ? !isGone(stat) : stat.type === "folder"
  })

const NOTHING: ReadonlyMap<string, KnownFile> = new Map()

const isAsRemembered = (known: KnownFile, stat: Stat): boolean =>
  known.others === undefined && known.size === stat.size && known.mtimeNs === stat.mtimeNs
