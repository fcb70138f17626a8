/**
 * All the ways in which an object of a vault can be other than it was written, each by its number, so that all of them
 * can be tried or some picked: every bit, every length, some bytes more, and each chunk of the cipher gone, twice there
 * or in another's place.
 */
import { HEAD_BYTES, SEALED_CHUNK_BYTES } from "@sealog/core/format/SealedStream"
import { ranges } from "./Sampling.ts"

export interface Mutant {
  readonly bytes: Uint8Array
  readonly kind: "bit" | "length" | "longer" | "chunks"
  /** The bit, the length, the bytes more, or which of the ways with chunks. */
  readonly number: number
}

export interface Mutations {
  readonly count: number
  /** To be done with before the next one is asked for: they share their bytes. */
  readonly mutant: (number: number) => Mutant
}

/** What an object is made longer by at most, bytes. */
const LONGER_BYTES = 64

const KINDS = ["bit", "length", "longer", "chunks"] as const

export const mutationsOf = (original: Uint8Array, noise: Uint8Array): Mutations => {
  const { length } = original
  const chunkWays = length > HEAD_BYTES ? waysWithChunks(original) : []
  const kinds = ranges([length * 8, length, LONGER_BYTES, chunkWays.length])
  const scratch = new Uint8Array(length + LONGER_BYTES)
  scratch.set(original)
  scratch.set(noise.subarray(0, LONGER_BYTES), length)
  let flipped: number | undefined
  const flip = (bit: number): void => {
    scratch[bit >> 3]! ^= 1 << (bit & 7)
  }
  return {
    count: kinds.total,
    mutant: (number) => {
      if (flipped !== undefined) flip(flipped)
      flipped = undefined
      const [kind, at] = kinds.at(number)
      const mutant = (bytes: Uint8Array): Mutant => ({ bytes, kind: KINDS[kind]!, number: at })
      switch (KINDS[kind]) {
        case "bit":
          flip(flipped = at)
          return mutant(scratch.subarray(0, length))
        case "length":
          return mutant(scratch.subarray(0, at))
        case "longer":
          return mutant(scratch.subarray(0, length + at + 1))
        default:
          return mutant(chunkWays[at]!())
      }
    }
  }
}

/** The object with a chunk left out, with one twice, and with two in each other's place. */
const waysWithChunks = (original: Uint8Array): ReadonlyArray<() => Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = HEAD_BYTES; at < original.length; at += SEALED_CHUNK_BYTES) {
    chunks.push(original.subarray(at, at + SEALED_CHUNK_BYTES))
  }
  const withChunks = (kept: ReadonlyArray<Uint8Array>) => () =>
    Buffer.concat([original.subarray(0, HEAD_BYTES), ...kept])
  const ways: Array<() => Uint8Array> = []
  for (const [at, chunk] of chunks.entries()) {
    ways.push(withChunks(chunks.toSpliced(at, 1)), withChunks(chunks.toSpliced(at, 0, chunk)))
    for (let other = at + 1; other < chunks.length; other++) {
      ways.push(withChunks(chunks.with(at, chunks[other]!).with(other, chunk)))
    }
  }
  return ways
}

/** The chunk that a bit of an object lies in, where it lies in one. */
export const chunkOf = (bit: number): number | undefined => {
  const offset = (bit >> 3) - HEAD_BYTES
  return offset < 0 ? undefined : Math.floor(offset / SEALED_CHUNK_BYTES)
}
