/**
 * What rows of many small trials share: which of all there are they make, and how failures are kept.
 */
import { Effect } from "effect"

/** Every number under `total`, in order, where as many trials are asked for; else as many of them, by chance. */
export function* sampled(total: number, trials: number, random: () => number): Generator<number> {
  const all = trials >= total
  for (let trial = 0; trial < Math.min(total, trials); trial++) yield all ? trial : Math.floor(random() * total)
}

/** Where each of several ranges of these lengths begins when they follow one another, and of which one a number is. */
export const ranges = (lengths: ReadonlyArray<number>) => {
  const starts = new Array<number>()
  let total = 0
  for (const length of lengths) {
    starts.push(total)
    total += length
  }
  return {
    total,
    /** The range that holds the number, and how far in it that is. */
    at: (number: number): readonly [range: number, offset: number] => {
      let low = 0
      let high = starts.length - 1
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (starts[middle]! <= number) low = middle
        else high = middle - 1
      }
      return [low, number - starts[low]!]
    }
  }
}

/** Errors by the million: where each was made, nobody will ask. */
export const withoutTraces = Effect.acquireRelease(
  Effect.sync(() => {
    const before = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    return before
  }),
  (before) => Effect.sync(() => void (Error.stackTraceLimit = before))
)

/** Lets others have their turn, between many trials that wait for nothing. */
export const breathe = Effect.promise(() => new Promise<void>((resolve) => void setImmediate(resolve)))

/** After so many failures nothing is learned from more. */
export const ENOUGH_FAILURES = 1_000
