/**
 * What a target holds of our log, found out before anything is decided: whoever decides holds the log, and nobody who
 * wants to append may wait for a slow place.
 */
import { Effect, Either, Stream } from "effect"
import { Buffer } from "node:buffer"
import type { FormatError } from "../format/FormatError.ts"
import { isObjectLength } from "../format/Padme.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import type { JournalShape } from "./Journal.ts"
import { readCursor, shippedOf, type Target } from "./Shipper.ts"
import type { StorageError } from "./Storage.ts"
import { isDamage, listSegments, readTrailer, type SegmentInfo } from "./VaultObjects.ts"

export interface Survey {
  /** Every segment there, as far as that was looked at: without what is torn, and what we had brought and is lost. */
  readonly segments: ReadonlyArray<SegmentInfo>
  /** Beside the segments. */
  readonly blobs: { readonly objects: number; readonly bytes: number }
  /** The head at the end of a segment: read before where it may have to be compared with our log, else when asked for. */
  readonly endOf: (segment: SegmentInfo) => Effect.Effect<TreeHead, StorageError | FormatError>
}

interface Surveying {
  readonly journal: JournalShape
  readonly ring: KeyRingShape
  readonly target: Target
}

/** Two listings, and the ends of the segments that have to be compared. */
export const surveyOf = Effect.fn("Survey.survey")(function*({ journal, ring, target }: Surveying) {
  const { storage } = target
  const segments = (yield* listSegments(storage, ring)).segments.filter((segment) => !isTorn(segment))
  const blobs = yield* storage.list("blobs/").pipe(
    Stream.runFold({ objects: 0, bytes: 0 }, (sum, { size }) => ({ objects: sum.objects + 1, bytes: sum.bytes + size }))
  )
  const { sessions, writer } = yield* journal.identity
  const { size } = yield* journal.head
  const shipped = shippedOf(yield* readCursor(journal, target.name), writer)
  const ends = new Map<SegmentInfo, TreeHead>()
  const lost = new Set<SegmentInfo>()
  const readEnd = (segment: SegmentInfo) =>
    Effect.map(readTrailer(storage, ring, segment), ({ after }): TreeHead => after)
  const look = Effect.fnUntraced(function*(segment: SegmentInfo) {
    const end = yield* Effect.either(Effect.retry(readEnd(segment), { times: 1, while: isDamage }))
    if (Either.isRight(end)) return void ends.set(segment, end.right)
    // We brought it there and it was whole: it is lost. Of any other nobody knows whose history it holds.
    const wasOurs = isOf(sessions, segment) && segment.last < shipped
    if (!isDamage(end.left) || !wasOurs) return yield* Effect.fail(end.left)
    lost.add(segment)
  })
  const unread = () => {
    const own = segments.filter((segment) => same(segment.writer, writer) && !lost.has(segment))
    return suspectsOf(own, { sessions, size }).filter((segment) => !ends.has(segment))
  }
  // Without what is lost others are to be looked at.
  for (let next = unread(); next.length > 0; next = unread()) for (const segment of next) yield* look(segment)
  return {
    segments: segments.filter((segment) => !lost.has(segment)),
    blobs,
    endOf: (segment) => Effect.orElse(Effect.fromNullable(ends.get(segment)), () => readEnd(segment))
  } satisfies Survey
})

/**
 * Those of our segments that end within our log and may be of another history: of a session that is not known here, or
 * that lie where others lie. Where one is in the place of none, it is enough to look at the one that reaches furthest.
 */
export const suspectsOf = (
  own: ReadonlyArray<SegmentInfo>,
  { sessions, size }: { readonly sessions: ReadonlyArray<Uint8Array>; readonly size: number }
): ReadonlyArray<SegmentInfo> => {
  const within = own.filter((segment) => segment.last < size)
  const furthest = within.reduce(reachingFurther, undefined)
  const contested = contestedOf(own)
  return within.filter((each) => each === furthest || contested.has(each) || !isOf(sessions, each))
}

/** Segments that lie where another one lies. */
const contestedOf = (own: ReadonlyArray<SegmentInfo>): ReadonlySet<SegmentInfo> => {
  const found = new Set<SegmentInfo>()
  let furthest: SegmentInfo | undefined
  for (const each of own.toSorted((a, b) => a.first - b.first)) {
    if (furthest !== undefined && each.first <= furthest.last) found.add(each).add(furthest)
    furthest = reachingFurther(furthest, each)
  }
  return found
}

export const reachingFurther = (best: SegmentInfo | undefined, next: SegmentInfo): SegmentInfo =>
  best === undefined || next.last > best.last ? next : best

const isOf = (sessions: ReadonlyArray<Uint8Array>, segment: SegmentInfo): boolean =>
  sessions.some((session) => same(session, segment.session))

/** Whether an object cannot be whole, by its length alone: nobody will ever read it. */
export const isTorn = ({ bytes }: SegmentInfo): boolean => !isObjectLength(bytes)

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
