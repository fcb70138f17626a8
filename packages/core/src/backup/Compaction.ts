/**
 * Keeps the number of objects at a target small: sixteen neighbouring segments of a level become one of the next, made
 * from the journal, never downloaded. The old ones go only after the new one was read back and found whole; a crash
 * between any two steps leaves objects that say the same twice, which every reader takes for one and the next
 * compaction removes. Only objects that this machine is known to have made are touched.
 */
import { type Context, Effect } from "effect"
import { Buffer } from "node:buffer"
import type { FormatError } from "../format/FormatError.ts"
import { COMPACT_SEGMENTS, SEGMENT_BYTES, SEGMENT_FINAL_BYTES } from "../format/Limits.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import type { JournalError, JournalShape } from "./Journal.ts"
import { rootAt } from "./Reconcile.ts"
import { cut } from "./Segmenter.ts"
import { readCursor, retryStorage, type Target, writeCursor } from "./Shipper.ts"
import { StorageError } from "./Storage.ts"
import {
  listSegments,
  openSegment,
  readTrailer,
  type SealedObject,
  sealSegment,
  type SegmentInfo
} from "./VaultObjects.ts"

export interface Compacting {
  readonly journal: JournalShape
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly target: Target
}

export interface CompactionReport {
  readonly made: number
  readonly removed: number
  /** Written anew, bytes. */
  readonly bytes: number
}

type CompactionError = StorageError | JournalError | FormatError

/** Merges what can be merged; one listing and nothing else where there is nothing to do. */
export const compact = Effect.fn("Compaction.compact")(function*(
  compacting: Compacting
): Effect.fn.Return<CompactionReport, CompactionError> {
  const { journal, ring, target } = compacting
  const report = { made: 0, removed: 0, bytes: 0 }
  let freed = 0
  if (!target.storage.capabilities.deletes) return report
  const { segments } = yield* listSegments(target.storage, ring)
  const { sessions, writer } = yield* journal.identity
  const { size } = yield* journal.head
  let mine = segments
    .filter((each) => same(each.writer, writer) && each.last < size && sessions.some((one) => same(one, each.session)))
    .toSorted((a, b) => a.first - b.first || b.last - a.last)
  const kept = yield* removeCovered(compacting, mine)
  report.removed += mine.length - kept.length
  freed += sizeOf(mine) - sizeOf(kept)
  mine = [...kept]
  for (let group = nextGroup(mine); group !== undefined; group = nextGroup(mine)) {
    const merged = yield* merge(compacting, group)
    if (merged === undefined) break
    for (const old of merged.replaced) yield* remove(compacting, old)
    report.made++
    report.bytes += merged.segment.bytes
    report.removed += merged.replaced.length
    freed += sizeOf(merged.replaced)
    mine = [...mine.filter((each) => !merged.replaced.includes(each)), merged.segment]
      .toSorted((a, b) => a.first - b.first)
  }
  const cursor = yield* readCursor(journal, target.name)
  yield* writeCursor(journal, target.name, {
    ...cursor,
    objects: cursor.objects + report.made - report.removed,
    bytes: cursor.bytes + report.bytes - freed
  })
  return report
})

/** The oldest neighbours of one level that fill a group and fit one segment. */
const nextGroup = (mine: ReadonlyArray<SegmentInfo>): ReadonlyArray<SegmentInfo> | undefined => {
  let group: Array<SegmentInfo> = []
  for (const each of mine) {
    const previous = group.at(-1)
    const isNext = previous !== undefined && previous.level === each.level && previous.last + 1 === each.first
    if (!isNext) group = []
    if (each.bytes >= SEGMENT_FINAL_BYTES) group = []
    else group.push(each)
    if (group.length < COMPACT_SEGMENTS) continue
    const fitting = fittingOf(group)
    if (fitting.length > 1) return fitting
    group.shift()
  }
  return undefined
}

const fittingOf = (group: ReadonlyArray<SegmentInfo>): ReadonlyArray<SegmentInfo> => {
  let bytes = 0
  return group.filter((each) => {
    bytes += each.bytes
    return bytes <= SEGMENT_BYTES
  })
}

/** One segment for many, proven to be there. Nothing, where the journal has no boundary that fits. */
const merge = Effect.fn("Compaction.merge")(function*(compacting: Compacting, group: ReadonlyArray<SegmentInfo>) {
  const { entropy, journal, ring, target } = compacting
  const { session, writer } = yield* journal.identity
  const [head, last] = [group[0]!, group.at(-1)!]
  // Where events came back from another target, a block can be longer than the segments here, which begin within it.
  const contents = yield* cut(journal, { writer, from: head.first, to: last.last + 1, most: SEGMENT_BYTES }).pipe(
    Effect.map((made) => made.contents),
    Effect.catchIf(
      (error) => error._tag === "JournalError" && error.reason === "Missing",
      () => Effect.succeed(undefined)
    )
  )
  if (contents === undefined) return undefined
  const replaced = group.filter((each) => each.last <= contents.last)
  if (replaced.length < 2) return undefined
  const name = { epoch: ring.newest, writer, level: head.level + 1, first: head.first, last: contents.last, session }
  const sealed = yield* sealSegment({ ring, entropy, name, contents })
  yield* target.storage.put(sealed.object, sealed.bytes).pipe(
    Effect.catchIf((error) => error.reason === "AlreadyExists", () => Effect.void),
    Effect.retry(retryStorage)
  )
  const segment: SegmentInfo = { ...name, object: sealed.object, bytes: sealed.bytes.length }
  yield* proveThere(compacting, sealed, segment)
  return { segment, replaced }
})

/** Reads back what was put: these bytes, or at least this segment. */
const proveThere = Effect.fn("Compaction.proveThere")(function*(
  { journal, ring, target }: Compacting,
  sealed: SealedObject,
  info: SegmentInfo
) {
  const back = yield* target.storage.get(sealed.object).pipe(Effect.retry(retryStorage))
  if (Buffer.compare(back, sealed.bytes) === 0) return
  yield* proveAgrees(journal, info, (yield* openSegment(ring, info, back)).trailer.after.root)
})

/** Removes one of our objects, once it is known to hold only what our log holds. */
const remove = Effect.fn("Compaction.remove")(function*({ journal, ring, target }: Compacting, info: SegmentInfo) {
  const { session } = yield* journal.identity
  if (!same(info.session, session)) {
    const trailer = yield* readTrailer(target.storage, ring, info)
    yield* proveAgrees(journal, info, trailer.after.root)
  }
  yield* target.storage.delete(info.object).pipe(Effect.retry(retryStorage))
})

const proveAgrees = Effect.fn("Compaction.proveAgrees")(function*(
  journal: JournalShape,
  info: SegmentInfo,
  root: Uint8Array
) {
  if (same(yield* rootAt(journal, info.last + 1), root)) return
  return yield* new StorageError({ reason: "Corrupt", method: "compact", subject: info.object, retryable: false })
})

/** What a compaction that was interrupted left: segments of which a larger one of ours holds every event. */
const removeCovered = Effect.fn("Compaction.removeCovered")(function*(
  compacting: Compacting,
  mine: ReadonlyArray<SegmentInfo>
) {
  const { journal, ring, target } = compacting
  const kept: Array<SegmentInfo> = []
  const proven = new Set<SegmentInfo>()
  for (const each of mine) {
    const cover = mine.find((other) => other.level > each.level && other.first <= each.first && other.last >= each.last)
    if (cover === undefined) {
      kept.push(each)
      continue
    }
    if (!proven.has(cover)) {
      const opened = yield* openSegment(ring, cover, yield* target.storage.get(cover.object))
      yield* proveAgrees(journal, cover, opened.trailer.after.root)
      proven.add(cover)
    }
    yield* remove(compacting, each)
  }
  return kept
})

const sizeOf = (segments: ReadonlyArray<SegmentInfo>): number => segments.reduce((sum, { bytes }) => sum + bytes, 0)

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
