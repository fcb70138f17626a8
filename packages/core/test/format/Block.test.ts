/** What one durable write adds to the log, there and back, and never a block that lacks an event. */
import { assert, describe, it } from "@effect/vitest"
import { ByteWriter } from "@sealog/core/format/Binary"
import { type Block, decodeBlock, encodeBlock, eventsOf, selectEvents } from "@sealog/core/format/Block"
import { FormatError } from "@sealog/core/format/FormatError"
import { BLOB_PARTS, BLOCK_EVENTS, NAME_CHARS } from "@sealog/core/format/Limits"
import { packRuns, type Run } from "@sealog/core/format/Run"
import { groupPlaced } from "@sealog/core/testing/Windows"
import { Effect, Either, FastCheck as fc } from "effect"
import { hexOf } from "../Corpora.ts"
import { eventOf, events, firstIndex, scattered } from "./runArbitraries.ts"

const blockOf = Effect.fn("test.blockOf")(function*(first: number, all: Parameters<typeof groupPlaced>[1]) {
  return { first, count: all.length, runs: yield* packRuns(groupPlaced(first, all)), blobs: ["blobs/aaaa"] } as Block
})

const reasonOf = (block: Block) => {
  try {
    encodeBlock(block)
    return "written"
  } catch (error) {
    return error instanceof FormatError ? error.reason : error
  }
}

/** Each round compresses dozens of runs. */
const FEW = { fastCheck: { numRuns: 25 } }

describe("Block", () => {
  /** Verifies: FMT-1 */
  it.effect.prop(
    "brings back its events in the order of the log",
    [firstIndex, events],
    ([first, all]) =>
      Effect.gen(function*() {
        const block = yield* blockOf(first, all)
        const read = yield* decodeBlock(encodeBlock(block))
        assert.strictEqual(hexOf(encodeBlock(read)), hexOf(encodeBlock(block)))
        assert.deepStrictEqual(read.runs.map((run) => run.indices), block.runs.map((run) => run.indices))
        assert.deepStrictEqual((yield* eventsOf(read)).map(hexOf), all.map(({ bytes }) => hexOf(bytes)))
        const changes = yield* selectEvents(read.runs, { classes: new Set(["changes"]) })
        assert.deepStrictEqual(
          changes,
          all.flatMap((event, at) => event.class === "changes" ? [{ index: first + at, bytes: event.bytes }] : [])
        )
        assert.lengthOf(yield* selectEvents(read.runs), all.length)
      }),
    FEW
  )

  /** Verifies: FMT-4 */
  it.effect.prop(
    "takes no changed bytes that it would not have written itself",
    [firstIndex, events, fc.nat(), fc.integer({ min: 1, max: 255 })],
    ([first, all, at, flip]) =>
      Effect.gen(function*() {
        const bytes = encodeBlock(yield* blockOf(first, all))
        for (const place of scattered(at, bytes.length)) {
          const changed = bytes.with(place, bytes[place]! ^ flip)
          const read = decodeBlock(changed)
          if (Either.isRight(read)) assert.strictEqual(hexOf(encodeBlock(read.right)), hexOf(changed))
          assert.isTrue(Either.isLeft(decodeBlock(bytes.subarray(0, place))))
        }
      }),
    FEW
  )

  /** Verifies: FMT-5 */
  it.effect("is neither written nor read unless it holds each event of its range once", () =>
    Effect.gen(function*() {
      const block = yield* blockOf(10, [eventOf(), eventOf({ conversation: "chat-2" }), eventOf()])
      const [one, two] = block.runs as readonly [Run, Run]
      assert.strictEqual(reasonOf(block), "written")
      assert.strictEqual(reasonOf({ ...block, runs: [one] }), "Mismatch")
      assert.strictEqual(reasonOf({ ...block, runs: [one, two, two] }), "Mismatch")
      assert.strictEqual(reasonOf({ ...block, runs: [one, { ...two, indices: [10] }] }), "Mismatch")
      assert.strictEqual(reasonOf({ ...block, runs: [one, { ...two, indices: [13] }] }), "Mismatch")
      assert.strictEqual(reasonOf({ ...block, count: 4 }), "Mismatch")
      assert.strictEqual(reasonOf({ ...block, first: 11 }), "Mismatch")
      assert.strictEqual(reasonOf({ first: 0, count: 0, runs: [], blobs: [] }), "Mismatch")
      const moved = encodeBlock(block).with(6, 11)
      assert.deepInclude(Either.getOrThrow(Either.flip(decodeBlock(moved))), { reason: "Mismatch" })
    }))

  it.effect("holds its counts and the names in it to their limits", () =>
    Effect.gen(function*() {
      const block = yield* blockOf(0, [eventOf()])
      const reason = (bytes: Uint8Array) =>
        Either.match(decodeBlock(bytes), { onLeft: (error) => error.reason, onRight: () => "read" })
      const named = (length: number) => encodeBlock({ ...block, blobs: ["x".repeat(length)] })
      assert.strictEqual(reason(named(NAME_CHARS + 16)), "read")
      assert.strictEqual(reason(named(NAME_CHARS + 17)), "Limit")
      const head = (count: number, runs: number) => new ByteWriter().u8(1).u48(0).varint(count).varint(runs).finish()
      assert.strictEqual(reason(head(BLOCK_EVENTS, 1)), "Truncated")
      assert.strictEqual(reason(head(BLOCK_EVENTS + 1, 1)), "Limit")
      assert.strictEqual(reason(head(3, 3)), "Truncated")
      assert.strictEqual(reason(head(3, 4)), "Limit")
      const bytes = encodeBlock({ ...block, blobs: [] })
      const manyNames = (count: number) =>
        new ByteWriter().raw(bytes.subarray(0, bytes.length - 1)).varint(count).finish()
      assert.strictEqual(reason(manyNames(BLOB_PARTS)), "Truncated")
      assert.strictEqual(reason(manyNames(BLOB_PARTS + 1)), "Limit")
    }))

  /** Verifies: FMT-9 */
  it.effect("stops at a version of a newer program", () =>
    Effect.gen(function*() {
      const bytes = encodeBlock(yield* blockOf(0, [eventOf()])).with(0, 2)
      assert.strictEqual((yield* Effect.flip(decodeBlock(bytes))).reason, "Unknown")
    }))
})
