/**
 * A vault in a folder of a disk that is mounted here: internal, external, or a share. A folder that is missing, or that
 * holds nothing at all, is a disk that is not mounted, never an empty vault: `prepareDisk` alone makes a new one.
 */
import type { ByteRange, Capabilities, ObjectInfo, StorageReason, StorageShape } from "@sealog/core/backup/Storage"
import { StorageError } from "@sealog/core/backup/Storage"
import { OBJECT_BYTES } from "@sealog/core/format/Limits"
import { Clock, Effect, Stream } from "effect"
import { dirname } from "node:path"
import { codeOf, type DiskFiles, diskFiles, type Entry, type Publication, publish, systemError } from "./DiskFiles.ts"
import { isPrefix, parseObjectName, TEMPORARY_FOLDER } from "./ObjectPath.ts"

/** A temporary file is a crashed run's after this long, milliseconds: no put takes a day. */
const STALE_MILLIS = 24 * 60 * 60 * 1000
/** Folders inside folders that a listing still enters: a vault has one level, strangers' files may have more. */
const LIST_DEPTH = 4
/** Entries listed at a time, and sizes asked for at once: two threads of the pool are left to others. */
const LIST_PAGE = 256
const STAT_CONCURRENCY = 2

export interface DiskOptions {
  /** The file operations, where a test wants others than the system's. */
  readonly files?: DiskFiles
}

/** Makes the folder of a new vault, with what tells it from a mount point without its disk. Idempotent. */
export const prepareDisk = Effect.fn("Disk.prepare")(function*(path: string, options?: DiskOptions) {
  const files = options?.files ?? diskFiles
  const root = withoutSlash(path)
  yield* attempt({ root, method: "prepare" }, async () => {
    await files.makeFolder(`${root}/${TEMPORARY_FOLDER}`)
    await files.syncFolder(root)
    await syncParent(files, root)
  })
})

/** An earlier run may have made the folder and been killed. A parent that is closed to us is older than any run. */
const syncParent = async (files: DiskFiles, root: string): Promise<void> => {
  try {
    await files.syncFolder(dirname(root))
  } catch (error) {
    if (codeOf(error) !== "EACCES") throw error
  }
}

/** Opens the vault in a folder, which need not be reachable yet, and removes what crashed runs left there. */
export const makeDisk = Effect.fn("Disk.make")(function*(path: string, options?: DiskOptions) {
  const files = options?.files ?? diskFiles
  const root = withoutSlash(path)
  yield* removeStale(files, root)
  const pathOf = (folder: string, base: string) => folder === "" ? `${root}/${base}` : `${root}/${folder}/${base}`

  const publishLastingly = makePublish(files, root)

  const put = Effect.fn("Disk.put")(function*(name: string, bytes: Uint8Array) {
    const { base, folder } = yield* parseObjectName("put", name)
    if (bytes.length > OBJECT_BYTES) {
      return yield* new StorageError({ reason: "Unsupported", method: "put", subject: name, retryable: false })
    }
    const publication = {
      temporary: `${root}/${TEMPORARY_FOLDER}`,
      folder: folder === "" ? root : `${root}/${folder}`,
      path: pathOf(folder, base),
      bytes
    }
    yield* attempt({ root, method: "put", name }, (signal) => publishLastingly(publication, signal))
  })

  const get = Effect.fn("Disk.get")(function*(name: string, range?: ByteRange) {
    const { base, folder } = yield* parseObjectName("get", name)
    if (range !== undefined && !isRange(range)) {
      return yield* new StorageError({ reason: "Unsupported", method: "get", subject: name, retryable: false })
    }
    return yield* attempt({ root, method: "get", name }, async () => {
      try {
        return await files.read(pathOf(folder, base), range, OBJECT_BYTES)
      } catch (error) {
        if (codeOf(error) === "ENOENT") await requireRoot(files, root, "any")
        throw error
      }
    })
  })

  const remove = Effect.fn("Disk.delete")(function*(name: string) {
    const { base, folder } = yield* parseObjectName("delete", name)
    yield* attempt({ root, method: "delete", name }, async () => {
      try {
        await files.remove(pathOf(folder, base))
      } catch (error) {
        if (codeOf(error) !== "ENOENT") throw error
        return await requireRoot(files, root, "any")
      }
      await files.syncFolder(folder === "" ? root : `${root}/${folder}`)
    })
  })

  return {
    kind: "disk",
    capabilities,
    put,
    get,
    list: (prefix) => listing(files, root, prefix),
    delete: remove
  } satisfies StorageShape
})

const capabilities: Capabilities = {
  atomicCreate: true,
  rangeReads: true,
  strongList: true,
  durability: "stored",
  deletes: true,
  maxObjectBytes: OBJECT_BYTES
}

/** Pages of one folder after another, so that a vault of any size is listed in the same memory. */
const listing = (files: DiskFiles, root: string, prefix: string): Stream.Stream<ObjectInfo, StorageError> => {
  const fail = (error: unknown) => toError({ root, method: "list", name: prefix }, error)
  if (!isPrefix(prefix)) return Stream.fail(fail(systemError("ENAMETOOLONG", prefix)))
  return Stream.suspend(() => Stream.fromAsyncIterable(pages(files, root, prefix), fail)).pipe(
    Stream.mapEffect((names) =>
      Effect.forEach(names, (name) =>
        attempt({ root, method: "list", name }, async () => {
          try {
            return [{ name, size: (await files.stat(`${root}/${name}`)).size }]
          } catch (error) {
            // Deleted since the folder was read: then it is not there.
            if (codeOf(error) === "ENOENT") return []
            throw error
          }
        }), { concurrency: STAT_CONCURRENCY })
    ),
    Stream.mapConcat((infos) => infos.flat())
  )
}

async function* pages(files: DiskFiles, root: string, prefix: string): AsyncGenerator<ReadonlyArray<string>> {
  // Only the folders on the way to the prefix, or behind it, can hold a name that begins with it.
  const pending = [{ folder: prefix.slice(0, prefix.lastIndexOf("/") + 1), depth: 0 }]
  let page: Array<string> = []
  await requireRoot(files, root, "filled")
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for await (const entry of entriesOf(files, `${root}/${next.folder}`)) {
      const name = next.folder + entry.name
      if (name === TEMPORARY_FOLDER) continue
      if (entry.kind === "folder") {
        if (next.depth < LIST_DEPTH && overlap(`${name}/`, prefix)) {
          pending.push({ folder: `${name}/`, depth: next.depth + 1 })
        }
      } else if (entry.kind === "file" && name.startsWith(prefix)) {
        page.push(name)
      }
      if (page.length < LIST_PAGE) continue
      yield page
      page = []
    }
  }
  if (page.length > 0) yield page
}

async function* entriesOf(files: DiskFiles, path: string): AsyncGenerator<Entry> {
  try {
    yield* files.entries(path)
  } catch (error) {
    // A folder nothing was put in yet, or a prefix that is no folder.
    if (codeOf(error) !== "ENOENT") throw error
  }
}

const overlap = (a: string, b: string) => a.startsWith(b) || b.startsWith(a)

/** Tells a vault's folder from a disk that is away. */
const requireRoot = async (files: DiskFiles, root: string, content: "any" | "filled"): Promise<void> => {
  const away = systemError("ENODEV", root)
  try {
    if ((await files.stat(root)).kind === "file") throw away
    if (content === "any") return
    for await (const _ of files.entries(root)) return
  } catch (error) {
    throw codeOf(error) === "ENOENT" ? away : error
  }
  throw away
}

/** Publishes under a name that lasts, making the folder for it where it is missing. */
const makePublish = (files: DiskFiles, root: string) => {
  /** Folders whose own names are known to last: one may be as new as what is put into it, and another run's. */
  const lasting = new Set([root])
  const nameLastingly = async (folder: string): Promise<void> => {
    if (lasting.has(folder)) return
    await files.syncFolder(root)
    lasting.add(folder)
  }

  const attempted = async (publication: Publication, signal: AbortSignal): Promise<void> => {
    try {
      await publish(files, publication, signal)
    } catch (error) {
      if (codeOf(error) === "EEXIST") await nameLastingly(publication.folder)
      throw error
    }
    await nameLastingly(publication.folder)
  }

  return async (publication: Publication, signal: AbortSignal): Promise<void> => {
    try {
      await attempted(publication, signal)
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || signal.aborted) throw error
      await requireRoot(files, root, "filled")
      await files.makeFolder(publication.temporary)
      await files.makeFolder(publication.folder)
      await attempted(publication, signal)
    }
  }
}

const removeStale = Effect.fn("Disk.removeStale")(function*(files: DiskFiles, root: string) {
  const now = yield* Clock.currentTimeMillis
  yield* attempt({ root, method: "open" }, async () => {
    for await (const entry of entriesOf(files, `${root}/${TEMPORARY_FOLDER}`)) {
      const path = `${root}/${TEMPORARY_FOLDER}/${entry.name}`
      if (entry.kind === "file" && now - (await files.stat(path)).mtimeMs > STALE_MILLIS) await files.remove(path)
    }
  }).pipe(
    // Leftovers cost space and nothing else, and a disk that is away or closed to us says so when it is used.
    Effect.catchIf((error) => passing.has(error.reason), (error) => Effect.logDebug("left stale files", error))
  )
})

/** What was being done, and to which object of the vault in which folder. */
interface Deed {
  readonly root: string
  readonly method: string
  readonly name?: string
}

const attempt = <A>(deed: Deed, body: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, StorageError> =>
  Effect.tryPromise({ try: body, catch: (error) => toError(deed, error) })

const toError = ({ method, name = "", root }: Deed, cause: unknown): StorageError => {
  const [reason, retryable] = reasons[codeOf(cause)] ?? (["Unreachable", false] as const)
  // Where the place is at fault, it is the place that its owner has to know.
  const subject = name === "" || ofPlace.has(reason) ? root : reason === "Denied" ? `${root}/${name}` : name
  return new StorageError({ reason, method, subject, retryable, cause })
}

const ofPlace: ReadonlySet<StorageReason> = new Set(["Full", "Unreachable", "Throttled"])

/** What each code of the system means for an object, and whether it can pass by itself. */
const reasons: Record<string, readonly [StorageReason, boolean]> = {
  ENOENT: ["NotFound", false],
  EEXIST: ["AlreadyExists", false],
  ENOSPC: ["Full", false],
  EDQUOT: ["Full", false],
  EACCES: ["Denied", false],
  EPERM: ["Denied", false],
  EROFS: ["Denied", false],
  EMFILE: ["Throttled", true],
  ENFILE: ["Throttled", true],
  EBUSY: ["Throttled", true],
  EAGAIN: ["Throttled", true],
  EDEADLK: ["Throttled", true],
  ENODEV: ["Unreachable", true],
  ENXIO: ["Unreachable", true],
  EIO: ["Unreachable", true],
  ESTALE: ["Unreachable", true],
  ENOTCONN: ["Unreachable", true],
  ETIMEDOUT: ["Unreachable", true],
  EHOSTDOWN: ["Unreachable", true],
  EHOSTUNREACH: ["Unreachable", true],
  NOTFILE: ["Corrupt", false],
  SHORT: ["Corrupt", false],
  TOOLONG: ["Corrupt", false],
  EISDIR: ["Corrupt", false],
  ELOOP: ["Corrupt", false],
  ENOTDIR: ["Unsupported", false],
  ENAMETOOLONG: ["Unsupported", false],
  EFBIG: ["Unsupported", false]
}

const passing: ReadonlySet<StorageReason> = new Set(["Denied", "Unreachable", "Throttled"])

const isRange = ({ length, offset }: ByteRange) =>
  Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0

const withoutSlash = (path: string) => path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path
