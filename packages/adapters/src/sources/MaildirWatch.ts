/**
 * Wakes when a Maildir may have changed. chokidar watches the tree of folders, few files in each; a `new` or `cur`
 * can hold a hundred thousand, and chokidar looks at every one whenever one changes, so those are watched by
 * `node:fs` directly: one watch a folder and nothing a file. A sign is only a hint; what it says is never trusted.
 */
import { type FSWatcher, watch } from "node:fs"
import { basename } from "node:path"
import { watch as watchTree } from "chokidar"
import { Effect, PubSub, Schedule, Stream } from "effect"
import { join } from "./MaildirName.ts"
import { SETTLED_NS, type MaildirStore } from "./MaildirStore.ts"
import type { Trust } from "./MaildirScan.ts"

export interface Watching {
  readonly root: string
  readonly store: MaildirStore
  readonly trust: Trust
  /** Asks of the source itself to be looked at again soon. */
  readonly wakes: PubSub.PubSub<void>
}

/** Watches that broke, or folders that were missed, are found this often, seconds. */
const REARM_SECONDS = 30
/** More changed files than this in one folder: all of it is looked at anyway by what comes next. */
const SUSPECTS = 1_000

export const watchMaildir = (watching: Watching): Stream.Stream<void> => {
  const outside = Stream.asyncScoped<void>((emit) =>
    Effect.gen(function*() {
      const hint = () => void emit.single(undefined)
      const watches = yield* Effect.acquireRelease(
        Effect.sync(() => new Map<string, Watch>()),
        (open) => Effect.sync(() => open.forEach(({ watcher }) => watcher.close()))
      )
      const arm = () => {
        if (armAll(watching, watches, hint)) hint()
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => openTree(watching.root, () => (arm(), hint()))),
        (tree) => Effect.promise(() => tree.close())
      )
      // The first round gives a sign in any case: what happened before the watches stood is seen by that.
      yield* Effect.forkScoped(Effect.repeat(Effect.sync(arm), Schedule.spaced(`${REARM_SECONDS} seconds`)))
      hint()
    }), { bufferSize: 1, strategy: "sliding" })
  const inside = Stream.fromPubSub(watching.wakes).pipe(
    Stream.mapEffect(() => Effect.sleep(Number(SETTLED_NS / 1_000_000n)))
  )
  return Stream.merge(outside, inside)
}

interface Watch {
  readonly watcher: FSWatcher
  readonly ino: bigint
}

/** The tree without what is in `new`, `cur` and `tmp`; `raw` also tells of one of these that came or went. */
const openTree = (root: string, changed: () => void) => {
  const tree = watchTree(root, {
    ignored: (path, stats) => path !== root && (CONTENTS.has(basename(path)) || (isHidden(path) && stats?.isFile() === true)),
    ignoreInitial: true,
    followSymlinks: false,
    ignorePermissionErrors: true
  })
  return tree.on("all", changed).on("raw", changed).on("error", changed)
}

const CONTENTS = new Set(["new", "cur", "tmp"])
const isHidden = (path: string): boolean => basename(path).startsWith(".")

/** Watches every `new` and `cur` that is not watched yet, or is another folder by now; whether there were any. */
const armAll = ({ root, store, trust }: Watching, watches: Map<string, Watch>, hint: () => void): boolean => {
  const present = new Set<string>()
  let armed = false
  for (const [path, ino] of contentFolders(store, "", 0)) {
    present.add(path)
    const open = watches.get(path)
    if (open?.ino === ino) continue
    open?.watcher.close()
    watches.delete(path)
    const watcher = openFolder(root, path, (type, name) => {
      if (type === "change") suspect(trust, path, name)
      hint()
    }, () => {
      watches.delete(path)
      hint()
    })
    if (watcher === undefined) continue
    watches.set(path, { watcher, ino })
    armed = true
  }
  for (const [path, { watcher }] of watches) {
    if (present.has(path)) continue
    watcher.close()
    watches.delete(path)
  }
  return armed
}

const openFolder = (
  root: string,
  path: string,
  changed: (type: string, name: string | null) => void,
  broken: () => void
): FSWatcher | undefined => {
  try {
    const bytes = Buffer.concat([Buffer.from(`${root}/`, "utf8"), Buffer.from(path, "latin1")])
    const watcher = watch(bytes, { encoding: "latin1" }, changed)
    return watcher.on("error", () => {
      watcher.close()
      broken()
    })
  } catch {
    // No more watches, or the folder is gone: the daemon's own regular pass finds what happens there.
    return undefined
  }
}

const suspect = ({ suspects }: Trust, path: string, name: string | null): void => {
  if (name === null) return
  const names = suspects.get(path)
  if (names === undefined) suspects.set(path, new Set([name]))
  else if (names.size < SUSPECTS) names.add(name)
}

const FOLDER_DEPTH = 32

/** Every `new` and `cur` there is, with its identity. */
const contentFolders = function*(
  store: MaildirStore,
  folder: string,
  depth: number
): Generator<readonly [path: string, ino: bigint]> {
  const listing = store.list(folder)
  if (listing._tag === "failure" || depth > FOLDER_DEPTH) return
  for (const name of listing.names) {
    if (name === "tmp") continue
    const path = join(folder, name)
    const stat = store.stat(path)
    if (stat._tag === "failure" || stat.type !== "folder") continue
    if (name === "new" || name === "cur") yield [path, stat.ino]
    else yield* contentFolders(store, path, depth + 1)
  }
}
