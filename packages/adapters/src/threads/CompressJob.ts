/** Compresses short windows: thousands of mails to a block, each in a window of its own. */
import { compressSync } from "@sealog/core/format/Compression"
import type { Parcel } from "./Thread.ts"

export interface Inputs {
  readonly memories: ReadonlyArray<SharedArrayBuffer>
  /** Three numbers an input: in which memory, where, how long. */
  readonly places: Uint32Array
}

/** Each frame stands where its input stood. */
export interface Frames {
  readonly lengths: Uint32Array
  /** 1 for a frame, 0 for an input that does not shrink and stays as it is. */
  readonly compressed: Uint8Array
}

export const compressJob = (inputs: Inputs): Parcel<Frames> => {
  const all = inputsIn(inputs)
  const lengths = new Uint32Array(all.length)
  const compressed = new Uint8Array(all.length)
  for (const [at, input] of all.entries()) {
    const { codec, frame } = compressSync(input)
    lengths[at] = frame.length
    if (codec === "none") continue
    compressed[at] = 1
    input.set(frame)
  }
  return { message: { lengths, compressed }, transfer: [lengths.buffer, compressed.buffer] as Array<ArrayBuffer> }
}

export const inputsIn = ({ memories, places }: Inputs): ReadonlyArray<Uint8Array> => {
  const inputs: Array<Uint8Array> = []
  for (let at = 0; at < places.length; at += 3) {
    inputs.push(new Uint8Array(memories[places[at]!]!, places[at + 1], places[at + 2]))
  }
  return inputs
}

/** Inputs as the thread sees them: those that are not in shared memory are copied into one. */
export const inputsOf = (inputs: ReadonlyArray<Uint8Array>): Inputs => {
  const memories: Array<SharedArrayBuffer> = []
  const known = new Map<ArrayBufferLike, number>()
  let copied = 0
  for (const { buffer, length } of inputs) {
    if (!(buffer instanceof SharedArrayBuffer)) copied += length
    else if (!known.has(buffer)) known.set(buffer, memories.push(buffer) - 1)
  }
  const copies = new Uint8Array(new SharedArrayBuffer(copied))
  const copiesAt = memories.push(copies.buffer) - 1
  const places = new Uint32Array(3 * inputs.length)
  let used = 0
  for (const [n, input] of inputs.entries()) {
    const memory = known.get(input.buffer)
    places.set([memory ?? copiesAt, memory === undefined ? used : input.byteOffset, input.length], 3 * n)
    if (memory !== undefined) continue
    copies.set(input, used)
    used += input.length
  }
  return { memories, places }
}
