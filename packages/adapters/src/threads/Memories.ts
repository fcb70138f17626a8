/**
 * Long memories that two threads share, used again and again: megabytes that live for a moment are seen late by the
 * garbage collector, which would let ten times as much pile up.
 */

/** Kept for later, at most. */
const KEPT = 4

export class Memories {
  private readonly bytes: number
  private readonly kept: Array<SharedArrayBuffer> = []

  /** `bytes`: of those that are kept; a longer one, now and then, is not. */
  constructor(bytes: number) {
    this.bytes = bytes
  }

  take(bytes: number): SharedArrayBuffer {
    return bytes > this.bytes ? new SharedArrayBuffer(bytes) : this.kept.pop() ?? new SharedArrayBuffer(this.bytes)
  }

  /** Whoever still looks at it sees others' bytes from now on. */
  giveBack(memory: SharedArrayBuffer): void {
    if (memory.byteLength === this.bytes && this.kept.length < KEPT) this.kept.push(memory)
  }
}
