/**
 * What comes into a table while something else goes on that takes long: it is told between two steps of that, since a
 * message that has just been written waits for nothing.
 */
import type { Batch, SourceError } from "@sealog/core/backup/Source"
import { Deferred, Effect, Fiber, Option, Stream } from "effect"
import type { LiveDatabase } from "./LiveDatabase.ts"

export interface Meanwhile {
  readonly database: Pick<LiveDatabase, "version">
  /** Tells what is new in the table. */
  readonly rows: Stream.Stream<Batch, SourceError>
}

/** Step after step, until one gives `undefined`; where the database has changed, its new rows go before the next one. */
export const tellBetween = (
  { database, rows }: Meanwhile,
  step: Effect.Effect<Stream.Stream<Batch, SourceError> | undefined, SourceError>
): Stream.Stream<Batch, SourceError> =>
  Stream.unwrap(Effect.map(database.version, (begun) => {
    let seen = begun
    const next = Effect.gen(function*() {
      const now = yield* database.version
      if (now === seen) return yield* step
      seen = now
      return Stream.concat(rows, settled)
    })
    return Stream.flatten(Stream.repeatEffectOption(
      Effect.mapError(next, Option.some).pipe(
        Effect.flatMap((told) => told === undefined ? Effect.fail(Option.none()) : Effect.succeed(told))
      )
    ))
  }))

/** What comes meanwhile is looked for as often as this, milliseconds. */
const LOOK_MILLIS = 20

/** Waits for something, and then tells of it. */
export const tellWhileWaiting = <A>(
  meanwhile: Meanwhile,
  wait: Effect.Effect<A, SourceError>,
  tell: (found: A) => Stream.Stream<Batch, SourceError>
): Stream.Stream<Batch, SourceError> =>
  Stream.unwrapScoped(Effect.map(Effect.forkScoped(wait), (waiting) => {
    let told = false
    const step = Effect.timeoutOption(Fiber.join(waiting), LOOK_MILLIS).pipe(
      Effect.map(Option.match({
        onNone: () => Stream.empty,
        onSome: (found) => {
          told = true
          return tell(found)
        }
      }))
    )
    return Stream.concat(settled, tellBetween(meanwhile, Effect.suspend(() => told ? Effect.succeed(undefined) : step)))
  }))

/** Waits until all that was told before is taken: only then does what is remembered say so. */
export const settled: Stream.Stream<Batch> = Stream.unwrap(Effect.map(Deferred.make<void>(), (taken) => {
  const last: Batch = { drafts: [], release: () => Deferred.unsafeDone(taken, Effect.void) }
  return Stream.concat(Stream.succeed(last), Stream.execute(Deferred.await(taken)))
}))
