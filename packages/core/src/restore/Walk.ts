/**
 * Where the reading of a log stands: how far it has come, which roots it has met, and where a second history may have
 * begun. It reads nothing itself.
 */
import { Buffer } from "node:buffer"
import type { SegmentInfo } from "../backup/VaultObjects.ts"
import type { Trailer } from "../format/Segment.ts"
import type { LogBuilder, LogHead } from "../log/MerkleLog.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import type { WriterLog } from "./Fetch.ts"
import type { Finding, KnownHead } from "./Open.ts"

/** What a segment says of the log it is a piece of. */
export type Heads = Pick<Trailer, "before" | "after">

/** Where a walk through a log stands, and the roots it has met. */
export class Walk {
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
  skipGap(done: ReadonlySet<SegmentInfo>): Finding {
    return this.gapUpTo(
      this.log.segments
        .filter((each) => !done.has(each) && each.first > this.next)
        .reduce((nearest, each) => Math.min(nearest, each.first), this.end)
    )
  }

  /** Whether nothing that may still be read begins behind this place. */
  endsHere(done: ReadonlySet<SegmentInfo>): boolean {
    return !this.log.segments.some((each) => !done.has(each) && each.first > this.next)
  }

  /** What was behind the end of the walk and could not be read. */
  lostBehind(failed: ReadonlySet<SegmentInfo>): ReadonlyArray<Finding> {
    const end = [...failed].reduce((most, each) => Math.max(most, each.last + 1), this.next)
    return end === this.next ? [] : [this.gapUpTo(end)]
  }

  private gapUpTo(end: number): Finding {
    const first = this.next
    this.builder = undefined
    this.proven = false
    this.next = end
    return { reason: "Gap", writer: this.log.writer, first, last: end - 1 }
  }

  /** Whether a segment goes on from a second history, or from where one may begin, and not with the log itself. */
  isElsewhere({ after, before }: Heads): boolean {
    const ours = this.roots.get(after.size)
    return (ours === undefined || !same(ours, after.root)) && this.startOf(before) !== undefined
  }

  /** Whether a segment goes on from a head met before, to the root it states. */
  branch({ after, before }: Heads, events: ReadonlyArray<Uint8Array>): boolean {
    const start = this.startOf(before)
    if (start === undefined) return false
    const trial = start.clone()
    trial.appendAll(events)
    if (!same(trial.head().root, after.root)) return false
    this.branches.push(trial)
    return true
  }

  private startOf(before: TreeHead): LogBuilder | undefined {
    return [this.builders.get(before.size), ...this.branches].find((each) =>
      each !== undefined && each.size === before.size && same(each.head().root, before.root)
    )
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

export const endOf = (log: WriterLog): number => log.segments.reduce((end, each) => Math.max(end, each.last + 1), 0)

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
