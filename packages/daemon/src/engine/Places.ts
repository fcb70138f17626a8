/** Opens what a SPEC names, with what its owner wants in front of it. */
import { patient } from "@sealog/core/backup/Patience"
import type { SourceError, SourceShape } from "@sealog/core/backup/Source"
import { StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { OBJECT_BYTES } from "@sealog/core/format/Limits"
import { Effect, Either, Schedule, Stream } from "effect"
import { failureOf } from "../Failure.ts"
import { Home } from "../Home.ts"
import { Platform } from "../Platform.ts"
import { targets } from "../Registry.ts"
import type { Spec } from "../Spec.ts"
import { wrappingOf } from "../TargetAccess.ts"
import { Adapters, entered, row } from "./Adapters.ts"

export const openSource = (spec: Spec) => Effect.flatMap(Adapters, (adapters) => adapters.openSource(spec))

/** A place for which nobody waits for ever; what waits its turn in front of it is not waiting for the place. */
export const openTarget = Effect.fn("Places.openTarget")(function*(spec: Spec) {
  const wrapping = yield* wrappingOf(spec, yield* Platform)
  const adapters = yield* Adapters
  const storage = patient(yield* adapters.openTarget(spec))
  if (Object.keys(wrapping).length === 0) return storage
  const { metricsOf, wrap } = yield* Effect.promise(() => import("@sealog/adapters/storage/wrappers/Wrap"))
  if (wrapping.metrics === true) {
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(metricsOf(spec.name), (said) => Effect.logInfo(`target ${spec.name}: ${said}`))
    )
  }
  return yield* wrap(storage, spec.name, wrapping)
})

/** Removes folders that a check left without anything in them, by what their names begin with. */
export const sweepTarget = Effect.fn("Places.sweepTarget")(function*(spec: Spec, prefix: string) {
  const { sweep } = row(targets, spec)
  if (sweep !== undefined) yield* sweep(yield* entered(spec), prefix)
})

/**
 * Opens a target that a home has. One whose package cannot be loaded holds up no other: whoever asks it is told that it
 * cannot be reached, and why.
 */
export const attendTarget = Effect.fn("Places.attendTarget")(function*(spec: Spec) {
  return yield* openTarget(spec).pipe(
    Effect.catchTag("PackageError", (error) => Effect.succeed(unreachable(spec, failureOf(error).message)))
  )
})

const unreachable = (spec: Spec, code: string): StorageShape => {
  const refuse = (method: string) =>
    new StorageError({
      reason: "Unreachable",
      method,
      subject: spec.spec,
      retryable: false,
      cause: Object.assign(new Error(code), { code })
    })
  return {
    kind: spec.kind,
    capabilities: {
      atomicCreate: false,
      rangeReads: false,
      strongList: false,
      durability: "stored",
      deletes: false,
      objectLock: false,
      maxObjectBytes: OBJECT_BYTES
    },
    put: () => refuse("put"),
    get: () => refuse("get"),
    list: () => Stream.fail(refuse("list")),
    delete: () => refuse("delete")
  }
}

export const prepareTarget = Effect.fn("Places.prepareTarget")(function*(spec: Spec) {
  yield* row(targets, spec).prepare(yield* entered(spec))
})

/** With the mount point that the place lies below: what is on the home's own disk is there whenever the home is. */
export const withMount = Effect.fn("Places.withMount")(function*(spec: Spec) {
  if (row(targets, spec).place !== "path") return spec
  const { mountOf } = yield* Effect.promise(() => import("@sealog/adapters/storage/Disk"))
  const home = yield* Home
  const mount = yield* mountOf(spec.place)
  return mount === (yield* mountOf(home.root)) ? spec : { ...spec, mount }
})

/** How often a store that is away is looked for by who waits for its hints. */
const LOOK_AGAIN = "10 seconds"

/** Opens a source that a home has. One whose store is away holds up no other: whoever asks it looks for it anew. */
export const attendSource = Effect.fn("Places.attendSource")(function*(spec: Spec) {
  const { openSource: open, sourceMemory } = yield* Adapters
  const opened = yield* Effect.either(open(spec))
  return Either.isRight(opened) ? opened.right : absent(spec, open(spec), yield* sourceMemory(spec))
})

const absent = (
  spec: Spec,
  open: Effect.Effect<SourceShape, SourceError>,
  memory: Pick<SourceShape, "remember" | "gaps">
): SourceShape => {
  let found: SourceShape | undefined
  const look = Effect.suspend(() =>
    found === undefined
      ? Effect.tap(open, (source) =>
        Effect.sync(() => {
          found = source
        }))
      : Effect.succeed(found)
  )
  return {
    name: spec.name,
    kind: spec.kind,
    ...memory,
    changes: (state, past) => Stream.unwrap(Effect.map(look, (source) => source.changes(state, past))),
    hints: Stream.unwrap(
      Effect.map(Effect.retry(look, Schedule.spaced(LOOK_AGAIN)), (source) => Stream.concat(Stream.void, source.hints))
    ),
    dump: (options) => Stream.unwrap(Effect.map(look, (source) => source.dump(options)))
  }
}
