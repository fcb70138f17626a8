/**
 * The end of a segment, and all that a reader needs who wants only some of it: whose log it is a piece of, the heads
 * that join it to its neighbours, and where each run lies.
 *
 *   u8 version, writer (8), first u48, last u48, root before (32), root after (32), recorded from i64, recorded to i64,
 *   label count varint, labels (text, ascending by their bytes, each used),
 *   run count varint, for each run: u8 class + 4 if alone, source label varint, conversation label varint,
 *   span (`Indices`, counted from first), length varint
 *
 * Runs are in the order of class, source label, conversation label and first index, and lie in it without gaps.
 */
import type { Either } from "effect"
import type { EventClass } from "../message/Event.ts"
import { type ByteReader, ByteWriter, parse } from "./Binary.ts"
import { compareUtf8 } from "./EventBytes.ts"
import type { FormatError } from "./FormatError.ts"
import { type IndexSpan, readSpan, spanOf, writeSpan } from "./Indices.ts"
import { EVENT_BYTES, SEGMENT_EVENTS, SEGMENT_RUNS_BYTES, TRAILER_BYTES } from "./Limits.ts"
import { placeByte, readPlaceByte, type Run } from "./Run.ts"
import type { TreeHead } from "./TreeHead.ts"

/** What the table says of a run. `first`, `last` and `count` bound its indices; each of them stands in the run. */
export interface RunEntry extends IndexSpan {
  readonly source: string
  readonly conversation: string
  readonly class: EventClass
  readonly alone: boolean
  /** Where its bytes begin in the plaintext. */
  readonly offset: number
  /** Bytes. */
  readonly length: number
}

/** What a segment says of itself. */
export interface SegmentFacts {
  /** 8 bytes. */
  readonly writer: Uint8Array
  /** Index of the first event. */
  readonly first: number
  /** Index of the last event, this one included. */
  readonly last: number
  /** The head at `first`: of the log without the segment's events. */
  readonly before: TreeHead
  /** The head at `last + 1`. */
  readonly after: TreeHead
  /** Times the first and the last event were recorded, milliseconds. */
  readonly recordedFrom: number
  readonly recordedTo: number
}

export interface Trailer extends SegmentFacts {
  readonly runs: ReadonlyArray<RunEntry>
}

/** A run and the length it is encoded to. */
export interface PlacedRun {
  readonly run: Run
  readonly length: number
}

/** Runs in the order they have in a segment. */
export const orderRuns = (runs: ReadonlyArray<Run>): ReadonlyArray<Run> => {
  const labels = rankLabels(runs)
  const rank = (run: Run) => labels.get(run.conversation)!
  return runs.toSorted((a, b) =>
    (placeByte(a) & 3) - (placeByte(b) & 3)
    || labels.get(a.source)! - labels.get(b.source)!
    || rank(a) - rank(b)
    || a.indices[0]! - b.indices[0]!
  )
}

/** Runs as ordered by `orderRuns`; the facts as checked by the segment's encoder. */
export const encodeTrailer = (facts: SegmentFacts, runs: ReadonlyArray<PlacedRun>): Uint8Array => {
  const labels = rankLabels(runs.map(({ run }) => run))
  const writer = new ByteWriter(256 + runs.length * 16)
  writer.u8(VERSION).raw(facts.writer).u48(facts.first).u48(facts.last).raw(facts.before.root).raw(facts.after.root)
  writer.millis(facts.recordedFrom).millis(facts.recordedTo)
  writer.varint(labels.size)
  for (const label of labels.keys()) writer.text(label)
  writer.varint(runs.length)
  for (const { length, run } of runs) {
    writer.u8(placeByte(run)).varint(labels.get(run.source)!).varint(labels.get(run.conversation)!)
    const { count, first, last } = spanOf(run.indices)
    writeSpan(writer, { count, first: first - facts.first, last: last - facts.first })
    writer.varint(length)
  }
  return writer.finish()
}

/** The trailer, or how many of the plaintext's last bytes are needed to read it. */
export type TrailerRead =
  | { readonly _tag: "Trailer"; readonly trailer: Trailer; readonly trailerLength: number }
  | { readonly _tag: "NeedMore"; readonly bytes: number }

/** Reads the trailer from the last bytes of a plaintext of a known length. */
export const decodeTrailer = (
  tail: Uint8Array,
  plaintextLength: number
): Either.Either<TrailerRead, FormatError> =>
  parse(tail, WHAT, (reader): TrailerRead => {
    if (plaintextLength < LENGTH_BYTES) reader.fail("Truncated", "no trailer length")
    if (tail.length < LENGTH_BYTES) {
      reader.raw(tail.length)
      return { _tag: "NeedMore", bytes: LENGTH_BYTES }
    }
    const before = tail.length - LENGTH_BYTES
    const trailerLength = new DataView(tail.buffer, tail.byteOffset + before, LENGTH_BYTES).getUint32(0)
    if (trailerLength > TRAILER_BYTES) reader.fail("Limit", `${trailerLength} bytes`)
    if (trailerLength > plaintextLength - LENGTH_BYTES) reader.fail("Truncated", `${trailerLength} bytes`)
    if (trailerLength > before) {
      reader.raw(tail.length)
      return { _tag: "NeedMore", bytes: trailerLength + LENGTH_BYTES }
    }
    reader.raw(before - trailerLength)
    const trailer = readTrailer(reader)
    if (reader.remaining !== LENGTH_BYTES) reader.fail("Malformed", "its length is not the one given")
    reader.u32()
    if (runsLength(trailer) > plaintextLength - LENGTH_BYTES - trailerLength) {
      reader.fail("Truncated", "runs past the trailer")
    }
    return { _tag: "Trailer", trailer, trailerLength }
  })

/** Bytes of all runs: where the padding begins. */
export const runsLength = ({ runs }: Trailer): number => {
  const last = runs[runs.length - 1]!
  return last.offset + last.length
}

const readTrailer = (reader: ByteReader): Trailer => {
  const version = reader.u8()
  if (version !== VERSION) reader.fail("Unknown", `version ${version}`)
  const writer = reader.raw(WRITER_BYTES)
  const first = reader.u48()
  const last = reader.u48()
  if (last < first) reader.fail("Malformed", "it ends before it begins")
  if (last - first >= SEGMENT_EVENTS) reader.fail("Limit", `${last - first + 1} events`)
  const before = { size: first, root: reader.raw(ROOT_BYTES) }
  const after = { size: last + 1, root: reader.raw(ROOT_BYTES) }
  const recordedFrom = reader.millis()
  const recordedTo = reader.millis()
  if (recordedTo < recordedFrom) reader.fail("Malformed", "time that runs backwards")
  const runs = readTable(reader, { first, last })
  return { writer, first, last, before, after, recordedFrom, recordedTo, runs }
}

const readTable = (reader: ByteReader, range: { readonly first: number; readonly last: number }) => {
  const events = range.last - range.first + 1
  const labels: Array<string> = []
  for (let left = reader.count(2 * events); left > 0; left--) {
    const label = reader.text(EVENT_BYTES)
    if (labels.length > 0 && compareUtf8(labels[labels.length - 1]!, label) >= 0) {
      reader.fail("Malformed", "labels out of order")
    }
    labels.push(label)
  }
  const used = new Uint8Array(labels.length)
  const label = (): number => {
    const place = reader.count(labels.length - 1)
    used[place] = 1
    return place
  }
  const runs: Array<RunEntry> = []
  let held = 0
  let offset = 0
  let before: RunOrder = { rank: -1, source: -1, conversation: -1, first: -1 }
  for (let left = reader.count(events); left > 0; left--) {
    const { alone, class: eventClass } = readPlaceByte(reader)
    const source = label()
    const conversation = label()
    const { count, first, last } = readSpan(reader)
    const entry: RunEntry = {
      source: labels[source]!,
      conversation: labels[conversation]!,
      class: eventClass,
      alone,
      first: range.first + first,
      last: range.first + last,
      count,
      offset,
      length: reader.varint()
    }
    if (entry.length === 0) reader.fail("Malformed", "a run of no bytes")
    if (entry.last > range.last) reader.fail("Malformed", "a run past the last event")
    const order = { rank: placeByte(entry) & 3, source, conversation, first }
    if (!ascends(before, order)) reader.fail("Malformed", "runs out of order")
    before = order
    runs.push(entry)
    held += count
    offset += entry.length
    if (offset > SEGMENT_RUNS_BYTES) reader.fail("Limit", `runs of ${offset} bytes`)
  }
  if (held !== events) reader.fail("Mismatch", `runs of ${held} events where ${events} should be`)
  if (used.includes(0)) reader.fail("Malformed", "a label that is not used")
  return runs
}

/** What runs are ordered by: their class, the places of their labels, their first index. */
interface RunOrder {
  readonly rank: number
  readonly source: number
  readonly conversation: number
  readonly first: number
}

/** A plain comparison: a table has an entry for each mail. */
const ascends = (a: RunOrder, b: RunOrder): boolean => {
  if (a.rank !== b.rank) return a.rank < b.rank
  if (a.source !== b.source) return a.source < b.source
  return a.conversation === b.conversation ? a.first < b.first : a.conversation < b.conversation
}

/** Sources and conversations, in the order of their bytes, each with its place in it. */
const rankLabels = (runs: ReadonlyArray<Run>): ReadonlyMap<string, number> => {
  const labels = new Set<string>()
  for (const run of runs) labels.add(run.source).add(run.conversation)
  return new Map([...labels].toSorted(compareUtf8).map((label, rank) => [label, rank]))
}

const WHAT = "segment trailer"
const VERSION = 1
const WRITER_BYTES = 8
const ROOT_BYTES = 32
/** Of the trailer's own length behind it. */
const LENGTH_BYTES = 4
