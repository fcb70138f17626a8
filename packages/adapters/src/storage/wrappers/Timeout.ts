/** A place that is waited for only so long: then it is Unreachable, which may pass. */
import { StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { Duration, Effect, Stream } from "effect"

/** Of a listing it is the time between two pieces of it. */
export const withTimeout = (behind: StorageShape, duration: Duration.DurationInput): StorageShape => {
  const late = (method: string, subject: string) => () =>
    new StorageError({
      reason: "Unreachable",
      method,
      subject,
      retryable: true,
      cause: Object.assign(new Error(`no answer within ${Duration.format(duration)}`), { code: "ETIMEDOUT" })
    })
  const within = <A>(method: string, name: string, work: Effect.Effect<A, StorageError>) =>
    // Whoever gave up does not wait for the place to notice.
    work.pipe(Effect.disconnect, Effect.timeoutFail({ duration, onTimeout: late(method, name) }))
  return {
    ...behind,
    put: (name, bytes) => within("put", name, behind.put(name, bytes)),
    get: (name, range) => within("get", name, behind.get(name, range)),
    list: (prefix) => Stream.timeoutFail(behind.list(prefix), late("list", prefix), duration),
    delete: (name) => within("delete", name, behind.delete(name))
  }
}
