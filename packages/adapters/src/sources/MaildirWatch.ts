/**
 * Wakes when a Maildir may have changed. Every folder and every `new` and `cur` has one plain watch: chokidar would
 * look at each of a hundred thousand files whenever one of them changes, and it misses what comes into a folder right
 * after the folder itself. chokidar watches the top, and notices when all of the store is taken away and put back.
 * A sign is only a hint; what it says is never trusted.
 */
import { watch as watchTop } from "chokidar"
import { Effect, type PubSub, Schedule, Stream } from "effect"
import { basename } from "node:path"
import { clearTimeout, setTimeout } from "node:timers"
import { join } from "./MaildirName.ts"
import { isMaildir, type Trust } from "./MaildirScan.ts"
import { type Failure, type IdentifiedStat, type MaildirStore, SETTLED_NS } from "./MaildirStore.ts"

export interface Watching {
  readonly root: string
  readonly store: MaildirStore
  readonly trust: Trust
  /** Asks of the source itself to be looked at again soon. */
  readonly wakes: PubSub.PubSub<void>
}

/** Watches that broke, or folders that were missed, are found this often, seconds. */
const REARM_SECONDS = 30
/** Signs of a burst are told this far apart, milliseconds. */
const GATHER_MILLIS = 50
/** More changed files than this in one folder: all of it is looked at anyway by what comes next. */
const SUSPECTS = 1_000

export const watchMaildir = (watching: Watching): Stream.Stream<void> => {
  const outside = Stream.asyncScoped<void>((emit) =>
    Effect.gen(function*() {
      const { end, hint } = gathering(() => void emit.single(undefined))
      const watches = yield* Effect.acquireRelease(
        Effect.sync(() => new Map<string, Watch>()),
        (open) =>
          Effect.sync(() => {
            open.forEach(({ watcher }) => watcher.close())
            end()
          })
      )
      const arm = () => {
        if (armAll(watching, watches, { folder: () => (arm(), hint()), hint })) hint()
      }
      yield* Effect.acquireRelease(
        Effect.sync(() => openTop(watching.root, () => (arm(), hint()))),
        (top) => Effect.promise(() => top.close())
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

/** Tells of the first sign at once, and of those that come right after it together: telling costs more than a look. */
const gathering = (tell: () => void) => {
  let timer: NodeJS.Timeout | undefined
  let more = false
  const hint = () => {
    more = timer !== undefined
    if (more) return
    tell()
    timer = setTimeout(() => {
      timer = undefined
      if (more) hint()
    }, GATHER_MILLIS)
  }
  return { hint, end: () => clearTimeout(timer) }
}

interface Watch {
  readonly watcher: Exclude<ReturnType<MaildirStore["watch"]>, Failure>
  readonly identity: string
}

const openTop = (root: string, changed: () => void) =>
  watchTop(root, {
    ignored: (path, stats) => path !== root && stats?.isDirectory() !== true,
    depth: 0,
    ignoreInitial: true,
    followSymlinks: false,
    ignorePermissionErrors: true
  }).on("all", changed).on("error", changed)

interface Signs {
  /** Something in a folder itself: others may have come. */
  readonly folder: () => void
  readonly hint: () => void
}

/** Watches every folder, `new` and `cur` that is not watched yet, or is another folder by now; whether there were any. */
const armAll = ({ store, trust }: Watching, watches: Map<string, Watch>, { folder, hint }: Signs): boolean => {
  const present = new Set<string>()
  let armed = false
  for (const { holdsMail, identity, path } of foldersIn(store, "", 0)) {
    present.add(path)
    const open = watches.get(path)
    if (open?.identity === identity) continue
    open?.watcher.close()
    watches.delete(path)
    const watcher = store.watch(path, (type, name) => {
      if (!holdsMail) return folder()
      if (type === "change") suspect(trust, path, name)
      hint()
    })
    // No more watches, or the folder is gone: the daemon's own regular pass finds what happens there.
    if ("_tag" in watcher) continue
    watcher.on("error", () => {
      watcher.close()
      watches.delete(path)
      hint()
    })
    watches.set(path, { watcher, identity })
    armed = true
  }
  for (const [path, { watcher }] of watches) {
    if (present.has(path)) continue
    watcher.close()
    watches.delete(path)
  }
  return armed
}

const suspect = ({ suspects }: Trust, path: string, name: string | null): void => {
  if (name === null) return
  const names = suspects.get(path)
  if (names === undefined) suspects.set(path, new Set([name]))
  else if (names.size < SUSPECTS) names.add(name)
}

const FOLDER_DEPTH = 32

interface Folder {
  readonly path: string
  /** A `new` or `cur`. */
  readonly holdsMail: boolean
  readonly identity: string
}

/** Each folder is named before it is listed: what comes into it after that is told by the watch it has by then. */
const foldersIn = function*(store: MaildirStore, path: string, depth: number): Generator<Folder> {
  const own = store.stat(path)
  if (own._tag === "failure" || own.type !== "folder" || depth > FOLDER_DEPTH) return
  yield { path, holdsMail: false, identity: identityOf(own) }
  const listing = store.list(path)
  if (listing._tag === "failure") return
  for (const name of listing.names) {
    if (name === "tmp") continue
    const inner = join(path, name)
    const stat = store.stat(inner)
    if (stat._tag === "failure" || stat.type !== "folder") continue
    if (name === "new" || name === "cur") yield { path: inner, holdsMail: true, identity: identityOf(stat) }
    else if (!isHidden(path) || isMaildir(store, path)) yield* foldersIn(store, inner, depth + 1)
  }
}

/** File systems give the number of a removed folder to the next one. */
const identityOf = ({ birthtimeNs, ino }: IdentifiedStat): string => `${ino} ${birthtimeNs}`

const isHidden = (path: string): boolean => basename(path).startsWith(".")
