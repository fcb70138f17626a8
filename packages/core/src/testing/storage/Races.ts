/** Two puts of one name never leave a mixture, and the loser learns it. */
import { Effect, Exit, Schedule } from "effect"
import { promise, promiseSame } from "../Contract.ts"
import { nameOf, numbers, same, sample } from "../StorageSamples.ts"
import { holds, listed, mending } from "./Clause.ts"

const clause = mending("let the place decide the race in one step, or claim atomicCreate: false")

export const races = [
  clause("lets exactly one of 20 racing puts win", (storage) =>
    Effect.gen(function*() {
      const exits = yield* Effect.forEach(
        numbers(20),
        (n) => Effect.exit(storage.put(nameOf(1), sample(5000, n))),
        { concurrency: 20 }
      )
      const winners = numbers(20).filter((n) => Exit.isSuccess(exits[n]!))
      yield* promiseSame(winners.length, 1, "winners")
      yield* holds(storage, nameOf(1), sample(5000, winners[0]!))
    }), ["atomicCreate"]),
  clause("tells every loser of a race that the name is taken", (storage) =>
    Effect.gen(function*() {
      const outcomes = yield* Effect.forEach(
        numbers(12),
        (n) =>
          storage.put(nameOf(1), sample(70_000, n)).pipe(
            // A place may say that somebody is at it: then it is to be asked again.
            Effect.retry({ schedule: again, while: ({ retryable }) => retryable }),
            Effect.match({ onSuccess: () => "won", onFailure: ({ reason }) => reason })
          ),
        { concurrency: 12 }
      )
      const others = outcomes.filter((outcome) => outcome !== "won" && outcome !== "AlreadyExists")
      yield* promiseSame(others, [], "what losers were told instead of AlreadyExists")
    }), ["atomicCreate"]),
  mending("write under a name of its own and publish it whole; a put that fails must not touch what is there")(
    "never leaves a mixture after racing puts",
    (storage) =>
      Effect.gen(function*() {
        const variants = numbers(8).map((n) => sample(200_000 + n, n))
        yield* Effect.forEach(variants, (bytes) => Effect.exit(storage.put(nameOf(1), bytes)), { concurrency: 8 })
        const stored = yield* storage.get(nameOf(1))
        yield* promise(variants.some((bytes) => same(bytes, stored)), "the object is none of those put")
      })
  ),
  mending("remove what a loser had written on the way; nothing of it may be listed")(
    "shows nothing but the object after racing puts",
    (storage) =>
      Effect.gen(function*() {
        yield* Effect.forEach(numbers(8), (n) => Effect.exit(storage.put(nameOf(1), sample(9000, n))), {
          concurrency: 8
        })
        yield* promiseSame(yield* listed(storage, ""), [{ name: nameOf(1), size: 9000 }], "the listing")
      }),
    ["strongList"]
  )
]

const again = Schedule.spaced("20 millis").pipe(Schedule.intersect(Schedule.recurs(100)))
