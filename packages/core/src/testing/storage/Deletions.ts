/** Deleting is idempotent, and a deleted name is free; a place that keeps all keeps it from us too. */
import { Effect, Schedule } from "effect"
import { promise, promiseFailure, promiseSame } from "../Contract.ts"
import { nameOf, numbers, same, sample } from "../StorageSamples.ts"
import { holds, listed, mending } from "./Clause.ts"

const clause = mending("remove the object for good, and take one that is not there for removed already")

const again = Schedule.spaced("20 millis").pipe(Schedule.intersect(Schedule.recurs(100)))

export const deletions = [
  clause("deletes", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(10, 1))
      yield* storage.put(nameOf(2), sample(10, 2))
      yield* storage.delete(nameOf(1))
      yield* promiseFailure(storage.get(nameOf(1)), "NotFound", "a get of what was deleted")
      yield* holds(storage, nameOf(2), sample(10, 2))
    }), ["deletes"]),
  clause("deletes twice, and what never was, without complaint", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(10, 1))
      yield* storage.delete(nameOf(1))
      yield* storage.delete(nameOf(1))
      yield* storage.delete("never/stored")
    }), ["deletes"]),
  clause("takes a deleted name again", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(10, 1))
      yield* storage.delete(nameOf(1))
      yield* storage.put(nameOf(1), sample(20, 2))
      yield* holds(storage, nameOf(1), sample(20, 2))
    }), ["deletes"]),
  clause("lists nothing of what was deleted", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(10, 1))
      yield* storage.put(nameOf(2), sample(10, 2))
      yield* storage.delete(nameOf(1))
      yield* promiseSame(yield* listed(storage, "log/"), [{ name: nameOf(2), size: 10 }], "the listing")
    }), ["deletes", "strongList"]),
  clause("lets several delete one object at once", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(10, 1))
      // A place may say that somebody is at it: then it is to be asked again.
      const remove = Effect.retry(storage.delete(nameOf(1)), { schedule: again, while: ({ retryable }) => retryable })
      yield* Effect.forEach(numbers(8), () => remove, { concurrency: 8 })
      yield* promiseFailure(storage.get(nameOf(1)), "NotFound", "a get of what was deleted")
    }), ["deletes"]),
  clause("gives a reader the whole object or none while it is deleted", (storage) =>
    Effect.gen(function*() {
      const bytes = sample(500_000, 3)
      for (const n of numbers(5)) {
        yield* storage.put(nameOf(n), bytes)
        const [read] = yield* Effect.all([Effect.either(storage.get(nameOf(n))), storage.delete(nameOf(n))], {
          concurrency: 2
        })
        if (read._tag === "Right") yield* promise(same(read.right, bytes), `read ${read.right.length} bytes`)
        else if (!read.left.retryable) yield* promiseSame(read.left.reason, "NotFound", "while it was deleted")
      }
    }), ["deletes"]),
  mending("claim deletes: true, or refuse to delete as Unsupported or Denied, not retryable, and keep the object")(
    "refuses to delete where it does not claim that it can, and keeps the object",
    (storage) =>
      Effect.gen(function*() {
        yield* storage.put(nameOf(1), sample(10, 1))
        const refusal = yield* Effect.either(storage.delete(nameOf(1)))
        yield* promise(refusal._tag === "Left", "the delete was called a success")
        if (refusal._tag === "Left") {
          const { reason, retryable } = refusal.left
          yield* promise(reason === "Unsupported" || reason === "Denied", `the delete was refused as ${reason}`)
          yield* promiseSame(retryable, false, "retryable, of the refusal")
        }
        yield* holds(storage, nameOf(1), sample(10, 1))
      }),
    ["keepsAll"]
  )
]
