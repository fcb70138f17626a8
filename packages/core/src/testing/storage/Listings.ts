/** A listing is complete, each object once and with its size, and knows nothing that is not an object. */
import { Effect, Stream } from "effect"
import { promiseSame } from "../Contract.ts"
import { nameOf, numbers, sample } from "../StorageSamples.ts"
import { byName, listed, mending } from "./Clause.ts"

const clause = mending("follow every page of the place's own listing, and give full names with sizes, each once")

export const listings = [
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
    }), ["strongList"]),
  clause("lists an object as soon as it is stored, every time", (storage) =>
    Effect.gen(function*() {
      for (const n of numbers(30)) {
        yield* storage.put(nameOf(n), sample(n, n))
        yield* promiseSame((yield* listed(storage, "log/")).length, n + 1, `objects listed after put ${n + 1}`)
      }
    }), ["strongList"]),
  clause("shows in a listing, while others are put, all that was there before it", (storage) =>
    Effect.gen(function*() {
      yield* Effect.forEach(numbers(200), (n) => storage.put(nameOf(n), sample(1, n)), { concurrency: 16 })
      const [found] = yield* Effect.all([
        listed(storage, "log/"),
        Effect.forEach(numbers(100), (n) => storage.put(nameOf(200 + n), sample(1, n)), { concurrency: 8 })
      ], { concurrency: 2 })
      const names = found.map((info) => info.name)
      yield* promiseSame(numbers(200).map(nameOf).filter((name) => !names.includes(name)), [], "left out")
      yield* promiseSame(names.length, new Set(names).size, "names listed, and how many of them differ")
    }), ["strongList"]),
  clause("lists for several at once", (storage) =>
    Effect.gen(function*() {
      yield* Effect.forEach(numbers(50), (n) => storage.put(nameOf(n), sample(n, n)), { concurrency: 16 })
      const counts = yield* Effect.forEach(numbers(8), () => Effect.map(listed(storage, ""), (all) => all.length), {
        concurrency: 8
      })
      yield* promiseSame(counts, numbers(8).map(() => 50), "objects in each listing")
    }), ["strongList"]),
  clause("lists an empty object, and one of 16 MiB, with their sizes", (storage) =>
    Effect.gen(function*() {
      const large = 16 * 1024 * 1024
      yield* storage.put("log/aa", new Uint8Array(0))
      yield* storage.put("log/bb", sample(large, 2))
      yield* promiseSame(
        yield* listed(storage, "log/"),
        [{ name: "log/aa", size: 0 }, { name: "log/bb", size: large }],
        "all"
      )
    }), ["strongList"]),
  mending(
    "take a prefix for the beginning of a name and nothing else: refuse what no name begins with, or list nothing"
  )(
    "lists nothing outside of the vault",
    (storage) =>
      Effect.forEach(["../", "/", "log/../", "..", "%2e%2e/"], (prefix) =>
        listed(storage, prefix).pipe(
          Effect.catchIf((error) => error.reason === "Unsupported", () => Effect.succeed([])),
          Effect.flatMap((found) => promiseSame(found, [], `listed under ${prefix}`))
        ), { discard: true })
  )
]
