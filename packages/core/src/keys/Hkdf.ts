/** HKDF-SHA256 (RFC 5869), native: how every key is made from another one, under a label of `Labels`. */
import { hkdfSync } from "node:crypto"

/** `info` is the label alone, or `label ‖ 0 ‖ context`: no label has a zero in it, so no two can be confused. */
export const derive = (options: {
  readonly secret: Uint8Array
  readonly salt: Uint8Array
  readonly label: string
  readonly context?: Uint8Array
  /** Bytes wanted. */
  readonly length: number
}): Uint8Array => {
  const { context, label, length, salt, secret } = options
  const info = context === undefined ? ascii(label) : join(ascii(label), ZERO, context)
  return hkdf(secret, salt, info, length)
}

/** As in the RFC: at most 255 × 32 bytes long. */
export const hkdf = (secret: Uint8Array, salt: Uint8Array, info: Uint8Array, length: number): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", secret, salt, info, length))

const ZERO = Uint8Array.of(0)

const ascii = (label: string) => new TextEncoder().encode(label)

const join = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
