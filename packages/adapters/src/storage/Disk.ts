/**
 * A vault in a folder of a disk that is mounted here: internal, external, or a share. A folder that is missing, or that
 * holds nothing of a vault, is a disk that is not mounted, never an empty vault: `prepareDisk` alone makes a new one.
 */
import { isPrefix, parseObjectName, TEMPORARY_FOLDER } from "@sealog/core/backup/ObjectPath"
import type { ByteRange, Capabilities, ObjectInfo, StorageReason, StorageShape } from "@sealog/core/backup/Storage"
import { StorageError } from "@sealog/core/backup/Storage"
import { OBJECT_BYTES } from "@sealog/core/format/Limits"
import { Clock, Effect, Stream } from "effect"
import { dirname } from "node:path"
import { attempt, toError } from "./DiskErrors.ts"
import { codeOf, type DiskFiles, diskFiles, systemError } from "./DiskFiles.ts"
import { entriesOf, type Found, isFile, isMissing, lieOf, pagesOf, requireRoot } from "./DiskLayout.ts"
import { makePublish } from "./DiskPublish.ts"
import { type DeviceOf, mountPointOf, requireMounted } from "./MountPoint.ts"

/** A temporary file is a crashed run's after this long, milliseconds: no put takes a day. */
const STALE_MILLIS = 24 * 60 * 60 * 1000
/** Sizes asked for at once: two threads of the pool are left to others. */
const STAT_CONCURRENCY = 2

export interface DiskOptions {
  /** The file operations, where a test wants others than the system's. */
  readonly files?: DiskFiles
  /**
   * The mount point that the folder is known to lie below: where nothing is mounted at or below it, the disk is away.
   * `/` is always there. Where none is known, a folder in a place for removable disks has to be on a disk mounted there.
   */
  readonly mount?: string
  /** Which disk carries a path, where a test wants to plug disks in and out. */
  readonly device?: DeviceOf
  /** Whether new objects go into folders by a letter of their name. */
  readonly sharded?: boolean
  /** Where what is on its way is written instead of in the vault; another file system will not do. */
  readonly staging?: string
}

/** The mount point that a folder lies below now, to be remembered with it. */
export const mountOf = (path: string): Effect.Effect<string, StorageError> =>
  attempt({ root: path, method: "open" }, () => mountPointOf(path))

/** Makes the folder of a new vault, with what tells it from a mount point without its disk. Idempotent. */
export const prepareDisk = Effect.fn("Disk.prepare")(function*(path: string, options?: DiskOptions) {
  const files = options?.files ?? diskFiles
  const root = withoutSlash(path)
  yield* attempt({ root, method: "prepare" }, async () => {
    await requireMounted(root, options?.mount, options?.device)
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

/** Removes the folders that hold nothing and whose names begin so. */
export const sweepDisk = Effect.fn("Disk.sweep")(function*(path: string, prefix: string, options?: DiskOptions) {
  const files = options?.files ?? diskFiles
  const root = withoutSlash(path)
  yield* attempt({ root, method: "sweep" }, async () => {
    for (const folder of await foldersIn(files, root)) {
      if (!folder.startsWith(prefix)) continue
      // Where there are many objects each letter has a folder of its own.
      for (const letter of await foldersIn(files, `${root}/${folder}`)) {
        await files.removeFolder(`${root}/${folder}/${letter}`)
      }
      await files.removeFolder(`${root}/${folder}`)
    }
  })
})

const foldersIn = async (files: DiskFiles, path: string): Promise<ReadonlyArray<string>> => {
  const names: Array<string> = []
  for await (const { kind, name } of files.entries(path)) if (kind === "folder") names.push(name)
  return names
}

/** The vault in a folder, which need not be reachable yet. Before the first put, what crashed runs left is removed. */
export const makeDisk = Effect.fn("Disk.make")(function*(path: string, options?: DiskOptions) {
  const { files, isThere, liesOf, publish, root, temporaries } = openPlace(path, options)
  const sweep = yield* Effect.once(
    Effect.forEach(temporaries, (folder) => removeStale(files, folder), { discard: true })
  )

  const put = Effect.fn("Disk.put")(function*(name: string, bytes: Uint8Array) {
    const { lie, other } = liesOf(yield* parseObjectName("put", name))
    if (bytes.length > OBJECT_BYTES) {
      return yield* new StorageError({ reason: "Unsupported", method: "put", subject: name, retryable: false })
    }
    yield* attempt({ root, method: "put", name }, isThere)
    yield* sweep
    yield* attempt({ root, method: "put", name }, async (signal) => {
      if (other.path !== lie.path && await isFile(files, other.path)) throw systemError("EEXIST", other.path)
      await publish(lie, bytes, signal)
    })
  })

  const get = Effect.fn("Disk.get")(function*(name: string, range?: ByteRange) {
    const { lie, other } = liesOf(yield* parseObjectName("get", name))
    if (range !== undefined && !isRange(range)) {
      return yield* new StorageError({ reason: "Unsupported", method: "get", subject: name, retryable: false })
    }
    return yield* attempt({ root, method: "get", name }, async () => {
      try {
        return await files.read(lie.path, range, OBJECT_BYTES)
      } catch (error) {
        // A folder in its place holds objects by a letter, maybe this one.
        if (!isMissing(error) && codeOf(error) !== "NOTFILE") throw error
        if (await isFile(files, other.path)) return await files.read(other.path, range, OBJECT_BYTES)
        if (!isMissing(error)) throw error
        await requireRoot(files, root, "any")
        throw systemError("ENOENT", lie.path)
      }
    })
  })

  const remove = Effect.fn("Disk.delete")(function*(name: string) {
    const { lie, other } = liesOf(yield* parseObjectName("delete", name))
    yield* attempt({ root, method: "delete", name }, async () => {
      await isThere()
      let found = false
      for (const { folders, path: file } of lie.path === other.path ? [lie] : [lie, other]) {
        if (!await isFile(files, file)) continue
        await removeIfThere(files, file)
        await files.syncFolder(folders.at(-1)!)
        found = true
      }
      if (!found) await requireRoot(files, root, "any")
    })
  })

  return {
    kind: "disk",
    capabilities,
    put,
    get,
    list: (prefix) => listing({ files, root, isThere: options?.mount === undefined ? undefined : isThere }, prefix),
    delete: remove
  } satisfies StorageShape
})

const capabilities: Capabilities = {
  atomicCreate: true,
  rangeReads: true,
  strongList: true,
  durability: "stored",
  deletes: true,
  objectLock: false,
  maxObjectBytes: OBJECT_BYTES
}

const openPlace = (path: string, options: DiskOptions = {}) => {
  const { device, files = diskFiles, mount, sharded = false, staging } = options
  const root = withoutSlash(path)
  const temporary = `${root}/${TEMPORARY_FOLDER}`
  return {
    files,
    root,
    isThere: () => requireMounted(root, mount, device),
    /** Where a new object goes, and where a copy of a vault may have it. */
    liesOf: (parsed: { readonly base: string; readonly folder: string }) => ({
      lie: lieOf(root, parsed, sharded),
      other: lieOf(root, parsed, !sharded)
    }),
    publish: makePublish({ files, root, temporary, ...(staging === undefined ? {} : { staging }) }),
    temporaries: [temporary, ...(staging === undefined ? [] : [staging])]
  }
}

/** A vault's folder and how it is reached. */
interface Place {
  readonly files: DiskFiles
  readonly root: string
  /** Where it is known what carries it: whoever only reads takes a vault for what it is, wherever it lies. */
  readonly isThere: (() => Promise<void>) | undefined
}

/** Pages of one folder after another, so that a vault of any size is listed in the same memory. */
const listing = (place: Place, prefix: string): Stream.Stream<ObjectInfo, StorageError> => {
  const { files, root } = place
  const fail = (error: unknown) => toError({ root, method: "list", name: prefix }, error)
  if (!isPrefix(prefix)) return Stream.fail(fail(systemError("ENAMETOOLONG", prefix)))
  return Stream.suspend(() => Stream.fromAsyncIterable(pages(place, prefix), fail)).pipe(
    Stream.mapEffect((found) =>
      Effect.forEach(found, ({ name, path }) =>
        attempt({ root, method: "list", name }, async () => {
          try {
            return [{ name, size: (await files.stat(`${root}/${path}`)).size }]
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

async function* pages({ files, isThere, root }: Place, prefix: string): AsyncGenerator<ReadonlyArray<Found>> {
  await isThere?.()
  await requireRoot(files, root, "vault")
  yield* pagesOf(files, root, prefix)
}

/** Another run may remove the same at the same time. */
const removeIfThere = async (files: DiskFiles, path: string): Promise<void> => {
  try {
    await files.remove(path)
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error
  }
}

/** A put that is going on may be done with it meanwhile. */
const removeIfOlder = async (files: DiskFiles, path: string, millis: number): Promise<void> => {
  try {
    if ((await files.stat(path)).mtimeMs < millis) await files.remove(path)
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error
  }
}

const removeStale = Effect.fn("Disk.removeStale")(function*(files: DiskFiles, folder: string) {
  const now = yield* Clock.currentTimeMillis
  yield* attempt({ root: folder, method: "open" }, async () => {
    for await (const entry of entriesOf(files, folder)) {
      if (entry.kind === "file") await removeIfOlder(files, `${folder}/${entry.name}`, now - STALE_MILLIS)
    }
  }).pipe(
    // Leftovers cost space and nothing else, and a disk that is away or closed to us says so when it is used.
    Effect.catchIf((error) => passing.has(error.reason), (error) => Effect.logDebug("left stale files", error))
  )
})

const passing: ReadonlySet<StorageReason> = new Set(["Denied", "Unreachable", "Throttled"])

const isRange = ({ length, offset }: ByteRange) =>
  Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0

const withoutSlash = (path: string) => path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path
