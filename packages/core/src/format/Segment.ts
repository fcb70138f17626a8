/**
 * A segment is what one ship carries: a range of one writer's log, as runs, with the heads before and after it.
 * Its plaintext is the runs, zeros up to a size that tells little, and at its end the trailer that says what lies
 * where, so that a reader who wants one conversation fetches only that.
 */
import { Either } from "effect"
import { Buffer } from "node:buffer"
import { attempt, ByteReader, ByteWriter } from "./Binary.ts"
import { FormatError } from "./FormatError.ts"
import { SEGMENT_EVENTS, SEGMENT_RUNS_BYTES } from "./Limits.ts"
import { paddedLength } from "./Padme.ts"
import { checkCover, decodeRun, encodeRun, type Run } from "./Run.ts"
import {
  decodeTrailer,
  encodeTrailer,
  orderRuns,
  type PlacedRun,
  type RunEntry,
  runsLength,
  type SegmentFacts,
  type Trailer
} from "./SegmentTrailer.ts"

export type { RunEntry, SegmentFacts, Trailer } from "./SegmentTrailer.ts"

/** What goes into a segment. The runs come in any order, and hold each event from first to last once. */
export interface SegmentContents extends SegmentFacts {
  readonly runs: ReadonlyArray<Run>
}

/** What comes out of one: `runs[n]` is the run of `trailer.runs[n]`. */
export interface Segment {
  readonly trailer: Trailer
  readonly runs: ReadonlyArray<Run>
}

/**
 * `runs, zeros, trailer, u32 trailer length`, sealed to a Padmé size. Throws a `FormatError` where the contents
 * contradict themselves or are over a limit: a writer's fault, found before it is written.
 */
export const encodeSegment = (contents: SegmentContents): Uint8Array => {
  checkContents(contents)
  const runs = orderRuns(contents.runs)
  const writer = new ByteWriter(sizeGuess(runs))
  const placed: Array<PlacedRun> = []
  for (const run of runs) {
    const offset = writer.length
    encodeRun(writer, run)
    placed.push({ run, length: writer.length - offset })
  }
  if (writer.length > SEGMENT_RUNS_BYTES) throw fault("Limit", `runs of ${writer.length} bytes`)
  const trailer = encodeTrailer(contents, placed)
  const length = writer.length + trailer.length + LENGTH_BYTES
  return writer.zeros(paddedLength(length) - length).raw(trailer).u32(trailer.length).finish()
}

/** The whole of a segment, and a check that it says one thing only. The runs' frames are views. */
export const decodeSegment = (plaintext: Uint8Array): Either.Either<Segment, FormatError> =>
  Either.flatMap(decodeTrailer(plaintext, plaintext.length), (read) => {
    if (read._tag === "NeedMore") return Either.left(fault("Truncated", `${read.bytes} bytes of trailer`))
    const { trailer, trailerLength } = read
    return attempt(() => {
      const end = runsLength(trailer)
      // The table places them one behind the other.
      const reader = new ByteReader(plaintext.subarray(0, end), "run")
      const runs = trailer.runs.map((entry) => readRun(reader, entry))
      const padding = plaintext.length - LENGTH_BYTES - trailerLength - end
      new ByteReader(plaintext.subarray(end, end + padding), WHAT).zeros(padding)
      checkCover(runs, { first: trailer.first, count: trailer.last - trailer.first + 1 }, WHAT)
      return { trailer, runs }
    })
  })

/** The run that the table places at these bytes. */
export const runAt = (bytes: Uint8Array, entry: RunEntry): Either.Either<Run, FormatError> =>
  attempt(() => {
    const reader = new ByteReader(bytes, "run")
    const run = readRun(reader, entry)
    reader.end()
    return run
  })

/**
 * What a run adds to a segment at most, its place in the table included, bytes. While the sum stays within
 * `Limits.SEGMENT_BYTES`, the segment can be encoded.
 */
export const segmentBytesOf = (run: Run): number =>
  run.frame.length + 2 * (Buffer.byteLength(run.source) + Buffer.byteLength(run.conversation))
  + indexBytes(run.indices) + FIXED_RUN_BYTES

const readRun = (reader: ByteReader, entry: RunEntry): Run => {
  const run = reader.part(entry.length, decodeRun)
  const { indices } = run
  if (
    run.source !== entry.source || run.conversation !== entry.conversation || run.class !== entry.class
    || run.alone !== entry.alone || indices.length !== entry.count || indices[0] !== entry.first
    || indices[indices.length - 1] !== entry.last
  ) {
    throw fault("Mismatch", `the run at ${entry.offset} is not the one in the table`)
  }
  return run
}

const checkContents = (contents: SegmentContents): void => {
  const { after, before, first, last, recordedFrom, recordedTo, runs, writer } = contents
  const count = last - first + 1
  if (count > SEGMENT_EVENTS) throw fault("Limit", `${count} events`)
  if (before.size !== first || after.size !== last + 1) throw fault("Mismatch", "heads that are not at its ends")
  if (writer.length !== 8 || before.root.length !== 32 || after.root.length !== 32) {
    throw fault("Malformed", "a writer or root of another length")
  }
  if (recordedTo < recordedFrom) throw fault("Malformed", "time that runs backwards")
  checkCover(runs, { first, count }, WHAT)
}

/** Enough for runs, padding and trailer, so that the writer never has to grow. */
const sizeGuess = (runs: ReadonlyArray<Run>): number =>
  Math.ceil(1.13 * runs.reduce((sum, run) => sum + segmentBytesOf(run), 4096))

/** An upper bound for the Rice codes: fewer than `k + 3` bits an event (`Indices`). */
const indexBytes = (indices: ReadonlyArray<number>): number => {
  const count = indices.length
  const span = indices[count - 1]! - indices[0]! + 1
  return span === count ? 0 : Math.ceil((count * (3 + Math.log2(span / count + 1))) / 8)
}

const WHAT = "segment"
/** Of the trailer's length at the very end. */
const LENGTH_BYTES = 4
/** Class, codec, lengths, counts and spans of a run, in its header and in the table, at most. */
const FIXED_RUN_BYTES = 96

const fault = (reason: FormatError["reason"], detail: string) => new FormatError({ reason, what: WHAT, detail })
