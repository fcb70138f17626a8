/** Compression that never grows what it is given, and never unpacks more than was said. */
import { assert, describe, it } from "@effect/vitest"
import { parse } from "@sealog/core/format/Binary"
import { codecId, compress, compressSync, decompress, isSmallFrame, readCodec } from "@sealog/core/format/Compression"
import { RUN_BYTES, SYNC_DECOMPRESS_BYTES } from "@sealog/core/format/Limits"
import { Effect, Either } from "effect"
import { brotliCompressSync, constants } from "node:zlib"
import { noise } from "./runArbitraries.ts"

const text = (length: number) =>
  new Uint8Array(Buffer.from("see you at the station, ".repeat(length / 24 + 1)).subarray(0, length))

const sizes = [0, 1, 2, 100, 4096, 4097, 40_000, 300_000]

describe("Compression", () => {
  it.effect("brings back bytes of any size, and is never longer than they are", () =>
    Effect.gen(function*() {
      for (const bytes of sizes.flatMap((size) => [text(size), noise(size)])) {
        const compressed = yield* compress(bytes)
        assert.isAtMost(compressed.frame.length, bytes.length)
        assert.strictEqual(compressed.codec === "none", compressed.frame.length === bytes.length)
        const back = yield* decompress({ ...compressed, rawLength: bytes.length })
        assert.strictEqual(Buffer.compare(back, bytes), 0)
      }
    }))

  it.effect("gives the same frame at once and in the thread pool", () =>
    Effect.gen(function*() {
      const bytes = text(50_000)
      assert.deepStrictEqual(yield* compress(bytes), compressSync(bytes))
      assert.strictEqual(compressSync(bytes).codec, "brotli")
    }))

  it("opens at once what is small, what is not compressed, and what is refused", () => {
    const small = (codec: "none" | "brotli", rawLength: number) =>
      isSmallFrame({ codec, rawLength, frame: new Uint8Array(0) })
    assert.isTrue(small("brotli", SYNC_DECOMPRESS_BYTES))
    assert.isFalse(small("brotli", SYNC_DECOMPRESS_BYTES + 1))
    assert.isFalse(small("brotli", RUN_BYTES))
    assert.isTrue(small("brotli", RUN_BYTES + 1))
    assert.isTrue(small("none", RUN_BYTES))
  })

  it("has a byte for each codec, and knows no other", () => {
    const read = (id: number) => parse(Uint8Array.of(id), "codec", readCodec)
    for (const codec of ["none", "brotli"] as const) {
      assert.strictEqual(Either.getOrThrow(read(codecId(codec))), codec)
    }
    assert.deepStrictEqual([codecId("none"), codecId("brotli")], [0, 1])
    assert.deepInclude(Either.getOrThrow(Either.flip(read(2))), { reason: "Unknown" })
  })

  /** Verifies: FMT-3 */
  it.effect("unpacks exactly the length it was told, and no bomb", () =>
    Effect.gen(function*() {
      const reason = (frame: Uint8Array, rawLength: number, codec: "none" | "brotli" = "brotli") =>
        decompress({ codec, frame, rawLength }).pipe(Effect.flip, Effect.map((error) => error.reason))
      for (const size of [5000, 500_000]) {
        const { frame } = compressSync(text(size))
        assert.strictEqual(yield* reason(frame, size - 1), "Malformed")
        assert.strictEqual(yield* reason(frame, size + 1), "Malformed")
        assert.strictEqual(yield* reason(frame.subarray(0, frame.length - 1), size), "Malformed")
        assert.strictEqual(yield* reason(Buffer.concat([frame, Buffer.from([0])]), size), "Malformed")
        assert.strictEqual(yield* reason(noise(200), size), "Malformed")
      }
      const bomb = brotliCompressSync(new Uint8Array(50_000_000), { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })
      const before = process.memoryUsage().arrayBuffers
      assert.strictEqual(yield* reason(bomb, 1000), "Malformed")
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 5_000_000)
      assert.strictEqual(yield* reason(bomb, RUN_BYTES + 1), "Limit")
      assert.strictEqual(yield* reason(text(10), 9, "none"), "Malformed")
      assert.strictEqual(yield* reason(text(10), RUN_BYTES + 1, "none"), "Limit")
      const { frame } = compressSync(text(RUN_BYTES))
      assert.lengthOf(yield* decompress({ codec: "brotli", frame, rawLength: RUN_BYTES }), RUN_BYTES)
    }))
})
