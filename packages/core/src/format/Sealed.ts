/**
 * The cipher of the journal and of slots: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03) with a random nonce for each
 * record. Its subkey comes from noble's HChaCha20 and the rest from the native ChaCha20-Poly1305: the same bytes as the
 * reference below, and faster at every length.
 */
import { hchacha, xchacha20poly1305 } from "@noble/ciphers/chacha.js"
import { Redacted } from "effect"
import type { Buffer } from "node:buffer"
import { createCipheriv, createDecipheriv } from "node:crypto"

export const NONCE_BYTES = 24
export const TAG_BYTES = 16
/** What sealing adds. */
export const OVERHEAD_BYTES = NONCE_BYTES + TAG_BYTES

export interface SealOptions {
  /** 32 bytes. */
  readonly key: Redacted.Redacted<Uint8Array>
  /** 24 random bytes, never used before under this key. */
  readonly nonce: Uint8Array
  readonly plaintext: Uint8Array
  readonly aad: Uint8Array
  /** Bytes left free before it, for whoever puts something there: none where nothing is said. */
  readonly before?: number
}

export interface OpenOptions {
  readonly key: Redacted.Redacted<Uint8Array>
  readonly sealed: Uint8Array
  readonly aad: Uint8Array
}

/** `nonce ‖ ciphertext ‖ tag`. */
export const seal = (options: SealOptions): Uint8Array => {
  const { aad, before = 0, key, nonce, plaintext } = options
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`a nonce has ${NONCE_BYTES} bytes`)
  const cipher = createCipheriv("chacha20-poly1305", subkey(Redacted.value(key), nonce), innerNonce(nonce), TAG)
  cipher.setAAD(aad, LENGTH_UNKNOWN)
  const sealed = new Uint8Array(before + plaintext.length + OVERHEAD_BYTES)
  sealed.set(nonce, before)
  sealed.set(cipher.update(plaintext), before + NONCE_BYTES)
  cipher.final()
  sealed.set(cipher.getAuthTag(), before + NONCE_BYTES + plaintext.length)
  return sealed
}

/** The plaintext; `undefined` if a single bit of it, of the nonce, the associated data or the key is another. */
export const open = (options: OpenOptions): Uint8Array | undefined => {
  const { aad, key, sealed } = options
  if (sealed.length < OVERHEAD_BYTES) return undefined
  const nonce = sealed.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv("chacha20-poly1305", subkey(Redacted.value(key), nonce), innerNonce(nonce), TAG)
  decipher.setAAD(aad, LENGTH_UNKNOWN)
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  const plaintext = decipher.update(sealed.subarray(NONCE_BYTES, sealed.length - TAG_BYTES))
  return authentic(decipher) ? plain(plaintext) : undefined
}

/** The same through `@noble/ciphers` alone: what tests hold the fast path against. */
export const sealReference = (options: SealOptions): Uint8Array => {
  const { aad, key, nonce, plaintext } = options
  const sealed = new Uint8Array(plaintext.length + OVERHEAD_BYTES)
  sealed.set(nonce)
  sealed.set(xchacha20poly1305(Redacted.value(key), nonce, aad).encrypt(plaintext), NONCE_BYTES)
  return sealed
}

/** As `open`; noble too tells a wrong tag by throwing. */
export const openReference = (options: OpenOptions): Uint8Array | undefined => {
  const { aad, key, sealed } = options
  if (sealed.length < OVERHEAD_BYTES) return undefined
  try {
    return xchacha20poly1305(Redacted.value(key), sealed.subarray(0, NONCE_BYTES), aad).decrypt(
      sealed.subarray(NONCE_BYTES)
    )
  } catch {
    return undefined
  }
}

/** Whether the tag matches. Node tells it by throwing, and `final` of a cipher with a tag set fails for nothing else. */
export const authentic = (decipher: { readonly final: () => Uint8Array }): boolean => {
  try {
    decipher.final()
    return true
  } catch {
    return false
  }
}

const TAG = { authTagLength: TAG_BYTES } as const
/** Node wants the length only for CCM. */
const LENGTH_UNKNOWN = { plaintextLength: 0 } as const

/** In the machine's own byte order, as noble takes its words. Copied: a Buffer's own `slice` would be a view. */
const words = (bytes: Uint8Array): Uint32Array => new Uint32Array(Uint8Array.from(bytes).buffer)

const SIGMA = words(new TextEncoder().encode("expand 32-byte k"))

/** HChaCha20 of key and the first 16 bytes of the nonce. */
const subkey = (key: Uint8Array, nonce: Uint8Array): Uint8Array => {
  const out = new Uint32Array(8)
  hchacha(SIGMA, words(key), words(nonce.subarray(0, 16)), out)
  return new Uint8Array(out.buffer)
}

/** Four zeros, then the last 8 bytes of the nonce. */
const innerNonce = (nonce: Uint8Array): Uint8Array => {
  const inner = new Uint8Array(12)
  inner.set(nonce.subarray(16), 4)
  return inner
}

/** The same bytes as what the rest of the program deals in. */
export const plain = (bytes: Buffer): Uint8Array => new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
