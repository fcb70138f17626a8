/**
 * A table of LevelDB (`.ldb`) read without LevelDB: every block held against its checksum, and every record that lies
 * in a whole block given out. LevelDB itself checks none of them, gives wrong bytes back for a flipped bit, and ends
 * the process where a page is zeroed; so its files are looked at before it is, and what it cannot open is read here.
 *
 * A table: data blocks, the block of filters, the block that names it, the index of the data blocks, the footer. A
 * block: records, restart points, their number; then a byte for how it is compressed (not at all, here) and a checksum.
 */
import { Buffer } from "node:buffer"
import { maskedCrc32c } from "./Crc32c.ts"
import type { Key } from "./LevelKeys.ts"

/** One record of a file: of the same key the greater sequence is the newer. */
export interface FileRecord {
  readonly key: Key
  readonly sequence: number
  /** Where its value lies in the file; a deletion has none. */
  readonly value: FileValue | undefined
}

/** A part of the file, or bytes where the file holds them in pieces. */
export type FileValue = { readonly offset: number; readonly length: number } | Uint8Array

/** A part of a file that is not what was written, between these two keys where they are known. */
export interface FileFault {
  readonly what: string
  readonly after?: Key
  readonly before?: Key
}

export interface FileContents {
  readonly records: ReadonlyArray<FileRecord>
  readonly faults: ReadonlyArray<FileFault>
}

interface Handle {
  readonly offset: number
  readonly size: number
}

export const readTable = (bytes: Uint8Array): FileContents => {
  const records: Array<FileRecord> = []
  const faults: Array<FileFault> = []
  const handles = readHandles(bytes, faults)
  for (const { block, before } of handles === undefined ? blocksInTurn(bytes) : handles) {
    const found = blockAt(bytes, block)
    if (found === undefined) {
      const after = records.at(-1)?.key
      faults.push({
        what: `the block at byte ${block.offset}`,
        ...(after === undefined ? {} : { after }),
        ...(before === undefined ? {} : { before })
      })
      continue
    }
    for (const { key, offset, length } of found) records.push(recordOf(key, { offset, length }))
  }
  return { records, faults }
}

/** The faults alone, which costs little more than the checksums where there are none. */
export const faultsOfTable = (bytes: Uint8Array): ReadonlyArray<FileFault> => {
  const faults: Array<FileFault> = []
  const handles = readHandles(bytes, faults)
  const whole = faults.length === 0 && handles?.every(({ block }) => isWhole(bytes, block)) === true
  return whole ? [] : readTable(bytes).faults
}

/** The data blocks that the index names; nothing where that is not whole. What is beside it is checked too. */
const readHandles = (bytes: Uint8Array, faults: Array<FileFault>) => {
  const footer = footerOf(bytes)
  const index = footer === undefined ? undefined : blockAt(bytes, footer.index)
  if (footer === undefined || index === undefined) {
    faults.push({ what: footer === undefined ? "its footer" : "its index" })
    return undefined
  }
  const names = blockAt(bytes, footer.names)
  if (names === undefined) faults.push({ what: "the names of its filters" })
  for (const { offset } of names ?? []) {
    const filter = new Varints(bytes, offset).handle()
    if (filter === undefined || !isWhole(bytes, filter)) faults.push({ what: "its filters" })
  }
  return index.flatMap(({ key, offset }) => {
    const block = new Varints(bytes, offset).handle()
    return block === undefined ? [] : [{ block, before: userKey(key) }]
  })
}

/** Without an index: the blocks one after another, for as long as each ends where its checksum says. */
function* blocksInTurn(bytes: Uint8Array): Generator<{ readonly block: Handle; readonly before?: Key }> {
  let offset = 0
  while (offset < bytes.length) {
    const size = sizeOfBlock(bytes, offset)
    if (size === undefined) return
    yield { block: { offset, size } }
    offset += size + TRAILER_BYTES
  }
}

/** A block's size by its own records: behind the last of them stand one restart point for every sixteen. */
const sizeOfBlock = (bytes: Uint8Array, offset: number): number | undefined => {
  const reader = new Varints(bytes, offset)
  for (let count = 1; reader.at < bytes.length; count++) {
    const [, unshared, length] = [reader.next(), reader.next(), reader.next()]
    if (unshared === undefined || length === undefined) return undefined
    reader.at += unshared + length
    const restarts = Math.ceil(count / RESTART_INTERVAL)
    const end = reader.at + restarts * 4
    if (end + 4 > bytes.length) return undefined
    if (view(bytes).readUInt32LE(end) !== restarts) continue
    if (isWhole(bytes, { offset, size: end + 4 - offset })) return end + 4 - offset
  }
  return undefined
}

/** The records of a block, with their values' places in the file; nothing where it is not whole. */
const blockAt = (bytes: Uint8Array, handle: Handle) => {
  if (!isWhole(bytes, handle)) return undefined
  const end = handle.offset + handle.size
  const restarts = view(bytes).readUInt32LE(end - 4)
  const limit = end - 4 - restarts * 4
  const reader = new Varints(bytes, handle.offset)
  const found: Array<{ readonly key: Key; readonly offset: number; readonly length: number }> = []
  let previous: Key = new Uint8Array(0)
  while (reader.at < limit) {
    const [shared, unshared, length] = [reader.next(), reader.next(), reader.next()]
    if (shared === undefined || unshared === undefined || length === undefined) return undefined
    const rest = bytes.subarray(reader.at, reader.at + unshared)
    const key = Buffer.concat([previous.subarray(0, shared), rest])
    found.push({ key, offset: reader.at + unshared, length })
    reader.at += unshared + length
    previous = key
  }
  return found
}

const isWhole = (bytes: Uint8Array, { offset, size }: Handle): boolean => {
  const end = offset + size
  if (size < 4 || end + TRAILER_BYTES > bytes.length || bytes[end] !== UNCOMPRESSED) return false
  return view(bytes).readUInt32LE(end + 1) === maskedCrc32c(bytes, offset, end + 1)
}

const footerOf = (bytes: Uint8Array): { readonly names: Handle; readonly index: Handle } | undefined => {
  const start = bytes.length - FOOTER_BYTES
  if (start < 0 || !MAGIC.equals(bytes.subarray(bytes.length - MAGIC.length))) return undefined
  const reader = new Varints(bytes, start)
  const [names, index] = [reader.handle(), reader.handle()]
  return names === undefined || index === undefined ? undefined : { names, index }
}

/** LevelDB's key is ours, then seven bytes of sequence and one that says whether there is a value. */
const recordOf = (key: Key, value: FileValue): FileRecord => {
  const at = key.length - KEY_TAIL_BYTES
  const [low, high] = [view(key).readUInt32LE(at), view(key).readUInt32LE(at + 4)]
  return {
    key: userKey(key),
    sequence: (low >>> 8) + high * 2 ** 24,
    value: (low & 0xff) === IS_VALUE ? value : undefined
  }
}

const userKey = (key: Key): Key => key.subarray(0, Math.max(0, key.length - KEY_TAIL_BYTES))

/** Numbers of LevelDB's files: seven bits a byte, the lowest first. */
export class Varints {
  at: number
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes
    this.at = at
  }

  next(): number | undefined {
    let value = 0
    for (let scale = 1; scale < 2 ** 49; scale *= 128) {
      const byte = this.bytes[this.at++]
      if (byte === undefined) return undefined
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    return undefined
  }

  /** Goes on behind a text and its length. */
  skipText(): void {
    const length = this.next() ?? 0
    this.at += length
  }

  handle(): Handle | undefined {
    const [offset, size] = [this.next(), this.next()]
    return offset === undefined || size === undefined ? undefined : { offset, size }
  }
}

const view = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/** How it is compressed, and the checksum. */
const TRAILER_BYTES = 5
const UNCOMPRESSED = 0
const RESTART_INTERVAL = 16
const FOOTER_BYTES = 48
const MAGIC = Buffer.from("57fb808b247547db", "hex")
const KEY_TAIL_BYTES = 8
const IS_VALUE = 1
