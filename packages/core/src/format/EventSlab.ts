/**
 * Where the windows of one block are written, one behind the other, as they are compressed: each event with its length
 * before it. Few long memories instead of thousands of short ones, and nothing is put together a second time.
 */
import { Buffer } from "node:buffer"
import type { Event } from "../message/Event.ts"
import { encodeEventWith } from "./EventCodec.ts"
import { EVENT_BYTES, WINDOW_BYTES } from "./Limits.ts"

/** Of an event's length as a varint: `Limits.EVENT_BYTES` needs three. */
export const MAX_LENGTH_BYTES = 3
/** One memory: a full window, and the event that was too much for it, bytes. */
const SLAB_BYTES = WINDOW_BYTES + 2 * EVENT_BYTES
/** The first one is shorter: a live block is one event. */
const FIRST_BYTES = 8 * 1024

/** Memories to be used again, at most: of three blocks of an import. */
const KEPT = 11
const kept: Array<SharedArrayBuffer> = []

/**
 * The memory can be read by other threads without being copied, and is used again once it is released: megabytes that
 * live for a moment are seen late by the garbage collector.
 */
export class EventSlab {
  private memories: Array<SharedArrayBuffer> = []
  private memory: Buffer = Buffer.alloc(0)
  private used = 0
  /** Where the open window begins, and its newest event with its length. */
  private begin = 0
  private newest = 0

  /** Adds an event to the open window and gives its canonical bytes; throws a FormatError, nothing written. */
  readonly encode = (event: Event): Uint8Array => encodeEventWith(event, this.add)

  /** Adds an event that is encoded. */
  readonly add = (encoded: Uint8Array): Uint8Array => {
    const { length } = encoded
    this.reserve(length + MAX_LENGTH_BYTES)
    this.newest = this.used
    const start = writeLength(this.memory, this.used, length)
    this.memory.set(encoded, start)
    this.used = start + length
    return this.view(start, this.used)
  }

  /** Adds events that have their lengths before them. */
  join(framed: Uint8Array): void {
    this.reserve(framed.length)
    this.newest = this.used
    this.memory.set(framed, this.used)
    this.used += framed.length
  }

  /** The window so far, and the next one is open. */
  close(): Uint8Array {
    const window = this.view(this.begin, this.used)
    this.begin = this.used
    return window
  }

  /** The window without what was added last, with which the next one begins. */
  closeBeforeNewest(): Uint8Array {
    const window = this.view(this.begin, this.newest)
    this.begin = this.newest
    return window
  }

  /** Gives the memory back: whoever still looks at its windows, or at frames made of them, sees others. */
  release(): void {
    for (const memory of this.memories.splice(0)) {
      if (memory.byteLength === SLAB_BYTES && kept.length < KEPT) kept.push(memory)
    }
    this.memory = Buffer.alloc(0)
    this.used = 0
    this.begin = 0
  }

  private view(from: number, to: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, from, to - from)
  }

  /** Room for so many bytes behind the open window, which goes with them where it has to stand elsewhere. */
  private reserve(length: number): void {
    if (this.used + length <= this.memory.length) return
    const open = this.view(this.begin, this.used)
    const needed = open.length + length
    const memory = this.memories.length === 0 || needed > SLAB_BYTES
      ? new SharedArrayBuffer(Math.max(FIRST_BYTES, needed))
      : kept.pop() ?? new SharedArrayBuffer(SLAB_BYTES)
    this.memories.push(memory)
    this.memory = Buffer.from(memory)
    this.memory.set(open)
    this.begin = 0
    this.used = open.length
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
