/** Many byte strings in one memory, so that they go from thread to thread without being copied one by one. */
import { Buffer } from "node:buffer"
import type { Parcel } from "./Thread.ts"

export interface Pieces {
  readonly bytes: ArrayBuffer
  /** Of each piece, in order. */
  readonly lengths: Uint32Array
}

/** All of them, copied once. */
export const joined = (pieces: ReadonlyArray<Uint8Array>): Parcel<Pieces> => {
  let size = 0
  for (const piece of pieces) size += piece.length
  const bytes = Buffer.allocUnsafeSlow(size)
  const lengths = new Uint32Array(pieces.length)
  let at = 0
  for (let n = 0; n < pieces.length; n++) {
    bytes.set(pieces[n]!, at)
    lengths[n] = pieces[n]!.length
    at += pieces[n]!.length
  }
  const message = { bytes: bytes.buffer as ArrayBuffer, lengths }
  return { message, transfer: [message.bytes, lengths.buffer as ArrayBuffer] }
}

/** Views of the one memory. */
export const piecesOf = ({ bytes, lengths }: Pieces): ReadonlyArray<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  let at = 0
  for (const length of lengths) {
    pieces.push(new Uint8Array(bytes, at, length))
    at += length
  }
  return pieces
}
