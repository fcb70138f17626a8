/**
 * The documents the program prints with `--json` and sends over the control socket: one Schema each, from which
 * the types come. Fields are added to a version, never renamed or removed; readers ignore those they do not know.
 */
import { Schema } from "effect"

/** RFC 3339 in UTC, as `2025-11-23T18:07:00.000Z`. */
const Time = Schema.String.pipe(
  Schema.pattern(/^[-+]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
).annotations({ identifier: "Time" })

/** Milliseconds since 1970 as a report says them. */
export const time = (millis: number): string => new Date(millis).toISOString()

const Count = Schema.NonNegativeInt
const Bytes = Schema.NonNegativeInt
const Seconds = Schema.NonNegative
/** 32 bytes in hex. */
const Root = Schema.String
const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })

/** The document of a command: `schema` comes first, and `make` fills it in. */
const document = <Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({
    schema: Schema.Literal(`sealog.${name}/1` as const).pipe(
      Schema.propertySignature,
      Schema.withConstructorDefault(() => `sealog.${name}/1` as const)
    ),
    ...fields
  })

/** Why something did not go as asked, as far as one source or target is concerned. */
export const Problem = Schema.Struct({ reason: Schema.String, message: Schema.String, hint: Schema.String })
export type Problem = typeof Problem.Type

/** What does not verify: the object, the events concerned, and the reason. */
export const Finding = Schema.Struct({
  reason: Schema.String,
  message: Schema.String,
  target: optional(Schema.String),
  object: optional(Schema.String),
  /** First (inclusive) and last (inclusive) event of a writer's log. */
  range: optional(Schema.Struct({ writer: optional(Schema.String), first: Count, last: Count }))
})
export type Finding = typeof Finding.Type

/** What is known about this being the newest state: shown by every command that reads a vault. */
export const Freshness = Schema.Struct({
  /** `proven` against what `by` names, `unknown` where there is nothing to compare with, `behind` what is known. */
  state: Schema.Literal("proven", "unknown", "behind"),
  by: Schema.Array(Schema.Literal("pin", "fingerprint", "witness")),
  newestEventAt: Schema.NullOr(Time)
})
export type Freshness = typeof Freshness.Type

const Place = Schema.Struct({ name: Schema.String, kind: Schema.String, spec: Schema.String })

export const InitReport = document("init", {
  vaultId: Schema.String,
  writerId: Schema.String,
  sources: Schema.Array(Place),
  targets: Schema.Array(Place),
  recoveryCodeFile: optional(Schema.String)
})
export type InitReport = typeof InitReport.Type

export const TargetState = Schema.Literal("current", "behind", "unreachable", "full", "denied")
export type TargetState = typeof TargetState.Type

/** `stored` for good there, or `queued` for another program to upload, of which nothing more is known here. */
const Durability = Schema.Literal("stored", "queued")

const Counts = Schema.Array(Schema.Struct({ reason: Schema.String, count: Count }))

/** What a store has beside what the log says of it, and what became of its attachments. */
export const LedgerReport = Schema.Struct({
  /** When it was counted. */
  at: Time,
  conversations: Count,
  /** Messages that the store has, and that the log says it has. */
  inStore: Count,
  inLog: Count,
  /** Conversations that do not add up: the two differ, or the log says nothing of an attachment. */
  mismatched: Count,
  attachments: Schema.Struct({
    referenced: Count,
    stored: Count,
    missing: Counts,
    /** That the store names, and of which the log says nothing at all. */
    unexplained: optional(Count)
  }),
  skipped: Counts,
  /** Of each conversation; only for those who have the key. */
  counts: optional(Schema.Array(Schema.Struct({
    conversation: Schema.String,
    title: optional(Schema.String),
    inStore: Count,
    inLog: Count,
    /** Of those that the store names now; absent where it names none. */
    attachments: optional(Schema.Struct({ referenced: Count, stored: Count, missing: Counts, unexplained: Count })),
    /** Of its rows; absent where none is. */
    skipped: optional(Counts)
  })))
})
export type LedgerReport = typeof LedgerReport.Type

export const SyncReport = document("sync", {
  captured: Schema.Struct({ events: Count }),
  sources: Schema.Array(Schema.Struct({
    name: Schema.String,
    kind: Schema.String,
    events: Count,
    /** How many things in the store could not be read. */
    gaps: Count,
    /** Absent where the store cannot be counted. */
    ledger: optional(LedgerReport),
    /** Set where the store as a whole could not be read. */
    error: optional(Problem)
  })),
  targets: Schema.Array(Schema.Struct({
    name: Schema.String,
    kind: Schema.String,
    state: TargetState,
    durability: optional(Durability),
    /** Objects and bytes this pass stored there. */
    objects: Count,
    bytes: Bytes,
    behindEvents: Count,
    error: optional(Problem)
  })),
  /** What was found out about this machine or a target, and mended. */
  warnings: Schema.optionalWith(Schema.Array(Problem), { default: () => [] }),
  treeSize: Count,
  root: Root,
  seconds: Seconds
})
export type SyncReport = typeof SyncReport.Type

export const SourceState = Schema.Literal("current", "gaps", "failed", "unknown")
export type SourceState = typeof SourceState.Type

/** The last drill in a few words; the whole receipt lies in `receipts/`. */
export const LastDrill = Schema.Struct({
  at: Time,
  outcome: Schema.Literal("passed", "failed"),
  mode: Schema.Literal("incremental", "full", "sample"),
  target: Schema.String,
  treeSize: Count,
  findings: Count,
  rtoSeconds: Schema.NullOr(Seconds),
  receipt: optional(Schema.String)
})
export type LastDrill = typeof LastDrill.Type

export const StatusReport = document("status", {
  running: Schema.Boolean,
  pid: optional(Schema.Int),
  /** No key is in memory: nothing is captured or shipped until one is given. */
  locked: Schema.Boolean,
  vaultId: Schema.String,
  treeSize: Count,
  root: Root,
  sources: Schema.Array(Schema.Struct({
    name: Schema.String,
    kind: Schema.String,
    state: SourceState,
    events: Count,
    lastEventAt: Schema.NullOr(Time),
    gaps: Count,
    /** As last counted; absent where the store cannot be counted, or was not yet. */
    ledger: optional(LedgerReport)
  })),
  targets: Schema.Array(Schema.Struct({
    name: Schema.String,
    kind: Schema.String,
    state: TargetState,
    durability: optional(Durability),
    shippedTreeSize: Count,
    behindEvents: Count,
    behindSeconds: Seconds,
    /** What the vault holds there, as last counted. */
    objects: Count,
    bytes: Bytes
  })),
  /** Age of the oldest event that is stored at no target; null while that is not known, as of what is only queued. */
  rpoSeconds: Schema.NullOr(Seconds),
  lastDrill: Schema.NullOr(LastDrill),
  warnings: Schema.Array(Problem)
})
export type StatusReport = typeof StatusReport.Type

export const RestoreReport = document("restore", {
  treeSize: Count,
  root: Root,
  /** How many machines' logs the vault holds. */
  writers: Count,
  messages: Count,
  written: Count,
  removed: Count,
  /** Files of attachments written, where they were wanted. */
  attachments: Schema.optionalWith(Count, { exact: true }),
  objectsRead: Count,
  bytesRead: Bytes,
  gaps: Schema.Array(Finding),
  freshness: Freshness,
  /** What else the owner should know: a place that does not have all that another has. */
  warnings: Schema.Array(Problem),
  seconds: Seconds
})
export type RestoreReport = typeof RestoreReport.Type

export const VerifyReport = document("verify", {
  targets: Schema.Array(Schema.Struct({
    name: Schema.String,
    kind: Schema.String,
    treeSize: Count,
    root: Root,
    objects: Count,
    objectsRead: Count,
    bytesRead: Bytes,
    freshness: Freshness
  })),
  /** `names`: listing and trailers; `sample`: a share of the data; `data`: every byte. */
  depth: Schema.Literal("names", "sample", "data"),
  findings: Schema.Array(Finding),
  /** Targets that could not be checked: they did not answer. */
  warnings: Schema.Array(Problem),
  seconds: Seconds
})
export type VerifyReport = typeof VerifyReport.Type

/** A drill's receipt, as printed and as kept in `receipts/`. */
export const DrillReport = document("drill", {
  at: Time,
  outcome: Schema.Literal("passed", "failed"),
  mode: Schema.Literal("incremental", "full", "sample"),
  target: Schema.Struct({ name: Schema.String, kind: Schema.String }),
  vaultId: Schema.String,
  treeSize: Count,
  root: Root,
  messages: Count,
  objectsRead: Count,
  bytesRead: Bytes,
  /** What the restored state was compared with. */
  compared: Schema.Array(Schema.Literal("log", "journal", "store")),
  findings: Schema.Array(Finding),
  freshness: Freshness,
  openedWith: Schema.Literal("password", "recoveryCode", "device"),
  rpoSeconds: Schema.NullOr(Seconds),
  /** How long a full restore would take, by what was measured. */
  rtoSeconds: Schema.NullOr(Seconds),
  seconds: Seconds,
  fingerprint: optional(Schema.String),
  /** The receipt before this one, SHA-256 in hex. */
  previous: optional(Schema.String),
  /** Under the vault's receipt key, hex. */
  mac: optional(Schema.String)
})
export type DrillReport = typeof DrillReport.Type

export const DrillHistoryReport = document("drill-history", { drills: Schema.Array(LastDrill) })
export type DrillHistoryReport = typeof DrillHistoryReport.Type

export const DrillVerifyReport = document("drill-verify", {
  file: Schema.String,
  /** Whether the receipt is what this vault's drill wrote. */
  authentic: Schema.Boolean,
  receipt: Schema.NullOr(LastDrill),
  findings: Schema.Array(Finding)
})
export type DrillVerifyReport = typeof DrillVerifyReport.Type

export const FingerprintReport = document("fingerprint", {
  treeSize: Count,
  words: Schema.Array(Schema.String).pipe(Schema.itemsCount(8)),
  /** `SIZE w1 … w8`, as `restore --expect-fingerprint` takes it. */
  fingerprint: Schema.String
})
export type FingerprintReport = typeof FingerprintReport.Type

/** One event, one line. */
export const LogLine = document("log", {
  index: Count,
  recordedAt: Time,
  source: Schema.String,
  conversation: Schema.String,
  kind: Schema.String,
  /** The fields of its kind, as docs/format.md names them; bytes in base64. */
  body: Schema.Record({ key: Schema.String, value: Schema.Unknown })
})
export type LogLine = typeof LogLine.Type

export const SourceListReport = document("source-list", { sources: Schema.Array(Place) })
export type SourceListReport = typeof SourceListReport.Type

export const SourceDetectReport = document("source-detect", {
  found: Schema.Array(Schema.Struct({
    kind: Schema.String,
    spec: Schema.String,
    path: Schema.String,
    /** What is to be done before it can be read. */
    missing: Schema.optionalWith(Schema.String, { exact: true })
  }))
})
export type SourceDetectReport = typeof SourceDetectReport.Type

export const TargetListReport = document("target-list", { targets: Schema.Array(Place) })
export type TargetListReport = typeof TargetListReport.Type

export const TargetAddReport = document("target-add", {
  target: Place,
  /** It held this very vault already. */
  heldVault: Schema.Boolean,
  /** How many events are to be there; what is missing is brought by the next sync, or by the daemon. */
  treeSize: Count
})
export type TargetAddReport = typeof TargetAddReport.Type

export const TargetRemoveReport = document("target-remove", {
  target: Place,
  /** Those that are left. */
  targets: Schema.Array(Place)
})
export type TargetRemoveReport = typeof TargetRemoveReport.Type

/** How a place keeps the storage contract, and how fast it is. */
export const TargetCheckReport = document("target-check", {
  target: Place,
  outcome: Schema.Literal("passed", "failed"),
  passed: Count,
  failed: Count,
  notClaimed: Count,
  /** What the place says of itself; the promises that need it say whether that is so. */
  capabilities: Schema.Struct({
    atomicCreate: Schema.Boolean,
    rangeReads: Schema.Boolean,
    strongList: Schema.Boolean,
    durability: Schema.Literal("stored", "queued"),
    deletes: Schema.Boolean,
    objectLock: Schema.Boolean,
    maxObjectBytes: Bytes
  }),
  /** The middle of ten requests with 4 KiB each. */
  latencySeconds: Schema.Struct({ put: Seconds, get: Seconds, list: Seconds, delete: Schema.NullOr(Seconds) }),
  /** Of one object of 16 MiB. */
  uploadBytesPerSecond: Count,
  downloadBytesPerSecond: Count,
  promises: Schema.Array(Schema.Struct({
    promise: Schema.String,
    outcome: Schema.Literal("passed", "failed", "notClaimed"),
    /** What was found instead. */
    why: optional(Schema.String),
    /** What the adapter's author is to do. */
    mend: optional(Schema.String),
    /** The capabilities that are not claimed. */
    needs: optional(Schema.Array(Schema.String))
  })),
  /** What could not be removed again, and what its folders begin with. */
  left: Schema.Struct({ objects: Count, prefix: Schema.String }),
  seconds: Seconds
})
export type TargetCheckReport = typeof TargetCheckReport.Type

export const TargetNewReport = document("target-new", {
  name: Schema.String,
  /** The package's folder. */
  folder: Schema.String,
  files: Schema.Array(Schema.String)
})
export type TargetNewReport = typeof TargetNewReport.Type

export const ServiceReport = document("service", {
  kind: Schema.Literal("systemd", "launchd"),
  /** Where the text belongs. */
  path: Schema.String,
  text: Schema.String
})
export type ServiceReport = typeof ServiceReport.Type

/** What went wrong, as one line on stderr. */
export const ErrorReport = document("error", {
  exit: Schema.Int,
  reason: Schema.String,
  message: Schema.String,
  hint: Schema.String,
  subject: optional(Schema.String)
})
export type ErrorReport = typeof ErrorReport.Type
