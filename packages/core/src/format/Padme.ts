/**
 * Sizes that tell little: an object's length is rounded up so that only its magnitude and a few leading bits show,
 * which costs at most 12 percent and less the longer it is (K. Nikitin et al., "Reducing Metadata Leakage from
 * Encrypted Files and Communication with PURBs", PETS 2019, algorithm 1).
 */
import { Either } from "effect"
import { FormatError } from "./FormatError.ts"
import { OBJECT_BYTES, OBJECT_MIN_BYTES } from "./Limits.ts"
import { layout, sealedLength } from "./SealedStream.ts"

/** The Padmé size for a length, bytes: never less, and its own Padmé size. */
export const padme = (length: number): number => {
  if (length < 2) return length
  const exponent = bitLength(length) - 1
  const step = 2 ** (exponent - bitLength(exponent))
  return Math.ceil(length / step) * step
}

/** Whether a whole segment or blob can be this long: one that was torn almost never is, bytes. */
export const isObjectLength = (length: number): boolean => length >= OBJECT_MIN_BYTES && padme(length) === length

/**
 * The plaintext of at least `length` bytes that is sealed to a Padmé size of at least `Limits.OBJECT_MIN_BYTES`.
 * Some sizes no object can have, since each chunk adds its tag: then it is the next that one can. Throws a
 * `FormatError` where no reader would open an object so long.
 */
export const paddedLength = (length: number): number => {
  let size = padme(Math.max(OBJECT_MIN_BYTES, sealedLength(length)))
  while (size <= OBJECT_BYTES) {
    const shape = layout(size)
    if (Either.isRight(shape) && shape.right.plaintextLength >= length) return shape.right.plaintextLength
    size = padme(size + 1)
  }
  throw new FormatError({ reason: "Limit", what: "object", detail: `${length} bytes` })
}

/** Bits of a positive integer: floor(log2) + 1, exact where `Math.log2` is not. */
const bitLength = (value: number): number => value.toString(2).length
