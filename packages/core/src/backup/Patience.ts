/**
 * A place that gives no answer is one that cannot be reached: a share whose server is gone, a synced folder that is
 * stuck. Without an end to waiting, whoever asked it would wait for ever, and everybody behind him.
 */
import { Effect, Stream } from "effect"
import {
  OBJECT_BYTES,
  PATIENCE_GET_BYTES_A_SECOND,
  PATIENCE_PUT_BYTES_A_SECOND,
  PATIENCE_SECONDS,
  VAULT_FILE_BYTES
} from "../format/Limits.ts"
import { StorageError, type StorageShape } from "./Storage.ts"

/** The same place, where every answer comes within a time that grows with what is moved, or is no answer. */
export const patient = (storage: StorageShape): StorageShape => ({
  ...storage,
  put: (name, bytes) =>
    within("put", name, PATIENCE_SECONDS + bytes.length / PATIENCE_PUT_BYTES_A_SECOND, storage.put(name, bytes)),
  get: (name, range) => {
    // A range that cannot be is the place's to refuse.
    const asked = range !== undefined && range.length >= 0 ? range.length : OBJECT_BYTES
    const most = Math.min(asked, mostOf(name))
    return within("get", name, PATIENCE_SECONDS + most / PATIENCE_GET_BYTES_A_SECOND, storage.get(name, range))
  },
  // From one part of a listing to the next: how long all of it is, nobody knows.
  list: (prefix) =>
    Stream.timeoutFail(
      storage.list(prefix),
      () => unanswered("list", prefix, PATIENCE_SECONDS),
      `${PATIENCE_SECONDS} seconds`
    ),
  delete: (name) => within("delete", name, PATIENCE_SECONDS, storage.delete(name))
})

/** The longest object of a name, bytes: what is no segment and no blob is short, also under a prefix (`ada7log/…`). */
const mostOf = (name: string): number => /^(?:[a-z2-6]+7)?(?:log|blobs)\//.test(name) ? OBJECT_BYTES : VAULT_FILE_BYTES

const within = <A>(
  method: string,
  subject: string,
  seconds: number,
  asked: Effect.Effect<A, StorageError>
): Effect.Effect<A, StorageError> =>
  asked.pipe(
    // What does not answer may not stop when it is told to either.
    Effect.disconnect,
    Effect.timeoutFail({ duration: `${seconds} seconds`, onTimeout: () => unanswered(method, subject, seconds) })
  )

/** Not to be asked again at once: that took long enough. */
const unanswered = (method: string, subject: string, seconds: number) =>
  new StorageError({
    reason: "Unreachable",
    method,
    subject,
    retryable: false,
    cause: new Error(`no answer within ${Math.round(seconds)} seconds`)
  })
