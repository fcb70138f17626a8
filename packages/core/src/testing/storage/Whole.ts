/** What is put is what is given back: any size, any bytes, the caller's own. */
import { Effect } from "effect"
import { CHUNK_BYTES, OBJECT_BYTES } from "../../format/Limits.ts"
import { promise, promiseFailure, promiseSame } from "../Contract.ts"
import { nameOf, numbers, sample } from "../StorageSamples.ts"
import { holds, listed, mending } from "./Clause.ts"

const clause = mending("send and give back the bytes exactly as they are, in as many pieces as the place needs")

const stores = (label: string, size: number) =>
  clause(`gives back ${label} as stored`, (storage) =>
    Effect.gen(function*() {
      const bytes = sample(size, size + 1)
      yield* storage.put(nameOf(1), bytes)
      yield* holds(storage, nameOf(1), bytes)
    }))

/** Bytes that something on the way may take for what it could improve. */
const keeps = (label: string, bytes: Uint8Array) =>
  mending(
    "store binary data: no conversion of line breaks, text or encodings, and no Content-Encoding or -Type guessed"
  )(
    `gives back bytes that look like ${label} as stored`,
    (storage) => Effect.zipRight(storage.put(nameOf(1), bytes), holds(storage, nameOf(1), bytes))
  )

const copying = mending(
  "copy the bytes where they come in and where they go out, or write them before the verb returns"
)

export const whole = [
  stores("an empty object", 0),
  stores("one byte", 1),
  stores("a chunk less one byte", CHUNK_BYTES - 1),
  stores("a chunk", CHUNK_BYTES),
  stores("a chunk and one byte", CHUNK_BYTES + 1),
  stores("16 MiB", 16 * 1024 * 1024),
  keeps("text with line breaks of three systems", Buffer.from("a\nb\r\nc\rd\n\u001a\0")),
  keeps("something compressed", Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x4b, 4, 0, 0x43)),
  keeps("a page of a website", Buffer.from("<!doctype html><html><body>404 Not Found</body></html>")),
  keeps("broken UTF-8", Uint8Array.from({ length: 512 }, (_, at) => 255 - (at & 255))),
  copying("keeps its own copy of what it was given", (storage) =>
    Effect.gen(function*() {
      const bytes = sample(100, 7)
      yield* storage.put(nameOf(1), bytes)
      bytes.fill(0)
      yield* holds(storage, nameOf(1), sample(100, 7))
    })),
  copying("gives bytes that are the caller's own to change", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(100, 7))
      const got = yield* storage.get(nameOf(1))
      got.fill(0)
      const part = yield* storage.get(nameOf(1), { offset: 0, length: 100 })
      part.fill(0)
      yield* holds(storage, nameOf(1), sample(100, 7))
    })),
  mending("store `bytes` from its own offset for its own length, not its whole `bytes.buffer`")(
    "stores a view of a larger buffer as the view alone",
    (storage) =>
      Effect.gen(function*() {
        const bytes = sample(100, 7)
        yield* storage.put(nameOf(1), bytes.subarray(10, 20))
        yield* holds(storage, nameOf(1), bytes.slice(10, 20))
      })
  ),
  clause("stores 64 objects at once", (storage) =>
    Effect.gen(function*() {
      const all = numbers(64)
      yield* Effect.forEach(all, (n) => storage.put(nameOf(n), sample(n * 100, n)), { concurrency: 16 })
      yield* Effect.forEach(all, (n) => holds(storage, nameOf(n), sample(n * 100, n)), { concurrency: 16 })
    })),
  clause("gives one object to 32 readers at once", (storage) =>
    Effect.gen(function*() {
      const bytes = sample(300_000, 5)
      yield* storage.put(nameOf(1), bytes)
      yield* Effect.forEach(numbers(32), () => holds(storage, nameOf(1), bytes), { concurrency: 16 })
    })),
  mending("begin when the effect is run, each time it is run, and never when the verb is called: wrap calls in Effect")(
    "does nothing until a verb's effect is run, and does it anew at each run",
    (storage) =>
      Effect.gen(function*() {
        const put = storage.put(nameOf(1), sample(10, 1))
        const get = storage.get(nameOf(1))
        yield* promiseFailure(get, "NotFound", "a get before the put was run")
        yield* put
        yield* promiseSame((yield* get).length, 10, "the bytes of the same get, run again")
        yield* promiseFailure(put, "AlreadyExists", "the same put, run again")
      })
  )
]

const sized = mending("compare `bytes.length` with `capabilities.maxObjectBytes` first, and claim what the place takes")

export const sizes = [
  sized("claims a largest object of 16 MiB or more, in whole bytes", ({ capabilities: { maxObjectBytes } }) =>
    promise(
      Number.isSafeInteger(maxObjectBytes) && maxObjectBytes >= 16 * 1024 * 1024,
      `maxObjectBytes is ${maxObjectBytes}`
    )),
  sized(
    "stores an object as large as it claims, up to the largest that sealog makes",
    (storage) =>
      Effect.gen(function*() {
        const bytes = sample(Math.min(storage.capabilities.maxObjectBytes, OBJECT_BYTES), 3)
        yield* storage.put(nameOf(1), bytes)
        yield* holds(storage, nameOf(1), bytes)
      })
  ),
  sized("refuses an object larger than it claims, and stores nothing of it", (storage) =>
    Effect.gen(function*() {
      const { maxObjectBytes } = storage.capabilities
      // What no sealog would ever send is not worth the memory of a test.
      if (maxObjectBytes > OBJECT_BYTES) return
      yield* promiseFailure(
        storage.put(nameOf(1), new Uint8Array(maxObjectBytes + 1)),
        "Unsupported",
        "a put of one byte too many"
      )
      yield* promiseFailure(storage.get(nameOf(1)), "NotFound", "a get of what was refused")
      yield* promiseSame(yield* listed(storage, ""), [], "the listing")
    }))
]

const missing = mending(
  "give StorageError with reason NotFound, retryable false, the verb as method and the name as subject"
)

export const absent = [
  missing(
    "says NotFound of what was never stored",
    (storage) => promiseFailure(storage.get(nameOf(1)), "NotFound", "a get of nothing")
  ),
  missing(
    "says NotFound of a folder that never was",
    (storage) => promiseFailure(storage.get("never/stored"), "NotFound", "a get in no folder")
  ),
  missing("does not take NotFound for something that may pass", (storage) =>
    Effect.gen(function*() {
      const error = yield* promiseFailure(storage.get(nameOf(1)), "NotFound", "a get of nothing")
      yield* promise(!error.retryable, "NotFound must not be retryable")
    })),
  missing("names the verb and the object in its errors", (storage) =>
    Effect.gen(function*() {
      const absence = yield* promiseFailure(storage.get(nameOf(1)), "NotFound", "a get of nothing")
      yield* promiseSame(
        [absence._tag, absence.method, absence.subject],
        ["StorageError", "get", nameOf(1)],
        "of a get"
      )
      yield* storage.put(nameOf(2), sample(1, 1))
      const taken = yield* promiseFailure(storage.put(nameOf(2), sample(1, 1)), "AlreadyExists", "a second put")
      yield* promiseSame([taken._tag, taken.method, taken.subject], ["StorageError", "put", nameOf(2)], "of a put")
    }))
]
