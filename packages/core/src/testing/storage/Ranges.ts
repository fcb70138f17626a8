/** A range is what there is of it, at every edge. */
import { Effect } from "effect"
import { CHUNK_BYTES } from "../../format/Limits.ts"
import { promise, promiseFailure, promiseSame } from "../Contract.ts"
import { nameOf, numbers, same, sample } from "../StorageSamples.ts"
import { mending } from "./Clause.ts"

const clause = mending("give bytes offset to offset + length, less where the object ends sooner, none from its end on")

const LENGTH = 100_000
const range = (label: string, offset: number, length: number) =>
  clause(`reads ${label}`, (storage) =>
    Effect.gen(function*() {
      const bytes = sample(LENGTH, 9)
      yield* storage.put(nameOf(1), bytes)
      const part = yield* storage.get(nameOf(1), { offset, length })
      const wanted = bytes.slice(offset, offset + length)
      yield* promise(
        same(part, wanted),
        `of ${length} bytes from ${offset} of ${LENGTH}: got ${part.length} bytes${
          part.length === wanted.length ? ", and not these" : `, not ${wanted.length}`
        }`
      )
    }))

const refusing = mending(
  "refuse ranges that are not whole numbers from 0 on as Unsupported, before anything is asked for"
)

export const ranges = [
  range("a range from the start", 0, 10),
  range("a range in the middle", 65_530, 12),
  range("a range up to the last byte", LENGTH - 10, 10),
  range("the first byte alone", 0, 1),
  range("the last byte alone", LENGTH - 1, 1),
  range("a range over everything", 0, LENGTH),
  range("what there is of a range past the end", LENGTH - 5, 100),
  range("what there is of a range of a terabyte", 10, 2 ** 40),
  range("nothing of a range that begins at the end", LENGTH, 10),
  range("nothing of a range beyond the end", LENGTH + 1000, 10),
  range("nothing of an empty range", 50, 0),
  clause("reads nothing of an empty object by range", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), new Uint8Array(0))
      yield* promiseSame((yield* storage.get(nameOf(1), { offset: 0, length: 10 })).length, 0, "bytes")
    })),
  clause("reads a range deep in an object of 16 MiB", (storage) =>
    Effect.gen(function*() {
      const bytes = sample(16 * 1024 * 1024, 6)
      yield* storage.put(nameOf(1), bytes)
      const offset = bytes.length - CHUNK_BYTES - 1
      const part = yield* storage.get(nameOf(1), { offset, length: CHUNK_BYTES })
      yield* promise(same(part, bytes.subarray(offset, offset + CHUNK_BYTES)), `got ${part.length} bytes`)
    })),
  clause("reads ranges at once that are the object when they are put together", (storage) =>
    Effect.gen(function*() {
      const bytes = sample(10 * CHUNK_BYTES + 17, 8)
      yield* storage.put(nameOf(1), bytes)
      const parts = yield* Effect.forEach(
        numbers(11),
        (n) => storage.get(nameOf(1), { offset: n * CHUNK_BYTES, length: CHUNK_BYTES }),
        { concurrency: 11 }
      )
      yield* promise(same(Buffer.concat(parts), bytes), "the parts are not the object")
    })),
  refusing("refuses a range that cannot be", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(10, 1))
      yield* promiseFailure(storage.get(nameOf(1), { offset: -1, length: 5 }), "Unsupported", "a negative offset")
      yield* promiseFailure(storage.get(nameOf(1), { offset: 0, length: -5 }), "Unsupported", "a negative length")
    })),
  refusing("refuses a range of fractions or of no number", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(10, 1))
      yield* promiseFailure(storage.get(nameOf(1), { offset: 0.5, length: 5 }), "Unsupported", "half an offset")
      yield* promiseFailure(storage.get(nameOf(1), { offset: 0, length: 2.5 }), "Unsupported", "half a length")
      yield* promiseFailure(storage.get(nameOf(1), { offset: 0, length: Number.NaN }), "Unsupported", "no length")
    })),
  mending("tell an object that is not there from one that ends before the range")(
    "says NotFound for a range of nothing",
    (storage) => promiseFailure(storage.get(nameOf(1), { offset: 0, length: 5 }), "NotFound", "a range of nothing")
  )
]
