/**
 * A vault that shares its place with others: each has its own folders, whose names begin with its prefix. `log/aa` of the
 * prefix `ada` is `ada7log/aa`, and `sealog.json` is `ada7/sealogjson`; since no prefix holds the digit, none is the
 * beginning of another's.
 */
import { isPrefix, parseObjectName, READABLE_NAME } from "@sealog/core/backup/ObjectPath"
import { type ObjectInfo, StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { Effect, Stream } from "effect"

const SEPARATOR = "7"
const READABLE_BASE = "sealogjson"

export const underPrefix = (behind: StorageShape, prefix: string): StorageShape => {
  const top = `${prefix}${SEPARATOR}`
  const readable = `${top}/${READABLE_BASE}`
  const outer = (name: string) => name === READABLE_NAME ? readable : `${top}${name}`
  const inner = ({ name, size }: ObjectInfo): ReadonlyArray<ObjectInfo> => {
    if (name === readable) return [{ name: READABLE_NAME, size }]
    // A stranger's file right in the place, or in a folder of ours that has no name.
    return name.startsWith(top) && !name.startsWith(`${top}/`) ? [{ name: name.slice(top.length), size }] : []
  }
  /** An error names the object as it was asked for. */
  const at = <A>(method: string, name: string, work: (name: string) => Effect.Effect<A, StorageError>) =>
    Effect.zipRight(parseObjectName(method, name), Effect.suspend(() => work(outer(name)))).pipe(
      Effect.mapError((error) => error.subject === outer(name) ? renamed(error, name) : error)
    )
  const listing = (start: string) => Stream.mapConcat(behind.list(`${top}${start}`), inner)
  return {
    ...behind,
    put: (name, bytes) => at("put", name, (path) => behind.put(path, bytes)),
    get: (name, range) => at("get", name, (path) => behind.get(path, range)),
    list: (start) => {
      if (!isPrefix(start)) {
        return Stream.fail(
          new StorageError({ reason: "Unsupported", method: "list", subject: start, retryable: false })
        )
      }
      // Everything includes the readable name already, which begins with no folder.
      if (start === "" || !READABLE_NAME.startsWith(start)) return listing(start)
      return Stream.concat(listing(start), Stream.mapConcat(behind.list(readable), inner))
    },
    delete: (name) => at("delete", name, (path) => behind.delete(path))
  }
}

const renamed = ({ cause, method, reason, retryable }: StorageError, subject: string) =>
  new StorageError({ reason, method, subject, retryable, cause })
