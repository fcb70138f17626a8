/** No reader and no listing ever sees half an object; an interruption leaves all or nothing, and nothing open. */
import { Effect, Fiber, Option } from "effect"
import type { StorageError } from "../../backup/Storage.ts"
import { promise, promiseSame } from "../Contract.ts"
import { nameOf, numbers, same, sample } from "../StorageSamples.ts"
import { holds, listed, mending } from "./Clause.ts"

const clause = mending("write under a name that no listing shows, and publish it under the final name in one step")

const BIG = sample(1_000_000, 4)

export const unfinished = [
  clause("never shows a reader half an object", (storage) =>
    Effect.gen(function*() {
      for (const n of numbers(5)) {
        const writer = yield* Effect.fork(storage.put(nameOf(n), BIG))
        while (yield* isAtWork(writer)) {
          const exit = yield* Effect.either(storage.get(nameOf(n)))
          if (exit._tag === "Right") yield* promise(same(exit.right, BIG), `read ${exit.right.length} bytes`)
          else yield* promiseSame(exit.left.reason, "NotFound", "before the object is there")
        }
        yield* Fiber.join(writer)
        yield* holds(storage, nameOf(n), BIG)
      }
    })),
  clause("never lists half an object, nor anything else on its way", (storage) =>
    Effect.gen(function*() {
      for (const n of numbers(5)) {
        const writer = yield* Effect.fork(storage.put(nameOf(n), BIG))
        while (yield* isAtWork(writer)) {
          const odd = (yield* listed(storage, "")).filter(({ name, size }) =>
            size !== BIG.length || !numbers(5).map(nameOf).includes(name)
          )
          yield* promiseSame(odd, [], "listed while written")
        }
        yield* Fiber.join(writer)
      }
    })),
  clause("leaves all or nothing of a put that was interrupted", (storage) =>
    Effect.gen(function*() {
      for (const n of numbers(20)) {
        const writer = yield* Effect.fork(storage.put(nameOf(n), BIG))
        yield* Effect.repeatN(Effect.yieldNow(), n * n)
        yield* Fiber.interrupt(writer)
        const exit = yield* Effect.either(storage.get(nameOf(n)))
        if (exit._tag === "Right") yield* promise(same(exit.right, BIG), `read ${exit.right.length} bytes`)
        else yield* promiseSame(exit.left.reason, "NotFound", "after the interruption")
      }
    })),
  clause("takes the same object again after an interruption", (storage) =>
    Effect.gen(function*() {
      for (const n of numbers(10)) {
        const writer = yield* Effect.fork(storage.put(nameOf(n), BIG))
        yield* Effect.repeatN(Effect.yieldNow(), n * 20)
        yield* Fiber.interrupt(writer)
        yield* storage.put(nameOf(n), BIG).pipe(
          Effect.catchIf((error) => error.reason === "AlreadyExists", () => Effect.void)
        )
        yield* holds(storage, nameOf(n), BIG)
      }
    }))
]

/** Lets others run first: a reader that waits for nothing would keep its writer from ever being done. */
const isAtWork = (writer: Fiber.Fiber<void, StorageError>) =>
  Effect.zipRight(Effect.yieldNow(), Effect.map(Fiber.poll(writer), Option.isNone))
