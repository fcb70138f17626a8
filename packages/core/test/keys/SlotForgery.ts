/**
 * One ciphertext that XChaCha20-Poly1305 accepts under two keys (Len, Grubbs, Ristenpart, "Partitioning Oracle
 * Attacks", USENIX Security 2021): two blocks are free, and the two tags are two linear equations in them.
 */
import { xchacha20 } from "@noble/ciphers/chacha.js"
import { bytesOf, hexOf } from "../Corpora.ts"

const P = 2n ** 130n - 5n
const BLOCK = 2n ** 128n

export interface Forgery {
  readonly nonce: Uint8Array
  /** Ciphertext and tag. */
  readonly sealed: Uint8Array
}

/** `length` bytes that open under both keys, the first of the plaintext being `firstByte` under both. */
export const forge = (options: {
  readonly keys: readonly [Uint8Array, Uint8Array]
  readonly aad: Uint8Array
  readonly length: number
  readonly firstByte: number
  readonly random: (count: number) => Uint8Array
}): Forgery => {
  const { aad, firstByte, keys, length, random } = options
  for (;;) {
    const nonce = random(24)
    const streams = keys.map((key) => xchacha20(key, nonce, new Uint8Array(65)))
    // The first byte of plaintext is the same only if the key streams are: one nonce in 256.
    if (streams[0]![64] !== streams[1]![64]) continue
    const ciphertext = random(length)
    ciphertext[0] = firstByte ^ streams[0]![64]!
    const sealed = solve({ aad, ciphertext, oneTimeKeys: streams.map((stream) => stream.subarray(0, 32)), random })
    if (sealed !== undefined) return { nonce, sealed }
  }
}

/** Sets blocks 1 and 2 of the ciphertext so that one tag fits under both one-time keys. */
const solve = (options: {
  readonly aad: Uint8Array
  readonly ciphertext: Uint8Array
  readonly oneTimeKeys: ReadonlyArray<Uint8Array>
  readonly random: (count: number) => Uint8Array
}): Uint8Array | undefined => {
  const { aad, ciphertext, oneTimeKeys, random } = options
  ciphertext.fill(0, 16, 48)
  const blocks = macBlocks(aad, ciphertext)
  const free = Math.ceil(aad.length / 16) + 1
  const halves = oneTimeKeys.map((key) => ({ r: clamp(key.subarray(0, 16)), s: little(key.subarray(16)) }))
  for (let attempt = 0; attempt < 64; attempt++) {
    const tag = random(16)
    const [a, b] = halves.map(({ r, s }) => {
      const wanted = (little(tag) - s + BLOCK) % BLOCK
      const rest = blocks.reduce((sum, block, index) => {
        const known = index === free || index === free + 1 ? 0n : block
        return ((sum + known) * r) % P
      }, 0n)
      return {
        x: power(r, BigInt(blocks.length - free)),
        y: power(r, BigInt(blocks.length - free - 1)),
        right: mod(wanted - rest)
      }
    }) as [Equation, Equation]
    const determinant = power(mod(a.x * b.y - b.x * a.y), P - 2n)
    const x = mod((a.right * b.y - b.right * a.y) * determinant)
    const y = mod((a.x * b.right - b.x * a.right) * determinant)
    // A block is 16 bytes and the bit above them.
    if ([x, y].some((value) => value < BLOCK || value >= 2n * BLOCK)) continue
    const sealed = new Uint8Array(ciphertext.length + 16)
    sealed.set(ciphertext)
    sealed.set(toLittle(x - BLOCK), 16)
    sealed.set(toLittle(y - BLOCK), 32)
    sealed.set(tag, ciphertext.length)
    return sealed
  }
  return undefined
}

interface Equation {
  readonly x: bigint
  readonly y: bigint
  readonly right: bigint
}

/** What Poly1305 sees of an AEAD (RFC 8439, section 2.8), each block with the bit above it. */
const macBlocks = (aad: Uint8Array, ciphertext: Uint8Array): ReadonlyArray<bigint> => {
  const padded = (length: number) => Math.ceil(length / 16) * 16
  const bytes = new Uint8Array(padded(aad.length) + padded(ciphertext.length) + 16)
  bytes.set(aad)
  bytes.set(ciphertext, padded(aad.length))
  const view = new DataView(bytes.buffer)
  view.setBigUint64(bytes.length - 16, BigInt(aad.length), true)
  view.setBigUint64(bytes.length - 8, BigInt(ciphertext.length), true)
  return Array.from(
    { length: bytes.length / 16 },
    (_, index) => little(bytes.subarray(index * 16, index * 16 + 16)) + BLOCK
  )
}

const little = (bytes: Uint8Array): bigint => BigInt(`0x${hexOf(bytes.toReversed())}`)
const toLittle = (value: bigint): Uint8Array => bytesOf(value.toString(16).padStart(32, "0")).toReversed()
const clamp = (bytes: Uint8Array): bigint => little(bytes) & 0x0ffffffc0ffffffc0ffffffc0fffffffn
const mod = (value: bigint): bigint => ((value % P) + P) % P
const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n
  let square = mod(base)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}
