/** The thread that looks at and reads the files of a Maildir, many at a time; see `MaildirReader`. */
import { INLINE_CONTENT_BYTES } from "@sealog/core/format/Limits"
import { Buffer } from "node:buffer"
import { answer } from "../threads/Answer.ts"
import type { Parcel } from "../threads/Thread.ts"
import {
  type Answer,
  DIGEST_BYTES,
  FAILED,
  failuresOf,
  headerColumns,
  LONG,
  type Request,
  statAt,
  statColumns,
  type StatsRequest,
  TAKEN,
  type TakeRequest,
  UNSTEADY
} from "./MaildirParcels.ts"
import { makeMaildirStore } from "./MaildirStore.ts"
import type { MailHeader } from "./MailHeader.ts"

answer<Request, Answer>((request) => request.kind === "stats" ? stats(request) : take(request))

const stats = ({ paths, root }: StatsRequest): Parcel<Answer> => {
  const store = makeMaildirStore(root)
  const found = paths.split("\0").map((path) => store.stat(path))
  const columns = statColumns(found)
  return {
    message: { kind: "stats", stats: columns, failures: failuresOf(found) },
    transfer: memoryOf(columns.types, columns.sizes, columns.times)
  }
}

const NOTHING: MailHeader = {}

const take = ({ nowNs, paths: joined, root, stats: columns }: TakeRequest): Parcel<Answer> => {
  const paths = joined.split("\0")
  // One byte more than there should be is asked for, to see a file that has grown; the next one is read over it.
  const room = columns.sizes.reduce((sum, size) => size < INLINE_CONTENT_BYTES ? sum + size : sum, 1)
  const bytes = Buffer.allocUnsafeSlow(room)
  let used = 0
  const store = makeMaildirStore(
    root,
    (length) => used + length <= room ? bytes.subarray(used, used + length) : Buffer.allocUnsafeSlow(length)
  )
  const results = new Uint8Array(paths.length)
  const digests = new Uint8Array(DIGEST_BYTES * paths.length)
  const sizes = new Float64Array(paths.length)
  const taken = paths.map((path, at) => {
    const one = store.take(path, statAt(columns, at), nowNs)
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
    message: {
      kind: "take",
      results,
      digests,
      bytes: bytes.buffer as ArrayBuffer,
      sizes,
      headers,
      failures: failuresOf(taken)
    },
    transfer: memoryOf(bytes, results, digests, sizes, headers.at, headers.qualities)
  }
}

const memoryOf = (...arrays: ReadonlyArray<{ readonly buffer: ArrayBufferLike }>): ReadonlyArray<ArrayBuffer> =>
  arrays.map(({ buffer }) => buffer as ArrayBuffer)
