/**
 * How much of a log can be made whole again, and from what: the blocks that are left of it, and what a target has in
 * their gaps. A gap counts as filled only where that is proven: by the head that stood behind it, by the root that a
 * segment states at its end, by what is pinned.
 */
import { type Context, Effect, Option } from "effect"
import { Buffer } from "node:buffer"
import { type Block, eventsOf } from "../format/Block.ts"
import type { FormatError } from "../format/FormatError.ts"
import type { Segment } from "../format/Segment.ts"
import type { KeyRing } from "../keys/KeyRing.ts"
import { LogBuilder } from "../log/MerkleLog.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import type { JournalError } from "./Journal.ts"
import type { SalvagedLog } from "./Salvage.ts"
import type { Target } from "./Shipper.ts"
import type { StorageError } from "./Storage.ts"
import { VaultError, vaultIdOf } from "./Vault.ts"
import { listSegments, readSegment, type SegmentInfo } from "./VaultObjects.ts"

/** Events from one index to another (exclusive): blocks that were kept, or part of a segment. */
export interface Piece {
  readonly from: number
  readonly to: number
  readonly taken?: { readonly place: Place; readonly info: SegmentInfo }
}

/** Events that are nowhere, both inclusive. */
export interface Lost {
  readonly first: number
  readonly last: number
}

export interface LogPlan {
  readonly writer: Uint8Array
  readonly log: SalvagedLog
  readonly pieces: ReadonlyArray<Piece>
  /** As far as it is whole. */
  readonly head: TreeHead
  /** How far it once came. */
  readonly end: number
  /** Blocks behind what is whole, by their first index. */
  readonly islands: ReadonlyArray<number>
  readonly lost: ReadonlyArray<Lost>
}

/** A target that answers, as listed. */
export interface Place {
  readonly target: Target
  readonly segments: ReadonlyArray<SegmentInfo>
  readonly read: (info: SegmentInfo) => Effect.Effect<OpenedSegment | undefined, StorageError | FormatError>
}

export interface OpenedSegment extends Segment {
  readonly events: ReadonlyArray<Uint8Array>
}

/** Lists a target. Of its segments one is remembered: neighbouring gaps lie in the same one. */
export const openPlace = Effect.fn("HealPlan.openPlace")(
  function*(target: Target, ring: Context.Tag.Service<typeof KeyRing>) {
    // An empty folder, or another disk in its place, says nothing about what the target has.
    if (!same(yield* vaultIdOf(target.storage, target.name), ring.vaultId)) {
      return yield* new VaultError({ reason: "OtherVault", method: "heal", subject: target.name })
    }
    const { segments } = yield* listSegments(target.storage, ring)
    let last: { readonly object: string; readonly segment: OpenedSegment | undefined } | undefined
    const read = Effect.fn("HealPlan.read")(function*(info: SegmentInfo) {
      if (last?.object === info.object) return last.segment
      const opened = yield* readSegment(target.storage, ring, info).pipe(
        Effect.flatMap((segment) =>
          Effect.map(
            eventsOf({ first: info.first, count: info.last - info.first + 1, runs: segment.runs, blobs: [] }),
            (events): OpenedSegment => ({ ...segment, events })
          )
        ),
        // What is damaged or gone there has no say; what cannot be reached may have.
        Effect.catchIf(isDamaged, () => Effect.succeed(undefined))
      )
      last = { object: info.object, segment: opened }
      return opened
    })
    return { target, segments, read } satisfies Place
  }
)

const isDamaged = (error: StorageError | FormatError): boolean =>
  error._tag === "FormatError" ? error.reason !== "Unknown" : error.reason === "NotFound" || error.reason === "Corrupt"

interface Planning {
  readonly writer: Uint8Array
  readonly log: SalvagedLog
  readonly places: ReadonlyArray<Place>
  /** Where it was left for another log; nothing where it was the one that grew. */
  readonly left: TreeHead | undefined
  /** Roots that are known from elsewhere, by size. */
  readonly known: ReadonlyMap<number, Uint8Array>
  /** Sizes it is known to have had, by what lies outside of the journal. */
  readonly sizes: ReadonlyArray<number>
}

type PlanError = JournalError | StorageError | FormatError

export const planLog = Effect.fn("HealPlan.plan")(function*(
  planning: Planning
): Effect.fn.Return<LogPlan, PlanError> {
  const { left, log, places, sizes, writer } = planning
  const most = left?.size ?? Number.POSITIVE_INFINITY
  const pieces: Array<Piece> = []
  let builder = LogBuilder.empty()
  while (builder.size < most) {
    const kept = yield* keepOn(planning, builder, most)
    if (kept.size > builder.size) {
      pieces.push({ from: builder.size, to: kept.size })
      builder = kept
      continue
    }
    const filled = yield* fill(planning, builder, most)
    if (filled === undefined) break
    pieces.push(...filled.pieces)
    builder = filled.builder
  }
  const head = builder.head()
  const reach = places.flatMap(({ segments }) => ofWriter(segments, writer).map(({ last }) => last + 1))
  const end = left?.size ?? Math.max(head.size, log.known, ...sizes, ...reach)
  return { writer, log, pieces, head, end, ...(yield* behind(log, head.size, end)) }
})

/** Goes on over the blocks that are there, to the first that is not. */
const keepOn = Effect.fn("HealPlan.keepOn")(function*(
  { log }: Planning,
  from: LogBuilder,
  most: number
): Effect.fn.Return<LogBuilder, PlanError> {
  let builder = from
  while (builder.size < most) {
    const next = yield* withBlock(log, builder)
    if (next === undefined || next.root === "another") return builder
    builder = next.builder
  }
  return builder
})

/** The log with the block that begins at its end, and whether the head that stood behind that is the same. */
const withBlock = Effect.fn("HealPlan.withBlock")(function*(log: SalvagedLog, builder: LogBuilder) {
  const block = yield* log.block(builder.size)
  if (Option.isNone(block)) return undefined
  const next = builder.clone()
  next.appendAll(yield* eventsOf(block.value))
  next.takeLeaves()
  const root = yield* log.rootAt(next.size)
  const verdict = Option.match(root, {
    onNone: () => "unknown" as const,
    onSome: (stood) => same(stood, next.head().root) ? "same" as const : "another" as const
  })
  return { builder: next, root: verdict }
})

interface Filled {
  readonly builder: LogBuilder
  readonly pieces: ReadonlyArray<Piece>
}

/** Fills the gap that begins at the end of a log, from the first target that proves that it can, as far as it can. */
const fill = Effect.fn("HealPlan.fill")(function*(
  planning: Planning,
  builder: LogBuilder,
  most: number
): Effect.fn.Return<Filled | undefined, PlanError> {
  const island = yield* nextBlock(planning.log, builder.size)
  const to = Math.min(most, island?.first ?? Number.POSITIVE_INFINITY)
  for (const place of planning.places) {
    const filled = yield* fillFrom(planning, place, builder, to)
    if (filled !== undefined) return filled
  }
  return undefined
})

const fillFrom = Effect.fn("HealPlan.fillFrom")(function*(
  planning: Planning,
  place: Place,
  from: LogBuilder,
  to: number
): Effect.fn.Return<Filled | undefined, PlanError> {
  const mine = ofWriter(place.segments, planning.writer)
  const refused = new Set<SegmentInfo>()
  const pieces: Array<Piece> = []
  let trial = from
  let proven: Filled | undefined
  while (trial.size < to) {
    const at = trial.size
    const info = mine.filter((each) => each.first <= at && each.last >= at && !refused.has(each))
      .reduce<SegmentInfo | undefined>(
        (best, each) => best === undefined || each.last > best.last ? each : best,
        undefined
      )
    if (info === undefined) break
    const segment = yield* place.read(info)
    const next = segment === undefined ? undefined : withSegment(planning, trial, segment, to)
    if (next === undefined) {
      refused.add(info)
      continue
    }
    trial = next.builder
    pieces.push({ from: at, to: trial.size, taken: { place, info } })
    if (next.isProven) proven = { builder: trial, pieces: [...pieces] }
  }
  if (trial.size === to && proven?.builder.size !== to && (yield* isStoodBehind(planning.log, trial))) {
    return { builder: trial, pieces }
  }
  return proven
})

/** The log with what a segment has of a gap; nothing where a root on the way is another than is known or stated. */
const withSegment = (planning: Planning, builder: LogBuilder, segment: OpenedSegment, to: number) => {
  const { trailer, events } = segment
  const trial = builder.clone()
  let isProven = false
  for (const event of events.slice(builder.size - trailer.first)) {
    if (trial.size === to) break
    trial.append(event)
    const known = planning.known.get(trial.size) ??
      (trial.size === planning.left?.size ? planning.left.root : undefined)
    if (known === undefined) continue
    if (!same(known, trial.head().root)) return undefined
    isProven = trial.size === to
  }
  if (trial.size === trailer.after.size) {
    if (!same(trial.head().root, trailer.after.root)) return undefined
    isProven = true
  }
  trial.takeLeaves()
  return { builder: trial, isProven }
}

/** Whether the next head that stood in the journal behind a gap is what the log comes to with the gap filled so. */
const isStoodBehind = Effect.fn("HealPlan.isStoodBehind")(function*(log: SalvagedLog, filled: LogBuilder) {
  let builder = filled
  while (true) {
    const next = yield* withBlock(log, builder)
    if (next === undefined || next.root === "another") return false
    if (next.root === "same") return true
    builder = next.builder
  }
})

/** The first block behind an index that opens. */
const nextBlock = Effect.fn("HealPlan.nextBlock")(function*(
  log: SalvagedLog,
  index: number
): Effect.fn.Return<Block | undefined, JournalError> {
  for (const start of log.starts) {
    if (start <= index) continue
    const block = yield* log.block(start)
    if (Option.isSome(block)) return block.value
  }
  return undefined
})

/** What lies behind the part that is whole: blocks that open, and events that none of them holds. */
const behind = Effect.fn("HealPlan.behind")(function*(log: SalvagedLog, size: number, end: number) {
  const islands: Array<number> = []
  const lost: Array<Lost> = []
  let at = size
  for (const start of log.starts) {
    if (start < at || start >= end) continue
    const block = yield* log.block(start)
    if (Option.isNone(block)) continue
    if (start > at) lost.push({ first: at, last: start - 1 })
    islands.push(start)
    at = start + block.value.count
  }
  if (at < end) lost.push({ first: at, last: end - 1 })
  return { islands, lost }
})

const ofWriter = (segments: ReadonlyArray<SegmentInfo>, writer: Uint8Array): ReadonlyArray<SegmentInfo> =>
  segments.filter((each) => same(each.writer, writer))

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
