/**
 * Cuts a range of the journal into a segment: whole blocks, their full-size runs copied as they are compressed, the
 * small ones of one conversation merged into one window. A live cut takes what there is; a backlog is cut at the size
 * from which a segment is final.
 */
import { Effect, Option, Stream } from "effect"
import { attempt } from "../format/Binary.ts"
import type { Block } from "../format/Block.ts"
import { peekEvent } from "../format/EventCodec.ts"
import { SEGMENT_BYTES, SEGMENT_EVENTS, SEGMENT_FINAL_BYTES } from "../format/Limits.ts"
import { unpackRun } from "../format/Run.ts"
import { compactRuns } from "../format/RunMerge.ts"
import { segmentBytesOf, type SegmentContents } from "../format/Segment.ts"
import { LogBuilder } from "../log/MerkleLog.ts"
import type { JournalShape } from "./Journal.ts"

/** What one ship carries: the segment's contents, and the blobs that must be there before it. */
export interface Cut {
  readonly contents: SegmentContents
  readonly blobs: ReadonlyArray<string>
}

/** Cuts from an index, a block boundary, as much as one segment takes. The range must not be empty. */
export const cut = Effect.fn("Segmenter.cut")(function*(journal: JournalShape, options: {
  readonly writer: Uint8Array
  readonly from: number
  readonly to: number
  /** What is gathered before it is enough, bytes. */
  readonly most?: number
}) {
  const { from, writer } = options
  const blocks = yield* takeBlocks(journal, options)
  const first = blocks[0]!.first
  const last = blocks.at(-1)!.first + blocks.at(-1)!.count - 1
  const before = from === 0 ? LogBuilder.empty().head() : yield* journal.headAt({ size: from, writer })
  const after = yield* journal.headAt({ size: last + 1, writer })
  const runs = yield* compactRuns(blocks.flatMap((block) => block.runs))
  return {
    contents: {
      writer,
      first,
      last,
      before,
      after,
      runs,
      recordedFrom: yield* recordedAtOf(blocks[0]!, first),
      recordedTo: after.recordedAt
    },
    blobs: blocks.flatMap((block) => block.blobs)
  } satisfies Cut
})

const takeBlocks = Effect.fn("Segmenter.takeBlocks")(function*(journal: JournalShape, options: {
  readonly writer: Uint8Array
  readonly from: number
  readonly to: number
  readonly most?: number
}) {
  const { most = SEGMENT_FINAL_BYTES } = options
  let bytes = 0
  let events = 0
  return yield* journal.blocks(options).pipe(
    Stream.takeWhile((block) => {
      const size = block.runs.reduce((sum, run) => sum + segmentBytesOf(run), 0)
      const fits = events === 0
        || (bytes < most && bytes + size <= SEGMENT_BYTES && events + block.count <= SEGMENT_EVENTS)
      bytes += size
      events += block.count
      return fits
    }),
    Stream.runCollect,
    Effect.map((chunk) => [...chunk])
  )
})

const recordedAtOf = Effect.fn("Segmenter.recordedAtOf")(function*(block: Block, index: number) {
  const run = Option.getOrThrow(Option.fromNullable(block.runs.find((each) => each.indices[0] === index)))
  const events = yield* unpackRun(run)
  return (yield* attempt(() => peekEvent(events[0]!))).recordedAt
})
