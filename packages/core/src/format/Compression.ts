/**
 * The codecs a run's frame can have: brotli at a low quality, with a window no larger than the input, and none for
 * what does not shrink. Large inputs go through Node's thread pool; small ones are done at once, since a turn in the
 * pool costs more than they do.
 */
import { Effect } from "effect"
import { brotliCompress, brotliCompressSync, brotliDecompress, brotliDecompressSync, constants } from "node:zlib"
import type { BrotliOptions } from "node:zlib"
import type { ByteReader } from "./Binary.ts"
import { FormatError } from "./FormatError.ts"
import { RUN_BYTES, SYNC_COMPRESS_BYTES, SYNC_DECOMPRESS_BYTES } from "./Limits.ts"

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

/** Exactly `rawLength` bytes, and never more than that in memory, whatever the frame says. */
export const decompress = (
  options: Compressed & { readonly rawLength: number }
): Effect.Effect<Uint8Array, FormatError> =>
  Effect.suspend(() => {
    const { codec, frame, rawLength } = options
    if (rawLength > RUN_BYTES) return new FormatError({ reason: "Limit", what, detail: `${rawLength} bytes` })
    if (codec === "none") {
      return frame.length === rawLength
        ? Effect.succeed(frame)
        : wrongLength(frame.length, rawLength)
    }
    if (rawLength <= SYNC_DECOMPRESS_BYTES) {
      return Effect.try({
        try: () => brotliDecompressSync(frame, decompressOptions(rawLength)),
        catch: unreadable
      }).pipe(Effect.flatMap((result) => whole(result, frame.length, rawLength)))
    }
    return Effect.async<unknown, FormatError>((resume) => {
      brotliDecompress(
        frame,
        decompressOptions(rawLength),
        (error, result: unknown) => resume(error === null ? Effect.succeed(result) : Effect.fail(unreadable(error)))
      )
    }).pipe(Effect.flatMap((result) => whole(result, frame.length, rawLength)))
  })

/** The codec as a byte. */
export const codecId = (codec: Codec): number => codec === "none" ? 0 : 1

export const readCodec = (reader: ByteReader): Codec => {
  const id = reader.u8()
  if (id === 0) return "none"
  if (id === 1) return "brotli"
  return reader.fail("Unknown", `codec ${id}`)
}

const what = "compressed frame"

const compressOptions = (length: number): BrotliOptions => ({
  chunkSize: Math.max(MIN_CHUNK_BYTES, length),
  params: {
    [constants.BROTLI_PARAM_QUALITY]: 3,
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
  chunkSize: Math.max(MIN_CHUNK_BYTES, rawLength),
  maxOutputLength: Math.max(1, rawLength),
  info: true
})

/** What zlib takes at least. */
const MIN_CHUNK_BYTES = 64

const smaller = (bytes: Uint8Array, frame: Uint8Array): Compressed =>
  frame.length < bytes.length ? { codec: "brotli", frame: plain(frame) } : { codec: "none", frame: bytes }

/** With `info` zlib answers more than its types say. */
const whole = (result: unknown, frameLength: number, rawLength: number): Effect.Effect<Uint8Array, FormatError> => {
  const { buffer, engine } = result as {
    readonly buffer: Uint8Array
    readonly engine: { readonly bytesWritten: number }
  }
  if (engine.bytesWritten !== frameLength) {
    return new FormatError({ reason: "Malformed", what, detail: "bytes follow its end" })
  }
  return buffer.length === rawLength ? Effect.succeed(plain(buffer)) : wrongLength(buffer.length, rawLength)
}

const wrongLength = (length: number, rawLength: number) =>
  new FormatError({ reason: "Malformed", what, detail: `${length} bytes where ${rawLength} should be` })

const unreadable = (cause: unknown) => new FormatError({ reason: "Malformed", what, cause })

const plain = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
