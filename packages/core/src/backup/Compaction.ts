/**
 * Keeps the number of objects at a target small: sixteen neighbouring segments of a level become one of the next, made
 * from the journal, never downloaded. The old ones go only after the new one was read back and found whole; a crash
 * between any two steps leaves objects that say the same twice, which every reader takes for one and the next
 * compaction removes. Only objects that this machine is known to have made are touched.
 */
import { type Context, Effect, Either, Ref } from "effect"
import { Buffer } from "node:buffer"
import type { FormatError } from "../format/FormatError.ts"
import { COMPACT_SEGMENTS, SEGMENT_BYTES, SEGMENT_FINAL_BYTES } from "../format/Limits.ts"
import { segmentName } from "../format/ObjectName.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import type { JournalError, JournalShape } from "./Journal.ts"
import { rootAt } from "./Reconcile.ts"
import { cut } from "./Segmenter.ts"
import { putWhole, readCursor, retryStorage, type Target, writeCursor } from "./Shipper.ts"
import { StorageError } from "./Storage.ts"
import { isTorn } from "./Survey.ts"
import {
  getObject,
  isDamage,
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
  /** The merged segment that was sealed and is not proven yet: tried again as it is, since a name stands for one thing. */
  readonly pending?: Ref.Ref<SealedObject | undefined>
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
  const proof = yield* makeProof(compacting)
  let mine: ReadonlyArray<SegmentInfo> = segments
    .filter((each) => same(each.writer, writer) && each.last < size && sessions.some((one) => same(one, each.session)))
  const clear = Effect.fnUntraced(function*(old: ReadonlyArray<SegmentInfo>) {
    for (const { object } of old) yield* target.storage.delete(object).pipe(Effect.retry(retryStorage))
    report.removed += old.length
    freed += sizeOf(old)
    mine = mine.filter((each) => !old.includes(each))
  })
  yield* clear(yield* spareOf(proof, mine))
  while (true) {
    const group = nextGroup(chainOf(mine.filter((each) => !proof.isOut(each))))
    if (group === undefined) break
    // What does not agree is out from now on, and another group is the next.
    if (!(yield* proof.agree(group))) continue
    const merged = yield* merge(compacting, group)
    if (merged === undefined) break
    yield* clear(merged.replaced)
    report.made++
    report.bytes += merged.segment.bytes
    mine = [...mine, merged.segment]
  }
  const cursor = yield* readCursor(journal, target.name)
  yield* writeCursor(journal, target.name, {
    ...cursor,
    // A listing that was out of date may have counted fewer than there were.
    objects: Math.max(0, cursor.objects + report.made - report.removed),
    bytes: Math.max(0, cursor.bytes + report.bytes - freed)
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
  const { entropy, journal, pending, ring, target } = compacting
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
  const waiting = pending === undefined ? undefined : yield* Ref.get(pending)
  const sealed = waiting?.object === segmentName(ring, name)
    ? waiting
    : yield* sealSegment({ ring, entropy, name, contents })
  if (pending !== undefined) yield* Ref.set(pending, sealed)
  yield* putWhole(target.storage, sealed)
  const segment: SegmentInfo = { ...name, object: sealed.object, bytes: sealed.bytes.length }
  yield* proveThere(compacting, sealed, segment)
  if (pending !== undefined) yield* Ref.set(pending, undefined)
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

const proveAgrees = Effect.fn("Compaction.proveAgrees")(function*(
  journal: JournalShape,
  info: SegmentInfo,
  root: Uint8Array
) {
  if (same(yield* rootAt(journal, info.last + 1), root)) return
  return yield* new StorageError({ reason: "Corrupt", method: "compact", subject: info.object, retryable: false })
})

interface Proof {
  /** Opens a segment as a whole: whether it holds what our log holds. */
  readonly holds: (info: SegmentInfo) => Effect.Effect<boolean, CompactionError>
  /** Whether all of them end where our log does; one that this session put there needs no look. */
  readonly agree: (group: ReadonlyArray<SegmentInfo>) => Effect.Effect<boolean, CompactionError>
  /** Found to be torn, unreadable, or of another history: a machine that was copied goes on in the session it was in. */
  readonly isOut: (info: SegmentInfo) => boolean
}

/** What was found out about a segment is found out once. */
const makeProof = Effect.fn("Compaction.proof")(function*({ journal, ring, target }: Compacting) {
  const { session } = yield* journal.identity
  const found = { whole: new Map<string, boolean>(), end: new Map<string, boolean>() }
  const once = Effect.fnUntraced(function*(
    known: Map<string, boolean>,
    info: SegmentInfo,
    read: Effect.Effect<{ readonly after: TreeHead }, StorageError | FormatError>
  ) {
    const before = known.get(info.object)
    if (before !== undefined) return before
    const end = yield* Effect.either(read)
    if (Either.isLeft(end) && !isDamage(end.left)) return yield* Effect.fail(end.left)
    const agrees = Either.isRight(end) && same(yield* rootAt(journal, info.last + 1), end.right.after.root)
    known.set(info.object, agrees)
    return agrees
  })
  const isOut = (info: SegmentInfo) =>
    isTorn(info) || found.whole.get(info.object) === false || found.end.get(info.object) === false
  return {
    isOut,
    holds: (info) => {
      const opened = Effect.flatMap(getObject(target.storage, info.object), (bytes) => openSegment(ring, info, bytes))
      return once(found.whole, info, Effect.map(opened, ({ trailer }) => trailer))
    },
    agree: Effect.fnUntraced(function*(group) {
      for (const info of group) {
        if (same(info.session, session)) continue
        if (!(yield* once(found.end, info, readTrailer(target.storage, ring, info)))) return false
      }
      return true
    })
  } satisfies Proof
})

/**
 * What says again what others say: left by a merge that was interrupted, by a range that was shipped twice, by a put
 * that was torn. Those that stay in its place are opened and proven before it goes.
 */
const spareOf = Effect.fn("Compaction.spare")(function*(proof: Proof, mine: ReadonlyArray<SegmentInfo>) {
  while (true) {
    const chain = chainOf(mine.filter((each) => !proof.isOut(each)))
    const spare: Array<SegmentInfo> = []
    for (const each of mine) {
      const covers = chain.filter((other) => overlap(each, other))
      if (chain.includes(each) || !isWithin(each, covers)) continue
      // What cannot be read may hold what nobody else has; unless nobody can ever read it.
      if (isTorn(each) || (!proof.isOut(each) && (yield* proof.agree([each])))) spare.push(each)
    }
    const stay = chain.filter((each) => spare.some((other) => overlap(each, other)))
    const proven = yield* Effect.forEach(stay, proof.holds)
    // Without what is no cover there is another chain.
    if (proven.every((holds) => holds)) return spare
  }
})

/** From the beginning, always the one that reaches furthest. */
const chainOf = (segments: ReadonlyArray<SegmentInfo>): ReadonlyArray<SegmentInfo> => {
  const sorted = segments.toSorted((a, b) => a.first - b.first || b.last - a.last)
  const chain: Array<SegmentInfo> = []
  let next = 0
  for (let at = 0; at < sorted.length;) {
    let furthest: SegmentInfo | undefined
    for (; at < sorted.length && sorted[at]!.first <= next; at++) {
      if (sorted[at]!.last > (furthest?.last ?? next - 1)) furthest = sorted[at]
    }
    if (furthest !== undefined) chain.push(furthest)
    // Behind a gap it begins anew.
    next = furthest === undefined ? sorted[at]?.first ?? next : furthest.last + 1
  }
  return chain
}

const overlap = (a: SegmentInfo, b: SegmentInfo): boolean => a.first <= b.last && b.first <= a.last

/** Whether others hold every event of it. */
const isWithin = ({ first, last }: SegmentInfo, others: ReadonlyArray<SegmentInfo>): boolean => {
  let next = first
  for (const each of others.toSorted((a, b) => a.first - b.first)) {
    if (each.first <= next) next = Math.max(next, each.last + 1)
  }
  return next > last
}

const sizeOf = (segments: ReadonlyArray<SegmentInfo>): number => segments.reduce((sum, { bytes }) => sum + bytes, 0)

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
