/**
 * Compresses short windows in the working thread while the main one goes on reading and writing; long ones go through
 * Node's thread pool as ever. A few windows are done at once: a live message waits for no thread.
 */
import { type Compressed, compressSync } from "@sealog/core/format/Compression"
import { type CompressorShape, makeCompressor } from "@sealog/core/format/Compressor"
import { MAX_LENGTH_BYTES } from "@sealog/core/format/EventSlab"
import { EVENT_BYTES } from "@sealog/core/format/Limits"
import { Effect } from "effect"
import { type Frames, type Inputs, inputsIn, inputsOf } from "./CompressJob.ts"
import { ask } from "./Thread.ts"

/** A window of one event costs less in the one thread than a turn in the pool, bytes. */
const SHORT_BYTES = EVENT_BYTES + MAX_LENGTH_BYTES
/** Less than this in all is done at once, bytes. */
const HERE_BYTES = 1024 * 1024

export const threadedCompressor: CompressorShape = makeCompressor({
  smallBytes: SHORT_BYTES,
  small: (windows) =>
    Effect.suspend(() => {
      const bytes = windows.reduce((sum, window) => sum + window.length, 0)
      if (bytes <= HERE_BYTES) return Effect.succeed(windows.map(compressSync))
      const inputs = inputsOf(windows)
      return Effect.map(ask("compress", { message: inputs, transfer: [] }), (frames) => framesIn(inputs, frames))
    })
})

const framesIn = (inputs: Inputs, { compressed, lengths }: Frames): ReadonlyArray<Compressed> =>
  inputsIn(inputs).map((input, at) => ({
    codec: compressed[at] === 1 ? "brotli" : "none",
    frame: input.subarray(0, lengths[at])
  }))
