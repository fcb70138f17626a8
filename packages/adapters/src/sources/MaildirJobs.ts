/** What the working thread does for a Maildir: looks at and reads many files at a time; see `MaildirReader`. */
import { Buffer } from "node:buffer"
import type { Parcel } from "../threads/Thread.ts"
import {
  DIGEST_BYTES,
  FAILED,
  failuresOf,
  headerColumns,
  LONG,
  statAt,
  statColumns,
  type StatsAnswer,
  type StatsRequest,
  type TakeAnswer,
  TAKEN,
  type TakeRequest,
  UNSTEADY
} from "./MaildirParcels.ts"
import { makeMaildirStore } from "./MaildirStore.ts"
import type { MailHeader } from "./MailHeader.ts"

export const statsJob = ({ paths, root }: StatsRequest): Parcel<StatsAnswer> => {
  const store = makeMaildirStore(root)
  const found = paths.split("\0").map((path) => store.stat(path))
  const stats = statColumns(found)
  return { message: { stats, failures: failuresOf(found) }, transfer: memoryOf(stats.types, stats.sizes, stats.times) }
}

const NOTHING: MailHeader = {}

export const takeJob = ({ memory, nowNs, paths: joined, root, stats }: TakeRequest): Parcel<TakeAnswer> => {
  const paths = joined.split("\0")
  const room = Buffer.from(memory)
  let used = 0
  // One byte more than there should be is asked for, to see a file that has grown; the next one is read over it.
  const store = makeMaildirStore(root, (length) => room.subarray(used, used + length))
  const results = new Uint8Array(paths.length)
  const digests = new Uint8Array(DIGEST_BYTES * paths.length)
  const sizes = new Float64Array(paths.length)
  const taken = paths.map((path, at) => {
    const one = store.take(path, statAt(stats, at), nowNs)
    results[at] = one._tag === "failure" ? FAILED : one._tag === "unsteady" ? UNSTEADY : one.bytes ? TAKEN : LONG
    if (one._tag === "taken") {
      digests.set(one.sha256, DIGEST_BYTES * at)
      sizes[at] = one.size
      used += one.bytes?.length ?? 0
    }
    return one
  })
  const headers = headerColumns(taken.map((one) => one._tag === "taken" ? one.header : NOTHING))
  return {
    message: { results, digests, sizes, headers, failures: failuresOf(taken) },
    transfer: memoryOf(results, digests, sizes, headers.at, headers.qualities)
  }
}

const memoryOf = (...arrays: ReadonlyArray<{ readonly buffer: ArrayBufferLike }>): ReadonlyArray<ArrayBuffer> =>
  arrays.map(({ buffer }) => buffer as ArrayBuffer)
