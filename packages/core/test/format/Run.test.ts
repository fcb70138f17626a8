/** Windows of one conversation each, compressed and back, and merged without loss. */
import { assert, describe, it } from "@effect/vitest"
import { attempt, ByteReader, ByteWriter, parse } from "@sealog/core/format/Binary"
import { FormatError } from "@sealog/core/format/FormatError"
import {
  BLOCK_EVENTS,
  EVENT_BYTES,
  FULL_RUN_BYTES,
  LOG_EVENTS,
  RUN_BYTES,
  WINDOW_BYTES
} from "@sealog/core/format/Limits"
import { checkCover, decodeRun, encodeRun, eventsOfRuns, packRuns, type Run, unpackRun } from "@sealog/core/format/Run"
import { compactRuns, mergeRuns } from "@sealog/core/format/RunMerge"
import { groupPlaced, packRun } from "@sealog/core/testing/Windows"
import { Effect, Either, FastCheck as fc } from "effect"
import { hexOf } from "../Corpora.ts"
import { eventOf, events, firstIndex, noise, scattered } from "./runArbitraries.ts"

const encoded = (run: Run): Uint8Array => {
  const writer = new ByteWriter(1)
  encodeRun(writer, run)
  return writer.finish()
}

const decoded = (bytes: Uint8Array) => parse(bytes, "run", decodeRun)

const windowOf = (run: Pick<Run, "source" | "conversation" | "class">) =>
  JSON.stringify([run.source, run.conversation, run.class])

/** Each round compresses dozens of runs. */
const FEW = { fastCheck: { numRuns: 25 } }

describe("Run", () => {
  /** Verifies: FMT-1, FMT-2 */
  it.effect.prop(
    "brings back every event at its index, one conversation a window",
    [firstIndex, events],
    ([first, all]) =>
      Effect.gen(function*() {
        const windows = groupPlaced(first, all)
        for (const window of windows) {
          for (const index of window.indices) {
            const event = all[index - first]!
            assert.strictEqual(windowOf(event), windowOf(window))
            assert.strictEqual(event.alone, window.alone)
          }
          if (window.alone) assert.strictEqual(window.indices.length, 1)
        }
        const runs = (yield* packRuns(windows)).map((run) => Either.getOrThrow(decoded(encoded(run))))
        const back = yield* eventsOfRuns(first, all.length, runs)
        assert.deepStrictEqual(back.map(hexOf), all.map(({ bytes }) => hexOf(bytes)))
      }),
    FEW
  )

  it("begins a window anew before it is too large to be read in one step", () => {
    const all = Array.from({ length: 21 }, (_, at) => eventOf({ bytes: noise(100_000, at) }))
    const windows = groupPlaced(0, all)
    assert.deepStrictEqual(windows.map(({ indices }) => indices.length), [10, 10, 1])
    assert.isAtMost(10 * 100_003, WINDOW_BYTES)
    // Each counts three bytes for its length.
    const [half, rest] = [noise(WINDOW_BYTES / 8 - 3), noise(WINDOW_BYTES / 8 - 2)]
    const eight = Array.from({ length: 8 }, () => eventOf({ bytes: half }))
    assert.lengthOf(groupPlaced(0, eight), 1)
    assert.lengthOf(groupPlaced(0, [...eight.slice(1), eventOf({ bytes: rest })]), 2)
    const many = Array.from({ length: BLOCK_EVENTS + 1 }, () => eventOf({ bytes: new Uint8Array(0) }))
    assert.deepStrictEqual(groupPlaced(5, many).map(({ indices }) => [indices.length, indices[0]]), [
      [BLOCK_EVENTS, 5],
      [1, 5 + BLOCK_EVENTS]
    ])
    assert.lengthOf(groupPlaced(0, [eventOf({ bytes: noise(EVENT_BYTES) })]), 1)
  })

  it.effect("writes scattered indices in a few bits each, and consecutive ones in none", () =>
    Effect.gen(function*() {
      const sparse = Array.from({ length: 1000 }, (_, at) => at * 17 + (at % 5))
      const run = yield* packRun({ ...eventOf(), indices: sparse, events: sparse.map(() => new Uint8Array(0)) })
      const bytes = encoded({ ...run, frame: new Uint8Array(0), rawLength: 1000, codec: "brotli" })
      assert.isAtMost(bytes.length, 1000 * 6 / 8 + 40)
      const run2 = { ...run, indices: sparse.map((_, at) => at), frame: new Uint8Array(0), codec: "brotli" } as const
      assert.isAtMost(encoded(run2).length, 40)
    }))

  it("has one form for each list of indices", () => {
    const gaps = fc.array(fc.oneof(fc.nat(3), fc.nat(1000), fc.nat(2 ** 34)), { minLength: 1, maxLength: 50 })
    fc.assert(fc.property(gaps, (list) => {
      const indices = list.map((_, at) => list.slice(0, at + 1).reduce((sum, gap) => sum + gap + 1, 0))
      const frame = new Uint8Array(indices.length)
      const { alone, class: eventClass, conversation, source } = eventOf()
      const run: Run = {
        alone,
        class: eventClass,
        conversation,
        source,
        indices,
        codec: "none",
        rawLength: frame.length,
        frame
      }
      const bytes = encoded(run)
      assert.deepStrictEqual(Either.getOrThrow(decoded(bytes)).indices, indices)
    }))
  })

  /** Verifies: FMT-4 */
  it.effect.prop(
    "takes no changed bytes that it would not have written itself",
    [firstIndex, events, fc.nat(), fc.integer({ min: 1, max: 255 })],
    ([first, all, at, flip]) =>
      Effect.gen(function*() {
        for (const run of yield* packRuns(groupPlaced(first, all).slice(0, 3))) {
          const bytes = encoded(run)
          for (const place of scattered(at, bytes.length - run.frame.length)) {
            const changed = bytes.with(place, bytes[place]! ^ flip)
            const read = decoded(changed)
            if (Either.isRight(read)) {
              assert.strictEqual(hexOf(encoded(read.right)), hexOf(changed))
              const unpacked = yield* Effect.either(unpackRun(read.right))
              if (Either.isLeft(unpacked)) assert.instanceOf(unpacked.left, FormatError)
            }
            const cut = attempt(() => decodeRun(new ByteReader(bytes.subarray(0, place), "run")))
            assert.isTrue(Either.isLeft(cut))
          }
        }
      }),
    FEW
  )

  it.effect("refuses a frame that does not hold the events that the header counts", () =>
    Effect.gen(function*() {
      const reason = (run: Run) => unpackRun(run).pipe(Effect.flip, Effect.map((error) => error.reason))
      const run = yield* packRun({ ...eventOf(), indices: [1, 2], events: [noise(5), noise(6)] })
      assert.strictEqual(yield* reason({ ...run, indices: [1] }), "Malformed")
      assert.strictEqual(yield* reason({ ...run, indices: [1, 2, 3] }), "Truncated")
      const long = yield* packRun({ ...eventOf(), indices: [1], events: [noise(EVENT_BYTES + 1)] })
      assert.strictEqual(yield* reason(long), "Limit")
    }))

  it.effect("merges runs into one, by index, and nothing that must stay apart", () =>
    Effect.gen(function*() {
      const odd = yield* packRun({ ...eventOf(), indices: [1, 3, 9], events: [noise(1), noise(3), noise(9)] })
      const even = yield* packRun({ ...eventOf(), indices: [2, 4], events: [noise(2), noise(4)] })
      const merged = yield* mergeRuns([even, odd])
      assert.deepStrictEqual(merged.indices, [1, 2, 3, 4, 9])
      assert.deepStrictEqual((yield* unpackRun(merged)).map((bytes) => bytes.length), [1, 2, 3, 4, 9])
      const reason = (runs: ReadonlyArray<Run>) =>
        mergeRuns(runs).pipe(Effect.flip, Effect.map((error) => error.reason))
      assert.strictEqual(yield* reason([odd, { ...even, conversation: "chat-2" }]), "Mismatch")
      assert.strictEqual(yield* reason([odd, { ...even, source: "whatsapp" }]), "Mismatch")
      assert.strictEqual(yield* reason([odd, { ...even, class: "control" }]), "Mismatch")
      assert.strictEqual(yield* reason([odd, { ...even, alone: true }]), "Mismatch")
      assert.strictEqual(yield* reason([odd, odd]), "Mismatch")
      assert.strictEqual(yield* reason([]), "Mismatch")
      assert.strictEqual(yield* reason([odd, { ...even, rawLength: 2 ** 25 }]), "Limit")
      assert.strictEqual(yield* reason([odd, { ...even, rawLength: RUN_BYTES - odd.rawLength + 1 }]), "Limit")
      assert.strictEqual(yield* reason([odd, { ...even, rawLength: RUN_BYTES - odd.rawLength }]), "Malformed")
      const long = (count: number) => ({ ...even, indices: Array.from({ length: count }, (_, at) => at + 10) })
      assert.strictEqual(yield* reason([odd, long(BLOCK_EVENTS - 2)]), "Limit")
      assert.strictEqual(yield* reason([odd, long(BLOCK_EVENTS - 3)]), "Truncated")
    }))

  it("covers a range that a log can have, each event once", () => {
    const run = (...indices: ReadonlyArray<number>): Run => ({
      ...eventOf(),
      indices,
      codec: "none",
      rawLength: 0,
      frame: new Uint8Array(0)
    })
    const refuses = (first: number, count: number, ...runs: ReadonlyArray<Run>) => {
      assert.throws(() => checkCover(runs, { first, count }, "runs"), FormatError)
    }
    checkCover([run(4, 6), run(5)], { first: 4, count: 3 }, "runs")
    checkCover([run(LOG_EVENTS - 1)], { first: LOG_EVENTS - 1, count: 1 }, "runs")
    refuses(LOG_EVENTS, 1, run(LOG_EVENTS))
    refuses(LOG_EVENTS - 1, 2, run(LOG_EVENTS - 1, LOG_EVENTS))
    refuses(4, 0)
    refuses(4, 3, run(4, 5))
    refuses(4, 2, run(4, 5, 6))
    refuses(4, 3, run(4, 5), run(5))
    refuses(4, 3, run(3, 4, 5))
    refuses(4, 3, run(4, 5, 7))
  })

  it("refuses a header that counts more events than bytes, or a frame that saves nothing", () => {
    const read = (run: Run) =>
      Either.match(decoded(encoded(run)), { onLeft: ({ reason }) => reason, onRight: () => "read" })
    const run = (rawLength: number, frame: number, codec: Run["codec"] = "brotli"): Run => ({
      ...eventOf(),
      indices: [1, 2],
      codec,
      rawLength,
      frame: new Uint8Array(frame)
    })
    assert.strictEqual(read(run(2, 1)), "read")
    assert.strictEqual(read(run(1, 0)), "Malformed")
    assert.strictEqual(read(run(9, 8)), "read")
    assert.strictEqual(read(run(9, 9)), "Limit")
    assert.strictEqual(read(run(9, 9, "none")), "read")
    assert.strictEqual(read(run(RUN_BYTES, 9)), "read")
    assert.strictEqual(read(run(RUN_BYTES + 1, 9)), "Limit")
    assert.strictEqual(read({ ...run(9, 9, "none"), alone: true }), "Malformed")
    assert.strictEqual(read({ ...run(9, 9, "none"), alone: true, indices: [1] }), "read")
  })

  /** Verifies: FMT-8 */
  it.effect("gathers small runs, and copies full ones and those that stand alone byte for byte", () =>
    Effect.gen(function*() {
      const all = Array.from(
        { length: 400 },
        (_, at) => eventOf({ conversation: `chat-${at % 3}`, alone: at % 40 === 0, bytes: noise(1000, at) })
      )
      const runs: Array<Run> = []
      for (let from = 0; from < 300; from += 10) {
        runs.push(...yield* packRuns(groupPlaced(from, all.slice(from, from + 10))))
      }
      const full = yield* packRuns(
        groupPlaced(300, all.slice(300).map((event) => ({ ...event, conversation: "chat-1" })))
      )
      runs.push(...full)
      const compacted = yield* compactRuns(runs)
      const before = (yield* eventsOfRuns(0, 400, runs)).map((bytes) => Buffer.from(bytes).toString("hex"))
      const after = (yield* eventsOfRuns(0, 400, compacted)).map((bytes) => Buffer.from(bytes).toString("hex"))
      assert.deepStrictEqual(after, before)
      const kept = runs.filter((run) => run.alone || run.rawLength >= FULL_RUN_BYTES)
      for (const run of kept) assert.include(compacted, run)
      assert.isTrue(kept.some((run) => !run.alone))
      // Ninety small ones are now at most as many as 290,000 bytes of three conversations need.
      assert.isAtMost(compacted.length - kept.length, 12)
      const merged = compacted.filter((run) => !kept.includes(run))
      for (const run of merged) assert.isBelow(run.rawLength, 2 * FULL_RUN_BYTES)
    }))
})
