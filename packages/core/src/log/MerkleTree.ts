/**
 * The tree over leaf hashes and its proofs: RFC 6962, section 2.1, with SHA-256. What a leaf is, `MerkleLog` decides;
 * here it is a hash of 32 bytes, and sizes are counted in leaves.
 */
import { Buffer } from "node:buffer"
import { hash } from "node:crypto"

export const HASH_BYTES = 32

/** The root of a tree without leaves: SHA-256 of nothing. */
export const emptyRoot: Uint8Array = sha256(new Uint8Array(0))

/** SHA-256(0x01 ‖ left ‖ right). */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(1 + 2 * HASH_BYTES)
  bytes[0] = 1
  bytes.set(left, 1)
  bytes.set(right, 1 + HASH_BYTES)
  return sha256(bytes)
}

/** SHA-256(0x00 ‖ content): `leaf` begins with room for that zero byte, which is set here. */
export const leafHashInPlace = (leaf: Uint8Array): Uint8Array => {
  leaf[0] = 0
  return sha256(leaf)
}

/** MTH of section 2.1. */
export const rootOfLeaves = (leaves: ReadonlyArray<Uint8Array>): Uint8Array =>
  leaves.length === 0 ? emptyRoot : subtree(leaves, 0, leaves.length)

/** PATH(index, leaves) of section 2.1.1: the siblings from the leaf up. */
export const inclusionProof = (index: number, leaves: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  const path = (at: number, from: number, to: number): ReadonlyArray<Uint8Array> => {
    if (to - from <= 1) return []
    const middle = from + split(to - from)
    return at < middle
      ? [...path(at, from, middle), subtree(leaves, middle, to)]
      : [...path(at, middle, to), subtree(leaves, from, middle)]
  }
  if (index < 0 || index >= leaves.length) throw new RangeError(`leaf ${index} of ${leaves.length}`)
  return path(index, 0, leaves.length)
}

/** Whether a leaf stands at an index of the tree with that size and root (RFC 9162, section 2.1.3.2). */
export const verifyInclusion = (options: {
  readonly index: number
  readonly size: number
  readonly leaf: Uint8Array
  readonly root: Uint8Array
  readonly proof: ReadonlyArray<Uint8Array>
}): boolean => {
  const { index, leaf, proof, root, size } = options
  if (index < 0 || index >= size) return false
  let at = index
  let last = size - 1
  let node = leaf
  for (const sibling of proof) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      node = nodeHash(sibling, node)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = Math.floor(last / 2)
      }
    } else {
      node = nodeHash(node, sibling)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && Buffer.compare(node, root) === 0
}

/** PROOF(older, leaves) of section 2.1.2: why the first `older` leaves are the whole tree there once was. */
export const consistencyProof = (older: number, leaves: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  const proof = (size: number, from: number, to: number, known: boolean): ReadonlyArray<Uint8Array> => {
    if (size === to - from) return known ? [] : [subtree(leaves, from, to)]
    const left = split(to - from)
    return size <= left
      ? [...proof(size, from, from + left, known), subtree(leaves, from + left, to)]
      : [...proof(size - left, from + left, to, false), subtree(leaves, from, from + left)]
  }
  if (older < 0 || older > leaves.length) throw new RangeError(`${older} of ${leaves.length} leaves`)
  return older === 0 ? [] : proof(older, 0, leaves.length, true)
}

/** Whether the older tree is a prefix of the newer one (RFC 9162, section 2.1.4.2). */
export const verifyConsistency = (options: {
  readonly older: TreeOfLeaves
  readonly newer: TreeOfLeaves
  readonly proof: ReadonlyArray<Uint8Array>
}): boolean => {
  const { newer, older, proof } = options
  if (older.size < 0 || older.size > newer.size) return false
  if (older.size === newer.size) return proof.length === 0 && Buffer.compare(older.root, newer.root) === 0
  if (older.size === 0) return proof.length === 0 && Buffer.compare(older.root, emptyRoot) === 0
  const path = Number.isInteger(Math.log2(older.size)) ? [older.root, ...proof] : proof
  const [start, ...rest] = path
  if (start === undefined) return false
  let at = older.size - 1
  let last = newer.size - 1
  while (at % 2 === 1) {
    at = (at - 1) / 2
    last = Math.floor(last / 2)
  }
  let before = start
  let after = start
  for (const sibling of rest) {
    if (last === 0) return false
    if (at % 2 === 1 || at === last) {
      before = nodeHash(sibling, before)
      after = nodeHash(sibling, after)
      while (at % 2 === 0 && at !== 0) {
        at /= 2
        last = Math.floor(last / 2)
      }
    } else {
      after = nodeHash(after, sibling)
    }
    at = Math.floor(at / 2)
    last = Math.floor(last / 2)
  }
  return last === 0 && Buffer.compare(before, older.root) === 0 && Buffer.compare(after, newer.root) === 0
}

export interface TreeOfLeaves {
  /** Leaves. */
  readonly size: number
  readonly root: Uint8Array
}

const subtree = (leaves: ReadonlyArray<Uint8Array>, from: number, to: number): Uint8Array => {
  if (to - from === 1) return leaves[from]!
  const middle = from + split(to - from)
  return nodeHash(subtree(leaves, from, middle), subtree(leaves, middle, to))
}

/** The largest power of two smaller than `size`, which is 2 or more. */
const split = (size: number): number => {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

function sha256(bytes: Uint8Array): Uint8Array {
  const digest = hash("sha256", bytes, "buffer")
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.byteLength)
}
