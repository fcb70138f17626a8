/**
 * One file that came with a message, on its way to an event: whole where it is short, else hashed now and read again in
 * pieces when it is stored. A file that is not there, may not be read, lies outside of the store, is left out on
 * purpose or has its bytes in a cloud only is told with its reason, and looked for again. One that is still being
 * written waits.
 */
import * as NodeStream from "@effect/platform-node/NodeStream"
import { type Draft, type LargeContent, SourceError } from "@sealog/core/backup/Source"
import { INLINE_CONTENT_BYTES } from "@sealog/core/format/Limits"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { type FileHandle, open, realpath, stat } from "node:fs/promises"
import { isAbsolute, relative } from "node:path"
import type { AttachmentPolicy } from "../AttachmentPolicy.ts"
import type { StoreFile } from "./RowReader.ts"

export interface Wanted {
  readonly conversation: string
  readonly key: string
  /** The index of the event that added the message, where it is known. */
  readonly origin?: number
  readonly file: StoreFile
  /** Why it was not had, as it was told; empty: nothing was told yet. */
  readonly told: string
}

export interface FileRules {
  /** Folders that the store's files lie in: what a database names elsewhere is never read. */
  readonly folders: ReadonlyArray<string>
  readonly policy: AttachmentPolicy
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Nothing where there is nothing new to tell. */
export const draftOf = Effect.fn("AttachmentFile.draftOf")(function*(
  wanted: Wanted,
  rules: FileRules
): Effect.fn.Return<Draft | undefined> {
  const { file: { attachment, path }, conversation, key, origin, told } = wanted
  const about = { conversation, key, attachment, ...(origin === undefined ? {} : { origin }) }
  const missing = (reason: string): Draft | undefined =>
    reason === told ? undefined : { fact: { kind: "attachment.missing", ...about, reason } }
  if (path === undefined) return missing(NOT_HERE)
  const taken = yield* Effect.promise(() => take(path, rules).catch(reasonOf))
  if (typeof taken === "string") return missing(taken)
  if (taken === undefined) return undefined
  const fact = { kind: "attachment.content" as const, ...about }
  return taken.bytes === undefined
    ? { fact: { ...fact, content: { _tag: "inline", bytes: NOTHING } }, large: largeOf(path, taken) }
    : { fact: { ...fact, content: { _tag: "inline", bytes: taken.bytes } }, sha256: taken.sha256 }
})

interface Taken {
  readonly sha256: Uint8Array
  readonly size: number
  readonly bytes: Uint8Array | undefined
}

/** What is in a file, the reason why it is not taken, or `undefined` where it is not finished. */
const take = async (path: string, { folders, now, policy }: FileRules): Promise<Taken | string | undefined> => {
  // To look at a file brings nothing back from a cloud; to open one may take for ever.
  const before = await stat(path)
  if (!before.isFile()) return NO_FILE
  if (!(await isWithin(path, folders))) return OUTSIDE
  if (before.size >= policy) return leftOut(policy)
  if (before.size > 0 && before.blocks === 0) return IN_CLOUD
  const age = now - before.mtimeMs
  if (age < SETTLED_MILLIS && age > -SETTLED_MILLIS) return undefined
  const file = await open(path)
  try {
    const taken = before.size < INLINE_CONTENT_BYTES ? await takeShort(file, before.size) : await takeLong(file)
    const after = await file.stat()
    return after.mtimeMs === before.mtimeMs && after.size === taken.size ? taken : undefined
  } finally {
    await file.close()
  }
}

const takeShort = async (file: FileHandle, size: number): Promise<Taken> => {
  // One byte more than there should be shows a file that has grown.
  const room = Buffer.allocUnsafeSlow(size + 1)
  const { bytesRead } = await file.read(room, 0, room.length, 0)
  const bytes = room.subarray(0, bytesRead)
  return { bytes, size: bytesRead, sha256: createHash("sha256").update(bytes).digest() }
}

const takeLong = async (file: FileHandle): Promise<Taken> => {
  const hash = createHash("sha256")
  const piece = Buffer.allocUnsafeSlow(PIECE_BYTES)
  let size = 0
  for (;;) {
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, size)
    if (bytesRead === 0) return { bytes: undefined, size, sha256: hash.digest() }
    hash.update(piece.subarray(0, bytesRead))
    size += bytesRead
  }
}

const largeOf = (path: string, { sha256, size }: Taken): LargeContent => ({
  sha256,
  size,
  bytes: NodeStream.fromReadable<SourceError, Uint8Array>(
    () => createReadStream(path, { highWaterMark: PIECE_BYTES }),
    (cause) => new SourceError({ reason: "Changed", method: "attachment", subject: path, cause })
  )
})

/** Wherever symbolic links lead, of the file and of the folders. */
const isWithin = async (path: string, folders: ReadonlyArray<string>): Promise<boolean> => {
  const real = await realpath(path)
  for (const folder of folders) {
    const below = relative(await realpath(folder).catch(() => folder), real)
    if (below !== "" && !below.startsWith("..") && !isAbsolute(below)) return true
  }
  return false
}

/** Why a file is not taken that could be: another choice of the owner's gives another reason. */
export const leftOut = (policy: AttachmentPolicy): string =>
  policy === 0 ? LEFT_OUT : `${LEFT_OUT}: ${policy} bytes or more`

/** Whether that was why, whatever the choice was. */
export const isLeftOut = (reason: string): boolean => reason.startsWith(LEFT_OUT)

const LEFT_OUT = "left out by the owner's choice"

const reasonOf = (cause: unknown): string => {
  const { code } = cause as NodeJS.ErrnoException
  if (code === "ENOENT" || code === "ENOTDIR") return NOT_HERE
  if (code === "EACCES" || code === "EPERM") return DENIED
  return `could not be read (${code ?? "unknown"})`
}

const NOT_HERE = "not on this machine"
const IN_CLOUD = "in the cloud only"
const NO_FILE = "not a file"
const OUTSIDE = "not in the store's own folders"
const DENIED = "may not be read"
const NOTHING = new Uint8Array()
const PIECE_BYTES = 1024 * 1024
/** A file that changed so short a while ago may not be finished. */
const SETTLED_MILLIS = 2_000
