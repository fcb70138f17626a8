/** A segment there and back, whole and in parts, at a size that tells little. */
import { assert, describe, it } from "@effect/vitest"
import { ByteWriter } from "@sealog/core/format/Binary"
import { FormatError } from "@sealog/core/format/FormatError"
import {
  BLOCK_BYTES,
  CHUNK_BYTES,
  OBJECT_MIN_BYTES,
  SEGMENT_EVENTS,
  SEGMENT_RUNS_BYTES
} from "@sealog/core/format/Limits"
import { padme } from "@sealog/core/format/Padme"
import { encodeRun, eventsOfRuns, packRuns, type Run } from "@sealog/core/format/Run"
import { sealedLength } from "@sealog/core/format/SealedStream"
import { decodeSegment, encodeSegment, segmentBytesOf } from "@sealog/core/format/Segment"
import { chunkSpans, readRuns, readTrailer, salvageRuns, type SegmentChunks } from "@sealog/core/format/SegmentReader"
import { LogBuilder } from "@sealog/core/log/MerkleLog"
import { groupPlaced } from "@sealog/core/testing/Windows"
import { Effect, Either, FastCheck as fc } from "effect"
import { hexOf } from "../Corpora.ts"
import { contentsOf, eventOf, events, firstIndex, noise, scattered } from "./runArbitraries.ts"

/** The plaintext by chunks, and which were asked for. */
const chunksOf = (plaintext: Uint8Array) => {
  const reads: Array<readonly [from: number, to: number]> = []
  const chunks: SegmentChunks<never> = {
    plaintextLength: plaintext.length,
    read: (from, to) =>
      Effect.sync(() => {
        reads.push([from, to])
        return plaintext.subarray(from * CHUNK_BYTES, (to + 1) * CHUNK_BYTES)
      })
  }
  return { chunks, reads }
}

const reasonOf = (contents: Parameters<typeof encodeSegment>[0]) => {
  try {
    encodeSegment(contents)
    return "written"
  } catch (error) {
    return error instanceof FormatError ? error.reason : error
  }
}

/** Conversations of 20 events, 60 kB each, that no codec can shorten. */
const large = Array.from(
  { length: 200 },
  (_, at) => eventOf({ conversation: `chat-${at % 10}`, bytes: noise(3000, at) })
)

/** Each round compresses dozens of runs. */
const FEW = { fastCheck: { numRuns: 25 } }

describe("Segment", () => {
  /** Verifies: FMT-1, FMT-6 */
  it.effect.prop(
    "brings back its facts and events, from a Padmé size",
    [firstIndex, events],
    ([first, all]) =>
      Effect.gen(function*() {
        const contents = yield* contentsOf(first, all)
        const plaintext = encodeSegment(contents)
        const sealed = sealedLength(plaintext.length)
        assert.strictEqual(padme(sealed), sealed)
        assert.isAtLeast(sealed, OBJECT_MIN_BYTES)
        const { runs, trailer } = yield* decodeSegment(plaintext)
        const { runs: _, ...facts } = contents
        assert.deepInclude(trailer, facts)
        const back = yield* eventsOfRuns(first, all.length, runs)
        assert.deepStrictEqual(back.map(hexOf), all.map(({ bytes }) => hexOf(bytes)))
        const classes = trailer.runs.map((entry) => ["control", "changes", "additions"].indexOf(entry.class))
        assert.deepStrictEqual(classes, classes.toSorted((a, b) => a - b))
        assert.strictEqual(hexOf(encodeSegment({ ...facts, runs: runs.toReversed() })), hexOf(plaintext))
      }),
    FEW
  )

  /** Verifies: LOG-1 */
  it.effect.prop(
    "has the same root however its events were grouped",
    [events, fc.nat()],
    ([all, cut]) =>
      Effect.gen(function*() {
        const middle = cut % all.length
        const halves = [all.slice(0, middle), all.slice(middle)].filter((half) => half.length > 0)
        const builder = LogBuilder.empty()
        let first = 0
        for (const half of halves) {
          const { runs } = yield* decodeSegment(encodeSegment(yield* contentsOf(first, half)))
          builder.appendAll(yield* eventsOfRuns(first, half.length, runs))
          first += half.length
        }
        assert.deepStrictEqual(builder.head().root, (yield* contentsOf(0, all)).after.root)
      }),
    FEW
  )

  /** Verifies: FMT-4 */
  it.effect.prop(
    "takes no changed bytes that it would not have written itself",
    [firstIndex, events, fc.nat(), fc.integer({ min: 1, max: 255 })],
    ([first, all, at, flip]) =>
      Effect.gen(function*() {
        const plaintext = encodeSegment(yield* contentsOf(first, all))
        const ofTrailer = scattered(at, 300).map((place) => plaintext.length - 1 - place)
        for (const place of [...scattered(at, plaintext.length), ...ofTrailer]) {
          const changed = plaintext.with(place, plaintext[place]! ^ flip)
          const read = decodeSegment(changed)
          if (Either.isRight(read)) {
            assert.strictEqual(hexOf(encodeSegment({ ...read.right.trailer, runs: read.right.runs })), hexOf(changed))
          } else {
            assert.instanceOf(read.left, FormatError)
          }
          assert.isTrue(Either.isLeft(decodeSegment(plaintext.subarray(0, place))))
        }
      }),
    FEW
  )

  it.effect("is not written where its contents contradict themselves", () =>
    Effect.gen(function*() {
      const contents = yield* contentsOf(5, [eventOf(), eventOf({ class: "changes" })])
      const { after, before } = contents
      assert.strictEqual(reasonOf(contents), "written")
      assert.strictEqual(reasonOf({ ...contents, before: { ...before, size: 4 } }), "Mismatch")
      assert.strictEqual(reasonOf({ ...contents, after: { ...after, size: 6 } }), "Mismatch")
      assert.strictEqual(reasonOf({ ...contents, runs: contents.runs.slice(1) }), "Mismatch")
      assert.strictEqual(reasonOf({ ...contents, recordedTo: -6 }), "Malformed")
      assert.strictEqual(reasonOf({ ...contents, writer: new Uint8Array(7) }), "Malformed")
      for (const length of [0, 31, 33]) {
        const root = new Uint8Array(length)
        assert.strictEqual(reasonOf({ ...contents, before: { ...before, root } }), "Malformed")
        assert.strictEqual(reasonOf({ ...contents, after: { ...after, root } }), "Malformed")
      }
      assert.strictEqual(reasonOf({ ...contents, recordedTo: contents.recordedFrom }), "written")
      const last = 5 + SEGMENT_EVENTS - 1
      const long = { ...contents, last, after: { ...after, size: last + 1 } }
      assert.strictEqual(reasonOf(long), "Mismatch")
      assert.strictEqual(reasonOf({ ...long, last: last + 1 }), "Limit")
      assert.strictEqual(reasonOf({ ...contents, first: 5, last: 2_000_000 }), "Limit")
    }))

  it.effect.prop(
    "counts what a run adds before it is added",
    [firstIndex, events],
    ([first, all]) =>
      Effect.gen(function*() {
        const { runs, ...facts } = yield* contentsOf(first, all)
        const plaintext = encodeSegment({ ...facts, runs })
        const sum = runs.reduce((total, run) => total + segmentBytesOf(run), 0)
        const { trailer } = yield* decodeSegment(plaintext)
        const tail = new DataView(plaintext.buffer, plaintext.byteOffset + plaintext.length - 4).getUint32(0)
        const used = trailer.runs.reduce((total, { length }) => total + length, 0) + tail
        assert.isAtLeast(sum + 128, used)
      }),
    FEW
  )

  it("counts hardly more than a run adds", () => {
    const { bytes, ...place } = eventOf({ source: "maildir-2", conversation: "\u{1f409}".repeat(20) })
    const spread = (count: number, gap: number) => Array.from({ length: count }, (_, at) => at * gap)
    for (const indices of [[7], [7, 8, 9], [0, 2 ** 40], spread(5000, 3), spread(3000, 1000), spread(500, 2 ** 30)]) {
      const run: Run = {
        ...place,
        indices,
        codec: "none",
        rawLength: indices.length,
        frame: new Uint8Array(indices.length)
      }
      const writer = new ByteWriter()
      encodeRun(writer, run)
      // In the table stand both labels once more, and a few numbers.
      const labels = Buffer.byteLength(run.source) + Buffer.byteLength(run.conversation)
      const least = writer.length + labels
      assert.isAtLeast(segmentBytesOf(run), least)
      assert.isAtMost(segmentBytesOf(run), least + 96 + indices.length / 4)
    }
    assert.isAbove(bytes.length, 0)
  })

  it("takes a block of the largest size that no codec could shorten, and nothing much larger", () => {
    const frame = noise(250_000)
    const alone = (count: number) => {
      const { alone: _, bytes, ...window } = eventOf({ bytes: frame })
      return Array.from({ length: count }, (__, at): Run => ({
        ...window,
        alone: true,
        indices: [at],
        codec: "none",
        rawLength: bytes.length,
        frame: bytes
      }))
    }
    const contents = (count: number) => ({
      writer: new Uint8Array(8),
      first: 0,
      last: count - 1,
      before: { size: 0, root: new Uint8Array(32) },
      after: { size: count, root: new Uint8Array(32) },
      recordedFrom: 0,
      recordedTo: 0,
      runs: alone(count)
    })
    const full = Math.ceil(BLOCK_BYTES / frame.length)
    assert.strictEqual(reasonOf(contents(full)), "written")
    assert.strictEqual(reasonOf(contents(Math.ceil(SEGMENT_RUNS_BYTES / frame.length))), "Limit")
  })
})

describe("SegmentReader", () => {
  /** Verifies: FMT-7 */
  it.effect("fetches the last chunk, and then only those in which a conversation lies", () =>
    Effect.gen(function*() {
      const contents = yield* contentsOf(0, large)
      const plaintext = encodeSegment(contents)
      const { chunks, reads } = chunksOf(plaintext)
      const trailer = yield* readTrailer(chunks)
      assert.deepStrictEqual(trailer, Either.getOrThrow(decodeSegment(plaintext)).trailer)
      assert.lengthOf(reads, 1)
      reads.length = 0
      const wanted = trailer.runs.filter((entry) => entry.conversation === "chat-4")
      const runs = yield* readRuns(chunks, wanted)
      const indices = runs.flatMap((run) => run.indices)
      assert.deepStrictEqual(indices, large.flatMap((event, at) => event.conversation === "chat-4" ? [at] : []))
      const fetched = reads.reduce((sum, [from, to]) => sum + to - from + 1, 0)
      assert.isAtMost(fetched, 2)
      assert.isAtLeast(Math.ceil(plaintext.length / CHUNK_BYTES), 10)
    }))

  it.effect("reads chunks that touch at once, and in the order of the entries asked for", () =>
    Effect.gen(function*() {
      const { chunks, reads } = chunksOf(encodeSegment(yield* contentsOf(0, large)))
      const trailer = yield* readTrailer(chunks)
      reads.length = 0
      const entries = trailer.runs.toReversed()
      const runs = yield* readRuns(chunks, entries)
      assert.deepStrictEqual(runs.map((run) => run.indices[0]), entries.map((entry) => entry.first))
      assert.lengthOf(reads, 1)
      const apart = [trailer.runs[0]!, trailer.runs[9]!]
      assert.lengthOf(chunkSpans(apart), 2)
      assert.deepStrictEqual(yield* readRuns(chunks, []), [])
    }))

  it.effect("reads a trailer that is longer than a chunk, or cut by one", () =>
    Effect.gen(function*() {
      const many = Array.from({ length: 9000 }, (_, at) => eventOf({ alone: true, bytes: Uint8Array.of(at >> 8, at) }))
      const plaintext = encodeSegment(yield* contentsOf(0, many))
      const { chunks, reads } = chunksOf(plaintext)
      assert.lengthOf((yield* readTrailer(chunks)).runs, 9000)
      assert.isAbove(reads.length, 1)
      // The same bytes behind more padding, so that the end falls on each side of a chunk's edge.
      for (const more of [-3, 1, 2, 3, 4, 5, 60]) {
        const small = encodeSegment(yield* contentsOf(0, [eventOf()]))
        const tail = small.subarray(small.length - 200)
        const longer = new Uint8Array(2 * CHUNK_BYTES + more)
        longer.set(small.subarray(0, small.length - 200))
        longer.set(tail, longer.length - 200)
        const { trailer } = yield* decodeSegment(longer)
        assert.deepStrictEqual(yield* readTrailer(chunksOf(longer).chunks), trailer)
      }
    }))

  it.effect("refuses a run that is not the one in the table", () =>
    Effect.gen(function*() {
      const all = [eventOf(), eventOf({ class: "changes" })]
      const { chunks } = chunksOf(encodeSegment(yield* contentsOf(0, all)))
      const [entry] = (yield* readTrailer(chunks)).runs
      const others = [
        { first: 7 },
        { last: 7 },
        { count: 2 },
        { source: "maildir" },
        { conversation: "chat-2" },
        { alone: true },
        { class: "control" as const }
      ]
      for (const other of others) {
        const error = yield* Effect.flip(readRuns(chunks, [{ ...entry!, ...other }]))
        assert.strictEqual(error.reason, "Mismatch")
      }
      assert.lengthOf(yield* packRuns(groupPlaced(0, all)), 2)
    }))

  /** Verifies: FMT-11 */
  it.effect("still reads the runs before a place where the segment breaks off", () =>
    Effect.gen(function*() {
      const plaintext = encodeSegment(yield* contentsOf(0, large))
      const { runs } = yield* decodeSegment(plaintext)
      assert.deepStrictEqual(yield* salvageRuns(plaintext.subarray(0, 3 * CHUNK_BYTES)), runs.slice(0, 3))
      assert.deepStrictEqual(yield* salvageRuns(new Uint8Array(9)), [])
      assert.strictEqual((yield* Effect.flip(salvageRuns(plaintext.with(0, 9)))).reason, "Unknown")
      const small = encodeSegment(yield* contentsOf(0, [eventOf()]))
      assert.lengthOf(yield* salvageRuns(small.subarray(0, 2000)), 1)
    }))
})
