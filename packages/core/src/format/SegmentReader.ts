/**
 * Reads parts of a segment: its trailer from the end, then only the chunks in which the wanted runs lie. Where chunks
 * come from, and that each is authentic, is the caller's business.
 */
import { Effect, Either } from "effect"
import { attempt, ByteReader } from "./Binary.ts"
import { FormatError } from "./FormatError.ts"
import { CHUNK_BYTES } from "./Limits.ts"
import { decodeRun, type Run } from "./Run.ts"
import { runAt } from "./Segment.ts"
import { decodeTrailer, type RunEntry, type Trailer } from "./SegmentTrailer.ts"

/** A segment's plaintext by chunks. */
export interface SegmentChunks<E, R = never> {
  /** Of the whole plaintext, bytes: it follows from the object's size. */
  readonly plaintextLength: number
  /** The plaintext of the chunks from one index to another, both included, as one piece. */
  readonly read: (from: number, to: number) => Effect.Effect<Uint8Array, E, R>
}

/** Chunks from one index to another, both included, and the runs that lie in them. */
export interface ChunkSpan {
  readonly from: number
  readonly to: number
  readonly entries: ReadonlyArray<RunEntry>
}

/** The trailer: one read of the last chunk, and a second one where it is longer. */
export const readTrailer = Effect.fn("SegmentReader.readTrailer")(function*<E, R>(
  chunks: SegmentChunks<E, R>
): Effect.fn.Return<Trailer, E | FormatError, R> {
  const { plaintextLength } = chunks
  const last = chunkOf(Math.max(0, plaintextLength - 1))
  const read = yield* decodeTrailer(yield* chunks.read(last, last), plaintextLength)
  if (read._tag === "Trailer") return read.trailer
  const tail = yield* chunks.read(chunkOf(plaintextLength - read.bytes), last)
  const again = yield* decodeTrailer(tail, plaintextLength)
  if (again._tag === "Trailer") return again.trailer
  // Fewer than four bytes can stand in the last chunk: then the length itself needed the one before.
  const whole = yield* decodeTrailer(
    yield* chunks.read(chunkOf(plaintextLength - again.bytes), last),
    plaintextLength
  )
  if (whole._tag === "Trailer") return whole.trailer
  return yield* new FormatError({ reason: "Truncated", what: "segment trailer" })
})

/** The runs of some entries, in their order; chunks that touch are read at once. */
export const readRuns = Effect.fn("SegmentReader.readRuns")(function*<E, R>(
  chunks: SegmentChunks<E, R>,
  entries: ReadonlyArray<RunEntry>
): Effect.fn.Return<ReadonlyArray<Run>, E | FormatError, R> {
  const runs = new Map<RunEntry, Run>()
  for (const span of chunkSpans(entries)) {
    const bytes = yield* chunks.read(span.from, span.to)
    const start = span.from * CHUNK_BYTES
    for (const entry of span.entries) {
      const offset = entry.offset - start
      runs.set(entry, yield* runAt(bytes.subarray(offset, offset + entry.length), entry))
    }
  }
  return entries.map((entry) => runs.get(entry)!)
})

/**
 * Of a segment whose end is lost: the runs that can be read from its first bytes. They are as authentic as the chunks
 * they came in; which others there were, nothing tells. A run of a newer program is an error here too.
 */
export const salvageRuns = (beginning: Uint8Array): Either.Either<ReadonlyArray<Run>, FormatError> => {
  const reader = new ByteReader(beginning, "run")
  const runs: Array<Run> = []
  for (;;) {
    const run = attempt(() => decodeRun(reader))
    // Anything else is the end of what is there, or padding, which is no run.
    if (Either.isLeft(run)) return run.left.reason === "Unknown" ? Either.left(run.left) : Either.right(runs)
    runs.push(run.right)
  }
}

/** The fewest reads that get these runs and no chunk without any. */
export const chunkSpans = (entries: ReadonlyArray<RunEntry>): ReadonlyArray<ChunkSpan> => {
  const spans: Array<{ from: number; to: number; entries: Array<RunEntry> }> = []
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset)) {
    const from = chunkOf(entry.offset)
    const to = chunkOf(entry.offset + entry.length - 1)
    const open = spans[spans.length - 1]
    if (open === undefined || from > open.to + 1) spans.push({ from, to, entries: [entry] })
    else {
      open.to = Math.max(open.to, to)
      open.entries.push(entry)
    }
  }
  return spans
}

const chunkOf = (offset: number): number => Math.floor(offset / CHUNK_BYTES)
