/**
 * The size that a stub of iCloud Drive gives of the file it stands for: the integer under `NSURLFileSizeKey` in a binary
 * property list. No more of that format is read than this takes.
 */
import { Buffer } from "node:buffer"

const MAGIC = "bplist00"
const TRAILER_BYTES = 32
const SIZE_KEY = "NSURLFileSizeKey"

/** Absent where the bytes are not such a list, or say no size. */
export const stubSize = (bytes: Uint8Array): number | undefined => {
  const list = Buffer.from(bytes)
  if (list.length < MAGIC.length + TRAILER_BYTES || list.toString("latin1", 0, MAGIC.length) !== MAGIC) return undefined
  try {
    return sizeIn(list)
  } catch (error) {
    // An offset that leads out of the list.
    if (error instanceof RangeError) return undefined
    throw error
  }
}

const sizeIn = (list: Buffer): number | undefined => {
  const trailer = list.length - TRAILER_BYTES
  const offsetBytes = list.readUInt8(trailer + 6)
  const referenceBytes = list.readUInt8(trailer + 7)
  const top = Number(list.readBigUInt64BE(trailer + 16))
  const table = Number(list.readBigUInt64BE(trailer + 24))
  const offsetOf = (object: number) => list.readUIntBE(table + object * offsetBytes, offsetBytes)
  const dictionary = offsetOf(top)
  const marker = list.readUInt8(dictionary)
  const entries = marker & 0x0f
  if (marker >> 4 !== 0xd || entries === 0x0f) return undefined
  const reference = (at: number) => list.readUIntBE(dictionary + 1 + at * referenceBytes, referenceBytes)
  for (let entry = 0; entry < entries; entry++) {
    if (text(list, offsetOf(reference(entry))) !== SIZE_KEY) continue
    return integer(list, offsetOf(reference(entries + entry)))
  }
  return undefined
}

/** A string of ASCII; longer than fourteen letters, its length stands behind the marker as an integer. */
const text = (list: Buffer, at: number): string | undefined => {
  const marker = list.readUInt8(at)
  if (marker >> 4 !== 0x5) return undefined
  const isLong = (marker & 0x0f) === 0x0f
  const length = isLong ? integer(list, at + 1) ?? 0 : marker & 0x0f
  const start = isLong ? at + 2 + (1 << (list.readUInt8(at + 1) & 0x0f)) : at + 1
  return list.toString("latin1", start, start + length)
}

const integer = (list: Buffer, at: number): number | undefined => {
  const marker = list.readUInt8(at)
  const bytes = 1 << (marker & 0x0f)
  if (marker >> 4 !== 0x1 || bytes > 8) return undefined
  const value = bytes === 8 ? Number(list.readBigUInt64BE(at + 1)) : list.readUIntBE(at + 1, bytes)
  return Number.isSafeInteger(value) ? value : undefined
}
