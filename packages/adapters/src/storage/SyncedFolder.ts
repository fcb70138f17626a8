/**
 * A vault in a folder that another program syncs: Dropbox, Syncthing, Nextcloud, iCloud Drive. For that program's sake an
 * object is written elsewhere and renamed in, is never touched again, and lies in a folder by a letter of its name. What it
 * has done with an object since is not ours to know: stored here means *queued* there. Its bytes may be gone from this
 * disk, so they are read by another process, which may hang without anything else hanging.
 */
import { isObject } from "@sealog/core/backup/ObjectPath"
import type { Capabilities, StorageShape } from "@sealog/core/backup/Storage"
import { OBJECT_BYTES } from "@sealog/core/format/Limits"
import { Effect, Stream } from "effect"
import { dirname } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { type CloudFiles, cloudFiles, nameInStub, stubOf } from "./CloudFiles.ts"
import { makeDisk, prepareDisk } from "./Disk.ts"
import { attempt } from "./DiskErrors.ts"
import { codeOf, type DiskFiles, diskFiles, systemError } from "./DiskFiles.ts"
import { FileReader } from "./FileReader.ts"

/** A file that has to be fetched first may take this long and as much longer as its size at a slow line, milliseconds. */
const READ_MILLIS = 60_000
const BYTES_A_MILLI = 100
/** How often it is looked whether a file that only a stub was left of has come, milliseconds. */
const LOOK_MILLIS = 200
/** Conflict copies that are remembered by name. */
const COPIES = 100

export interface SyncedFolderOptions {
  readonly kind: "folder" | "icloud"
  readonly path: string
  /** As of a disk: the mount point that the folder is known to lie below. */
  readonly mount?: string
  /** A folder outside, on the same file system, where objects are written before they are renamed in. */
  readonly staging?: string
  /** What the system tells of evicted files, and how long one may be waited for, milliseconds: where a test wants others. */
  readonly cloud?: CloudFiles
  readonly deadlineMillis?: (bytes: number) => number
}

/** Makes the folder of a new vault in one that is there: a mistyped path would be a folder that nobody syncs. */
export const prepareSyncedFolder = Effect.fn("SyncedFolder.prepare")(
  function*({ mount, path }: Pick<SyncedFolderOptions, "mount" | "path">) {
    yield* attempt({ root: path, method: "prepare" }, async () => {
      try {
        await diskFiles.stat(dirname(path))
      } catch (error) {
        throw codeOf(error) === "ENOENT" ? systemError("ENODEV", dirname(path)) : error
      }
    })
    yield* prepareDisk(path, mount === undefined ? {} : { mount })
  }
)

export const makeSyncedFolder = Effect.fn("SyncedFolder.make")(function*(options: SyncedFolderOptions) {
  const { kind, mount, path, staging } = options
  const disk = yield* makeDisk(path, {
    files: filesOf(options),
    sharded: true,
    ...(mount === undefined ? {} : { mount }),
    ...(staging === undefined ? {} : { staging })
  })
  const copies = new Set<string>()

  const list = (prefix: string) =>
    Stream.suspend(() => {
      for (const name of copies) if (name.startsWith(prefix)) copies.delete(name)
      return disk.list(prefix)
    }).pipe(Stream.filter(({ name }) => {
      if (isObject(name)) return true
      if (isCopy(name) && copies.size < COPIES) copies.add(name)
      return false
    }))

  return {
    ...disk,
    kind,
    capabilities,
    list,
    conflictCopies: () => [...copies].toSorted()
  } satisfies StorageShape
})

const capabilities: Capabilities = {
  // On this machine one wins; of two machines' files both may, until the program that syncs them makes a copy of one.
  atomicCreate: false,
  // Of a file that is not here all is fetched.
  rangeReads: false,
  strongList: true,
  durability: "queued",
  deletes: true,
  objectLock: false,
  maxObjectBytes: OBJECT_BYTES
}

/** `aa 2`, `aa (1)`, `aa (Ada's conflicted copy).x`, `aa.sync-conflict-…`, `log 2/aa`: a name of ours and more. */
const isCopy = (name: string): boolean =>
  name.split("/").some((part) => /^[a-z2-7]+[ ._(~-]/u.test(part) && part !== "desktop.ini")

/** A disk's operations where files can be evicted; renamed into place, for a second name of a file is fetched whole. */
const filesOf = (options: SyncedFolderOptions): DiskFiles => {
  const { cloud = cloudFiles, deadlineMillis = (bytes) => READ_MILLIS + bytes / BYTES_A_MILLI } = options
  const reader = new FileReader()
  return {
    ...diskFiles,
    link: (from) => Promise.reject(systemError("ENOTSUP", from)),
    stat: async (path) => {
      const { kind, mtimeMs, size } = await cloud.look(path)
      return { kind, mtimeMs, size }
    },
    entries: async function*(path) {
      for await (const entry of diskFiles.entries(path)) {
        const evicted = entry.kind === "file" ? nameInStub(entry.name) : undefined
        yield evicted === undefined ? entry : { kind: "file", name: evicted }
      }
    },
    remove: async (path) => {
      const { presence } = await cloud.look(path)
      await diskFiles.remove(presence === "stub" ? stubOf(path) : path)
    },
    read: async (path, range, limitBytes) => {
      const { kind, presence, size } = await cloud.look(path)
      if (kind !== "file") throw systemError("NOTFILE", path)
      const millis = deadlineMillis(size)
      if (presence === "stub") await fetched(cloud, path, millis)
      return await reader.read({ path, limitBytes, ...(range === undefined ? {} : { range }) }, millis)
    }
  }
}

/** Has a file brought back, and waits until it is there. */
const fetched = async (cloud: CloudFiles, path: string, millis: number): Promise<void> => {
  await cloud.fetch(path)
  for (let waited = 0; waited < millis; waited += LOOK_MILLIS) {
    if ((await cloud.look(path)).presence !== "stub") return
    await delay(LOOK_MILLIS)
  }
  throw systemError("ETIMEDOUT", path)
}
