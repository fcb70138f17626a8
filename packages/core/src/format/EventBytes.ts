/**
 * Reading and writing the bytes of events, by the hundred thousand: one scratch buffer for every event written, short
 * ASCII text without a call into native code, repeated names read once. The forms are those of `Binary`, with two
 * more: signed 64-bit integers and text of one byte a character.
 */
import { Buffer, isUtf8 } from "node:buffer"
import { FormatError, type FormatReason } from "./FormatError.ts"
import { EVENT_BYTES } from "./Limits.ts"

/** Writes into one buffer of the longest event's size, again and again. */
export class EventWriter {
  /** Also written past its end: such stores vanish, and `finish` sees that there were some. */
  private readonly buffer = Buffer.allocUnsafeSlow(EVENT_BYTES)
  private readonly view = new DataView(this.buffer.buffer)
  private what = "event"
  private at = 0

  start(what: string): void {
    this.what = what
    this.at = 0
  }

  u8(value: number): void {
    this.buffer[this.at++] = value
  }

  /** A whole number from 0 to 2^53 - 1, shortest form. */
  varint(value: number): void {
    const { buffer } = this
    let at = this.at
    let low = value
    if (value > 0x7fffffff) {
      // Four groups of seven bits at once: a time has six, and one division is dearer than all the rest.
      const high = Math.floor(value / FOUR_GROUPS)
      low = value - high * FOUR_GROUPS
      buffer[at++] = (low & 0x7f) | 0x80
      buffer[at++] = ((low >>> 7) & 0x7f) | 0x80
      buffer[at++] = ((low >>> 14) & 0x7f) | 0x80
      buffer[at++] = (low >>> 21) | 0x80
      low = high
    }
    while (low > 0x7f) {
      buffer[at++] = (low & 0x7f) | 0x80
      low >>>= 7
    }
    buffer[at++] = low
    this.at = at
  }

  /** A number that counts something: refuses what is none. */
  size(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) this.fail("Malformed", `${value} where a size or an index must be`)
    this.varint(value)
  }

  /** A signed 64-bit integer: zigzag, then a varint; the same bytes whether it comes as a number or a bigint. */
  int(value: number | bigint): void {
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value)) this.fail("Malformed", `${value} where an integer must be`)
      if (value >= -ZIGZAG_EXACT && value < ZIGZAG_EXACT) {
        this.varint(value < 0 ? -value * 2 - 1 : value * 2)
        return
      }
    }
    this.bigint(BigInt(value))
  }

  float64(value: number): void {
    if (this.at + 8 <= EVENT_BYTES) {
      if (Number.isNaN(value)) this.view.setBigUint64(this.at, NAN_BITS)
      else this.view.setFloat64(this.at, value)
    }
    this.at += 8
  }

  raw(bytes: Uint8Array): void {
    if (this.at + bytes.length <= EVENT_BYTES) this.buffer.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Length, then bytes. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.raw(bytes)
  }

  /** Bytes of which there are always so many: no length before them. */
  fixed(bytes: Uint8Array, length: number): void {
    if (bytes.length !== length) this.fail("Malformed", `${bytes.length} bytes where ${length} must be`)
    this.raw(bytes)
  }

  /** Length in bytes, then UTF-8. */
  text(value: string): void {
    const length = value.length
    if (length > SHORT_CHARS) {
      this.longText(value)
      return
    }
    const { buffer } = this
    let at = this.at
    buffer[at++] = length
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0x7f) {
        this.longText(value)
        return
      }
      buffer[at++] = code
    }
    this.at = at
  }

  /** Length, then one byte for each character. */
  byteName(value: string): void {
    this.varint(value.length)
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index)
      if (code > 0xff) this.fail("Malformed", "a file name with characters that are no bytes")
      this.buffer[this.at++] = code
    }
  }

  /** What was written: a view, overwritten by the next event. */
  finish(): Uint8Array {
    this.check()
    // A plain view: a Buffer's own costs twice as much, and there is one for each event.
    return new Uint8Array(this.buffer.buffer, this.buffer.byteOffset, this.at)
  }

  /** A copy of what was written. */
  copy(): Uint8Array {
    this.check()
    const copy = Buffer.allocUnsafe(this.at)
    this.buffer.copy(copy, 0, 0, this.at)
    return copy
  }

  fail(reason: FormatReason, detail: string): never {
    throw new FormatError({ reason, what: this.what, detail })
  }

  private check(): void {
    if (this.at > EVENT_BYTES) this.fail("Limit", `${this.at} bytes where at most ${EVENT_BYTES} may be`)
  }

  private longText(value: string): void {
    const size = Buffer.byteLength(value)
    if (size > value.length && LONE_SURROGATE.test(value)) this.fail("Malformed", "text with half a character")
    this.varint(size)
    if (this.at + size <= EVENT_BYTES) this.buffer.write(value, this.at, size, "utf8")
    this.at += size
  }

  private bigint(value: bigint): void {
    if (value < INT64_MIN || value > INT64_MAX) this.fail("Limit", "an integer over 64 bits")
    let rest = value < 0n ? (-value << 1n) - 1n : value << 1n
    while (rest > 0x7fn) {
      this.buffer[this.at++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.buffer[this.at++] = Number(rest)
  }
}

/** Reads strictly and in order, and refuses what `EventWriter` would not have written. */
export class EventReader {
  private readonly bytesIn: Buffer
  private readonly what: string
  private at = 0

  constructor(bytes: Uint8Array, what: string) {
    this.bytesIn = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.what = what
    if (bytes.length > EVENT_BYTES) {
      this.fail("Limit", `${bytes.length} bytes where at most ${EVENT_BYTES} may be`)
    }
  }

  u8(): number {
    if (this.at >= this.bytesIn.length) this.fail("Truncated", `at byte ${this.at}`)
    return this.bytesIn[this.at++]!
  }

  varint(): number {
    const first = this.u8()
    if (first < 0x80) return first
    let value = first & 0x7f
    let scale = 128
    for (let read = 1; read < 8; read++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0) this.fail("Malformed", "a number longer than it needs to be")
        if (value > Number.MAX_SAFE_INTEGER) this.fail("Limit", "a number over 2^53")
        return value
      }
      scale *= 128
    }
    return this.fail("Limit", "a number over 2^53")
  }

  /** How many follow; each takes a byte at least, so there cannot be more than bytes are left. */
  count(limit: number): number {
    const value = this.varint()
    if (value > limit) this.fail("Limit", `${value} where at most ${limit} may be`)
    if (value > this.bytesIn.length - this.at) this.fail("Truncated", `at byte ${this.at}`)
    return value
  }

  int(): number | bigint {
    const from = this.at
    let value = 0
    let scale = 1
    for (let read = 0; read < EXACT_GROUPS; read++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && read > 0) this.fail("Malformed", "a number longer than it needs to be")
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2
      }
      scale *= 128
    }
    this.at = from
    return this.bigint()
  }

  /** An integer that a number holds exactly. */
  safeInt(): number {
    const value = this.int()
    return typeof value === "number" ? value : this.fail("Limit", "a number over 2^53")
  }

  /** A view of the next bytes, not a copy. */
  fixed(length: number): Uint8Array {
    const from = this.take(length)
    return new Uint8Array(this.bytesIn.buffer, this.bytesIn.byteOffset + from, length)
  }

  bytes(): Uint8Array {
    return this.fixed(this.varint())
  }

  text(): string {
    const length = this.varint()
    const from = this.take(length)
    return this.decodeText(from, length)
  }

  /** Text that comes again and again: who, where, which. The same text is the same string, kept once. */
  name(): string {
    const length = this.varint()
    const from = this.take(length)
    if (length === 0) return ""
    if (length > SHORT_CHARS) return this.decodeText(from, length)
    const { bytesIn } = this
    const slot =
      (length * 31 + bytesIn[from]! * 7 + bytesIn[from + length - 1]! * 131 + bytesIn[from + (length >> 1)]! * 17)
      & (NAMES - 1)
    const known = names[slot]!
    if (known.length === length && this.isAscii(from, known)) return known
    const value = this.decodeText(from, length)
    names[slot] = value
    return value
  }

  byteName(): string {
    const length = this.varint()
    const from = this.take(length)
    return this.bytesIn.toString("latin1", from, from + length)
  }

  end(): void {
    const rest = this.bytesIn.length - this.at
    if (rest > 0) this.fail("Malformed", `${rest} bytes too many`)
  }

  fail(reason: FormatReason, detail: string): never {
    throw new FormatError({ reason, what: this.what, detail })
  }

  private decodeText(from: number, length: number): string {
    const { bytesIn } = this
    const end = from + length
    if (length <= SHORT_CHARS) {
      let all = 0
      for (let index = from; index < end; index++) all |= bytesIn[index]!
      if (all < 0x80) return bytesIn.toString("latin1", from, end)
    }
    if (!isUtf8(bytesIn.subarray(from, end))) this.fail("Malformed", "text that is not UTF-8")
    return bytesIn.toString("utf8", from, end)
  }

  /** Whether the bytes are this text, character for byte. */
  private isAscii(from: number, value: string): boolean {
    for (let index = 0; index < value.length; index++) {
      const byte = this.bytesIn[from + index]!
      if (byte > 0x7f || byte !== value.charCodeAt(index)) return false
    }
    return true
  }

  /** Of more than seven groups: the low ones are exact as a number, and so are the high ones. */
  private bigint(): number | bigint {
    let low = 0
    for (let read = 0, scale = 1; read < EXACT_GROUPS; read++, scale *= 128) low += (this.u8() & 0x7f) * scale
    let high = 0
    for (let read = EXACT_GROUPS, scale = 1; read < 10; read++, scale *= 128) {
      const byte = this.u8()
      high += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0) this.fail("Malformed", "a number longer than it needs to be")
        const value = (BigInt(high) << EXACT_BITS) | BigInt(low)
        if (value > UINT64_MAX) this.fail("Limit", "an integer over 64 bits")
        const result = (value & 1n) === 0n ? value >> 1n : -((value + 1n) >> 1n)
        const number = Number(result)
        return Number.isSafeInteger(number) ? number : result
      }
    }
    return this.fail("Limit", "an integer over 64 bits")
  }

  private take(length: number): number {
    const from = this.at
    if (length > this.bytesIn.length - from) this.fail("Truncated", `at byte ${from}`)
    this.at = from + length
    return from
  }
}

/** Order of two texts by their UTF-8 bytes, as `Array.sort` wants it. */
export const compareUtf8 = (left: string, right: string): number => {
  const shared = Math.min(left.length, right.length)
  for (let index = 0; index < shared; index++) {
    const a = left.charCodeAt(index)
    const b = right.charCodeAt(index)
    // Surrogates stand for characters above U+FFFF, so they come after U+E000 to U+FFFF.
    if (a !== b) return (isSurrogate(a) ? a + 0x10000 : a) - (isSurrogate(b) ? b + 0x10000 : b)
  }
  return left.length - right.length
}

const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff

/** Below this a loop beats a native call, characters; less than 128, so that the length is one byte. */
const SHORT_CHARS = 64
/** Repeated names kept by a reader, a power of two. */
const NAMES = 1024
const names: Array<string> = Array.from({ length: NAMES }, () => "")

const FOUR_GROUPS = 2 ** 28
/** Groups of seven bits that a number holds exactly. */
const EXACT_GROUPS = 7
const EXACT_BITS = 49n
const ZIGZAG_EXACT = 2 ** 52
/** The one NaN that is written. */
const NAN_BITS = 0x7ff8000000000000n
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
const UINT64_MAX = 2n ** 64n - 1n
const LONE_SURROGATE = /\p{Surrogate}/u
