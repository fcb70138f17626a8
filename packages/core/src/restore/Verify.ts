/**
 * Checks a vault without restoring it: by names and trailers, which costs next to nothing, by a share of the objects,
 * or by every byte. What fails is named by object, range and reason.
 */
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { readLarge } from "../backup/Blobs.ts"
import type { SegmentInfo } from "../backup/VaultObjects.ts"
import { attempt } from "../format/Binary.ts"
import { eventsOf } from "../format/Block.ts"
import { decodeEvent, kindOf } from "../format/EventCodec.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import { contentOf } from "../message/EventContent.ts"
import { damageOf, type FetchShape, type WriterLog } from "./Fetch.ts"
import { type Finding, type KnownHead, openLog } from "./Open.ts"
import { planOf } from "./Plan.ts"

/** How much is read: trailers only, a share of the objects (0 to 1), or everything. */
export type VerifyDepth = "names" | "data" | { readonly share: number; readonly seed: string }

export interface VerifiedLog {
  readonly writer: Uint8Array
  readonly head: TreeHead
  readonly findings: ReadonlyArray<Finding>
  /** When its newest event was recorded, milliseconds. */
  readonly newestAt?: number
}

/** Checks every log of a vault. */
export const verify = Effect.fn("Verify.verify")(function*(
  fetch: FetchShape,
  depth: VerifyDepth,
  known: ReadonlyMap<string, ReadonlyArray<KnownHead>>
) {
  const logs: Array<VerifiedLog> = []
  for (const log of fetch.writers) {
    const heads = known.get(Buffer.from(log.writer).toString("hex")) ?? []
    const checked = depth === "data"
      ? yield* verifyData(fetch, log, heads)
      : yield* verifyNames(fetch, log, heads, depth)
    const last = planOf(log).chain.at(-1)
    const newest = last === undefined ? undefined : yield* damageOf(fetch.trailer(last))
    logs.push(newest?._tag === "Right" ? { ...checked, newestAt: newest.right.recordedTo } : checked)
  }
  for (const [writer, heads] of known) {
    if (fetch.writers.some((log) => Buffer.from(log.writer).toString("hex") === writer)) continue
    const lost = Buffer.from(writer, "hex")
    const findings = heads.map(({ size }): Finding => ({
      reason: "RolledBack",
      writer: lost,
      first: 0,
      last: size - 1
    }))
    logs.push({ writer: lost, head: { size: 0, root: createHash("sha256").digest() }, findings })
  }
  return logs
})

const verifyData = Effect.fn("Verify.verifyData")(function*(
  fetch: FetchShape,
  log: WriterLog,
  known: ReadonlyArray<KnownHead>
) {
  const blobs: Array<Finding> = []
  const opened = yield* openLog(fetch, log, {
    known,
    everyObject: true,
    take: ({ events, first, writer }) =>
      Effect.map(verifyBlobs(fetch, writer, first, events), (found) => blobs.push(...found))
  })
  return { writer: log.writer, head: opened.head, findings: [...opened.findings, ...blobs] } satisfies VerifiedLog
})

/** The chain of what the trailers state, and the whole of some objects. */
const verifyNames = Effect.fn("Verify.verifyNames")(function*(
  fetch: FetchShape,
  log: WriterLog,
  known: ReadonlyArray<KnownHead>,
  depth: Exclude<VerifyDepth, "data">
) {
  const findings: Array<Finding> = []
  const { writer } = log
  const roots = new Map<number, Uint8Array>()
  let head: TreeHead = { size: 0, root: createHash("sha256").digest() }
  for (const info of planOf(log).chain) {
    const trailer = yield* damageOf(fetch.trailer(info))
    if (trailer._tag === "Left") {
      findings.push({
        reason: "Damaged",
        writer,
        first: info.first,
        last: info.last,
        object: info.object,
        cause: trailer.left
      })
      continue
    }
    const { after, before } = trailer.right
    if (info.first > head.size) findings.push({ reason: "Gap", writer, first: head.size, last: info.first - 1 })
    else if (info.first === head.size && Buffer.compare(before.root, head.root) !== 0) {
      findings.push({ reason: "Branch", writer, first: info.first, last: info.last, object: info.object })
    }
    head = after
    roots.set(after.size, after.root)
    if (depth !== "names" && isSampled(info, depth)) findings.push(...(yield* verifySegment(fetch, info)))
  }
  for (const each of known) {
    if (each.size > head.size) findings.push({ reason: "RolledBack", writer, first: head.size, last: each.size - 1 })
    else if (Buffer.compare(each.root, roots.get(each.size) ?? each.root) !== 0) {
      findings.push({ reason: "Contradiction", writer, first: 0, last: each.size - 1 })
    }
  }
  return { writer, head, findings } satisfies VerifiedLog
})

/** Every byte of one segment, and of the blobs that its events name. */
const verifySegment = Effect.fn("Verify.verifySegment")(function*(fetch: FetchShape, info: SegmentInfo) {
  const { first, last, object, writer } = info
  const opened = yield* damageOf(
    Effect.flatMap(fetch.segment(info), ({ runs }) => eventsOf({ first, count: last - first + 1, runs, blobs: [] }))
  )
  return opened._tag === "Left"
    ? [{ reason: "Damaged", writer, first, last, object, cause: opened.left } satisfies Finding]
    : yield* verifyBlobs(fetch, writer, first, opened.right)
})

/** Reads every blob that events name and compares it with its hash. */
export const verifyBlobs = Effect.fn("Verify.verifyBlobs")(function*(
  fetch: FetchShape,
  writer: Uint8Array,
  first: number,
  events: ReadonlyArray<Uint8Array>
) {
  const findings: Array<Finding> = []
  for (let at = 0; at < events.length; at++) {
    const content = yield* attempt(() => blobIn(events[at]!))
    if (content === undefined) continue
    const read = yield* damageOf(Stream.runDrain(readLarge(fetch.ring, fetch.object, content)))
    if (read._tag === "Left") {
      findings.push({ reason: "Blob", writer, first: first + at, last: first + at, cause: read.left })
    }
  }
  return findings
})

const blobIn = (bytes: Uint8Array) => {
  const kind = kindOf(bytes)
  if (
    kind !== "message.added" && kind !== "message.edited" && kind !== "file.upsert" && kind !== "attachment.content"
  ) {
    return undefined
  }
  const content = contentOf(decodeEvent(bytes))
  return content?._tag === "blob" ? content : undefined
}

/** The same objects for the same seed, whichever machine asks. */
const isSampled = (info: SegmentInfo, { seed, share }: { readonly share: number; readonly seed: string }): boolean =>
  createHash("sha256").update(`${seed} ${info.object}`).digest().readUInt32BE() < share * 2 ** 32
