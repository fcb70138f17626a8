/**
 * Compresses many inputs at once. Threads belong to the world outside, so this is a service: without one given it is
 * done here, small inputs in a plain loop and meanwhile the large ones in Node's thread pool; an adapter gives one
 * that has a thread of its own for the small ones. The frames are the same bytes either way.
 */
import { Context, Effect } from "effect"
import { compress, type Compressed, compressSync } from "./Compression.ts"
import { COMPRESS_CONCURRENCY, SYNC_COMPRESS_BYTES } from "./Limits.ts"

export interface CompressorShape {
  /**
   * The frames of these inputs, in their order. Inputs in shared memory may be overwritten by their frames, which are
   * never longer: nobody reads them afterwards.
   */
  readonly compressAll: (inputs: ReadonlyArray<Uint8Array>) => Effect.Effect<ReadonlyArray<Compressed>>
}

/** Splits inputs by size: `small` does a list of short ones at once, the others go to the thread pool meanwhile. */
export const makeCompressor = (options: {
  /** Inputs up to this are short, bytes. */
  readonly smallBytes: number
  readonly small: (inputs: ReadonlyArray<Uint8Array>) => Effect.Effect<ReadonlyArray<Compressed>>
}): CompressorShape => ({
  compressAll: Effect.fn("Compressor.compressAll")(function*(inputs) {
    const frames: Array<Compressed> = []
    const [short, long]: [Array<number>, Array<number>] = [[], []]
    for (let at = 0; at < inputs.length; at++) (inputs[at]!.length <= options.smallBytes ? short : long).push(at)
    yield* Effect.zip(
      Effect.forEach(long, (at) => Effect.map(compress(inputs[at]!), (frame) => void (frames[at] = frame)), {
        concurrency: COMPRESS_CONCURRENCY,
        discard: true
      }),
      Effect.map(options.small(short.map((at) => inputs[at]!)), (made) => {
        for (let n = 0; n < short.length; n++) frames[short[n]!] = made[n]!
      }),
      { concurrent: true }
    )
    return frames
  })
})

const here = makeCompressor({
  smallBytes: SYNC_COMPRESS_BYTES,
  small: (inputs) => Effect.sync(() => inputs.map(compressSync))
})

export class Compressor extends Context.Reference<Compressor>()("@sealog/core/format/Compressor", {
  defaultValue: (): CompressorShape => here
}) {}
