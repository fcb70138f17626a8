/** Whoever waits can stop waiting: at once, by a deadline or by hand, and nothing stays open behind them. */
import { Effect, Fiber, Schedule, Stream } from "effect"
import type { StorageError, StorageShape } from "../../backup/Storage.ts"
import { BrokenPromise, promise, promiseSame } from "../Contract.ts"
import { nameOf, numbers, same, sample } from "../StorageSamples.ts"
import { holds, mending } from "./Clause.ts"

/** How long giving up may take: an adapter that waits for the place to answer takes as long as the place. */
const AT_ONCE = "5 seconds"
const LARGE = sample(4 * 1024 * 1024, 11)

const giving = mending("make every verb interruptible: hand the AbortSignal of Effect.tryPromise to what waits")

const givesUp = (
  what: string,
  prepare: Prepare,
  work: (storage: StorageShape) => Effect.Effect<unknown, StorageError>
) =>
  giving(`gives up ${what} at once when it is interrupted`, (storage) =>
    Effect.gen(function*() {
      yield* prepare(storage)
      for (const n of numbers(4)) {
        const working = yield* Effect.forkDaemon(work(storage))
        yield* Effect.repeatN(Effect.yieldNow(), n * n * 10)
        yield* Fiber.interrupt(working).pipe(
          Effect.disconnect,
          Effect.timeoutFail({
            duration: AT_ONCE,
            onTimeout: () => new BrokenPromise({ detail: `${AT_ONCE} after the interruption it still goes on` })
          })
        )
      }
    }))

type Prepare = (storage: StorageShape) => Effect.Effect<void, StorageError>

const stored: Prepare = (storage) => storage.put(nameOf(0), LARGE)

const deadlines = mending("leave all or nothing under the name, whenever the put is ended, and take the same put again")

export const endings = (openHandles: Effect.Effect<number> | undefined) => [
  givesUp("a put", () => Effect.void, (storage) => Effect.exit(storage.put(nameOf(1), LARGE))),
  givesUp("a get", stored, (storage) => storage.get(nameOf(0))),
  givesUp("a listing", stored, (storage) => Stream.runDrain(storage.list("log/"))),
  deadlines(
    "keeps a deadline: all or nothing of a put that ran out of time",
    (storage) =>
      Effect.gen(function*() {
        for (const n of numbers(5)) {
          yield* Effect.exit(Effect.timeout(storage.put(nameOf(n), LARGE), n))
          const found = yield* Effect.either(storage.get(nameOf(n)))
          if (found._tag === "Right") yield* promise(same(found.right, LARGE), `read ${found.right.length} bytes`)
          else yield* promiseSame(found.left.reason, "NotFound", "after the deadline")
          yield* Effect.catchIf(
            storage.put(nameOf(n), LARGE),
            (error) => error.reason === "AlreadyExists",
            () => Effect.void
          )
          yield* holds(storage, nameOf(n), LARGE)
        }
      }),
    [],
    60_000
  ),
  closing(
    "holds nothing open after 100 interrupted operations",
    (storage) =>
      Effect.gen(function*() {
        const handles = openHandles ?? Effect.succeed(0)
        yield* storage.put(nameOf(0), sample(200_000, 0))
        const before = yield* handles
        for (const n of numbers(100)) {
          const verbs = [storage.put(nameOf(n + 1), sample(200_000, n)), storage.get(nameOf(0)), drained(storage)]
          const working = yield* Effect.fork(Effect.exit(verbs[n % 3]!))
          yield* Effect.repeatN(Effect.yieldNow(), n)
          yield* Fiber.interrupt(working)
        }
        yield* closed(handles, before)
      }),
    [],
    60_000
  ),
  closing(
    "holds nothing open after 1,000 operations, failed ones among them",
    (storage) =>
      Effect.gen(function*() {
        const handles = openHandles ?? Effect.succeed(0)
        yield* storage.put(nameOf(0), sample(10, 0))
        const before = yield* handles
        yield* Effect.forEach(numbers(250), (n) =>
          Effect.all([
            Effect.exit(storage.put(nameOf(n % 50), sample(10, n))),
            Effect.exit(storage.get(nameOf(n), { offset: n % 20, length: 5 })),
            Effect.exit(storage.get("never/stored")),
            storage.list("log/").pipe(Stream.take(1), Stream.runDrain)
          ]), { concurrency: 8 })
        yield* promise((yield* handles) <= before, "more is open than before")
      }),
    [],
    60_000
  )
]

const closing = mending("close files and sockets in Effect.acquireRelease, or in a finally, on every way out of a verb")

const drained = (storage: StorageShape) => Stream.runDrain(storage.list("log/"))

/** What an interruption cut off may take a moment to be closed. */
const closed = (handles: Effect.Effect<number>, before: number) =>
  Effect.flatMap(handles, (open) => promise(open <= before, `${open} are open, ${before} were before`)).pipe(
    Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.intersect(Schedule.recurs(100))))
  )
