/**
 * Compresses short windows in a thread of their own while the main one goes on reading and writing; long ones go
 * through Node's thread pool as ever. A few windows are done at once: a live message waits for no thread.
 */
import { compressSync } from "@sealog/core/format/Compression"
import { type CompressorShape, makeCompressor } from "@sealog/core/format/Compressor"
import { Effect } from "effect"
import { joined, type Pieces, piecesOf } from "./Pieces.ts"
import { makeThread } from "./Thread.ts"

/** A window up to this long costs less in the one thread than a turn in the pool, bytes. */
const SHORT_BYTES = 128 * 1024
/** Less than this in all is done at once, bytes. */
const HERE_BYTES = 64 * 1024

export const makeThreadedCompressor = (): CompressorShape => {
  const { ask } = makeThread<Pieces, Pieces>("threads/CompressThread")
  return makeCompressor({
    smallBytes: SHORT_BYTES,
    small: (inputs) => {
      const bytes = inputs.reduce((sum, input) => sum + input.length, 0)
      if (bytes <= HERE_BYTES) return Effect.sync(() => inputs.map(compressSync))
      return Effect.map(
        Effect.suspend(() => ask(joined(inputs))),
        (answered) =>
          piecesOf(answered).map((frame, at) =>
            frame.length === 0 ? { codec: "none" as const, frame: inputs[at]! } : { codec: "brotli" as const, frame }
          )
      )
    }
  })
}
