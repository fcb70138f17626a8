/**
 * Room for many small results in a few large buffers. A segment can hold thousands of mails, each decompressed to a
 * buffer of its own: kept like that they cost the collector more than the bytes in them cost anybody else.
 */
import { Buffer } from "node:buffer"

/** Of one buffer, bytes. */
const SLAB_BYTES = 1024 * 1024

export class Slab {
  private slab: Uint8Array = new Uint8Array(0)
  private used = 0
  private expected: number

  /** `expectedBytes`: of all that will be kept, so that a little takes little. */
  constructor(expectedBytes: number) {
    this.expected = expectedBytes
  }

  /** A copy of the bytes. */
  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.length > this.slab.length - this.used) {
      this.slab = Buffer.allocUnsafeSlow(Math.max(bytes.length, Math.min(SLAB_BYTES, this.expected)))
      this.used = 0
    }
    const from = this.slab.byteOffset + this.used
    this.slab.set(bytes, this.used)
    this.used += bytes.length
    this.expected -= bytes.length
    return new Uint8Array(this.slab.buffer, from, bytes.length)
  }
}
