/**
 * One ciphertext that XChaCha20-Poly1305 accepts under two keys, with the same first byte of plaintext under both, so
 * that it would be a slot under both: two blocks are free, and the two tags are two linear equations in them. For more
 * keys than two there is `testing/Forgery`.
 */
import { xchacha20 } from "@noble/ciphers/chacha.js"
import {
  BLOCK,
  type Forgery,
  macBlocks,
  mod,
  oneTimeKey,
  P,
  power,
  rightSide,
  toLittle
} from "@sealog/core/testing/Forgery"

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
    const sealed = solve({ aad, ciphertext, streams, random })
    if (sealed !== undefined) return { nonce, sealed }
  }
}

/** Sets blocks 1 and 2 of the ciphertext so that one tag fits under both one-time keys. */
const solve = (options: {
  readonly aad: Uint8Array
  readonly ciphertext: Uint8Array
  readonly streams: ReadonlyArray<Uint8Array>
  readonly random: (count: number) => Uint8Array
}): Uint8Array | undefined => {
  const { aad, ciphertext, random, streams } = options
  ciphertext.fill(0, 16, 48)
  const blocks = macBlocks(aad, ciphertext)
  const free = Math.ceil(aad.length / 16) + 1
  const halves = streams.map(oneTimeKey)
  for (let attempt = 0; attempt < 64; attempt++) {
    const tag = random(16)
    const [a, b] = halves.map((half) => ({
      x: power(half.r, BigInt(blocks.length - free)),
      y: power(half.r, BigInt(blocks.length - free - 1)),
      right: rightSide(half, blocks, tag, (index) => index === free || index === free + 1)
    })) as [Equation, Equation]
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
