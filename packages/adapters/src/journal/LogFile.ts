/**
 * A log of LevelDB (`.log`, and its MANIFEST) read without LevelDB, which skips over what does not match its checksum
 * and over zeros without a word, and then throws the file away. A log ends, after a crash, in a record that is not
 * whole; behind a damaged one there are others, and by that the two are told apart.
 *
 * Blocks of 32 KiB; in them pieces of records, each `checksum u32 ‖ length u16 ‖ type u8 ‖ bytes`, little-endian. A
 * record of a `.log` is what one write put and deleted.
 */
import { Buffer } from "node:buffer"
import { maskedCrc32c } from "./Crc32c.ts"
import { type FileContents, type FileFault, type FileRecord, Varints } from "./TableFile.ts"

/** Whole records, and where something is wrong that no crash leaves. */
export const readLogRecords = (bytes: Uint8Array) => {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records: Array<Uint8Array> = []
  const faults: Array<FileFault> = []
  let pieces: Array<Uint8Array> | undefined
  let broken: number | undefined
  let at = 0
  while (at + HEADER_BYTES <= file.length) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (left < HEADER_BYTES) {
      at += left
      continue
    }
    const length = file.readUInt16LE(at + 4)
    const type = file[at + 6]!
    const end = at + HEADER_BYTES + length
    const fits = type >= FULL && type <= LAST && HEADER_BYTES + length <= left && end <= file.length
    if (!fits || file.readUInt32LE(at) !== maskedCrc32c(file, at + 6, end)) {
      broken ??= at
      pieces = undefined
      // Its length may be wrong as well: what follows it is believed only if it is whole.
      at = fits && isPiece(file, end) ? end : at + left
      continue
    }
    if (broken !== undefined && (type === FULL || type === FIRST)) {
      faults.push({ what: `bytes ${broken} to ${at - 1}` })
      broken = undefined
    }
    const piece = file.subarray(at + HEADER_BYTES, end)
    if (type === FULL) records.push(piece)
    else if (type === FIRST) pieces = [piece]
    else pieces?.push(piece)
    if (type === LAST && pieces !== undefined) {
      records.push(Buffer.concat(pieces))
      pieces = undefined
    }
    at = end
  }
  return { records, faults }
}

/** What the writes of a `.log` put and deleted. */
export const readLogFile = (bytes: Uint8Array): FileContents => {
  const { faults, records } = readLogRecords(bytes)
  return { records: records.flatMap(batchOf), faults }
}

const isPiece = (file: Buffer, at: number): boolean => {
  const left = BLOCK_BYTES - (at % BLOCK_BYTES)
  if (left < HEADER_BYTES || at + HEADER_BYTES > file.length) return false
  const end = at + HEADER_BYTES + file.readUInt16LE(at + 4)
  return end <= file.length && end - at <= left && file.readUInt32LE(at) === maskedCrc32c(file, at + 6, end)
}

/** `sequence u64 ‖ count u32`, then for each: whether there is a value, the key, the value. */
const batchOf = (bytes: Uint8Array): ReadonlyArray<FileRecord> => {
  if (bytes.length < BATCH_BYTES) return []
  const batch = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const first = batch.readUInt32LE(0) + batch.readUInt32LE(4) * 2 ** 32
  const count = batch.readUInt32LE(8)
  const reader = new Varints(batch, BATCH_BYTES)
  const take = () => {
    const length = reader.next()
    if (length === undefined || reader.at + length > batch.length) return undefined
    const taken = batch.subarray(reader.at, reader.at + length)
    reader.at += length
    return taken
  }
  const records: Array<FileRecord> = []
  for (let n = 0; n < count; n++) {
    const hasValue = reader.next() === 1
    const key = take()
    const value = hasValue ? take() : undefined
    if (key === undefined || (hasValue && value === undefined)) return records
    records.push({ key, sequence: first + n, value })
  }
  return records
}

const BLOCK_BYTES = 32 * 1024
const HEADER_BYTES = 7
const BATCH_BYTES = 12
const FULL = 1
const FIRST = 2
const LAST = 4
