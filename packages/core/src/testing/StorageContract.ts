/**
 * What every place for sealed objects promises, as clauses: whoever writes an adapter runs these against it. They ask
 * only for what its capabilities claim, and only through the four verbs.
 */
import { Effect, Exit, Fiber, Stream } from "effect"
import { type ObjectInfo, Storage, type StorageError, type StorageShape } from "../backup/Storage.ts"
import { CHUNK_BYTES } from "../format/Limits.ts"
import { type BrokenPromise, type Clause, type Contract, promise, promiseFailure, promiseSame } from "./Contract.ts"
import { nameOf, numbers, same, sample } from "./StorageSamples.ts"

/** What a place may or may not claim, of `Capabilities`. */
export type StorageCapability = "atomicCreate" | "strongList" | "deletes"

export type StorageClause = Clause<Storage, StorageError, StorageCapability>
export type StorageContract = Contract<Storage, StorageError, StorageCapability>

/** The capabilities that clauses ask for, read from the place's own claims. */
export const claimed = (storage: Pick<StorageShape, "capabilities">): ReadonlySet<StorageCapability> => {
  const { atomicCreate, deletes, strongList } = storage.capabilities
  return new Set([
    ...(atomicCreate ? ["atomicCreate" as const] : []),
    ...(strongList ? ["strongList" as const] : []),
    ...(deletes ? ["deletes" as const] : [])
  ])
}

export interface StorageContractOptions {
  /** How many files or connections the process holds open, where that can be told. */
  readonly openHandles?: Effect.Effect<number>
}

export const storageContract = (options?: StorageContractOptions): StorageContract => ({
  name: "Storage",
  clauses: [...whole, ...names, ...taken, ...ranges, ...listings, ...deletions, ...unfinished, endurance(options)]
})

const clause = (
  name: string,
  check: (storage: StorageShape) => Effect.Effect<void, StorageError | BrokenPromise>,
  needs: ReadonlyArray<StorageCapability> = [],
  timeoutMillis = 30_000
): StorageClause => ({
  name,
  needs,
  timeoutMillis,
  check: Effect.flatMap(Storage, check)
})

const stores = (label: string, size: number) =>
  clause(`gives back ${label} as stored`, (storage) =>
    Effect.gen(function*() {
      const bytes = sample(size, size + 1)
      yield* storage.put(nameOf(1), bytes)
      yield* holds(storage, nameOf(1), bytes)
    }))

const whole = [
  stores("an empty object", 0),
  stores("one byte", 1),
  stores("a chunk less one byte", CHUNK_BYTES - 1),
  stores("a chunk", CHUNK_BYTES),
  stores("a chunk and one byte", CHUNK_BYTES + 1),
  stores("16 MiB", 16 * 1024 * 1024),
  clause("keeps its own copy of what it was given", (storage) =>
    Effect.gen(function*() {
      const bytes = sample(100, 7)
      yield* storage.put(nameOf(1), bytes)
      bytes.fill(0)
      yield* holds(storage, nameOf(1), sample(100, 7))
      const got = yield* storage.get(nameOf(1))
      got.fill(0)
      yield* holds(storage, nameOf(1), sample(100, 7))
    })),
  clause("stores a view of a larger buffer as the view alone", (storage) =>
    Effect.gen(function*() {
      const bytes = sample(100, 7)
      yield* storage.put(nameOf(1), bytes.subarray(10, 20))
      yield* holds(storage, nameOf(1), bytes.slice(10, 20))
    })),
  clause("stores 64 objects at once", (storage) =>
    Effect.gen(function*() {
      const all = numbers(64)
      yield* Effect.forEach(all, (n) => storage.put(nameOf(n), sample(n * 100, n)), { concurrency: 16 })
      yield* Effect.forEach(all, (n) => holds(storage, nameOf(n), sample(n * 100, n)), { concurrency: 16 })
    })),
  clause(
    "says NotFound of what was never stored",
    (storage) => promiseFailure(storage.get(nameOf(1)), "NotFound", "a get of nothing")
  ),
  clause("does not take NotFound for something that may pass", (storage) =>
    Effect.gen(function*() {
      const error = yield* promiseFailure(storage.get(nameOf(1)), "NotFound", "a get of nothing")
      yield* promise(!error.retryable, "NotFound must not be retryable")
      yield* promiseSame(error.method, "get", "the method")
      yield* promiseSame(error.subject, nameOf(1), "the subject")
    }))
]

const refuses = (label: string, name: string) =>
  clause(`refuses a name ${label} in every verb`, (storage) =>
    Effect.gen(function*() {
      yield* promiseFailure(storage.put(name, sample(1, 1)), "Unsupported", `put ${name}`)
      yield* promiseFailure(storage.get(name), "Unsupported", `get ${name}`)
      yield* promiseFailure(storage.delete(name), "Unsupported", `delete ${name}`)
    }))

const accepts = (label: string, name: string) =>
  clause(`accepts ${label}`, (storage) =>
    Effect.gen(function*() {
      yield* storage.put(name, sample(50, 3))
      yield* holds(storage, name, sample(50, 3))
      yield* promiseSame(yield* listed(storage, ""), [{ name, size: 50 }], "the listing")
    }), ["strongList"])

const names = [
  accepts("the readable name sealog.json", "sealog.json"),
  accepts("a name of one letter", "log/a"),
  accepts("a name of 80 letters", `log/${"z".repeat(80)}`),
  accepts("a name that Windows keeps for a device", "log/con"),
  accepts("a name of digits only", "blobs/2345672"),
  clause("keeps the same letters in two folders apart", (storage) =>
    Effect.gen(function*() {
      yield* storage.put("log/aa", sample(1, 1))
      yield* storage.put("blobs/aa", sample(2, 2))
      yield* holds(storage, "log/aa", sample(1, 1))
      yield* holds(storage, "blobs/aa", sample(2, 2))
    })),
  refuses("that leads out of the vault", "log/../../outside"),
  refuses("that is absolute", "/etc/passwd"),
  refuses("without a folder", "loose"),
  refuses("with capital letters", "log/ABC"),
  refuses("of 81 letters", `log/${"a".repeat(81)}`),
  refuses("that is empty", "")
]

const taken = [
  clause("refuses a name that is taken, and changes nothing", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(300, 1))
      yield* promiseFailure(storage.put(nameOf(1), sample(200, 2)), "AlreadyExists", "a second put")
      yield* holds(storage, nameOf(1), sample(300, 1))
    })),
  clause("refuses a name that is taken even for the same bytes", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(300, 1))
      const error = yield* promiseFailure(storage.put(nameOf(1), sample(300, 1)), "AlreadyExists", "a second put")
      yield* promise(!error.retryable, "AlreadyExists must not be retryable")
    })),
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
  clause("never leaves a mixture after racing puts", (storage) =>
    Effect.gen(function*() {
      const variants = numbers(8).map((n) => sample(200_000 + n, n))
      yield* Effect.forEach(variants, (bytes) => Effect.exit(storage.put(nameOf(1), bytes)), { concurrency: 8 })
      const stored = yield* storage.get(nameOf(1))
      yield* promise(variants.some((bytes) => same(bytes, stored)), "the object is none of those put")
    }))
]

const RANGED = 100_000
const range = (label: string, offset: number, length: number) =>
  clause(`reads ${label}`, (storage) =>
    Effect.gen(function*() {
      const bytes = sample(RANGED, 9)
      yield* storage.put(nameOf(1), bytes)
      const part = yield* storage.get(nameOf(1), { offset, length })
      yield* promise(
        same(part, bytes.slice(offset, offset + length)),
        `bytes ${offset} + ${length}: got ${part.length}`
      )
    }))

const ranges = [
  range("a range from the start", 0, 10),
  range("a range in the middle", 65_530, 12),
  range("a range up to the last byte", RANGED - 10, 10),
  range("the last byte alone", RANGED - 1, 1),
  range("a range over everything", 0, RANGED),
  range("what there is of a range past the end", RANGED - 5, 100),
  range("nothing of a range that begins at the end", RANGED, 10),
  range("nothing of a range beyond the end", RANGED + 1000, 10),
  range("nothing of an empty range", 50, 0),
  clause("reads nothing of an empty object by range", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), new Uint8Array(0))
      yield* promiseSame((yield* storage.get(nameOf(1), { offset: 0, length: 10 })).length, 0, "bytes")
    })),
  clause("refuses a range that cannot be", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(10, 1))
      yield* promiseFailure(storage.get(nameOf(1), { offset: -1, length: 5 }), "Unsupported", "a negative offset")
      yield* promiseFailure(storage.get(nameOf(1), { offset: 0, length: -5 }), "Unsupported", "a negative length")
    })),
  clause(
    "says NotFound for a range of nothing",
    (storage) => promiseFailure(storage.get(nameOf(1), { offset: 0, length: 5 }), "NotFound", "a range of nothing")
  )
]

const listings = [
  clause("lists nothing where nothing was stored", (storage) =>
    Effect.gen(function*() {
      yield* promiseSame(yield* listed(storage, ""), [], "everything")
      yield* promiseSame(yield* listed(storage, "log/"), [], "a folder")
    })),
  clause("lists every object with its size", (storage) =>
    Effect.gen(function*() {
      yield* storage.put("log/aa", sample(1, 1))
      yield* storage.put("blobs/bb", sample(2, 2))
      yield* storage.put("sealog.json", sample(3, 3))
      yield* promiseSame(yield* listed(storage, ""), [
        { name: "blobs/bb", size: 2 },
        { name: "log/aa", size: 1 },
        { name: "sealog.json", size: 3 }
      ], "everything")
    }), ["strongList"]),
  clause("lists by prefix: a folder, part of a name, a whole name", (storage) =>
    Effect.gen(function*() {
      for (const name of ["log/aab", "log/aac", "log/ab", "logs/aab"]) yield* storage.put(name, sample(1, 1))
      const found = (prefix: string) => Effect.map(listed(storage, prefix), (infos) => infos.map((info) => info.name))
      yield* promiseSame(yield* found("log/"), ["log/aab", "log/aac", "log/ab"], "the folder")
      yield* promiseSame(yield* found("log/aa"), ["log/aab", "log/aac"], "part of a name")
      yield* promiseSame(yield* found("log/ab"), ["log/ab"], "a whole name")
      yield* promiseSame(yield* found("log"), ["log/aab", "log/aac", "log/ab", "logs/aab"], "part of a folder")
      yield* promiseSame(yield* found("log/zz"), [], "what is not there")
    }), ["strongList"]),
  clause(
    "lists 2,500 objects, each once, with its size",
    (storage) =>
      Effect.gen(function*() {
        yield* Effect.forEach(numbers(2500), (n) => storage.put(nameOf(n), sample(n % 50, n)), { concurrency: 16 })
        const expected = numbers(2500).map((n) => ({ name: nameOf(n), size: n % 50 })).toSorted(byName)
        yield* promiseSame(yield* listed(storage, "log/"), expected, "the listing")
      }),
    ["strongList"],
    120_000
  ),
  clause(
    "can be left in the middle of a listing",
    (storage) =>
      Effect.gen(function*() {
        yield* Effect.forEach(numbers(600), (n) => storage.put(nameOf(n), sample(1, n)), { concurrency: 16 })
        const some = yield* storage.list("log/").pipe(Stream.take(3), Stream.runCollect)
        yield* promiseSame(some.length, 3, "taken")
        yield* promiseSame((yield* listed(storage, "log/")).length, 600, "a full listing afterwards")
      }),
    ["strongList"],
    60_000
  ),
  clause("lists anew each time the same listing is run", (storage) =>
    Effect.gen(function*() {
      const list = storage.list("log/")
      yield* promiseSame((yield* Stream.runCollect(list)).length, 0, "before")
      yield* storage.put(nameOf(1), sample(1, 1))
      yield* promiseSame((yield* Stream.runCollect(list)).length, 1, "after")
    }), ["strongList"])
]

const deletions = [
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
    }), ["deletes", "strongList"])
]

const BIG = sample(1_000_000, 4)

const unfinished = [
  clause("never shows a reader half an object", (storage) =>
    Effect.gen(function*() {
      for (const n of numbers(5)) {
        const writer = yield* Effect.fork(storage.put(nameOf(n), BIG))
        while ((yield* Fiber.poll(writer))._tag === "None") {
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
        while ((yield* Fiber.poll(writer))._tag === "None") {
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

const endurance = (options?: StorageContractOptions) =>
  clause(
    "holds nothing open after 1,000 operations, failed ones among them",
    (storage) =>
      Effect.gen(function*() {
        const handles = options?.openHandles ?? Effect.succeed(0)
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

const holds = (storage: StorageShape, name: string, bytes: Uint8Array) =>
  Effect.flatMap(
    storage.get(name),
    (got) => promise(same(got, bytes), `${name} has ${got.length} bytes, not the ${bytes.length} stored`)
  )

const listed = (storage: StorageShape, prefix: string): Effect.Effect<ReadonlyArray<ObjectInfo>, StorageError> =>
  Effect.map(
    Stream.runCollect(storage.list(prefix)),
    (chunk) => [...chunk].map(({ name, size }) => ({ name, size })).toSorted(byName)
  )

const byName = (a: ObjectInfo, b: ObjectInfo) => a.name < b.name ? -1 : 1
