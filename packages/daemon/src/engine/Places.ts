/** Opens what a SPEC names, by the registry. A SPEC was parsed against it, so its kind has a row there. */
import type { SourceShape } from "@sealog/core/backup/Source"
import { Effect, Either, Schedule, Stream } from "effect"
import { join } from "node:path"
import { Home } from "../Home.ts"
import { sources, targets } from "../Registry.ts"
import type { Spec } from "../Spec.ts"
import { makeAccess } from "../TargetAccess.ts"

const row = <A>(rows: Readonly<Record<string, A>>, { kind }: Spec): A => {
  const found = rows[kind]
  if (found === undefined) throw new RangeError(`no adapter for ${kind}`)
  return found
}

export const openSource = (spec: Spec) => row(sources, spec).open(spec)
export const openTarget = Effect.fn("Places.openTarget")(function*(spec: Spec) {
  return yield* row(targets, spec).open(yield* entered(spec))
})

export const prepareTarget = Effect.fn("Places.prepareTarget")(function*(spec: Spec) {
  yield* row(targets, spec).prepare(yield* entered(spec))
})

/** The home lies wherever its owner put it, on a disk that is there while anything of it is read. */
export const HOME_DISK = { mount: "/" } as const

/** With the mount point that the place lies below: what is on the home's own disk is there whenever the home is. */
export const withMount = Effect.fn("Places.withMount")(function*(spec: Spec) {
  if (row(targets, spec).place !== "path") return spec
  const { mountOf } = yield* Effect.promise(() => import("@sealog/adapters/storage/Disk"))
  const home = yield* Home
  const mount = yield* mountOf(spec.place)
  return mount === (yield* mountOf(home.root)) ? spec : { ...spec, mount }
})

/** A place with the way into it. A URL has no user in it any more: that is part of the way. */
const entered = Effect.fn("Places.entered")(function*(spec: Spec) {
  const home = yield* Home
  const staging = join(home.root, "outgoing")
  if (row(targets, spec).place !== "url") return { ...spec, staging, access: Effect.succeed({}) }
  const url = new URL(spec.place)
  const { access } = yield* makeAccess(spec, url)
  url.username = ""
  return { ...spec, staging, place: url.href, access }
})

/** How often a store that is away is looked for by who waits for its hints. */
const LOOK_AGAIN = "10 seconds"

/** Opens a source that a home has. One whose store is away holds up no other: whoever asks it looks for it anew. */
export const attendSource = Effect.fn("Places.attendSource")(function*(spec: Spec) {
  const opened = yield* Effect.either(openSource(spec))
  return Either.isRight(opened) ? opened.right : absent(spec, yield* row(sources, spec).memory)
})

const absent = (spec: Spec, memory: Pick<SourceShape, "remember" | "gaps">): SourceShape => {
  let found: SourceShape | undefined
  const look = Effect.suspend(() =>
    found === undefined
      ? Effect.tap(openSource(spec), (source) =>
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
