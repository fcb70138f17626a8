/**
 * The few binary forms that everything in a vault is made of: fixed integers, big-endian; varints, LEB128 in the
 * shortest form only; byte strings with their length before them. The reader refuses whatever a writer would not
 * have written, by throwing a `FormatError`; whoever calls it turns that into a typed failure once per block.
 */
import { Either } from "effect"
import { Buffer } from "node:buffer"
import { FormatError } from "./FormatError.ts"

/** A buffer that grows. Not reusable after `finish`. */
export class ByteWriter {
  private buffer: Buffer
  private used = 0

  constructor(initialBytes = 256) {
    this.buffer = Buffer.allocUnsafe(initialBytes)
  }

  get length(): number {
    return this.used
  }

  u8(value: number): this {
    this.reserve(1)
    this.buffer[this.used++] = value
    return this
  }

  u16(value: number): this {
    this.reserve(2)
    this.used = this.buffer.writeUInt16BE(value, this.used)
    return this
  }

  u32(value: number): this {
    this.reserve(4)
    this.used = this.buffer.writeUInt32BE(value, this.used)
    return this
  }

  /** A log index: 48 bits. */
  u48(value: number): this {
    this.reserve(6)
    this.used = this.buffer.writeUIntBE(value, this.used, 6)
    return this
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): this {
    this.reserve(8)
    let rest = value
    while (rest > 0x7fffffff) {
      this.buffer[this.used++] = (rest % 128) | 0x80
      rest = Math.floor(rest / 128)
    }
    while (rest > 0x7f) {
      this.buffer[this.used++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.buffer[this.used++] = rest
    return this
  }

  raw(bytes: Uint8Array): this {
    this.reserve(bytes.length)
    this.buffer.set(bytes, this.used)
    this.used += bytes.length
    return this
  }

  /** Length, then bytes. */
  bytes(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes)
  }

  /** Length in bytes, then UTF-8. */
  text(value: string): this {
    const length = Buffer.byteLength(value)
    this.varint(length)
    this.reserve(length)
    this.used += this.buffer.write(value, this.used, "utf8")
    return this
  }

  zeros(count: number): this {
    this.reserve(count)
    this.buffer.fill(0, this.used, this.used + count)
    this.used += count
    return this
  }

  /** Milliseconds: 64 bits, two's complement. */
  millis(value: number): this {
    this.reserve(8)
    this.used = this.buffer.writeBigInt64BE(BigInt(value), this.used)
    return this
  }

  /** What was written; the writer gives up its buffer. */
  finish(): Uint8Array {
    return new Uint8Array(this.buffer.buffer, this.buffer.byteOffset, this.used)
  }

  private reserve(count: number): void {
    const needed = this.used + count
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.used)
    this.buffer = larger
  }
}

/** Reads strictly and in order; `what` names the structure in errors. */
export class ByteReader {
  private readonly buffer: Buffer
  private readonly what: string
  private at = 0
  /** Where what may be read ends. */
  private until: number

  constructor(bytes: Uint8Array, what: string) {
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.what = what
    this.until = bytes.length
  }

  get offset(): number {
    return this.at
  }

  get remaining(): number {
    return this.until - this.at
  }

  /** Reads the next `length` bytes as a whole of their own: not one more, and all of them. */
  part<A>(length: number, read: (reader: ByteReader) => A): A {
    const outer = this.until
    if (length > outer - this.at) this.fail("Truncated", `at byte ${this.at}`)
    this.until = this.at + length
    const value = read(this)
    this.end()
    this.until = outer
    return value
  }

  u8(): number {
    return this.buffer[this.take(1)]!
  }

  u16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  u32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  u48(): number {
    return this.buffer.readUIntBE(this.take(6), 6)
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let read = 0; read < 8; read++) {
      const byte = this.buffer[this.take(1)]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && read > 0) this.fail("Malformed", "a number longer than it needs to be")
        if (value > Number.MAX_SAFE_INTEGER) this.fail("Limit", "a number over 2^53")
        return value
      }
      scale *= 128
    }
    return this.fail("Limit", "a number over 2^53")
  }

  /** A count, at most `limit`. */
  count(limit: number): number {
    const value = this.varint()
    if (value > limit) this.fail("Limit", `${value} where at most ${limit} may be`)
    return value
  }

  /** A view of the next bytes, not a copy. */
  raw(length: number): Uint8Array {
    const from = this.take(length)
    return new Uint8Array(this.buffer.buffer, this.buffer.byteOffset + from, length)
  }

  skip(length: number): void {
    this.take(length)
  }

  millis(): number {
    const value = Number(this.buffer.readBigInt64BE(this.take(8)))
    if (!Number.isSafeInteger(value)) this.fail("Limit", "a time over 2^53 milliseconds")
    return value
  }

  bytes(limit: number): Uint8Array {
    return this.raw(this.count(limit))
  }

  text(limitBytes: number): string {
    const length = this.count(limitBytes)
    const from = this.take(length)
    const value = this.buffer.toString("utf8", from, from + length)
    // Node replaces what is not UTF-8; only then can the text be longer or other than it was.
    if (value.includes("\ufffd") && !Buffer.from(value).equals(this.buffer.subarray(from, from + length))) {
      this.fail("Malformed", "text that is not UTF-8")
    }
    return value
  }

  zeros(count: number): void {
    const from = this.take(count)
    for (let index = from; index < from + count; index++) {
      if (this.buffer[index] !== 0) this.fail("Malformed", "padding that is not zero")
    }
  }

  end(): void {
    if (this.remaining > 0) this.fail("Malformed", `${this.remaining} bytes too many`)
  }

  fail(reason: FormatError["reason"], detail: string): never {
    throw new FormatError({ reason, what: this.what, detail })
  }

  private take(length: number): number {
    const from = this.at
    if (length > this.until - from) this.fail("Truncated", `at byte ${from}`)
    this.at = from + length
    return from
  }
}

/** Reads the whole of some bytes; what the reader refuses comes back as a value. */
export const parse = <A>(
  bytes: Uint8Array,
  what: string,
  read: (reader: ByteReader) => A
): Either.Either<A, FormatError> =>
  attempt(() => {
    const reader = new ByteReader(bytes, what)
    const value = read(reader)
    reader.end()
    return value
  })

/** Turns a thrown `FormatError` into a value; anything else goes on. */
export const attempt = <A>(f: () => A): Either.Either<A, FormatError> => {
  try {
    return Either.right(f())
  } catch (error) {
    if (error instanceof FormatError) return Either.left(error)
    throw error
  }
}
