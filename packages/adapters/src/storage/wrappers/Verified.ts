/**
 * A place whose every put is read back and compared before it counts. What is not what was put is Corrupt; where it is
 * certain that nobody else's object can stand there it is removed, so that the same put may be tried again.
 */
import { StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import { Buffer } from "node:buffer"

export const verified = (behind: StorageShape): StorageShape => {
  const { atomicCreate, deletes, objectLock } = behind.capabilities
  const removes = atomicCreate && deletes && !objectLock
  const put = Effect.fn("Verified.put")(function*(name: string, bytes: Uint8Array) {
    yield* behind.put(name, bytes)
    const there = yield* behind.get(name).pipe(
      Effect.catchIf((error) => error.reason === "NotFound", () => Effect.succeed(undefined))
    )
    if (there !== undefined && Buffer.compare(there, bytes) === 0) return
    if (removes) yield* behind.delete(name)
    return yield* new StorageError({ reason: "Corrupt", method: "put", subject: name, retryable: removes })
  })
  return { ...behind, put }
}
