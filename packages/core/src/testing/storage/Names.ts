/** Every name that a vault makes is taken as it is, and no other becomes a path or a URL. */
import { Effect } from "effect"
import { promiseFailure, promiseSame } from "../Contract.ts"
import { nameOf, sample } from "../StorageSamples.ts"
import { holds, listed, mending } from "./Clause.ts"

const refusing = mending("check names before anything else, with parseObjectName of @sealog/core/backup/ObjectPath")

const refuses = (label: string, name: string) =>
  refusing(`refuses a name ${label} in every verb`, (storage) =>
    Effect.gen(function*() {
      yield* promiseFailure(storage.put(name, sample(1, 1)), "Unsupported", `put ${JSON.stringify(name)}`)
      yield* promiseFailure(storage.get(name), "Unsupported", `get ${JSON.stringify(name)}`)
      yield* promiseFailure(storage.delete(name), "Unsupported", `delete ${JSON.stringify(name)}`)
    }))

const clause = mending("keep names letter for letter, as `folder/letters`, and list them the same way")

const accepts = (label: string, name: string) =>
  clause(`accepts ${label}`, (storage) =>
    Effect.gen(function*() {
      yield* storage.put(name, sample(50, 3))
      yield* holds(storage, name, sample(50, 3))
      yield* promiseSame(yield* listed(storage, ""), [{ name, size: 50 }], "the listing")
    }), ["strongList"])

export const names = [
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
  clause("keeps a name and a longer one that begins with it apart", (storage) =>
    Effect.gen(function*() {
      yield* storage.put("log/aa", sample(1, 1))
      yield* promiseFailure(storage.get("log/a"), "NotFound", "a get of the shorter name")
      yield* promiseFailure(storage.get("log/aaa"), "NotFound", "a get of the longer name")
      yield* storage.put("log/aaa", sample(2, 2))
      yield* holds(storage, "log/aa", sample(1, 1))
      yield* holds(storage, "log/aaa", sample(2, 2))
    })),
  refuses("that leads out of the vault", "log/../../outside"),
  refuses("that leads out of the vault by an escape", "log/%2e%2e"),
  refuses("that is absolute", "/etc/passwd"),
  refuses("without a folder", "loose"),
  refuses("in a folder of a folder", "log/inner/aa"),
  refuses("with capital letters", "log/ABC"),
  refuses("with letters of no alphabet of ours", "log/\u00e9"),
  refuses("with a NUL", "log/a\0b"),
  refuses("of 81 letters", `log/${"a".repeat(81)}`),
  refuses("that is empty", "")
]

const taking = mending(
  "create exclusively (O_EXCL, a hard link, If-None-Match: *), and say AlreadyExists where it is taken"
)

export const taken = [
  taking("refuses a name that is taken, and changes nothing", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(300, 1))
      yield* promiseFailure(storage.put(nameOf(1), sample(200, 2)), "AlreadyExists", "a second put")
      yield* holds(storage, nameOf(1), sample(300, 1))
    })),
  taking("refuses a name that is taken even for the same bytes", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(300, 1))
      yield* promiseFailure(storage.put(nameOf(1), sample(300, 1)), "AlreadyExists", "a second put")
    })),
  taking("does not take AlreadyExists for something that may pass", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), sample(300, 1))
      const error = yield* promiseFailure(storage.put(nameOf(1), sample(300, 2)), "AlreadyExists", "a second put")
      yield* promiseSame(error.retryable, false, "retryable, of AlreadyExists")
    })),
  taking("refuses a name that an empty object has", (storage) =>
    Effect.gen(function*() {
      yield* storage.put(nameOf(1), new Uint8Array(0))
      yield* promiseFailure(storage.put(nameOf(1), sample(5, 1)), "AlreadyExists", "a second put")
      yield* holds(storage, nameOf(1), new Uint8Array(0))
    }))
]
