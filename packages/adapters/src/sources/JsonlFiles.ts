/**
 * The files of a JSON Lines store: which there are and in which order they tell their story, and their whole lines
 * from a place on. Imports read them by the hundred megabytes, so this stands directly on `node:fs`, in pieces of a
 * mebibyte between which others may run. Nothing here writes.
 */
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { basename, dirname, join } from "node:path"

/** Where the store is. */
export interface Root {
  readonly folder: string
  /** Only this file, and those it was rotated to. */
  readonly only?: string
}

export interface StoreFile {
  readonly name: string
  readonly ino: string
  readonly size: number
  readonly mtimeNs: string
}

/** A file that cannot be looked at, and the code why. */
export interface Unreadable {
  readonly name: string
  readonly code: string
}

/** How far a file was read. */
export interface Cursor {
  readonly ino: string
  /** Bytes of whole lines taken. */
  readonly offset: number
  /** Lines in them. */
  readonly lines: number
  /** The file's, when it was last looked at. */
  readonly size: number
  readonly mtimeNs: string
  /** Of the first and the last bytes that were taken: another file of the same identity has others. */
  readonly check: string
}

/** One whole line without its line break. */
export interface RawLine {
  readonly bytes: Uint8Array
  /** Where it begins, bytes from the start of the file. */
  readonly offset: number
  /** Counted from 1. */
  readonly number: number
}

const PIECE_BYTES = 1024 * 1024
const CHECK_BYTES = 4 * 1024

export const rootOf = (path: string): Root =>
  fs.statSync(path).isDirectory() ? { folder: path } : { folder: dirname(path), only: basename(path) }

/** The files, oldest first: `chat.jsonl.2`, `chat.jsonl.1`, `chat.jsonl`, and names in their order. */
export const listFiles = (root: Root): { readonly files: Array<StoreFile>; readonly unreadable: Array<Unreadable> } => {
  const files: Array<StoreFile> = []
  const unreadable: Array<Unreadable> = []
  for (const name of fs.readdirSync(root.folder).filter((each) => belongs(root, each)).toSorted(byAge)) {
    try {
      const stat = fs.lstatSync(join(root.folder, name), { bigint: true })
      if (stat.isFile()) {
        files.push({ name, ino: String(stat.ino), size: Number(stat.size), mtimeNs: String(stat.mtimeNs) })
      } else if (!stat.isDirectory()) unreadable.push({ name, code: "not a regular file" })
    } catch (cause) {
      if (codeOf(cause) !== "ENOENT") unreadable.push({ name, code: codeOf(cause) })
    }
  }
  return { files, unreadable }
}

export const belongs = ({ only }: Root, name: string): boolean =>
  only === undefined
    ? OURS.test(name)
    : name === only || (name.startsWith(`${only}.`) && /^\d+$/.test(name.slice(only.length + 1)))

const OURS = /^[^.].*\.jsonl(\.\d+)?$/

const byAge = (a: string, b: string): number => {
  const [stemA, ageA] = split(a)
  const [stemB, ageB] = split(b)
  return stemA < stemB ? -1 : stemA > stemB ? 1 : ageB - ageA
}

const split = (name: string): readonly [stem: string, age: number] => {
  const rotated = /^(.*)\.(\d+)$/.exec(name)
  return rotated === null ? [name, 0] : [rotated[1]!, Number(rotated[2])]
}

/** An open file, to be read in order. Throws what `node:fs` throws. */
export class LineReader {
  private readonly fd: number
  private readonly limit: number
  private at: number
  private lineNumber: number
  private rest: Buffer = Buffer.alloc(0)

  /** Reads from an offset up to a limit: what is written meanwhile is for the next pass. */
  constructor(root: Root, name: string, from: { readonly offset: number; readonly lines: number }, limit: number) {
    this.fd = openQuietly(join(root.folder, name))
    this.at = from.offset
    this.lineNumber = from.lines
    this.limit = limit
  }

  /** The whole lines of the next piece; `undefined` at the end. */
  next(): Array<RawLine> | undefined {
    const start = this.at - this.rest.length
    const wanted = Math.min(PIECE_BYTES, this.limit - this.at)
    if (wanted <= 0) return undefined
    const piece = Buffer.allocUnsafeSlow(this.rest.length + wanted)
    this.rest.copy(piece)
    const read = fs.readSync(this.fd, piece, this.rest.length, wanted, this.at)
    if (read === 0) return undefined
    this.at += read
    const bytes = piece.subarray(0, this.rest.length + read)
    const lines: Array<RawLine> = []
    let begin = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, begin)) {
      lines.push({ bytes: bytes.subarray(begin, end), offset: start + begin, number: ++this.lineNumber })
      begin = end + 1
    }
    this.rest = bytes.subarray(begin)
    return lines
  }

  /** After the last whole line. */
  position(): { readonly offset: number; readonly lines: number } {
    return { offset: this.at - this.rest.length, lines: this.lineNumber }
  }

  close(): void {
    fs.closeSync(this.fd)
  }
}

const LINE_FEED = 0x0a

/** What stands at both ends of the part of a file that was taken. */
export const checkOf = (root: Root, name: string, offset: number): string => {
  const fd = openQuietly(join(root.folder, name))
  try {
    const length = Math.min(CHECK_BYTES, offset)
    const ends = Buffer.alloc(2 * length)
    const first = fs.readSync(fd, ends, 0, length, 0)
    const last = fs.readSync(fd, ends, length, length, offset - length)
    return createHash("sha256").update(ends.subarray(0, first + last)).digest("base64url").slice(0, 22)
  } finally {
    fs.closeSync(fd)
  }
}

const openQuietly = (path: string): number => {
  const { O_NOATIME = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0, O_RDONLY } = fs.constants as Partial<typeof fs.constants> & {
    readonly O_RDONLY: number
  }
  const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
  try {
    return fs.openSync(path, flags | O_NOATIME)
  } catch (cause) {
    // Only a file's owner may leave its access time alone.
    if (codeOf(cause) !== "EPERM") throw cause
    return fs.openSync(path, flags)
  }
}

export const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string" ? cause.code : "EIO"
