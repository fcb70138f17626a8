/**
 * What is the same for every place, done once in front of it: names that are not a vault's, objects that are too large
 * and ranges that cannot be are refused before an adapter makes a path or a request of them.
 */
import { Effect, Stream } from "effect"
import { isPrefix, parseObjectName } from "./ObjectPath.ts"
import { type ByteRange, StorageError, type StorageShape } from "./Storage.ts"

export const guarded = (behind: StorageShape): StorageShape => {
  const named = <A>(method: string, name: string, work: () => Effect.Effect<A, StorageError>) =>
    Effect.zipRight(parseObjectName(method, name), Effect.suspend(work))
  return {
    ...behind,
    put: (name, bytes) =>
      named(
        "put",
        name,
        () => bytes.length > behind.capabilities.maxObjectBytes ? unsupported("put", name) : behind.put(name, bytes)
      ),
    get: (name, range) =>
      named(
        "get",
        name,
        () => range === undefined || isRange(range) ? behind.get(name, range) : unsupported("get", name)
      ),
    list: (prefix) =>
      Stream.suspend(() => isPrefix(prefix) ? behind.list(prefix) : Stream.fail(unsupported("list", prefix))),
    delete: (name) =>
      named("delete", name, () => {
        const { deletes, objectLock } = behind.capabilities
        return deletes || objectLock ? behind.delete(name) : unsupported("delete", name)
      })
  }
}

const isRange = ({ length, offset }: ByteRange) => isWhole(offset) && isWhole(length)
const isWhole = (value: number) => Number.isSafeInteger(value) && value >= 0

const unsupported = (method: string, subject: string) =>
  new StorageError({ reason: "Unsupported", method, subject, retryable: false })
