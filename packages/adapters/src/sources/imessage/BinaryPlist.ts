/**
 * Apple's binary property list, as plain data. Anything malformed throws; values may be shared in it, so what it comes
 * to is bounded by a count of its own, whatever it refers to how often.
 */
import type { Value } from "@sealog/core/message/Event"
import { Buffer } from "node:buffer"

class PlistError extends Error {
  override readonly name = "PlistError"
}

const MAGIC = "bplist00"
const TRAILER_BYTES = 32
/** Values in all, shared ones counted as often as they are met. */
const VALUES = 65_536
const DEPTH = 24
/** 2001-01-01 in seconds since 1970. */
const EPOCH_SECONDS = 978_307_200

export const readBinaryPlist = (bytes: Uint8Array): Value => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (buffer.length < MAGIC.length + TRAILER_BYTES || buffer.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw new PlistError("no binary property list")
  }
  const trailer = buffer.subarray(buffer.length - TRAILER_BYTES)
  const [offsetBytes, refBytes] = [trailer[6]!, trailer[7]!]
  const [count, top, table] = [8, 16, 24].map((at) => unsigned(trailer, at, 8)) as [number, number, number]
  const reader: Reader = {
    buffer,
    refBytes,
    left: VALUES,
    offsetOf: (number) => {
      if (number >= count) throw new PlistError("a value that is not there")
      return unsigned(buffer, table + number * offsetBytes, offsetBytes)
    }
  }
  return read(reader, top, 0)
}

interface Reader {
  readonly buffer: Buffer
  readonly refBytes: number
  readonly offsetOf: (number: number) => number
  left: number
}

const read = (reader: Reader, number: number, depth: number): Value => {
  if (--reader.left < 0 || depth > DEPTH) throw new PlistError("too much of it")
  const { buffer } = reader
  const at = reader.offsetOf(number)
  const marker = part(buffer, at, 1)[0]!
  const low = marker & 0x0f
  switch (marker >> 4) {
    case 0x0:
      return low === 8 ? false : low === 9 ? true : null
    case 0x1:
      return integer(part(buffer, at + 1, 2 ** low))
    case 0x2:
      return low === 2 ? part(buffer, at + 1, 4).readFloatBE(0) : part(buffer, at + 1, 8).readDoubleBE(0)
    case 0x3:
      return part(buffer, at + 1, 8).readDoubleBE(0) + EPOCH_SECONDS
    case 0x8:
      return unsigned(buffer, at + 1, low + 1)
    default:
      return readLong(reader, at, marker, depth)
  }
}

/** What has a length: in the marker itself or, where that is 15, in an integer behind it. */
const readLong = (reader: Reader, at: number, marker: number, depth: number): Value => {
  const { buffer } = reader
  let length = marker & 0x0f
  let from = at + 1
  if (length === 0x0f) {
    const size = 2 ** (part(buffer, from, 1)[0]! & 0x0f)
    length = unsigned(buffer, from + 1, size)
    from += 1 + size
  }
  switch (marker >> 4) {
    case 0x4:
      return new Uint8Array(part(buffer, from, length))
    case 0x5:
      return part(buffer, from, length).toString("latin1")
    case 0x6:
      return new TextDecoder("utf-16be").decode(part(buffer, from, 2 * length))
    case 0xa:
    case 0xc:
      return references(reader, from, length).map((one) => read(reader, one, depth + 1))
    case 0xd:
      return readMap(reader, from, length, depth)
    default:
      throw new PlistError(`a value of type ${marker >> 4}`)
  }
}

const readMap = (reader: Reader, from: number, length: number, depth: number): Value => {
  const all = references(reader, from, 2 * length)
  const map: Record<string, Value> = Object.create(null)
  for (let n = 0; n < length; n++) {
    const name = read(reader, all[n]!, depth + 1)
    if (typeof name !== "string") throw new PlistError("a name that is no text")
    map[name] = read(reader, all[length + n]!, depth + 1)
  }
  return map
}

const references = ({ buffer, refBytes }: Reader, from: number, length: number): ReadonlyArray<number> => {
  part(buffer, from, length * refBytes)
  return Array.from({ length }, (_, n) => unsigned(buffer, from + n * refBytes, refBytes))
}

const part = (buffer: Buffer, from: number, length: number): Buffer => {
  if (!(from >= 0 && length >= 0 && from + length <= buffer.length)) throw new PlistError("it ends too early")
  return buffer.subarray(from, from + length)
}

const unsigned = (buffer: Buffer, from: number, length: number): number => {
  let value = 0
  for (const byte of part(buffer, from, length)) value = value * 256 + byte
  return value
}

/** Of eight bytes and more it has a sign. */
const integer = (bytes: Buffer): Value => {
  if (bytes.length < 8) return unsigned(bytes, 0, bytes.length)
  const value = bytes.length === 8 ? bytes.readBigInt64BE(0) : BigInt.asIntN(64, BigInt(`0x${bytes.toString("hex")}`))
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
