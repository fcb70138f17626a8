/**
 * The codecs a run's frame can have: brotli at a low quality, with a window no larger than the input, and none for
 * what does not shrink. Large inputs go through Node's thread pool; small ones are done at once, since a turn in the
 * pool costs more than they do.
 */
import { Effect, Either } from "effect"
import { brotliCompress, brotliCompressSync, brotliDecompress, brotliDecompressSync, constants } from "node:zlib"
import type { BrotliOptions } from "node:zlib"
import { attempt, type ByteReader } from "./Binary.ts"
import { FormatError } from "./FormatError.ts"
import { FAST_COMPRESS_BYTES, RUN_BYTES, SYNC_COMPRESS_BYTES, SYNC_DECOMPRESS_BYTES } from "./Limits.ts"

/** How a frame is compressed. */
export type Codec = "none" | "brotli"

export interface Compressed {
  readonly codec: Codec
  readonly frame: Uint8Array
}

/** The smallest frame there is: `none` where brotli makes it no shorter. */
export const compress = (bytes: Uint8Array): Effect.Effect<Compressed> =>
  bytes.length <= SYNC_COMPRESS_BYTES
    ? Effect.sync(() => compressSync(bytes))
    : Effect.async((resume) => {
      brotliCompress(bytes, compressOptions(bytes.length), (error, frame) =>
        // Fails only for want of memory, which nobody up the stack can mend.
        resume(error === null ? Effect.succeed(smaller(bytes, frame)) : Effect.die(error)))
    })

export const compressSync = (bytes: Uint8Array): Compressed =>
  smaller(bytes, brotliCompressSync(bytes, compressOptions(bytes.length)))

/** A frame and what it must come to. */
export interface Framed extends Compressed {
  readonly rawLength: number
}

/** Exactly `rawLength` bytes, and never more than that in memory, whatever the frame says. */
export const decompress = (framed: Framed): Effect.Effect<Uint8Array, FormatError> =>
  isSmallFrame(framed)
    ? Effect.suspend(() => attempt(() => decompressSync(framed)))
    : Effect.async((resume) => decompressThen(framed, resume))

/** The same in the thread pool, for a frame that is not small. */
export const decompressThen = (framed: Framed, then: (result: Either.Either<Uint8Array, FormatError>) => void): void =>
  brotliDecompress(
    framed.frame,
    decompressOptions(framed.rawLength),
    (error, result: unknown) =>
      then(error === null ? attempt(() => whole(result, framed)) : Either.left(unreadable(error)))
  )

/** Whether a frame costs less to open at once than to hand to the thread pool, or is not to be opened at all. */
export const isSmallFrame = ({ codec, rawLength }: Framed): boolean =>
  codec === "none" || rawLength <= SYNC_DECOMPRESS_BYTES || rawLength > RUN_BYTES

/** The same at once; throws a `FormatError`. */
export const decompressSync = (framed: Framed): Uint8Array => {
  const { codec, frame, rawLength } = framed
  if (rawLength > RUN_BYTES) throw new FormatError({ reason: "Limit", what, detail: `${rawLength} bytes` })
  if (codec === "none") {
    if (frame.length !== rawLength) throw wrongLength(frame.length, rawLength)
    return frame
  }
  let result: unknown
  try {
    result = brotliDecompressSync(frame, decompressOptions(rawLength))
  } catch (cause) {
    throw unreadable(cause)
  }
  return whole(result, framed)
}

/** The codec as a byte. */
export const codecId = (codec: Codec): number => codec === "none" ? 0 : 1

export const readCodec = (reader: ByteReader): Codec => {
  const id = reader.u8()
  if (id === 0) return "none"
  if (id === 1) return "brotli"
  return reader.fail("Unknown", `codec ${id}`)
}

const what = "compressed frame"

const QUALITY = 2
/** Small inputs pay more for the encoder's tables than for their bytes; a merged window is compressed well. */
const SMALL_QUALITY = 1

const compressOptions = (length: number): BrotliOptions => ({
  chunkSize: Math.max(MIN_CHUNK_BYTES, length),
  params: {
    [constants.BROTLI_PARAM_QUALITY]: length <= FAST_COMPRESS_BYTES ? SMALL_QUALITY : QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: windowBits(length),
    [constants.BROTLI_PARAM_SIZE_HINT]: length
  }
})

/** A brotli window holds 2^bits - 16 bytes (RFC 7932, section 9.1). */
const windowBits = (length: number): number =>
  Math.min(
    constants.BROTLI_DEFAULT_WINDOW,
    Math.max(constants.BROTLI_MIN_WINDOW_BITS, Math.ceil(Math.log2(length + 16)))
  )

/** `info` tells how much of the frame was read, so that bytes behind its end are not passed over. */
const decompressOptions = (rawLength: number): BrotliOptions & { readonly info: true } => ({
  // One byte more than will come: zlib gets itself another buffer as soon as one is full.
  chunkSize: Math.max(MIN_CHUNK_BYTES, rawLength + 1),
  maxOutputLength: Math.max(1, rawLength),
  info: true
})

/** What zlib takes at least. */
const MIN_CHUNK_BYTES = 64

const smaller = (bytes: Uint8Array, frame: Uint8Array): Compressed =>
  frame.length < bytes.length ? { codec: "brotli", frame: plain(frame) } : { codec: "none", frame: bytes }

/** With `info` zlib answers more than its types say. */
const whole = (result: unknown, { frame, rawLength }: Framed): Uint8Array => {
  const { buffer, engine } = result as {
    readonly buffer: Uint8Array
    readonly engine: { readonly bytesWritten: number }
  }
  if (engine.bytesWritten !== frame.length) {
    throw new FormatError({ reason: "Malformed", what, detail: "bytes follow its end" })
  }
  if (buffer.length !== rawLength) throw wrongLength(buffer.length, rawLength)
  return plain(buffer)
}

const wrongLength = (length: number, rawLength: number) =>
  new FormatError({ reason: "Malformed", what, detail: `${length} bytes where ${rawLength} should be` })

const unreadable = (cause: unknown) => new FormatError({ reason: "Malformed", what, cause })

const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
