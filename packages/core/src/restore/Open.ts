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
import type { Trailer } from "../format/Segment.ts"
import { LogBuilder, type LogHead } from "../log/MerkleLog.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import { damageOf, type FetchError, type FetchShape, isGone, type WriterLog } from "./Fetch.ts"

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
  const used = new Set<SegmentInfo>()
  const failed = new Set<SegmentInfo>()

  /** One segment, or one gap. What it held is let go of before the next one is fetched. */
  const step = Effect.fn("Open.step")(function*() {
    const info = walk.log.segments
      .filter((each) => each.first <= walk.next && each.last >= walk.next && !failed.has(each))
      .reduce<SegmentInfo | undefined>(
        (best, each) => best === undefined || each.last > best.last ? each : best,
        undefined
      )
    if (info === undefined) {
      const last = walk.skipGap(failed)
      findings.push({ reason: "Gap", writer: log.writer, ...last })
      return
    }
    const opened = yield* damageOf(openEvents(fetch, info, walk.next))
    if (opened._tag === "Left") {
      failed.add(info)
      if (isGone(opened.left) && (yield* fetch.refresh)) {
        const now = fetch.writers.find((each) => same(each.writer, log.writer))
        if (now !== undefined) walk.relist(now)
        return
      }
      findings.push(damaged(info, opened.left))
      return
    }
    const { events, heads } = opened.right
    if (!walk.accept(heads, events)) {
      failed.add(info)
      findings.push(damaged(info))
      return
    }
    used.add(info)
    yield* take({ info, writer: log.writer, first: walk.next - events.length, events, branch: false })
  })

  while (walk.next < walk.end) yield* step()
  const spare = walk.log.segments.filter((each) => !used.has(each) && !failed.has(each) && each.last >= begun.size)
  for (const info of spare) findings.push(...(yield* openSpare(fetch, walk, info, options)))
  findings.push(...walk.contradictions())
  return {
    writer: log.writer,
    head: walk.head(),
    proven: walk.proven,
    findings,
    from: begun.size,
    rootAt: (size) => walk.rootAt(size)
  } satisfies OpenedLog
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

/** Starts of segments that lie, or begin, where another one does. */
const contestedStarts = (log: WriterLog): ReadonlySet<number> => {
  const starts = new Set<number>()
  let reach = 0
  for (const { first, last } of log.segments.toSorted((a, b) => a.first - b.first)) {
    if (first < reach) starts.add(first)
    reach = Math.max(reach, last + 1)
  }
  return starts
}

const endOf = (log: WriterLog): number => log.segments.reduce((end, each) => Math.max(end, each.last + 1), 0)

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
  fetch: FetchShape,
  walk: Walk,
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
  return [{ reason: "Branch", writer: info.writer, first: info.first, last: info.last, object: info.object } as const]
})

/** What a segment says of the log it is a piece of. */
type Heads = Pick<Trailer, "before" | "after">

/** Where a walk through a log stands, and the roots it has met. */
class Walk {
  next: number
  proven = true
  end = 0
  log: WriterLog
  private readonly known: ReadonlyArray<KnownHead>
  private readonly rootsAt: ReadonlyArray<number>
  private stops: ReadonlyArray<number> = []
  /** Where a segment begins that the walk may not need: from there a branch may have to be followed. */
  private contested: ReadonlySet<number> = new Set()
  private readonly roots = new Map<number, Uint8Array>()
  private readonly builders = new Map<number, LogBuilder>()
  private readonly branches: Array<LogBuilder> = []
  private builder: LogBuilder | undefined
  private last: LogHead | TreeHead

  constructor(log: WriterLog, known: ReadonlyArray<KnownHead>, begun: LogBuilder, rootsAt: ReadonlyArray<number>) {
    this.log = log
    this.known = known
    this.builder = begun
    this.next = begun.size
    this.rootsAt = rootsAt
    this.relist(log)
    this.last = begun.head()
    this.note()
  }

  /** Goes on with what a newer listing shows. */
  relist(log: WriterLog): void {
    this.log = log
    this.end = Math.max(this.end, endOf(log))
    const boundaries = new Set(log.segments.flatMap((each) => [each.first, each.last + 1]))
    for (const size of [...this.known.map((head) => head.size), ...this.rootsAt]) boundaries.add(size)
    this.stops = [...boundaries].toSorted((a, b) => a - b)
    this.contested = contestedStarts(log)
  }

  /** Appends a segment's new events if they lead to the root it states, and else stays where it is. */
  accept({ after, before }: Heads, events: ReadonlyArray<Uint8Array>): boolean {
    if (this.builder === undefined) {
      // Behind a gap there is nothing to recompute from: what is left is the chain of what the trailers state.
      if (before.size === this.next && this.last.size === this.next && !same(before.root, this.last.root)) return false
      this.next = after.size
      this.last = after
      return true
    }
    const beginning = before.size === this.next ? this.last.root : this.roots.get(before.size)
    if (beginning !== undefined && !same(beginning, before.root)) return false
    const trial = this.builder.clone()
    const stops = this.stops.filter((size) => size > this.next && size < after.size)
    const heads: Array<readonly [number, LogBuilder]> = []
    for (const event of events) {
      trial.append(event)
      if (trial.size === stops[0]) {
        heads.push([trial.size, trial.clone()])
        stops.shift()
      }
    }
    const head = trial.head()
    if (!same(head.root, after.root) || head.size !== after.size) return false
    trial.takeLeaves()
    this.builder = trial
    this.next = head.size
    this.last = head
    for (const [size, builder] of heads) this.remember(size, builder)
    this.note()
    return true
  }

  /** Goes on behind what no segment holds. */
  skipGap(failed: ReadonlySet<SegmentInfo>): { readonly first: number; readonly last: number } {
    const first = this.next
    const next = this.log.segments
      .filter((each) => !failed.has(each) && each.first > first)
      .reduce((nearest, each) => Math.min(nearest, each.first), this.end)
    this.builder = undefined
    this.proven = false
    this.next = next
    return { first, last: next - 1 }
  }

  /** Whether a segment goes on from a head met before, to the root it states. */
  branch({ after, before }: Heads, events: ReadonlyArray<Uint8Array>): boolean {
    const start = [this.builders.get(before.size), ...this.branches].find((each) =>
      each !== undefined && each.size === before.size && same(each.head().root, before.root)
    )
    if (start === undefined) return false
    const trial = start.clone()
    trial.appendAll(events)
    if (!same(trial.head().root, after.root)) return false
    this.branches.push(trial)
    return true
  }

  rootAt(size: number): Uint8Array | undefined {
    return this.roots.get(size)
  }

  head(): LogHead | TreeHead {
    return this.last
  }

  contradictions(): ReadonlyArray<Finding> {
    const { writer } = this.log
    return this.known.flatMap((head): ReadonlyArray<Finding> => {
      if (head.size > this.next) return [{ reason: "RolledBack", writer, first: this.next, last: head.size - 1 }]
      const root = this.roots.get(head.size)
      return root === undefined || same(root, head.root)
        ? []
        : [{ reason: "Contradiction", writer, first: 0, last: head.size - 1 }]
    })
  }

  private note(): void {
    if (this.builder !== undefined && this.stops.includes(this.next)) this.remember(this.next, this.builder.clone())
  }

  private remember(size: number, builder: LogBuilder): void {
    this.roots.set(size, builder.head().root)
    if (this.contested.has(size)) this.builders.set(size, builder)
  }
}

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
