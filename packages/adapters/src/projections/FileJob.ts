/**
 * Many small new files in one piece of shared memory, and what the working thread does with it: writes them, in order,
 * up to what it cannot write. For each file: the lengths of its path and its bytes, u32, its time, f64, path and bytes.
 */
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import type { Parcel } from "../threads/Thread.ts"

/** A whole new file; its folder is there. */
export interface NewFile {
  readonly path: Buffer
  readonly bytes: Uint8Array
  /** Since 1970. */
  readonly mtimeSeconds: number
}

export interface FilesRequest {
  readonly memory: SharedArrayBuffer
  /** So much of it is files, bytes. */
  readonly used: number
}

export interface FilesAnswer {
  readonly failure?: { readonly code: string | undefined; readonly message: string; readonly path: string }
}

export const filesJob = ({ memory, used }: FilesRequest): Parcel<FilesAnswer> => {
  const view = new DataView(memory)
  for (let at = 0; at < used;) {
    const [pathLength, length] = [view.getUint32(at), view.getUint32(at + 4)]
    const path = Buffer.from(memory, at + HEAD_BYTES, pathLength)
    const bytes = new Uint8Array(memory, at + HEAD_BYTES + pathLength, length)
    try {
      writeNewFile({ path, bytes, mtimeSeconds: view.getFloat64(at + 8) })
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      return { message: { failure: { code, message, path: path.toString() } }, transfer: [] }
    }
    at += HEAD_BYTES + pathLength + length
  }
  return { message: {}, transfer: [] }
}

/** Puts in as many files as there is room for, and says where the rest begins. */
export const packFiles = (memory: SharedArrayBuffer, files: ReadonlyArray<NewFile>, from: number) => {
  const all = new Uint8Array(memory)
  const view = new DataView(memory)
  let [next, used] = [from, 0]
  for (; next < files.length && used + sizeOf(files[next]!) <= all.length; next++) {
    const { bytes, mtimeSeconds, path } = files[next]!
    view.setUint32(used, path.length)
    view.setUint32(used + 4, bytes.length)
    view.setFloat64(used + 8, mtimeSeconds)
    all.set(path, used + HEAD_BYTES)
    all.set(bytes, used + HEAD_BYTES + path.length)
    used += sizeOf(files[next]!)
  }
  return { next, used }
}

/** Of a file that is packed, bytes. */
export const sizeOf = ({ bytes, path }: NewFile): number => HEAD_BYTES + path.length + bytes.length

/** Writes a file that is not there yet, with its time. */
export const writeNewFile = ({ bytes, mtimeSeconds, path }: NewFile): void => {
  const file = fs.openSync(path, "wx", 0o600)
  try {
    writeAll(file, bytes)
    fs.futimesSync(file, mtimeSeconds, mtimeSeconds)
  } finally {
    fs.closeSync(file)
  }
}

export const writeAll = (file: number, bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(file, bytes, at)
}

const HEAD_BYTES = 16
