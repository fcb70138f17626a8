/**
 * A head that fits on paper: the size of a log and eight words for 88 bits of SHA-256 over whose log it is and its
 * root. Kept with the recovery code, it proves on a fresh machine that a vault is no older than that.
 */
import { wordlist } from "@scure/bip39/wordlists/english.js"
import { createHash } from "node:crypto"
import { ByteWriter } from "../format/Binary.ts"
import type { TreeHead } from "./TreeHead.ts"

/** Words, of 11 bits each. */
const FINGERPRINT_WORDS = 8

export interface Fingerprint {
  /** Events. */
  readonly size: number
  readonly words: ReadonlyArray<string>
}

export const fingerprintOf = (log: {
  readonly vaultId: Uint8Array
  /** The newest. */
  readonly epoch: number
  readonly writer: Uint8Array
  readonly head: TreeHead
}): Fingerprint => {
  const { epoch, head, vaultId, writer } = log
  const bytes = new ByteWriter(128)
    .raw(new TextEncoder().encode("sealog fingerprint"))
    .raw(vaultId)
    .u32(epoch)
    .raw(writer)
    .u48(head.size)
    .raw(head.root)
    .finish()
  const digest = createHash("sha256").update(bytes).digest()
  const words: Array<string> = []
  for (let word = 0; word < FINGERPRINT_WORDS; word++) {
    const bit = word * 11
    const window = digest.readUIntBE(bit >>> 3, 3)
    words.push(wordlist[(window >>> (13 - (bit & 7))) & 2047]!)
  }
  return { size: head.size, words }
}

export const formatFingerprint = ({ size, words }: Fingerprint): string => `${size} ${words.join(" ")}`

/** `SIZE w1 … w8`, in any case and with any white space between; `undefined` where it is not that. */
export const parseFingerprint = (text: string): Fingerprint | undefined => {
  const [size = "", ...words] = text.trim().toLowerCase().split(/\s+/)
  const isWords = words.length === FINGERPRINT_WORDS && words.every((word) => wordlist.includes(word))
  return /^\d{1,15}$/.test(size) && isWords ? { size: Number(size), words } : undefined
}
