/**
 * Makes the vectors of `docs/vectors/log` from the definition alone: SHA-256 over the bytes that `docs/format.md`
 * names, and the recursions of RFC 6962, section 2.1.
 */
import { createHash } from "node:crypto"

export interface LogVectors {
  readonly comment: string
  /** Hex; some are empty. */
  readonly events: ReadonlyArray<string>
  readonly heads: ReadonlyArray<{
    readonly size: number
    readonly root: string
    /** Of the full leaves, largest first. */
    readonly peaks: ReadonlyArray<string>
    /** Of all leaves, the partial one too. */
    readonly leaves: ReadonlyArray<string>
  }>
}

const LEAF = 64
const SIZES = [0, 1, 2, 63, 64, 65, 127, 128, 129, 192, 300, 448, 500]

const sha256 = (...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Event n: the first n mod 29 bytes of the SHA-256 of n as text. */
const eventsOf = (count: number): ReadonlyArray<Buffer> =>
  Array.from({ length: count }, (_, at) => sha256(Buffer.from(String(at))).subarray(0, at % 29))

const leafOf = (events: ReadonlyArray<Buffer>): Buffer =>
  sha256(
    Buffer.of(0),
    ...events.flatMap((event) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(event.length)
      return [length, event]
    })
  )

const rootOf = (leaves: ReadonlyArray<Buffer>): Buffer => {
  if (leaves.length === 0) return sha256()
  if (leaves.length === 1) return leaves[0]!
  let left = 1
  while (left * 2 < leaves.length) left *= 2
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, left)), rootOf(leaves.slice(left)))
}

const peaksOf = (leaves: ReadonlyArray<Buffer>): ReadonlyArray<Buffer> => {
  if (leaves.length === 0) return []
  let largest = 1
  while (largest * 2 <= leaves.length) largest *= 2
  return [rootOf(leaves.slice(0, largest)), ...peaksOf(leaves.slice(largest))]
}

const hexOf = (bytes: Buffer): string => bytes.toString("hex")

export const makeLogVectors = (): LogVectors => {
  const events = eventsOf(Math.max(...SIZES))
  return {
    comment: "Event n is the first n mod 29 bytes of the SHA-256 of n as text.",
    events: events.map(hexOf),
    heads: SIZES.map((size) => {
      const leaves = Array.from(
        { length: Math.ceil(size / LEAF) },
        (_, at) => leafOf(events.slice(at * LEAF, Math.min(size, (at + 1) * LEAF)))
      )
      return {
        size,
        root: hexOf(rootOf(leaves)),
        peaks: peaksOf(leaves.slice(0, Math.floor(size / LEAF))).map(hexOf),
        leaves: leaves.map(hexOf)
      }
    })
  }
}
