/**
 * A Maildir as a source: Maildir and Maildir++ folders, or folders within folders, with the exact bytes, names, times
 * and flags of every mail and the files that a mail server keeps beside them.
 *
 * It only reads. `changes` compares names, sizes and times with what is remembered and reads what is new; what it
 * cannot read it reports once as a gap and leaves as it was. See docs/sources/maildir.md for what is taken and what
 * is not.
 */
import {
  type Batch,
  type OpenSource,
  SourceError,
  type SourceShape,
  type SourceState,
  type StoreItem
} from "@sealog/core/backup/Source"
import { conversationOfFolder, textOfName } from "@sealog/core/message/MailFolder"
import { Clock, Effect, Option, PubSub, Stream } from "effect"
import { breathe } from "./Breath.ts"
import { largeOf, messageOf, sourceError } from "./MaildirMessage.ts"
import { baseTextOfKey, conversationOf, keyOf, pathOfPlace, sortPlaces } from "./MaildirName.ts"
import { batches, byBase, type SameBase } from "./MaildirPass.ts"
import { type MaildirReader, makeMaildirReader } from "./MaildirReader.ts"
import { type Found, isGone, scan, type Trust } from "./MaildirScan.ts"
import { type Failure, type MaildirStore, makeMaildirStore, resolve, type Stat, type Taken } from "./MaildirStore.ts"
import { gapsOf, int64, makeMaildirIndex } from "./MaildirTable.ts"
import { watchMaildir } from "./MaildirWatch.ts"

export interface MaildirOptions {
  /** The source's name in the vault. */
  readonly name: string
  /** The top folder, as the owner wrote it. */
  readonly path: string
}

/** Every file is looked at this often, milliseconds; see `MaildirScan`. */
const FULL_SCAN_MILLIS = 10 * 60 * 1_000

export const openMaildir = ({ name, path }: MaildirOptions): OpenSource =>
  Effect.gen(function*() {
    const root = resolve(path)
    if (typeof root !== "string") return yield* rootError(path, root)
    const store = makeMaildirStore(root)
    const reader = makeMaildirReader(root, store)
    const index = makeMaildirIndex()
    const trust: Trust = { clean: new Map(), suspects: new Map() }
    const missing = new Set<string>()
    const wakes = yield* PubSub.sliding<void>(1)
    const turn = yield* Effect.makeSemaphore(1)
    let lastFull = -Infinity

    const begin = Effect.fn("Maildir.changes")(function*(state: SourceState) {
      yield* checkRoot(store, path)
      const now = yield* Clock.currentTimeMillis
      const full = now - lastFull >= FULL_SCAN_MILLIS || now < lastFull
      for (const folder of index.follow(state, full)) trust.clean.delete(folder)
      const found = yield* scan({ store, reader, index, trust, full, nowNs: BigInt(now) * 1_000_000n })
      yield* checkFolders(found, path)
      // A pass that does not reach its end looks at everything again.
      const before = full ? now : lastFull
      lastFull = -Infinity
      let again = false
      return batches({ store, reader, index, scan: found, missing, again: () => (again = true) }).pipe(
        Stream.concat(Stream.execute(Effect.sync(() => (lastFull = before)))),
        Stream.ensuring(Effect.suspend(() => again ? PubSub.publish(wakes, undefined) : Effect.void))
      )
    })

    const source: SourceShape = {
      name,
      kind: "maildir",
      readsAhead: true,
      remember: index.remember,
      changes: (state) => alone(turn, Stream.unwrap(begin(state))),
      hints: watchMaildir({ root, store, trust, wakes }),
      dump: (options) => dump({ store, reader, path }, options?.keys),
      gaps: gapsOf
    }
    yield* checkRoot(store, path)
    return source
  }).pipe(Effect.withSpan("Maildir.open"))

/** Passes share what they know of the store, so they take turns. */
const alone = <E>(turn: Effect.Semaphore, stream: Stream.Stream<Batch, E>): Stream.Stream<Batch, E> =>
  Stream.acquireRelease(turn.take(1), () => turn.release(1)).pipe(Stream.flatMap(() => stream))

const checkRoot = Effect.fnUntraced(function*(store: MaildirStore, path: string) {
  const stat = store.stat("")
  if (stat._tag === "stat") {
    if (stat.type === "folder") return
    return yield* new SourceError({ reason: "Unsupported", method: "open", subject: path })
  }
  return yield* rootError(path, stat)
})

const rootError = (path: string, failure: Failure): SourceError =>
  new SourceError({
    reason: isGone(failure) ? "NotFound" : sourceError("open", "", failure).reason,
    method: "open",
    subject: path,
    cause: failure.cause
  })

/** An empty folder may be a disk that is not there: nothing in it is ever taken for deleted. */
const checkFolders = Effect.fnUntraced(function*(
  found: { readonly folders: ReadonlySet<string>; readonly blind: ReadonlyArray<string> },
  path: string
) {
  if (found.blind.includes("")) return yield* new SourceError({ reason: "Denied", method: "list", subject: path })
  if (found.folders.size === 0 && found.blind.length === 0) {
    return yield* new SourceError({ reason: "Unsupported", method: "list", subject: path })
  }
})

/** Items in one chunk of a dump, and the length of their content, bytes. */
const DUMP_ITEMS = 2_000
const DUMP_BYTES = 4 * 1024 * 1024

/** The store as it stands. What cannot be read is left out, as it is of the events; `gaps` tells of it. */
const dump = (
  { path, reader, store }: { readonly store: MaildirStore; readonly reader: MaildirReader; readonly path: string },
  keys: ReadonlySet<string> | undefined
): Stream.Stream<ReadonlyArray<StoreItem>, SourceError> =>
  Stream.unwrap(
    Effect.gen(function*() {
      yield* checkRoot(store, path)
      const trust: Trust = { clean: new Map(), suspects: new Map() }
      const found = yield* scan({ store, reader, index: makeMaildirIndex(), trust, full: true, nowNs: 0n })
      yield* checkFolders(found, path)
      const bases = keys === undefined ? undefined : new Set([...keys].map(baseTextOfKey))
      const groups: Array<SameBase> = []
      const inOrder = byBase(found.fresh)
      for (let group = inOrder.next(); group !== undefined; group = inOrder.next()) {
        if (bases === undefined || bases.has(textOfName(group.base))) groups.push(group)
      }
      const chats = keys !== undefined ? [] : [...found.folders].toSorted().map((folder): StoreItem => ({
        _tag: "chat",
        conversation: conversationOfFolder(folder),
        folder
      }))
      const files = keys === undefined ? [...found.files] : []
      return Stream.succeed(chats).pipe(
        Stream.concat(inChunks(files, ([file, stat]) => fileItems(store, file, stat))),
        Stream.concat(inChunks(groups, ({ base, files: group }) => messageItems(store, base, group, keys))),
        Stream.filter((items) => items.length > 0)
      )
    }).pipe(Effect.withSpan("Maildir.dump"))
  )

const inChunks = <A>(all: ReadonlyArray<A>, itemsOf: (one: A) => ReadonlyArray<StoreItem>) =>
  Stream.paginateEffect(0, (from) =>
    Effect.gen(function*() {
      yield* breathe
      const items: Array<StoreItem> = []
      let bytes = 0
      let next = from
      while (next < all.length && items.length < DUMP_ITEMS && bytes < DUMP_BYTES) {
        for (const item of itemsOf(all[next++]!)) {
          items.push(item)
          bytes += lengthOf(item)
        }
      }
      return [items as ReadonlyArray<StoreItem>, next < all.length ? Option.some(next) : Option.none<number>()] as const
    }))

const lengthOf = (item: StoreItem): number =>
  item._tag === "file" ? item.bytes.length : item._tag === "message" && item.message.content?._tag === "inline"
    ? item.message.content.bytes.length
    : 0

const fileItems = (store: MaildirStore, path: string, stat: Stat): ReadonlyArray<StoreItem> => {
  const taken = store.take(path, stat)
  if (taken._tag !== "taken") return []
  const bytes = taken.bytes ?? store.read(path, 0, taken.size)
  return bytes instanceof Uint8Array ? [{ _tag: "file", path, mtimeNs: int64(taken.mtimeNs), bytes }] : []
}

const messageItems = (
  store: MaildirStore,
  base: string,
  files: ReadonlyArray<Found>,
  keys: ReadonlySet<string> | undefined
): ReadonlyArray<StoreItem> => {
  const found = new Map<string, { readonly taken: Taken; readonly files: Array<Found> }>()
  for (const file of files) {
    const taken = store.take(pathOfPlace(file), file.stat)
    if (taken._tag !== "taken") continue
    const key = keyOf(base, taken.sha256)
    if (keys !== undefined && !keys.has(key)) continue
    const same = found.get(key)
    if (same === undefined) found.set(key, { taken, files: [file] })
    else same.files.push(file)
  }
  return [...found].map(([key, { files: same, taken }]): StoreItem => {
    const places = sortPlaces(same.map(({ folder, name, stat, sub }) => ({
      folder,
      sub,
      name,
      mtimeNs: int64(stat.mtimeNs)
    })))
    const message = messageOf(key, taken, places)
    const item = { _tag: "message", conversation: conversationOf(places), message } as const
    return taken.bytes === undefined ? { ...item, large: largeOf(store, pathOfPlace(same[0]!), taken) } : item
  })
}
