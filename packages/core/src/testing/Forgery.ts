/**
 * One ciphertext that XChaCha20-Poly1305 accepts under many keys (Len, Grubbs, Ristenpart, "Partitioning Oracle
 * Attacks", USENIX Security 2021): what an attacker puts in the place of a key slot whose cipher alone would decide.
 * Each key is one linear equation in the blocks of the ciphertext, over the integers modulo 2^130 - 5; as many blocks
 * as there are keys solve them, and two more are varied until each of those is a block that there can be.
 */
import { xchacha20 } from "@noble/ciphers/chacha.js"
import { Buffer } from "node:buffer"

export interface Forgery {
  readonly nonce: Uint8Array
  /** Ciphertext and tag. */
  readonly sealed: Uint8Array
}

/**
 * `length` bytes that open under every key; the plaintext's first byte is `firstByte` under the first of them. Takes
 * about 4^keys steps, and `keys + 3` blocks of 16 bytes.
 */
export const forgeMany = (options: {
  readonly keys: ReadonlyArray<Uint8Array>
  readonly aad: Uint8Array
  readonly length: number
  readonly firstByte: number
  readonly random: (count: number) => Uint8Array
}): Forgery => {
  const { aad, firstByte, keys, length, random } = options
  const free = Math.ceil(aad.length / 16) + 1
  for (;;) {
    const nonce = random(24)
    const streams = keys.map((key) => xchacha20(key, nonce, new Uint8Array(65)))
    const ciphertext = random(length)
    ciphertext[0] = firstByte ^ streams[0]![64]!
    ciphertext.fill(0, 16, 16 * (keys.length + 3))
    const tag = random(16)
    const halves = streams.map(oneTimeKey)
    const solved = solve({ blocks: macBlocks(aad, ciphertext), free, halves, tag })
    if (solved === undefined) continue
    for (const [at, block] of solved.entries()) ciphertext.set(toLittle(block - BLOCK), 16 + 16 * at)
    return { nonce, sealed: Uint8Array.of(...ciphertext, ...tag) }
  }
}

export const P = 2n ** 130n - 5n
/** A block of Poly1305 is 16 bytes and the bit above them. */
export const BLOCK = 2n ** 128n

export interface OneTimeKey {
  readonly r: bigint
  readonly s: bigint
}

/** The two halves of what Poly1305 is keyed with: the first 32 bytes of the key stream. */
export const oneTimeKey = (stream: Uint8Array): OneTimeKey => ({
  r: little(stream.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn,
  s: little(stream.subarray(16, 32))
})

/** What Poly1305 sees of an AEAD (RFC 8439, section 2.8), each block with the bit above it. */
export const macBlocks = (aad: Uint8Array, ciphertext: Uint8Array): ReadonlyArray<bigint> => {
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

export const little = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes.toReversed()).toString("hex")}`)
export const toLittle = (value: bigint): Uint8Array =>
  new Uint8Array(Buffer.from(value.toString(16).padStart(32, "0"), "hex")).toReversed()
export const mod = (value: bigint): bigint => ((value % P) + P) % P
export const power = (base: bigint, exponent: bigint): bigint => {
  let result = 1n
  let square = mod(base)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % P
    square = (square * square) % P
  }
  return result
}

/** What the accumulator is but for some blocks, and what it has to be: the right side of one key's equation. */
export const rightSide = (
  { r, s }: OneTimeKey,
  blocks: ReadonlyArray<bigint>,
  tag: Uint8Array,
  isFree: (index: number) => boolean
): bigint => {
  const wanted = (little(tag) - s + BLOCK) % BLOCK
  const rest = blocks.reduce((sum, block, index) => ((sum + (isFree(index) ? 0n : block)) * r) % P, 0n)
  return mod(wanted - rest)
}

/** The free blocks: as many as there are keys, and the two that were varied. */
const solve = (options: {
  readonly blocks: ReadonlyArray<bigint>
  readonly free: number
  readonly halves: ReadonlyArray<OneTimeKey>
  readonly tag: Uint8Array
}): ReadonlyArray<bigint> | undefined => {
  const { blocks, free, halves, tag } = options
  const count = halves.length
  const factor = (r: bigint, index: number) => power(r, BigInt(blocks.length - index))
  const isFree = (index: number) => index >= free && index < free + count + 2
  // Columns: what the solution is with both varied blocks at their least, and how it moves with each of them.
  const rows = halves.map((half) => [
    ...Array.from({ length: count }, (_, at) => factor(half.r, free + at)),
    mod(
      rightSide(half, blocks, tag, isFree) - BLOCK * (factor(half.r, free + count) + factor(half.r, free + count + 1))
    ),
    mod(-factor(half.r, free + count)),
    mod(-factor(half.r, free + count + 1))
  ])
  const solved = eliminate(rows)
  if (solved === undefined) return undefined
  const [base, first, second] = [0, 1, 2].map((column) => solved.map((row) => row[column]!))
  const found = vary(base!, first!, second!)
  if (found === undefined) return undefined
  const [a, b] = found.map(BigInt) as [bigint, bigint]
  const pivots = base!.map((value, at) => mod(value + a * first![at]! + b * second![at]!))
  return pivots.every((value) => value >= BLOCK && value < 2n * BLOCK) ? [...pivots, BLOCK + a, BLOCK + b] : undefined
}

/** Gauss and Jordan: what is right of the square, once that is the identity. Changes the rows. */
const eliminate = (rows: Array<Array<bigint>>): ReadonlyArray<ReadonlyArray<bigint>> | undefined => {
  for (let column = 0; column < rows.length; column++) {
    const pivot = rows.findIndex((row, at) => at >= column && row[column] !== 0n)
    if (pivot < 0) return undefined
    ;[rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!]
    const inverse = power(rows[column]![column]!, P - 2n)
    rows[column] = rows[column]!.map((value) => (value * inverse) % P)
    for (let other = 0; other < rows.length; other++) {
      const times = rows[other]![column]!
      if (other === column || times === 0n) continue
      rows[other] = rows[other]!.map((value, at) => mod(value - times * rows[column]![at]!))
    }
  }
  return rows.map((row) => row.slice(rows.length))
}

/**
 * Two numbers for which `base + a·first + b·second` is, in every place, in the quarter of the field where blocks lie.
 * As parts of the field they are doubles; of `b` there is a table by the quarters that its first places fall in, so
 * that for each `a` only those are looked at that can fit.
 */
const vary = (
  base: ReadonlyArray<bigint>,
  first: ReadonlyArray<bigint>,
  second: ReadonlyArray<bigint>
): readonly [number, number] | undefined => {
  const part = (value: bigint) => Number((value << 53n) / P) / 2 ** 53
  const [starts, firsts, seconds] = [base.map((value) => mod(value - BLOCK)), first, second].map((each) =>
    each.map(part)
  )
  const places = base.length
  const tries = 2 ** (places + 1)
  const indexed = Math.min(places, INDEXED_PLACES)
  const table = new Map<number, Array<number>>()
  for (let b = 0; b < tries; b++) {
    let key = 0
    for (let at = 0; at < indexed; at++) key = key * 4 + Math.floor(4 * fraction(b * seconds![at]!))
    const bucket = table.get(key)
    if (bucket === undefined) table.set(key, [b])
    else bucket.push(b)
  }
  const moved = new Float64Array(places)
  const fits = (b: number) => {
    for (let at = 0; at < places; at++) {
      if (fraction(moved[at]! + fraction(b * seconds![at]!)) >= 0.25) return false
    }
    return true
  }
  for (let a = 0; a < tries; a++) {
    let keys = [0]
    for (let at = 0; at < places; at++) {
      moved[at] = fraction(starts![at]! + a * firsts![at]!)
      if (at >= indexed) continue
      const quarter = Math.floor(4 * fraction(1 - moved[at]!))
      keys = keys.flatMap((key) => [key * 4 + quarter, key * 4 + ((quarter + 1) & 3)])
    }
    for (const key of keys) {
      const b = table.get(key)?.find(fits)
      if (b !== undefined) return [a, b]
    }
  }
  return undefined
}

/** Places that the table is by: 4^8 buckets are as many as there are entries for sixteen keys. */
const INDEXED_PLACES = 8

const fraction = (value: number): number => value - Math.floor(value)
