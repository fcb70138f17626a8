/** Asks again and again, for what a process of its own comes to in its own time. */
import { type Cause, type Duration, Effect } from "effect"

/** The first answer that is as wanted; a TimeoutException where none is in time. */
export const until = <A, E, R>(
  ask: Effect.Effect<A, E, R>,
  isWanted: (answer: A) => boolean,
  within: Duration.DurationInput = "20 seconds"
): Effect.Effect<A, E | Cause.TimeoutException, R> =>
  Effect.gen(function*() {
    while (true) {
      const answer = yield* ask
      if (isWanted(answer)) return answer
      yield* Effect.sleep("100 millis")
    }
  }).pipe(Effect.timeout(within))
