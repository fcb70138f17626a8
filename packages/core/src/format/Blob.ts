/**
 * The plaintext of a blob, one part of a content too long for an event: its bytes, and zeros behind them up to where
 * the sealed object has a Padmé size. What it belongs to stands in the event alone.
 */
import type { Either } from "effect"
import { ByteWriter, parse } from "./Binary.ts"
import { FormatError } from "./FormatError.ts"
import { BLOB_PART_BYTES } from "./Limits.ts"
import { paddedLength } from "./Padme.ts"

/** `u32 length, bytes, zeros`. Throws a `FormatError` for more bytes than one part may have. */
export const encodeBlob = (bytes: Uint8Array): Uint8Array => {
  if (bytes.length > BLOB_PART_BYTES) {
    throw new FormatError({ reason: "Limit", what: "blob", detail: `${bytes.length} bytes` })
  }
  const length = 4 + bytes.length
  const padded = paddedLength(length)
  return new ByteWriter(padded).u32(bytes.length).raw(bytes).zeros(padded - length).finish()
}

/** The bytes, as a view. */
export const decodeBlob = (plaintext: Uint8Array): Either.Either<Uint8Array, FormatError> =>
  parse(plaintext, "blob", (reader) => {
    const length = reader.u32()
    if (length > BLOB_PART_BYTES) reader.fail("Limit", `${length} bytes`)
    const bytes = reader.raw(length)
    reader.zeros(reader.remaining)
    return bytes
  })

/** A content as parts of `Limits.BLOB_PART_BYTES` and a shorter last one; views. None of nothing. */
export const splitParts = (content: Uint8Array): ReadonlyArray<Uint8Array> =>
  Array.from(
    { length: Math.ceil(content.length / BLOB_PART_BYTES) },
    (_, at) => content.subarray(at * BLOB_PART_BYTES, (at + 1) * BLOB_PART_BYTES)
  )
