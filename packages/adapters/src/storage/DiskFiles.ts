/**
 * The file operations a folder of immutable objects is made of. They call node:fs themselves: `link`, folders that are
 * synced, positional reads and above all the system's own error codes (ENOSPC, EROFS, EDQUOT) do not come through
 * `FileSystem` whole, and telling "full" from "gone" is what an owner needs most.
 *
 * Each operation is one promise that closes and removes what it opened and made, also when nobody waits for it any
 * more: a hung disk must not hold up the fiber that gave up on it.
 */
import { randomBytes } from "node:crypto"
import { constants } from "node:fs"
import { type FileHandle, link, lstat, mkdir, open, opendir, readFile, rename, rmdir, unlink } from "node:fs/promises"
import { hostname } from "node:os"
import { dirname } from "node:path"

/** Whoever holds a vault's folder can see no more of it than names and sizes. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700

export interface Entry {
  readonly name: string
  readonly kind: "file" | "folder" | "other"
}

export interface ReadRange {
  readonly offset: number
  readonly length: number
}

/** Replaceable one by one, so that tests can make a disk that is full, torn or old. */
export interface DiskFiles {
  readonly writeNew: (path: string, bytes: Uint8Array) => Promise<void>
  readonly link: (from: string, to: string) => Promise<void>
  readonly rename: (from: string, to: string) => Promise<void>
  readonly remove: (path: string) => Promise<void>
  /** One that holds something stays. */
  readonly removeFolder: (path: string) => Promise<void>
  /** With the folders on the way to it; each that is new under a name that lasts. */
  readonly makeFolder: (path: string) => Promise<void>
  /** In a folder that is there, under a name that lasts; one that is there already stays. */
  readonly makeInside: (path: string) => Promise<void>
  readonly syncFolder: (path: string) => Promise<void>
  readonly read: (path: string, range: ReadRange | undefined, limitBytes: number) => Promise<Uint8Array>
  readonly entries: (path: string) => AsyncIterable<Entry>
  readonly stat: (
    path: string
  ) => Promise<{ readonly kind: Entry["kind"]; readonly size: number; readonly mtimeMs: number }>
}

/** What is wrong with a file that the system opened without complaint. */
class FileProblem extends Error {
  readonly code: "NOTFILE" | "TOOLONG" | "SHORT"
  constructor(code: FileProblem["code"], path: string) {
    super(`${code}: ${path}`)
    this.code = code
  }
}

export const diskFiles: DiskFiles = {
  /** A new file with exactly these bytes, on the disk when this returns; none if it fails. */
  writeNew: async (path, bytes) => {
    const file = await open(path, "wx", FILE_MODE)
    try {
      try {
        await writeAll(file, bytes)
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (error) {
      await unlink(path).catch(ignoreMissing)
      throw error
    }
  },
  link,
  rename,
  remove: unlink,
  removeFolder: async (path) => {
    try {
      await rmdir(path)
    } catch (error) {
      if (codeOf(error) !== "ENOTEMPTY" && codeOf(error) !== "EEXIST") throw error
    }
  },
  makeFolder: async (path) => {
    const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE })
    if (first === undefined) return
    const above = dirname(first)
    for (let folder = dirname(path);; folder = dirname(folder)) {
      await diskFiles.syncFolder(folder)
      if (folder === above) return
    }
  },
  makeInside: async (path) => {
    try {
      await mkdir(path, { mode: FOLDER_MODE })
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error
      return
    }
    await diskFiles.syncFolder(dirname(path))
  },
  /** Makes new names last. */
  syncFolder: async (path) => {
    if (process.platform === "win32") return
    const folder = await open(path, "r")
    try {
      await tolerant(() => folder.sync())
    } finally {
      await folder.close()
    }
  },
  // Without O_NONBLOCK a named pipe under an object's name would hold a thread of the pool for ever.
  read: (path, range, limitBytes) => readFrom(path, constants.O_NONBLOCK ?? 0, range, limitBytes),
  entries: async function*(path) {
    for await (const entry of await opendir(path)) {
      yield { name: entry.name, kind: entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other" }
    }
  },
  stat: async (path) => {
    const stat = await lstat(path)
    return {
      kind: stat.isFile() ? "file" : stat.isDirectory() ? "folder" : "other",
      size: stat.size,
      mtimeMs: stat.mtimeMs
    }
  }
}

/** A path in the folder that nothing else has or will have. */
const temporaryPath = (folder: string, suffix: string): string =>
  `${folder}/${randomBytes(15).toString("hex")}.${suffix}`

/** What a publication needs to know of its place. */
export interface Publication {
  readonly temporary: string
  readonly folder: string
  /** The final name, in the folder. */
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * Puts an object under its final name, whole or not at all, and never over another one: a temporary file, synced, then
 * a hard link, which fails where the name is taken. After `signal` nothing is published any more.
 */
export const publish = async (files: DiskFiles, publication: Publication, signal: AbortSignal): Promise<void> => {
  const temporary = temporaryPath(publication.temporary, "part")
  await files.writeNew(temporary, publication.bytes)
  try {
    signal.throwIfAborted()
    try {
      await files.link(temporary, publication.path)
    } catch (error) {
      if (!linkMissing.has(codeOf(error))) throw error
      await renameExclusively(files, temporary, publication)
    }
  } catch (error) {
    // Another run may have published this very object and died before its name was on the disk.
    if (codeOf(error) === "EEXIST") await files.syncFolder(publication.folder)
    throw error
  } finally {
    await files.remove(temporary).catch(ignoreMissing)
  }
  await files.syncFolder(publication.folder)
}

/**
 * For file systems without hard links (FAT, exFAT, some network shares): a claim file, created exclusively, stands for
 * the name while it is looked for and the temporary file renamed to it. Such disks are attached to one machine, so the
 * claim of a process that died can be told and taken over.
 */
const renameExclusively = async (files: DiskFiles, temporary: string, publication: Publication): Promise<void> => {
  const claim = `${publication.temporary}/${publication.path.slice(publication.folder.length + 1)}.claim`
  await claimName(files, claim)
  try {
    if (await exists(files, publication.path)) throw systemError("EEXIST", publication.path)
    await files.rename(temporary, publication.path)
  } finally {
    await files.remove(claim).catch(ignoreMissing)
  }
}

const claimName = async (files: DiskFiles, claim: string): Promise<void> => {
  const mine = `${process.pid} ${hostname()}`
  try {
    await files.writeNew(claim, Buffer.from(mine))
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error
    if (!await isAbandoned(claim)) throw systemError("EBUSY", claim)
    await files.remove(claim).catch(ignoreMissing)
    await files.writeNew(claim, Buffer.from(mine))
  }
}

const isAbandoned = async (claim: string): Promise<boolean> => {
  const holder = await readFile(claim, "latin1").catch(ignoreMissing)
  const [pid, host] = (holder ?? "").split(" ")
  if (host !== hostname() || Number(pid) === process.pid) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return codeOf(error) === "ESRCH"
  }
}

const exists = async (files: DiskFiles, path: string): Promise<boolean> => {
  try {
    await files.stat(path)
    return true
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false
    throw error
  }
}

const writeAll = async (file: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let at = 0; at < bytes.length;) {
    at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten
  }
}

/** A file, or a range of it; `more` is how it is opened beside being read and being no link. */
export const readFrom = async (
  path: string,
  more: number,
  range: ReadRange | undefined,
  limitBytes: number
): Promise<Uint8Array> => {
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | more)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new FileProblem("NOTFILE", path)
    const offset = range?.offset ?? 0
    const length = Math.max(0, Math.min(range?.length ?? stat.size, stat.size - offset))
    if (length > limitBytes) throw new FileProblem("TOOLONG", path)
    return await readExactly(file, offset, length, path)
  } finally {
    await file.close()
  }
}

const readExactly = async (file: FileHandle, offset: number, length: number, path: string): Promise<Uint8Array> => {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length;) {
    const { bytesRead } = await file.read(bytes, at, length - at, offset + at)
    // Objects never change: a file that ends before its own size was cut while it was read.
    if (bytesRead === 0) throw new FileProblem("SHORT", path)
    at += bytesRead
  }
  return bytes
}

/** The system's name for what went wrong; empty where there is none. */
export const codeOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : ""

export const systemError = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code })

const ignoreMissing = (error: unknown): undefined => {
  if (codeOf(error) !== "ENOENT") throw error
  return undefined
}

/** Shares that cannot sync a folder (SMB, some of NFS) keep its names some other way, or not at all. Nothing else passes. */
export const tolerant = async (syncOfFolder: () => Promise<void>): Promise<void> => {
  try {
    await syncOfFolder()
  } catch (error) {
    if (!folderSyncMissing.has(codeOf(error))) throw error
  }
}

/** Of a sync of a folder only: said of a file's, or of a write, the same words are failures. */
const folderSyncMissing = new Set(["EINVAL", "ENOTSUP", "EOPNOTSUPP", "EPERM"])
/** What file systems without hard links say. */
export const linkMissing: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EPERM", "EXDEV", "EMLINK"])
