/** A place that is asked again where what went wrong may pass by itself: later and later, and never in step. */
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { type Duration, Effect, Ref, Schedule } from "effect"
import { Buffer } from "node:buffer"
import { listWhole } from "./Listing.ts"

export interface RetryOptions {
  /** How often after the first try. */
  readonly times: number
  /** The first wait; each further one is twice as long, all of them jittered by a fifth. */
  readonly base?: Duration.DurationInput
}

/** No wait is longer: a place that came back is not left alone for minutes. */
const LONGEST = "30 seconds"

export const retrying = (behind: StorageShape, { base = "200 millis", times }: RetryOptions): StorageShape => {
  const schedule = Schedule.exponential(base).pipe(
    Schedule.union(Schedule.spaced(LONGEST)),
    Schedule.jittered,
    Schedule.intersect(Schedule.recurs(times))
  )
  const again = { schedule, while: (error: StorageError) => error.retryable }

  /** The answer to an earlier try may have been lost: then what is there under the name is what we put. */
  const put = Effect.fn("Retry.put")(function*(name: string, bytes: Uint8Array) {
    const isFirst = yield* Ref.make(true)
    yield* Effect.flatMap(Ref.getAndSet(isFirst, false), (first) =>
      behind.put(name, bytes).pipe(
        Effect.catchIf(
          (error) => error.reason === "AlreadyExists" && !first,
          (error) => Effect.filterOrFail(behind.get(name), (there) => Buffer.compare(there, bytes) === 0, () => error)
        )
      )).pipe(Effect.retry(again))
  })

  return {
    ...behind,
    put,
    get: (name, range) => Effect.retry(behind.get(name, range), again),
    list: listWhole(behind, (whole) => Effect.retry(whole, again)),
    delete: (name) => Effect.retry(behind.delete(name), again)
  }
}
