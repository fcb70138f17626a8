/** Objects for storages under test: names, and bytes that are known by their size and seed. */
import { Buffer } from "node:buffer"

/** From 0 on. */
export const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

/** A name for each number, of the letters that names have. */
export const nameOf = (n: number) =>
  `log/${
    [...n.toString(32).padStart(4, "0")].map((digit) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(digit, 32)]).join(
      ""
    )
  }`

/** Bytes that differ for each seed and do not repeat (xorshift, Marsaglia 2003). */
export const sample = (size: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  let state = (seed + 1) * 0x9e3779b1 | 0
  for (let at = 0; at < size; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}

export const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
