/**
 * The way back, on one page: find the segments (Fetch), open and prove every log (Open), fold changes into messages
 * (Collect, Replay), write them out (Projection). What cannot be proven is named; without `partial` nothing of it is
 * left behind.
 */
import { Data, Effect } from "effect"
import { Buffer } from "node:buffer"
import { type Fingerprint, fingerprintOf } from "../log/Fingerprint.ts"
import type { Since } from "./Collect.ts"
import type { FetchShape } from "./Fetch.ts"
import type { Finding, KnownHead, OpenedLog } from "./Open.ts"
import type { Projection, ProjectionReport } from "./Projection.ts"
import { replay, type ReplayReport } from "./Replay.ts"

/** The vault could not be restored as a whole, for what the findings say. */
export class RestoreError extends Data.TaggedError("RestoreError")<{
  readonly reason: "NotProven" | "RolledBack"
  readonly method: string
  readonly findings: ReadonlyArray<Finding>
  readonly unread: ReplayReport["unread"]
}> {
  override get message() {
    return this.reason === "RolledBack"
      ? "the vault is older than, or other than, what is known of it"
      : `the vault could not be read whole: ${this.findings.length + this.unread.length} findings`
  }
}

/** What is known about the vault being as new as it can be. */
export interface Freshness {
  readonly state: "proven" | "unknown" | "behind"
  readonly by: ReadonlyArray<"pin" | "fingerprint" | "witness">
}

export interface RestoreReport extends ProjectionReport {
  readonly logs: ReadonlyArray<OpenedLog>
  readonly findings: ReadonlyArray<Finding>
  readonly unread: ReplayReport["unread"]
  readonly freshness: Freshness
  readonly newestAt?: number
}

export const restore = Effect.fn("Restore.restore")(function*(options: {
  readonly fetch: FetchShape
  readonly projection: Projection
  readonly since: Since
  /** Heads pinned on this machine, by writer in hex. */
  readonly pinned: ReadonlyMap<string, ReadonlyArray<KnownHead>>
  readonly fingerprint?: Fingerprint
  readonly partial: boolean
}) {
  const { fetch, fingerprint, partial, pinned, projection, since } = options
  const replayed = yield* replay({
    fetch,
    projection,
    since,
    known: pinned,
    rootsAt: fingerprint === undefined ? [] : [fingerprint.size]
  })
  const freshness = freshnessOf(fetch, replayed, pinned, fingerprint)
  const { unread } = replayed
  // A second history is restored beside the first: it is told, and stops nothing.
  const findings = replayed.findings
  const serious = findings.filter((finding) => finding.reason !== "Branch")
  if (freshness.state === "behind") {
    return yield* new RestoreError({ reason: "RolledBack", method: "restore", findings, unread })
  }
  if (!partial && (serious.length > 0 || unread.length > 0)) {
    return yield* new RestoreError({ reason: "NotProven", method: "restore", findings, unread })
  }
  const written = yield* projection.finish
  return {
    ...written,
    logs: replayed.logs,
    findings,
    unread,
    freshness,
    ...(replayed.newestAt === undefined ? {} : { newestAt: replayed.newestAt })
  } satisfies RestoreReport
})

/** Whether the logs reach, and contain, every head known from elsewhere. */
const freshnessOf = (
  fetch: FetchShape,
  replayed: Pick<ReplayReport, "logs" | "findings">,
  pinned: ReadonlyMap<string, ReadonlyArray<KnownHead>>,
  fingerprint: Fingerprint | undefined
): Freshness => {
  const by: Array<Freshness["by"][number]> = []
  if (pinned.size > 0) by.push("pin")
  // Below where an incremental restore begins there is nothing to compare with: it was compared then, or never.
  const comparable = fingerprint !== undefined && !replayed.logs.some((log) => fingerprint.size < log.from)
  if (comparable) by.push("fingerprint")
  const behind = replayed.findings.some(({ reason }) => reason === "RolledBack" || reason === "Contradiction")
    || [...pinned.keys()].some((writer) => !replayed.logs.some((log) => hex(log.writer) === writer))
    || (comparable && !replayed.logs.some((log) => meets(fetch, log, fingerprint)))
  return { state: behind ? "behind" : by.length > 0 ? "proven" : "unknown", by }
}

const meets = (fetch: FetchShape, log: OpenedLog, fingerprint: Fingerprint): boolean => {
  const root = log.rootAt(fingerprint.size)
  if (root === undefined) return false
  return fetch.ring.epochs.some((epoch) => {
    const { words } = fingerprintOf({
      vaultId: fetch.ring.vaultId,
      epoch,
      writer: log.writer,
      head: { size: fingerprint.size, root }
    })
    return words.every((word, at) => word === fingerprint.words[at])
  })
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
