/**
 * Where the events of one block are written as they are encoded, one behind the other, each with its length before it:
 * few long memories instead of thousands of short ones, and a window of one event is there already as it is compressed.
 */
import { Buffer } from "node:buffer"
import type { Event } from "../message/Event.ts"
import { encodeEventWith } from "./EventCodec.ts"
import { EVENT_BYTES } from "./Limits.ts"

export interface SlabEvent {
  readonly bytes: Uint8Array
  /** The same with its length before it, as a varint. */
  readonly framed: Uint8Array
}

/** Of an event's length as a varint: `Limits.EVENT_BYTES` needs three. */
export const MAX_LENGTH_BYTES = 3
/** One memory; no event is longer than a quarter of it, bytes. */
const SLAB_BYTES = 4 * EVENT_BYTES
/** The first one is shorter: a live block is one event. */
const FIRST_BYTES = 8 * 1024

/** Memories to be used again, at most: of three blocks of an import. */
const KEPT = 16
const kept: Array<SharedArrayBuffer> = []

/**
 * The memory can be read by other threads without being copied, and is used again once it is released: megabytes that
 * live for a moment are seen late by the garbage collector.
 */
export class EventSlab {
  private memories: Array<SharedArrayBuffer> = []
  private memory: Buffer = Buffer.alloc(0)
  private used = 0

  /** The canonical bytes of an event; throws a FormatError, nothing written. */
  encode(event: Event): SlabEvent {
    return encodeEventWith(event, (encoded) => {
      const start = this.room(encoded.length) + MAX_LENGTH_BYTES
      this.memory.set(encoded, start)
      const head = start - lengthBytes(encoded.length)
      writeLength(this.memory, head, encoded.length)
      this.used = start + encoded.length
      return { bytes: this.memory.subarray(start, this.used), framed: this.memory.subarray(head, this.used) }
    })
  }

  /** Gives the memory back: whoever still looks at its events, or at frames made of them, sees others. */
  release(): void {
    for (const memory of this.memories.splice(0)) {
      if (memory.byteLength === SLAB_BYTES && kept.length < KEPT) kept.push(memory)
    }
    this.memory = Buffer.alloc(0)
    this.used = 0
  }

  private room(length: number): number {
    const needed = length + MAX_LENGTH_BYTES
    if (this.used + needed > this.memory.length) {
      const memory = this.memories.length === 0
        ? new SharedArrayBuffer(Math.max(FIRST_BYTES, needed))
        : kept.pop() ?? new SharedArrayBuffer(SLAB_BYTES)
      this.memories.push(memory)
      this.memory = Buffer.from(memory)
      this.used = 0
    }
    return this.used
  }
}

/** Writes a length of up to three bytes as a varint; gives where it ends. */
export const writeLength = (target: Uint8Array, at: number, length: number): number => {
  let end = at
  let rest = length
  while (rest > 0x7f) {
    target[end++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  target[end++] = rest
  return end
}

const lengthBytes = (length: number): number => length < 1 << 7 ? 1 : length < 1 << 14 ? 2 : MAX_LENGTH_BYTES
