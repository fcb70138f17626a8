/** What a row's readings come to: the medians, how ours stands to the better peer, and whether the bounds are kept. */
import type { Bounds, Reading } from "./Row.ts"

export interface Verdict {
  /** The median. */
  readonly own: number
  /** The medians of the peers that were there. */
  readonly peers: Readonly<Record<string, number>>
  /** Ours divided by the better peer's; nothing without a peer. */
  readonly ratio: number | undefined
  readonly must: Kept
  readonly goal: Kept
}

/** Unknown where there is nothing to compare with, none where no bound was set. */
export type Kept = "met" | "not met" | "unknown" | "none"

export const verdictOf = (bounds: Bounds, reading: Pick<Reading, "own" | "peers">): Verdict => {
  const own = medianOf(reading.own)
  const peers = Object.fromEntries(
    Object.entries(reading.peers ?? {}).map(([name, figures]) => [name, medianOf(figures)] as const)
  )
  const better = Math.min(...Object.values(peers).filter((each) => !Number.isNaN(each)))
  const ratio = Number.isFinite(better) && better > 0 ? own / better : undefined
  const judged = bounds.on === "figure" ? own : ratio
  return { own, peers, ratio, must: keeps(judged, bounds.must), goal: keeps(judged, bounds.goal) }
}

const keeps = (judged: number | undefined, bound: number | undefined): Kept => {
  if (bound === undefined) return "none"
  if (judged === undefined || Number.isNaN(judged)) return "unknown"
  return judged <= bound ? "met" : "not met"
}

/** The middle one, or the mean of the two in the middle. */
export const medianOf = (figures: ReadonlyArray<number>): number => {
  const sorted = [...figures].toSorted((a, b) => a - b)
  const half = Math.floor(sorted.length / 2)
  if (sorted.length === 0) return Number.NaN
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

/** The figure that this share of them do not exceed. */
export const percentileOf = (figures: ReadonlyArray<number>, share: number): number => {
  const sorted = [...figures].toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
