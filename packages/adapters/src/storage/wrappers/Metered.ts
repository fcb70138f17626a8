/** A place whose requests are counted, with what came of them, their bytes and how long they took: Effect's metrics. */
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { Duration, Effect, Exit, Metric, MetricBoundaries, MetricState, Ref, Stream } from "effect"

const REQUESTS = "sealog_storage_requests_total"
const BYTES = "sealog_storage_bytes_total"

/** Tagged `target`, `verb` and `outcome`: `done`, `interrupted`, or the reason of the error. */
export const requests = Metric.counter(REQUESTS, { incremental: true })
/** Tagged `target` and `verb`: `put` for what was sent, `get` for what came. */
export const transferred = Metric.counter(BYTES, { incremental: true })
/** Tagged `target` and `verb`: from a millisecond to a minute and more. */
const seconds = Metric.histogram(
  "sealog_storage_request_seconds",
  MetricBoundaries.exponential({ start: 0.001, factor: 2, count: 17 })
)

export const metered = (behind: StorageShape, target: string): StorageShape => {
  const ended = (verb: string, outcome: string, duration: Duration.Duration) =>
    Effect.zipRight(
      Effect.tagMetrics(Metric.increment(requests), "outcome", outcome),
      Metric.update(seconds, Duration.toSeconds(duration))
    ).pipe(Effect.tagMetrics({ target, verb }))
  const moved = (verb: string, bytes: Uint8Array) =>
    Effect.tagMetrics(Metric.incrementBy(transferred, bytes.length), { target, verb })
  const counted = <A>(verb: string, work: Effect.Effect<A, StorageError>) =>
    Effect.flatMap(
      Effect.timed(Effect.exit(work)),
      ([duration, exit]) => Effect.zipRight(ended(verb, outcomeOf(exit), duration), exit)
    )
  return {
    ...behind,
    put: (name, bytes) => Effect.tap(counted("put", behind.put(name, bytes)), () => moved("put", bytes)),
    get: (name, range) => Effect.tap(counted("get", behind.get(name, range)), (bytes) => moved("get", bytes)),
    // A listing is one request from its first piece to its last, or to where its reader has enough.
    list: (prefix) =>
      Stream.unwrapScoped(Effect.gen(function*() {
        const began = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        const outcome = yield* Ref.make("done")
        yield* Effect.addFinalizer(() =>
          Effect.gen(function*() {
            const now = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
            yield* ended("list", yield* Ref.get(outcome), Duration.millis(now - began))
          })
        )
        return Stream.tapError(behind.list(prefix), (error) => Ref.set(outcome, error.reason))
      })),
    delete: (name) => counted("delete", behind.delete(name))
  }
}

/** What was asked of a target so far, as one line: `put done 3, get NotFound 1, 12000 bytes sent, 0 received`. */
export const metricsOf = Effect.fn("Metered.metricsOf")(function*(target: string) {
  const counts: Array<string> = []
  const bytes = { put: 0, get: 0 }
  for (const { metricKey, metricState } of yield* Metric.snapshot) {
    const tags = new Map(metricKey.tags.map(({ key, value }) => [key, value]))
    if (tags.get("target") !== target || !MetricState.isCounterState(metricState)) continue
    const verb = tags.get("verb") ?? ""
    const amount = Number(metricState.count)
    if (metricKey.name === REQUESTS) counts.push(`${verb} ${tags.get("outcome")} ${amount}`)
    else if (metricKey.name === BYTES && (verb === "put" || verb === "get")) bytes[verb] += amount
  }
  return [...counts.toSorted(), `${bytes.put} bytes sent`, `${bytes.get} received`].join(", ")
})

const outcomeOf = (exit: Exit.Exit<unknown, StorageError>): string =>
  Exit.match(exit, {
    onSuccess: () => "done",
    onFailure: (cause) => cause._tag === "Fail" ? cause.error.reason : "interrupted"
  })
