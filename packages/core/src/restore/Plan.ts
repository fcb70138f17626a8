/**
 * Which segments of a log a reader goes through. Where a compaction was interrupted, or a place deletes nothing, some
 * hold the same events twice; where a copy of the machine went on by itself, two hold different ones at one index. The
 * names do not tell the one from the other, and a reader who took a repetition for a second history would wait for
 * messages that never come.
 */
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import type { SegmentInfo } from "../backup/VaultObjects.ts"
import { eventsOf } from "../format/Block.ts"
import { damageOf, type FetchShape, isGone, type WriterLog } from "./Fetch.ts"
import { openLog } from "./Open.ts"

/** By the names alone. */
export interface Plan {
  readonly writer: string
  readonly chain: ReadonlyArray<SegmentInfo>
  /** What the chain does not need. */
  readonly spare: ReadonlyArray<SegmentInfo>
}

/** By what is in them. */
export interface ReadingPlan {
  readonly writer: string
  /** What the log is read from. */
  readonly chain: ReadonlyArray<SegmentInfo>
  /** What a second history of this writer is read from. */
  readonly branches: ReadonlyArray<SegmentInfo>
}

/** The segments a reader goes through, by their names alone: always the one that reaches furthest. */
export const planOf = (log: WriterLog): Plan => {
  const chain: Array<SegmentInfo> = []
  const end = log.segments.reduce((most, each) => Math.max(most, each.last + 1), 0)
  for (let next = 0; next < end;) {
    const info = log.segments
      .filter((each) => each.first <= next && each.last >= next)
      .reduce<SegmentInfo | undefined>(
        (best, each) => best === undefined || each.last > best.last ? each : best,
        undefined
      )
    if (info === undefined) {
      next = log.segments.reduce((nearest, each) => each.first > next ? Math.min(nearest, each.first) : nearest, end)
    } else {
      chain.push(info)
      next = info.last + 1
    }
  }
  const writer = Buffer.from(log.writer).toString("hex")
  return { writer, chain, spare: log.segments.filter((each) => !chain.includes(each)) }
}

/**
 * The same segments that `openLog` hands on, told before it does. Costs nothing where no two overlap, and a look at
 * those that do where they say the same; only where they do not, the whole log is walked through.
 */
export const readingPlan = Effect.fn("Plan.reading")(function*(fetch: FetchShape, log: WriterLog) {
  const plan = planOf(log)
  const { chain, spare, writer } = plan
  if (spare.length === 0 || (yield* onlyRepeats(fetch, plan))) {
    return { writer, chain, branches: [] } satisfies ReadingPlan
  }
  const walked: Array<SegmentInfo> = []
  const branches: Array<SegmentInfo> = []
  yield* openLog(fetch, log, {
    take: ({ branch, info }) => Effect.sync(() => void (branch ? branches : walked).push(info))
  })
  return { writer, chain: walked, branches } satisfies ReadingPlan
})

/** Whether the spare segments hold the events of the chain and no others. One that does not open has nothing to add. */
const onlyRepeats = Effect.fn("Plan.onlyRepeats")(function*(fetch: FetchShape, { chain, spare }: Plan) {
  for (const info of chain) {
    const same = spare.filter((each) => each.first <= info.last && each.last >= info.first)
    if (same.length === 0) continue
    const whole = yield* damageOf(eventsIn(fetch, info))
    if (whole._tag === "Left") return false
    for (const each of same) {
      const events = yield* damageOf(eventsIn(fetch, each))
      if (events._tag === "Left" && isGone(events.left)) return false
      if (events._tag === "Right" && !agree(info.first, whole.right, each.first, events.right)) return false
    }
  }
  return true
})

const eventsIn = (fetch: FetchShape, info: SegmentInfo) =>
  Effect.flatMap(
    fetch.segment(info),
    ({ runs }) => eventsOf({ first: info.first, count: info.last - info.first + 1, runs, blobs: [] })
  )

/** Whether two ranges of a log are the same where they overlap. */
const agree = (
  first: number,
  events: ReadonlyArray<Uint8Array>,
  otherFirst: number,
  others: ReadonlyArray<Uint8Array>
): boolean => {
  const from = Math.max(first, otherFirst)
  const to = Math.min(first + events.length, otherFirst + others.length)
  for (let index = from; index < to; index++) {
    if (Buffer.compare(events[index - first]!, others[index - otherFirst]!) !== 0) return false
  }
  return true
}
