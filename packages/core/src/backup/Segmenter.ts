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

/** A range of a writer's log, from an index that is a block boundary. It must not be empty. */
export interface Range {
  readonly writer: Uint8Array
  readonly from: number
  readonly to: number
  /** What is gathered before it is enough, bytes. */
  readonly most?: number
}

/** As much of a range as one segment takes. */
export const cut = Effect.fn("Segmenter.cut")(function*(journal: JournalShape, range: Range) {
  return yield* cutOf(journal, range, yield* gather(journal, range))
})

/** The same, where that is as much as a segment takes, and not just all there is. */
export const cutFull = Effect.fn("Segmenter.cutFull")(function*(journal: JournalShape, range: Range) {
  const gathered = yield* gather(journal, range)
  return gathered.isFull ? yield* cutOf(journal, range, gathered) : undefined
})

const cutOf = Effect.fn("Segmenter.cutOf")(
  function*(journal: JournalShape, { from, writer }: Range, { blocks }: Gathered) {
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
  }
)

interface Gathered {
  readonly blocks: ReadonlyArray<Block>
  readonly isFull: boolean
}

const gather = Effect.fn("Segmenter.gather")(function*(journal: JournalShape, range: Range) {
  const { most = SEGMENT_FINAL_BYTES } = range
  let [bytes, merged, events, isFull] = [0, 0, 0, false]
  const blocks = yield* journal.blocks(range).pipe(
    Stream.takeWhile((block) => {
      const size = block.runs.reduce((sum, run) => sum + segmentBytesOf(run), 0)
      const fits = events === 0
        || (merged < most && bytes + size <= SEGMENT_BYTES && events + block.count <= SEGMENT_EVENTS)
      bytes += size
      merged += mergedBytesOf(block)
      events += block.count
      isFull = !fits || merged >= most
      return fits
    }),
    Stream.runCollect
  )
  return { blocks: [...blocks], isFull } satisfies Gathered
})

/** About what a block takes once its windows are merged with those of others: never more than that, mostly. */
const mergedBytesOf = ({ runs }: Block): number =>
  runs.reduce((sum, run) => sum + segmentBytesOf(run) * (run.alone ? 1 : MERGED_SHARE), 0)

/** A conversation's windows take less as one; else segments would come out just short of final, and be merged again. */
const MERGED_SHARE = 0.75

const recordedAtOf = Effect.fn("Segmenter.recordedAtOf")(function*(block: Block, index: number) {
  const run = Option.getOrThrow(Option.fromNullable(block.runs.find((each) => each.indices[0] === index)))
  const events = yield* unpackRun(run)
  return (yield* attempt(() => peekEvent(events[0]!))).recordedAt
})
