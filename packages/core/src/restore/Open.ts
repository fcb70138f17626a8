/**
 * Opens one log from its segments and proves it on the way: every object authenticated, ranges contiguous from 0,
 * every root recomputed from the events. Whatever fails is found, named and gone around where another segment holds
 * the same events; nothing that did not open is handed on.
 *
 * Where two segments contradict each other there is a branch: a copy of the machine went on by itself. Both are
 * handed on, the shorter one marked.
 */
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import type { SegmentInfo } from "../backup/VaultObjects.ts"
import { eventsOf, selectEvents } from "../format/Block.ts"
import { LEAF_EVENTS } from "../format/Limits.ts"
import { LogBuilder } from "../log/MerkleLog.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import { damageOf, type FetchError, type FetchShape, isGone, type WriterLog } from "./Fetch.ts"
import { endOf, type Heads, Walk } from "./Walk.ts"

/** Why part of a log is not proven. */
export type FindingReason =
  /** An object that is missing, damaged, moved or not what its name says. */
  | "Damaged"
  /** Events that no readable object holds. */
  | "Gap"
  /** Two histories of one writer; both are restored. */
  | "Branch"
  /** The vault is older than a head that is known from elsewhere. */
  | "RolledBack"
  /** A head known from elsewhere belongs to another history. */
  | "Contradiction"
  /** A blob that an event names is missing or damaged. */
  | "Blob"

export interface Finding {
  readonly reason: FindingReason
  readonly writer: Uint8Array
  /** The events concerned, both inclusive. */
  readonly first: number
  readonly last: number
  readonly object?: string
  readonly cause?: FetchError
}

/** Events of one segment that are not in an earlier one, in order; the first has index `first`. */
export interface OpenedEvents {
  readonly info: SegmentInfo
  readonly writer: Uint8Array
  readonly first: number
  readonly events: ReadonlyArray<Uint8Array>
  readonly branch: boolean
}

/** A head that is known from elsewhere: pinned, printed, witnessed. */
export interface KnownHead extends TreeHead {
  readonly from: string
}

/** A head that a walk begins at instead of an empty log: what was before it was proven then. */
export interface StartHead extends TreeHead {
  readonly peaks: ReadonlyArray<Uint8Array>
}

export interface OpenedLog {
  readonly writer: Uint8Array
  /** With its peaks where it was recomputed, so that a later walk can begin there. */
  readonly head: TreeHead & { readonly peaks?: ReadonlyArray<Uint8Array> }
  /** Whether every root from 0 to the head was recomputed; else the events are authentic, but there is a gap. */
  readonly proven: boolean
  readonly findings: ReadonlyArray<Finding>
  /** Where the walk began: what was before it was proven by an earlier one. */
  readonly from: number
  /** The root at a size that was asked for, where the log was proven up to there. */
  readonly rootAt: (size: number) => Uint8Array | undefined
}

/** Hands on every event of a log that can be opened, in order, and says what was proven. */
export const openLog = Effect.fn("Open.openLog")(function*<E, R>(fetch: FetchShape, log: WriterLog, options: {
  readonly known?: ReadonlyArray<KnownHead>
  readonly start?: StartHead
  /** Sizes whose roots are wanted. */
  readonly rootsAt?: ReadonlyArray<number>
  /** Also authenticate every byte of segments that hold nothing new. */
  readonly everyObject?: boolean
  readonly take: (events: OpenedEvents) => Effect.Effect<void, E, R>
}): Effect.fn.Return<OpenedLog, E | FetchError, R> {
  const { start, take } = options
  const known = options.known ?? []
  const findings: Array<Finding> = []
  if (start !== undefined && endOf(log) <= start.size) return yield* nothingNew(fetch, log, start, known)
  const begun = start === undefined ? LogBuilder.empty() : yield* beginAt(fetch, log, start)
  if (begun === undefined) return unlike(log, start!)
  const walk = new Walk(log, known, begun, options.rootsAt ?? [])
  const reading: Reading = { fetch, walk, findings, used: new Set(), failed: new Set(), strays: new Set() }
  while (walk.next < walk.end && (yield* step(reading, take)));
  yield* followStrays(reading, take)
  for (const info of walk.log.segments) {
    if (reading.used.has(info) || reading.failed.has(info) || info.last < begun.size) continue
    findings.push(...(yield* openSpare(reading, info, options)))
  }
  for (const info of reading.strays) findings.push(damaged(info))
  findings.push(...walk.lostBehind(reading.failed), ...walk.contradictions())
  return {
    writer: log.writer,
    head: walk.head(),
    proven: walk.proven,
    findings,
    from: begun.size,
    rootAt: (size) => walk.rootAt(size)
  } satisfies OpenedLog
})

interface Reading {
  readonly fetch: FetchShape
  readonly walk: Walk
  readonly findings: Array<Finding>
  /** What was handed on. */
  readonly used: Set<SegmentInfo>
  /** What the walk cannot go on with. */
  readonly failed: Set<SegmentInfo>
  /** Of these, what opens: it goes on from elsewhere. A second history can be the longer one. */
  readonly strays: Set<SegmentInfo>
}

type Take<E, R> = (events: OpenedEvents) => Effect.Effect<void, E, R>

/** One segment, or one gap; whether there may be more. What it held is let go of before the next one is fetched. */
const step = Effect.fn("Open.step")(function*<E, R>(
  reading: Reading,
  take: Take<E, R>
): Effect.fn.Return<boolean, E | FetchError, R> {
  const { failed, fetch, findings, strays, used, walk } = reading
  const { writer } = walk.log
  const info = walk.log.segments
    .filter((each) => each.first <= walk.next && each.last >= walk.next && !failed.has(each) && !used.has(each))
    .reduce<SegmentInfo | undefined>(
      (best, each) => best === undefined || each.last > best.last ? each : best,
      undefined
    )
  if (info === undefined) {
    // What lies behind this place may all belong to a second history.
    yield* followStrays(reading, take)
    const done = new Set([...failed, ...used])
    if (walk.endsHere(done)) return false
    findings.push(walk.skipGap(done))
    return true
  }
  const opened = yield* damageOf(openEvents(fetch, info, walk.next))
  if (opened._tag === "Left") {
    failed.add(info)
    if (isGone(opened.left) && (yield* fetch.refresh)) {
      const now = fetch.writers.find((each) => same(each.writer, writer))
      if (now !== undefined) walk.relist(now)
      return true
    }
    findings.push(damaged(info, opened.left))
    return true
  }
  const { events, heads } = opened.right
  if (!walk.accept(heads, events)) {
    failed.add(info)
    strays.add(info)
    return true
  }
  used.add(info)
  yield* take({ info, writer, first: walk.next - events.length, events, branch: false })
  return true
})

/** Hands on what goes on from where a second history was seen to begin, as far as that leads. */
const followStrays = Effect.fn("Open.followStrays")(function*<E, R>(reading: Reading, take: Take<E, R>) {
  const { failed, fetch, findings, strays, used, walk } = reading
  if (strays.size === 0) return
  for (const info of walk.log.segments) {
    if (used.has(info) || (failed.has(info) && !strays.has(info))) continue
    const trailer = yield* damageOf(fetch.trailer(info))
    if (trailer._tag === "Left" || !walk.isElsewhere(trailer.right)) continue
    const opened = yield* damageOf(openEvents(fetch, info, info.first))
    if (opened._tag === "Left" || !walk.branch(opened.right.heads, opened.right.events)) continue
    used.add(info)
    failed.delete(info)
    strays.delete(info)
    yield* take({ info, writer: info.writer, first: info.first, events: opened.right.events, branch: true })
    findings.push(branchOff(info))
  }
})

/** A log that ends where it was left, or before: its last trailer says whether it is still that log. */
const nothingNew = Effect.fn("Open.nothingNew")(function*(
  fetch: FetchShape,
  log: WriterLog,
  start: StartHead,
  known: ReadonlyArray<KnownHead>
) {
  const { writer } = log
  const last = log.segments.find((each) => each.last + 1 === start.size)
  const findings = known.flatMap(({ root, size }): ReadonlyArray<Finding> => {
    if (size > start.size) return [{ reason: "RolledBack", writer, first: start.size, last: size - 1 }]
    if (size < start.size || same(root, start.root)) return []
    return [{ reason: "Contradiction", writer, first: 0, last: size - 1 }]
  })
  const rootAt = (size: number) => size === start.size ? start.root : undefined
  const still: OpenedLog = { writer, head: start, proven: true, findings, from: start.size, rootAt }
  if (last === undefined) {
    const finding: Finding = { reason: "RolledBack", writer, first: endOf(log), last: start.size - 1 }
    return { ...still, proven: false, findings: [finding] }
  }
  const trailer = yield* damageOf(fetch.trailer(last))
  if (trailer._tag === "Left") return { ...still, proven: false, findings: [damaged(last, trailer.left)] }
  return same(trailer.right.after.root, start.root) ? still : unlike(log, start)
})

/** What is there is not what was there. */
const unlike = ({ writer }: WriterLog, start: StartHead): OpenedLog => ({
  writer,
  head: start,
  proven: false,
  findings: [{ reason: "Contradiction", writer, first: 0, last: start.size - 1 }],
  from: start.size,
  rootAt: () => undefined
})

/** A builder that stands at a head known from before; `undefined` where the vault is not what that head is of. */
const beginAt = Effect.fn("Open.beginAt")(function*(fetch: FetchShape, log: WriterLog, start: StartHead) {
  const from = start.size - (start.size % LEAF_EVENTS)
  const open: Array<Uint8Array> = []
  while (from + open.length < start.size) {
    const next = from + open.length
    const info = log.segments.find((each) => each.first <= next && each.last >= next)
    const read = info === undefined ? undefined : yield* damageOf(eventsBetween(fetch, info, next, start.size))
    if (read === undefined || read._tag === "Left" || read.right.length === 0) return undefined
    open.push(...read.right)
  }
  const builder = LogBuilder.make(start, open)
  return same(builder.head().root, start.root) ? builder : undefined
})

/** Some neighbouring events of a segment, from one index to another (exclusive) or to its end: only their runs are read. */
const eventsBetween = Effect.fn("Open.eventsBetween")(function*(
  fetch: FetchShape,
  info: SegmentInfo,
  from: number,
  to: number
) {
  const { runs } = yield* fetch.trailer(info)
  const entries = runs.filter((entry) => entry.last >= from && entry.first < to)
  const events = yield* selectEvents(yield* fetch.runs(info, entries))
  return events.filter(({ index }) => index >= from && index < to).map(({ bytes }) => bytes)
})

/** A segment that the walk did not need: it says the same, or it is a branch. */
const openSpare = Effect.fn("Open.openSpare")(function*<E, R>(
  { fetch, walk }: Reading,
  info: SegmentInfo,
  options: { readonly everyObject?: boolean; readonly take: (events: OpenedEvents) => Effect.Effect<void, E, R> }
) {
  const trailer = yield* damageOf(fetch.trailer(info))
  if (trailer._tag === "Left") return [damaged(info, trailer.left)]
  const agrees = walk.rootAt(trailer.right.after.size)
  if (agrees !== undefined && same(agrees, trailer.right.after.root) && options.everyObject !== true) return []
  const opened = yield* damageOf(openEvents(fetch, info, info.first))
  if (opened._tag === "Left") return [damaged(info, opened.left)]
  if (agrees !== undefined && same(agrees, trailer.right.after.root)) return []
  if (!walk.branch(opened.right.heads, opened.right.events)) return [damaged(info)]
  yield* options.take({ info, writer: info.writer, first: info.first, events: opened.right.events, branch: true })
  return [branchOff(info)]
})

const branchOff = ({ first, last, object, writer }: SegmentInfo): Finding => ({
  reason: "Branch",
  writer,
  first,
  last,
  object
})

const openEvents = Effect.fn("Open.openEvents")(function*(fetch: FetchShape, info: SegmentInfo, from: number) {
  const { runs, trailer: { after, before } } = yield* fetch.segment(info)
  const count = info.last - info.first + 1
  const events = yield* eventsOf({ first: info.first, count, runs, blobs: [] })
  const heads: Heads = { before, after }
  return { heads, events: from === info.first ? events : events.slice(from - info.first) }
})

const damaged = (info: SegmentInfo, cause?: FetchError): Finding => ({
  reason: "Damaged",
  writer: info.writer,
  first: info.first,
  last: info.last,
  object: info.object,
  ...(cause === undefined ? {} : { cause })
})

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
