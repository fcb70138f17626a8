/**
 * Holds a place against the storage contract, with the account and the wrappers it will be used with: beside whatever is
 * there already, under a prefix of chance, of which nothing stays behind.
 */
import { underPrefix } from "@sealog/adapters/storage/wrappers/Prefix"
import { Storage, type StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { encodeBase32 } from "@sealog/core/format/ObjectName"
import { Entropy } from "@sealog/core/keys/Entropy"
import { examine, type Verdict } from "@sealog/core/testing/Contract"
import { claimed, storageContract } from "@sealog/core/testing/StorageContract"
import { nameOf, numbers, sample } from "@sealog/core/testing/StorageSamples"
import { Clock, Effect, Layer, Ref, Stream } from "effect"
import { Progress } from "../Progress.ts"
import * as Reports from "../Reports.ts"
import type { Spec } from "../Spec.ts"
import { openTarget, prepareTarget, sweepTarget } from "./Places.ts"

/** Objects removed at once. */
const REMOVALS = 8
/** Small objects that latency is measured with, and their size: the smallest that a vault has. */
const ROUNDS = 10
const SMALL_BYTES = 4_096
const LARGE_BYTES = 16 * 1_024 * 1_024

export const check = Effect.fn("Engine.check")(function*({ spec }: { readonly spec: Spec }) {
  const began = yield* Clock.currentTimeMillis
  const place = yield* ready(spec)
  const scratch = `check${yield* letters(8)}`
  const examined = Effect.gen(function*() {
    const measured = yield* measure(underPrefix(place, scratch))
    return { measured, verdicts: yield* verdictsOf(place, spec, scratch) }
  })
  const { measured, verdicts } = yield* examined.pipe(
    // Also when a person has seen enough; what cannot be removed then is named by its prefix all the same.
    Effect.onExit((exit) => exit._tag === "Success" ? Effect.void : Effect.ignore(removeAll(place, scratch)))
  )
  const left = yield* removeAll(place, scratch)
  if (left === 0) yield* sweepTarget(spec, scratch)
  const ended = yield* Clock.currentTimeMillis
  return reportOf({ spec, place, scratch, verdicts, measured, left, seconds: (ended - began) / 1_000 })
}, Effect.scoped)

/** A place that nothing was ever put in is made ready first, as for a new vault. */
const ready = Effect.fn("Check.ready")(function*(spec: Spec) {
  const place = yield* openTarget(spec)
  const isThere = Stream.runHead(place.list("")).pipe(
    Effect.as(true),
    Effect.catchIf((error) => error.reason === "Unreachable", () => Effect.succeed(false))
  )
  if (!(yield* isThere)) yield* prepareTarget(spec)
  return place
})

const verdictsOf = Effect.fn("Check.verdicts")(function*(place: StorageShape, spec: Spec, scratch: string) {
  const progress = yield* Progress
  const contract = storageContract()
  const capabilities = claimed(place)
  const canEmpty = capabilities.has("deletes") && capabilities.has("strongList")
  const turn = yield* Ref.make(0)
  const done = yield* Ref.make(0)
  /** Each promise is asked of a place without anything in it: the same one emptied, or one beside it. */
  const fresh = Effect.gen(function*() {
    const prefix = canEmpty ? scratch : `${scratch}${suffix(yield* Ref.updateAndGet(turn, (n) => n + 1))}`
    if (canEmpty) yield* removeAll(place, prefix)
    return underPrefix(place, prefix)
  })
  return yield* examine(
    contract,
    { name: spec.name, layer: Layer.effect(Storage, fresh), capabilities },
    () =>
      Effect.flatMap(Ref.updateAndGet(done, (n) => n + 1), (count) =>
        progress.report({
          stage: `checking ${spec.name}`,
          done: count,
          total: contract.clauses.length,
          unit: "promises"
        }))
  )
})

/** Removes what lies under the scratch prefix, and says how much stays. */
const removeAll = Effect.fn("Check.removeAll")(function*(place: StorageShape, prefix: string) {
  const infos = yield* Stream.runCollect(place.list(prefix))
  const kept = yield* Effect.forEach(infos, ({ name }) =>
    place.delete(name).pipe(
      Effect.as(0),
      Effect.catchIf((error) => keeps.has(error.reason), () => Effect.succeed(1))
    ), { concurrency: REMOVALS })
  return kept.reduce((sum, one) => sum + one, 0)
})

const keeps: ReadonlySet<StorageError["reason"]> = new Set(["Denied", "Unsupported"])

interface Measured {
  readonly latency: {
    readonly put: number
    readonly get: number
    readonly list: number
    readonly delete: number | null
  }
  readonly upload: number
  readonly download: number
}

/** The middle of some small requests, and one large object each way. */
const measure = Effect.fn("Check.measure")(function*(place: StorageShape) {
  const { deletes, objectLock } = place.capabilities
  const times: Record<"put" | "get" | "list" | "delete", Array<number>> = { put: [], get: [], list: [], delete: [] }
  for (const n of numbers(ROUNDS)) {
    times.put.push(yield* secondsOf(place.put(nameOf(n), sample(SMALL_BYTES, n))))
    times.get.push(yield* secondsOf(place.get(nameOf(n))))
    times.list.push(yield* secondsOf(Stream.runDrain(place.list("log/"))))
    if (deletes && !objectLock) times.delete.push(yield* secondsOf(place.delete(nameOf(n))))
  }
  const large = sample(LARGE_BYTES, 1)
  const up = yield* secondsOf(place.put(nameOf(ROUNDS), large))
  const down = yield* secondsOf(place.get(nameOf(ROUNDS)))
  return {
    latency: {
      put: middle(times.put),
      get: middle(times.get),
      list: middle(times.list),
      delete: times.delete.length === 0 ? null : middle(times.delete)
    },
    upload: Math.round(LARGE_BYTES / up),
    download: Math.round(LARGE_BYTES / down)
  } satisfies Measured
})

const NANOS = 1_000_000_000
const LEAST_NANOS = 1_000

const secondsOf = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const began = yield* Clock.currentTimeNanos
    yield* work
    // Never nothing: what is divided by it is a number that has to be one.
    return Math.max(LEAST_NANOS, Number((yield* Clock.currentTimeNanos) - began)) / NANOS
  })

const middle = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

interface Examined {
  readonly spec: Spec
  readonly place: StorageShape
  readonly scratch: string
  readonly verdicts: ReadonlyArray<Verdict>
  readonly measured: Measured
  readonly left: number
  readonly seconds: number
}

const reportOf = ({ left, measured, place, scratch, seconds, spec, verdicts }: Examined): Reports.TargetCheckReport => {
  const count = (tag: Verdict["_tag"]) => verdicts.filter(({ _tag }) => _tag === tag).length
  return Reports.TargetCheckReport.make({
    target: { name: spec.name, kind: spec.kind, spec: spec.spec },
    outcome: count("broken") === 0 ? "passed" : "failed",
    passed: count("kept"),
    failed: count("broken"),
    notClaimed: count("notClaimed"),
    capabilities: place.capabilities,
    latencySeconds: measured.latency,
    uploadBytesPerSecond: measured.upload,
    downloadBytesPerSecond: measured.download,
    promises: verdicts.map(promiseOf),
    left: { objects: left, prefix: scratch },
    seconds
  })
}

const promiseOf = (verdict: Verdict): Reports.TargetCheckReport["promises"][number] => {
  switch (verdict._tag) {
    case "kept":
      return { promise: verdict.clause, outcome: "passed" }
    case "notClaimed":
      return { promise: verdict.clause, outcome: "notClaimed", needs: verdict.needs }
    case "broken":
      return {
        promise: verdict.clause,
        outcome: "failed",
        why: verdict.why,
        ...(verdict.mend === undefined ? {} : { mend: verdict.mend })
      }
  }
}

/** Letters of chance that a prefix may have. */
const letters = Effect.fn("Check.letters")(function*(count: number) {
  const { bytes } = yield* Entropy
  return encodeBase32(bytes(count)).replaceAll("7", "6").slice(0, count)
})

/** `b`, `c`, …, `ba`: another prefix for each number. */
const suffix = (n: number): string =>
  [...n.toString(25)].map((digit) => "abcdefghijklmnopqrstuvwxy"[parseInt(digit, 25)]).join("")
