/** Opens what a SPEC names. */
import { patient } from "@sealog/core/backup/Patience"
import type { SourceError, SourceShape } from "@sealog/core/backup/Source"
import { Effect, Either, Schedule, Stream } from "effect"
import { Home } from "../Home.ts"
import { targets } from "../Registry.ts"
import type { Spec } from "../Spec.ts"
import { Adapters, entered, row } from "./Adapters.ts"

export const openSource = (spec: Spec) => Effect.flatMap(Adapters, (adapters) => adapters.openSource(spec))
/** A place for which nobody waits for ever. */
export const openTarget = (spec: Spec) =>
  Effect.flatMap(Adapters, (adapters) => Effect.map(adapters.openTarget(spec), patient))

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
    changes: (state) => Stream.unwrap(Effect.map(look, (source) => source.changes(state))),
    hints: Stream.unwrap(
      Effect.map(Effect.retry(look, Schedule.spaced(LOOK_AGAIN)), (source) => Stream.concat(Stream.void, source.hints))
    ),
    dump: (options) => Stream.unwrap(Effect.map(look, (source) => source.dump(options)))
  }
}
