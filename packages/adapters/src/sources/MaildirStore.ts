/**
 * The file system as a Maildir needs it. A hot path, so it stands directly on `node:fs` and its synchronous calls:
 * reading and hashing 50,000 mails takes 0.6 s this way and 4 to 5 s through the thread pool, where besides four
 * calls that hang would stop everything else. Callers take small pieces and let others run in between.
 *
 * Paths are relative and made of bytes, one character each. Nothing here writes; files are opened without changing
 * their access time where the system allows it, and only what `lstat` called a regular file is opened at all.
 */
import { INLINE_CONTENT_BYTES } from "@sealog/core/format/Limits"
import { createHash, hash as hashOf } from "node:crypto"
import * as fs from "node:fs"
import { HEADER_SCAN_BYTES, type MailHeader, scanHeader } from "./MailHeader.ts"

/** The code of a failed system call, and the error itself. */
export interface Failure {
  readonly _tag: "failure"
  readonly code: string
  readonly cause: unknown
}

export interface Stat {
  readonly _tag: "stat"
  readonly type: "file" | "folder" | "link" | "other"
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** With what tells a folder from another one that was put in its place. */
export interface IdentifiedStat extends Stat {
  readonly ino: bigint
  readonly birthtimeNs: bigint
}

export interface Listing {
  readonly _tag: "listing"
  readonly names: ReadonlyArray<string>
}

/** A file as it was read: the same size and time before and after. */
export interface Taken {
  readonly _tag: "taken"
  readonly sha256: Uint8Array
  readonly size: number
  readonly mtimeNs: bigint
  /** All of it, if that is short enough for an event. */
  readonly bytes: Uint8Array | undefined
  readonly header: MailHeader
}

/** It is being written, or moved while it was read. */
export interface Unsteady {
  readonly _tag: "unsteady"
}

/** A file that was neither renamed nor linked to its place is left alone until it is this old, nanoseconds. */
export const SETTLED_NS = 150_000_000n
/** Long files are read and hashed in pieces of this size, bytes. */
export const PIECE_BYTES = 1024 * 1024

export interface MaildirStore {
  readonly stat: (path: string) => IdentifiedStat | Failure
  readonly list: (path: string) => Listing | Failure
  /** Reads and hashes a regular file. `nowNs` decides whether it is old enough; without it any age is. */
  readonly take: (path: string, stat: Stat, nowNs?: bigint) => Taken | Unsteady | Failure
  /** One piece of a file. */
  readonly read: (path: string, offset: number, length: number) => Uint8Array | Failure
  /** Tells of changes in a folder: whether to the names in it or within a file, and which. */
  readonly watch: (path: string, changed: (type: string, name: string | null) => void) => fs.FSWatcher | Failure
}

/** The store itself, where its path is a symbolic link. */
export const resolve = (path: string): string | Failure => attempt(() => fs.realpathSync(path))

export const makeMaildirStore = (root: string, slab: Slab = makeSlab()): MaildirStore => {
  const prefix = Buffer.from(root, "utf8").toString("latin1")
  const at = (path: string) => pathOf(path === "" ? prefix : `${prefix}/${path}`)
  return {
    stat: (path) => attempt(() => statOf(fs.lstatSync(at(path), BIGINT))),
    list: (path) => attempt(() => ({ _tag: "listing", names: fs.readdirSync(at(path), LATIN1) })),
    take: (path, stat, nowNs) => attempt(() => take(slab, at(path), stat, nowNs)),
    read: (path, offset, length) =>
      attempt(() => withFile(at(path), (fd) => readFully(fd, offset, Buffer.allocUnsafeSlow(length)))),
    watch: (path, changed) => attempt(() => fs.watch(at(path), LATIN1, changed))
  }
}

const BIGINT = { bigint: true } as const
const LATIN1 = { encoding: "latin1" } as const
const ASCII = /^[\u0000-\u007f]*$/

/** A plain string where its UTF-8 is its bytes: that saves a copy. */
const pathOf = (bytes: string): string | Buffer => ASCII.test(bytes) ? bytes : Buffer.from(bytes, "latin1")

const attempt = <A>(call: () => A): A | Failure => {
  try {
    return call()
  } catch (cause) {
    return { _tag: "failure", code: codeOf(cause), cause }
  }
}

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : "EIO"

const statOf = (stats: fs.BigIntStats): IdentifiedStat => ({
  _tag: "stat",
  type: stats.isFile() ? "file" : stats.isDirectory() ? "folder" : stats.isSymbolicLink() ? "link" : "other",
  size: Number(stats.size),
  mtimeNs: stats.mtimeNs,
  ctimeNs: stats.ctimeNs,
  ino: stats.ino,
  birthtimeNs: stats.birthtimeNs
})

const { O_NOATIME = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = fs.constants as Partial<typeof fs.constants> & {
  readonly O_RDONLY: number
}
const QUIET = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME

/** Only a file's owner may leave its access time alone; the others read it as everybody does. */
const open = (path: string | Buffer): number => {
  try {
    return fs.openSync(path, QUIET)
  } catch (cause) {
    if (codeOf(cause) !== "EPERM" || O_NOATIME === 0) throw cause
    return fs.openSync(path, QUIET & ~O_NOATIME)
  }
}

const withFile = <A>(path: string | Buffer, use: (fd: number) => A): A => {
  const fd = open(path)
  try {
    return use(fd)
  } finally {
    fs.closeSync(fd)
  }
}

const UNSTEADY: Unsteady = { _tag: "unsteady" }

/** Gives short pieces of one long memory: a hundred thousand memories of their own are slow to make and to forget. */
export type Slab = (length: number) => Buffer

const SLAB_BYTES = 1024 * 1024

const makeSlab = (): Slab => {
  let slab = Buffer.alloc(0)
  let used = 0
  return (length) => {
    if (length > SLAB_BYTES / 4) return Buffer.allocUnsafeSlow(length)
    if (used + length > slab.length) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      used = 0
    }
    const piece = slab.subarray(used, used + length)
    used += length
    return piece
  }
}

const take = (slab: Slab, path: string | Buffer, before: Stat, nowNs: bigint | undefined): Taken | Unsteady => {
  if (nowNs !== undefined && isYoung(before, nowNs)) return UNSTEADY
  return withFile(path, (fd) => {
    const taken = before.size < INLINE_CONTENT_BYTES ? takeShort(slab, fd, before) : takeLong(fd, before)
    const after = fs.fstatSync(fd, BIGINT)
    const steady = after.mtimeNs === before.mtimeNs && Number(after.size) === before.size && taken?.size === before.size
    return steady && after.isFile() ? taken : UNSTEADY
  })
}

/** Renaming and linking set the time of change but not that of modification: such a file was finished before. */
const isYoung = ({ ctimeNs, mtimeNs }: Stat, nowNs: bigint): boolean => {
  const age = nowNs - mtimeNs
  return ctimeNs === mtimeNs && age < SETTLED_NS && age > -SETTLED_NS
}

const takeShort = (slab: Slab, fd: number, before: Stat): Taken => {
  // One byte more than there should be shows a file that has grown. A regular file gives all it has at once; whatever
  // else it does, `steady` notices by its length.
  const room = slab(before.size + 1)
  const bytes = room.subarray(0, fs.readSync(fd, room, 0, room.length, 0))
  const sha256 = hashOf("sha256", bytes, "buffer")
  return { _tag: "taken", sha256, size: bytes.length, mtimeNs: before.mtimeNs, bytes, header: scanHeader(bytes) }
}

const takeLong = (fd: number, before: Stat): Taken => {
  const hash = createHash("sha256")
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  let head: Uint8Array | undefined
  let size = 0
  for (;;) {
    const length = fs.readSync(fd, piece, 0, PIECE_BYTES, size)
    if (length === 0) break
    head ??= Uint8Array.prototype.slice.call(piece, 0, Math.min(length, HEADER_SCAN_BYTES))
    hash.update(piece.subarray(0, length))
    size += length
  }
  return {
    _tag: "taken",
    sha256: hash.digest(),
    size,
    mtimeNs: before.mtimeNs,
    bytes: undefined,
    header: scanHeader(head ?? new Uint8Array(0))
  }
}

/** As much as there is, up to what fits. */
const readFully = (fd: number, offset: number, bytes: Buffer): Uint8Array => {
  let size = 0
  while (size < bytes.length) {
    const read = fs.readSync(fd, bytes, size, bytes.length - size, offset + size)
    if (read === 0) break
    size += read
  }
  return bytes.subarray(0, size)
}
