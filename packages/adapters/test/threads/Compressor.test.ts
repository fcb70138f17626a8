import { assert, describe, it } from "@effect/vitest"
import { threadedCompressor } from "@sealog/adapters/threads/Compressor"
import { compressSync } from "@sealog/core/format/Compression"
import { EventSlab } from "@sealog/core/format/EventSlab"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { randomBytes } from "node:crypto"

const inputs = (): ReadonlyArray<Uint8Array> => [
  ...Array.from({ length: 400 }, (_, at) => Buffer.from(`a line that comes again and again, ${at} `.repeat(at % 40))),
  ...Array.from({ length: 20 }, (_, at) => randomBytes(at * 100)),
  Buffer.from("long ".repeat(200_000)),
  randomBytes(300_000)
]

describe("the compressor with a thread", () => {
  /** Verifies: FMT-12 */
  it.live("makes the frames that are made without it, in the same order", () =>
    Effect.gen(function*() {
      const all = inputs()
      const frames = yield* threadedCompressor.compressAll(all)
      const expected = all.map(compressSync)
      assert.deepStrictEqual(frames.map(({ codec }) => codec), expected.map(({ codec }) => codec))
      for (const [at, { frame }] of frames.entries()) assert.isTrue(Buffer.from(frame).equals(expected[at]!.frame))
    }))

  it.live("compresses events where they stand, and blocks one after the other in the same memory", () =>
    Effect.gen(function*() {
      for (let block = 0; block < 5; block++) {
        const slab = new EventSlab()
        const framed = Array.from({ length: 500 }, (_, at) => {
          slab.encode({
            kind: "source.gap",
            source: "s",
            conversation: "",
            recordedAt: block,
            subject: `${at}`,
            reason: `block ${block}, event ${at}: `.repeat(at % 50)
          })
          return slab.close()
        })
        const expected = framed.map((bytes) => compressSync(Uint8Array.from(bytes)))
        const frames = yield* threadedCompressor.compressAll(framed)
        for (const [at, { codec, frame }] of frames.entries()) {
          assert.strictEqual(codec, expected[at]!.codec)
          assert.isTrue(Buffer.from(frame).equals(expected[at]!.frame))
        }
        slab.release()
      }
    }))
})
