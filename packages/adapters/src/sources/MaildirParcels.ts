/**
 * What goes to the thread that reads a Maildir and what comes back: columns of numbers, texts and one memory with all
 * contents, since a hundred thousand small objects would cost more on the way than reading the files.
 */
import { INLINE_CONTENT_BYTES } from "@sealog/core/format/Limits"
import type { Parcel } from "../threads/Thread.ts"
import type { File } from "./MaildirReader.ts"
import type { Failure, Stat, Taken, Unsteady } from "./MaildirStore.ts"
import type { MailHeader } from "./MailHeader.ts"

export interface StatsRequest {
  readonly root: string
  /** Joined by zeros: the one character, beside the slash, that no name holds. */
  readonly paths: string
}

export interface TakeRequest {
  readonly root: string
  readonly paths: string
  readonly stats: StatColumns
  readonly nowNs: bigint | undefined
  /** For the contents of all that are to be taken whole, and a byte more. */
  readonly memory: SharedArrayBuffer
}

/** Of files in order. */
export interface StatColumns {
  /** The place in `TYPES`; `FAILED` where there is none. */
  readonly types: Uint8Array
  readonly sizes: Float64Array
  /** Time of modification and of change, nanoseconds. */
  readonly times: BigInt64Array
}

/** By place in the order. */
export type Failures = ReadonlyArray<{ readonly at: number; readonly code: string; readonly message: string }>

export interface StatsAnswer {
  readonly stats: StatColumns
  readonly failures: Failures
}

/** The contents stand in the memory of the request, one behind the other. */
export interface TakeAnswer {
  /** `TAKEN`, `LONG`, `UNSTEADY` or `FAILED`. */
  readonly results: Uint8Array
  /** Of each, 32 bytes. */
  readonly digests: Uint8Array
  readonly sizes: Float64Array
  readonly headers: HeaderColumns
  readonly failures: Failures
}

export interface HeaderColumns {
  /** Not a number where there is none. */
  readonly at: Float64Array
  /** The place in `QUALITIES`. */
  readonly qualities: Uint8Array
  /** Author, message id, what it answers: three a file, empty where there is none. */
  readonly texts: ReadonlyArray<string>
}

export const TAKEN = 0
export const LONG = 1
export const UNSTEADY = 2
export const FAILED = 255
export const DIGEST_BYTES = 32

const TYPES: ReadonlyArray<Stat["type"]> = ["file", "folder", "link", "other"]
const QUALITIES: ReadonlyArray<MailHeader["atQuality"]> = [undefined, "second", "minute", "local"]

export const statColumns = (stats: ReadonlyArray<Stat | Failure>): StatColumns => {
  const columns: StatColumns = {
    types: new Uint8Array(stats.length),
    sizes: new Float64Array(stats.length),
    times: new BigInt64Array(2 * stats.length)
  }
  for (let at = 0; at < stats.length; at++) {
    const stat = stats[at]!
    if (stat._tag === "failure") {
      columns.types[at] = FAILED
      continue
    }
    columns.types[at] = TYPES.indexOf(stat.type)
    columns.sizes[at] = stat.size
    columns.times[2 * at] = stat.mtimeNs
    columns.times[2 * at + 1] = stat.ctimeNs
  }
  return columns
}

export const statAt = ({ sizes, times, types }: StatColumns, at: number): Stat => ({
  _tag: "stat",
  type: TYPES[types[at]!]!,
  size: sizes[at]!,
  mtimeNs: times[2 * at]!,
  ctimeNs: times[2 * at + 1]!
})

export const failuresOf = (results: ReadonlyArray<{ readonly _tag: string }>): Failures =>
  results.flatMap((result, at) => {
    if (result._tag !== "failure") return []
    const { cause, code } = result as Failure
    return [{ at, code, message: cause instanceof Error ? cause.message : String(cause) }]
  })

export const statsIn = (answer: StatsAnswer): ReadonlyArray<Stat | Failure> => {
  const failed = new Map(answer.failures.map((failure) => [failure.at, failure]))
  return Array.from(
    answer.stats.types,
    (type, at) => type === FAILED ? failureOf(failed.get(at)!) : statAt(answer.stats, at)
  )
}

/** How much memory the contents of files take, bytes: one more than there is, to see one that has grown. */
export const roomFor = (files: ReadonlyArray<File>): number =>
  files.reduce((sum, { stat: { size } }) => size < INLINE_CONTENT_BYTES ? sum + size : sum, 1)

export const takeRequest = (
  root: string,
  files: ReadonlyArray<File>,
  { memory, nowNs }: Pick<TakeRequest, "memory" | "nowNs">
): Parcel<TakeRequest> => {
  const stats = statColumns(files.map(({ stat }) => stat))
  const message = { root, paths: files.map(({ path }) => path).join("\0"), stats, nowNs, memory }
  return { message, transfer: [stats.types, stats.sizes, stats.times].map(({ buffer }) => buffer as ArrayBuffer) }
}

export const headerColumns = (headers: ReadonlyArray<MailHeader>): HeaderColumns => ({
  at: Float64Array.from(headers, ({ at }) => at ?? Number.NaN),
  qualities: Uint8Array.from(headers, ({ atQuality }) => QUALITIES.indexOf(atQuality)),
  texts: headers.flatMap(({ author, messageId, replyTo }) => [author ?? "", messageId ?? "", replyTo ?? ""])
})

export const takenIn = (
  { digests, failures, headers, results, sizes }: TakeAnswer,
  files: ReadonlyArray<File>,
  memory: SharedArrayBuffer
): ReadonlyArray<Taken | Unsteady | Failure> => {
  const failed = new Map(failures.map((failure) => [failure.at, failure]))
  let from = 0
  return files.map(({ stat }, at) => {
    const result = results[at]!
    if (result === FAILED) return failureOf(failed.get(at)!)
    if (result === UNSTEADY) return { _tag: "unsteady" }
    const size = sizes[at]!
    const content = result === LONG ? undefined : new Uint8Array(memory, from, size)
    if (content !== undefined) from += size
    return {
      _tag: "taken",
      sha256: digests.subarray(DIGEST_BYTES * at, DIGEST_BYTES * (at + 1)),
      size,
      mtimeNs: stat.mtimeNs,
      bytes: content,
      header: headerAt(headers, at)
    }
  })
}

const headerAt = ({ at: times, qualities, texts }: HeaderColumns, at: number): MailHeader => {
  const [time, quality] = [times[at]!, QUALITIES[qualities[at]!]]
  const [author, messageId, replyTo] = [texts[3 * at]!, texts[3 * at + 1]!, texts[3 * at + 2]!]
  return {
    ...(Number.isNaN(time) ? {} : { at: time }),
    ...(quality === undefined ? {} : { atQuality: quality }),
    ...(author === "" ? {} : { author }),
    ...(messageId === "" ? {} : { messageId }),
    ...(replyTo === "" ? {} : { replyTo })
  }
}

const failureOf = ({ code, message }: Failures[number]): Failure => ({
  _tag: "failure",
  code,
  cause: Object.assign(new Error(message), { code })
})
