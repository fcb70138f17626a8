/**
 * The log indices of a run: ascending, and where many conversations are read in the order of time, scattered. The
 * distances are written as Rice codes (R. F. Rice, JPL 79-22, 1979) whose parameter follows from what stands before
 * them, so that a list has one form only and costs a few bits an event, in a run of consecutive events none.
 *
 *   first varint, count varint, and for more than one: slack varint = last - first - (count - 1)
 *   with slack, for each but the first and the last: its distance from the one before, less 1, as a Rice code of
 *   parameter k, the largest with (count - 1) * 2^k <= slack, or 0; bits fill bytes from the top, zeros fill the last
 */
import type { ByteReader, ByteWriter } from "./Binary.ts"
import { BLOCK_EVENTS, LOG_EVENTS } from "./Limits.ts"

export interface IndexSpan {
  readonly first: number
  readonly last: number
  /** Indices from first to last, both included, that are meant. */
  readonly count: number
}

/** At least one, ascending. */
export const spanOf = (indices: ReadonlyArray<number>): IndexSpan => ({
  first: indices[0]!,
  last: indices[indices.length - 1]!,
  count: indices.length
})

export const writeSpan = (writer: ByteWriter, { count, first, last }: IndexSpan): void => {
  writer.varint(first).varint(count)
  if (count > 1) writer.varint(last - first - (count - 1))
}

export const readSpan = (reader: ByteReader): IndexSpan => {
  const first = reader.count(LOG_EVENTS - 1)
  const count = reader.count(BLOCK_EVENTS)
  if (count === 0) reader.fail("Malformed", "no events")
  const last = first + (count > 1 ? count - 1 + reader.count(LOG_EVENTS) : 0)
  if (last >= LOG_EVENTS) reader.fail("Limit", `index ${last}`)
  return { first, last, count }
}

export const writeIndices = (writer: ByteWriter, indices: ReadonlyArray<number>): void => {
  const span = spanOf(indices)
  writeSpan(writer, span)
  const k = parameter(span)
  if (k === undefined) return
  const scale = 2 ** k
  const bits = new BitWriter(writer)
  for (let at = 1; at < indices.length - 1; at++) {
    const distance = indices[at]! - indices[at - 1]! - 1
    const quotient = Math.floor(distance / scale)
    bits.unary(quotient)
    bits.low(distance - quotient * scale, k)
  }
  bits.finish()
}

export const readIndices = (reader: ByteReader): ReadonlyArray<number> => {
  const span = readSpan(reader)
  const indices = [span.first]
  const k = parameter(span)
  let index = span.first
  if (k === undefined) {
    // Consecutive, or no more than the two that are known.
    while (indices.length < span.count - 1) indices.push(++index)
    if (span.count > 1) indices.push(span.last)
    return indices
  }
  const scale = 2 ** k
  const bits = new BitReader(reader)
  for (let at = 1; at < span.count - 1; at++) {
    let distance = 0
    // The last index bounds the sum, so a run of ones cannot go on for long.
    while (bits.bit() === 1) {
      distance += scale
      if (index + distance >= span.last) reader.fail("Malformed", "an index past the last")
    }
    index += distance + bits.low(k) + 1
    if (index >= span.last) reader.fail("Malformed", "an index past the last")
    indices.push(index)
  }
  bits.finish()
  indices.push(span.last)
  return indices
}

/** The Rice parameter; none where first, last and count say it all. */
const parameter = ({ count, first, last }: IndexSpan): number | undefined => {
  const slack = last - first - (count - 1)
  if (slack === 0 || count <= 2) return undefined
  let k = 0
  while ((count - 1) * 2 ** (k + 1) <= slack) k++
  return k
}

/** Bits a `BitWriter` takes at once: with seven that wait they fit an integer of 32. */
const STEP_BITS = 24

class BitWriter {
  private readonly writer: ByteWriter
  private waiting = 0
  private filled = 0

  constructor(writer: ByteWriter) {
    this.writer = writer
  }

  /** So many ones, and a zero. */
  unary(ones: number): void {
    let rest = ones
    for (; rest >= STEP_BITS; rest -= STEP_BITS) this.put(2 ** STEP_BITS - 1, STEP_BITS)
    this.put(2 ** (rest + 1) - 2, rest + 1)
  }

  /** The low bits of a number, up to 48, more than an integer shift can do. */
  low(value: number, count: number): void {
    if (count <= STEP_BITS) return this.put(value, count)
    const high = Math.floor(value / 2 ** STEP_BITS)
    this.put(high, count - STEP_BITS)
    this.put(value - high * 2 ** STEP_BITS, STEP_BITS)
  }

  finish(): void {
    if (this.filled > 0) this.put(0, 8 - this.filled)
  }

  private put(value: number, count: number): void {
    this.waiting = (this.waiting << count) | value
    this.filled += count
    while (this.filled >= 8) {
      this.filled -= 8
      this.writer.u8((this.waiting >>> this.filled) & 0xff)
    }
  }
}

class BitReader {
  private readonly reader: ByteReader
  private byte = 0
  private left = 0

  constructor(reader: ByteReader) {
    this.reader = reader
  }

  bit(): number {
    if (this.left === 0) {
      this.byte = this.reader.u8()
      this.left = 8
    }
    return (this.byte >>> --this.left) & 1
  }

  low(count: number): number {
    let value = 0
    for (let at = 0; at < count; at++) value = value * 2 + this.bit()
    return value
  }

  finish(): void {
    if ((this.byte & ((1 << this.left) - 1)) !== 0) this.reader.fail("Malformed", "padding that is not zero")
  }
}
