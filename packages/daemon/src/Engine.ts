/**
 * The seam between the command line and what does the work. Commands parse, ask an `Engine`, present what it
 * answers and choose the exit code; the real layer is made of core and adapters, tests put a fake in its place.
 *
 * What a layer of it may rely on: `Home` (paths), `Config.load` and `Config.save`, `Secrets` (asked for only where
 * a method says so), `Progress`, `Registry` (adapters by kind). Every text a person reads is made elsewhere, from
 * the reports and from `Failure`.
 */
import { Context, Data, type Effect, type Redacted, type Scope, type Stream } from "effect"
import type { Handlers } from "./control/Protocol.ts"
import type { KnownError } from "./Failure.ts"
import type * as Reports from "./Reports.ts"
import type { SecretError } from "./Secret.ts"
import type { Spec } from "./Spec.ts"

/** Everything an engine may fail with: `Failure.ts` has a row for each reason, and does not compile without it. */
export type EngineError = KnownError

export type EngineReason =
  /** No form of that name. */
  | "UnknownFormat"
  /** No target of that name in the configuration. */
  | "UnknownTarget"
  /** That place is a target already. */
  | "TargetExists"
  /** A vault is kept at one place at least. */
  | "LastTarget"
  /** No file there that is a receipt. */
  | "NotAReceipt"
  /** Damage or a gap that stops the command before it has a report. */
  | "NotVerified"
  /** Older than the fingerprint given or the head pinned here. */
  | "RolledBack"
  /** None of the places needed can be reached. */
  | "Unreachable"

/** What can go wrong between the parts, where no part has an error of its own for it. */
export class EngineFailure extends Data.TaggedError("EngineFailure")<{
  readonly reason: EngineReason
  readonly method: string
  /** The folder, target or object concerned. */
  readonly subject: string
  readonly detail?: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.method} ${this.subject}: ${this.reason}${this.detail === undefined ? "" : ` (${this.detail})`}`
  }
}

export interface InitOptions {
  readonly sources: ReadonlyArray<Spec>
  readonly targets: ReadonlyArray<Spec>
  readonly kdfMemoryMiB?: number
  readonly allowWeakPassword: boolean
  /**
   * Hands a new recovery code to its owner: shown and confirmed, or written to a file. Call it before anything is
   * at a target: its failure means that there is no vault. Absent: the vault gets no recovery code.
   */
  readonly keepRecoveryCode?: (code: Redacted.Redacted<string>) => Effect.Effect<void, SecretError>
  /** Where `keepRecoveryCode` puts it, for the report. */
  readonly recoveryCodeFile?: string
}

export interface SyncOptions {
  readonly shipDelaySeconds: number
  /** The same for targets that only queue what they are given; else they wait no longer than others. */
  readonly queuedDelaySeconds?: number
}

export interface RestoreOptions {
  /** One at least; ranges may come from any of them. */
  readonly from: ReadonlyArray<Spec>
  /** An absolute path. */
  readonly to: string
  readonly format: string
  readonly partial: boolean
  readonly force: boolean
  /** Also the files that came with messages; not every form has them. */
  readonly withAttachments: boolean
  /** `SIZE w1 … w8`: older than that is RolledBack. */
  readonly expectFingerprint?: string
}

/** Which vault to look at: a configured target by name, a place by SPEC, or (neither) every configured target. */
export interface At {
  readonly target?: string
  readonly from?: Spec
}

export interface VerifyOptions extends At {
  readonly depth: "names" | "data" | { readonly samplePercent: number }
}

export interface DrillOptions extends At {
  readonly mode: "incremental" | "full" | { readonly samplePercent: number }
}

export interface LogOptions {
  readonly follow: boolean
  readonly conversation?: string
  /** The message's own time, milliseconds since 1970; `since` inclusive, `until` exclusive. */
  readonly sinceMillis?: number
  readonly untilMillis?: number
}

/** A daemon at work: it holds the journal until its scope closes. */
export interface Running {
  /** Answers to those who ask through the control socket. */
  readonly handlers: Handlers
  /** Fails when the daemon cannot go on; never succeeds. */
  readonly failed: Effect.Effect<never, EngineError>
}

export class Engine extends Context.Tag("@sealog/daemon/Engine")<Engine, {
  /** Makes a vault: home, journal, slots at every target, `sealog.json` last, then the configuration. `Secrets.choose`. */
  readonly init: (options: InitOptions) => Effect.Effect<Reports.InitReport, EngineError>
  /** One pass over every source, everything shipped everywhere. A target or source that fails is in the report. */
  readonly sync: (options: SyncOptions) => Effect.Effect<Reports.SyncReport, EngineError>
  /** Starts the daemon; ready when this returns. Closing the scope ends it clean within two seconds. */
  readonly run: (options: SyncOptions) => Effect.Effect<Running, EngineError, Scope.Scope>
  /** What is known without a key and without the daemon: from `status.json` and the configuration. */
  readonly status: Effect.Effect<Reports.StatusReport, EngineError>
  /** Needs no home. With `partial`, gaps are in the report; without, they are a failure. */
  readonly restore: (options: RestoreOptions) => Effect.Effect<Reports.RestoreReport, EngineError>
  readonly verify: (options: VerifyOptions) => Effect.Effect<Reports.VerifyReport, EngineError>
  /** Also keeps the receipt, whether the drill passed or not. */
  readonly drill: (options: DrillOptions) => Effect.Effect<Reports.DrillReport, EngineError>
  /** Newest first; needs no key. */
  readonly drillHistory: Effect.Effect<Reports.DrillHistoryReport, EngineError>
  readonly drillVerify: (options: { readonly file: string }) => Effect.Effect<Reports.DrillVerifyReport, EngineError>
  /** In the order recorded. */
  readonly log: (options: LogOptions) => Stream.Stream<Reports.LogLine, EngineError>
  /** The canonical form of a store, straight from it, in the pieces it comes in; needs neither home nor key. */
  readonly dump: (options: { readonly source: Spec }) => Stream.Stream<Uint8Array, EngineError>
  readonly fingerprint: Effect.Effect<Reports.FingerprintReport, EngineError>
  /** Prepares a place, brings it the keys, and puts it into the configuration. */
  readonly targetAdd: (options: { readonly target: Spec }) => Effect.Effect<Reports.TargetAddReport, EngineError>
  /** Takes a target out of the configuration and out of what is remembered; touches nothing at its place. */
  readonly targetRemove: (options: { readonly name: string }) => Effect.Effect<Reports.TargetRemoveReport, EngineError>
  /** Holds a place against the storage contract, beside what is there. Needs neither home nor key. */
  readonly targetCheck: (options: { readonly spec: Spec }) => Effect.Effect<Reports.TargetCheckReport, EngineError>
}>() {}
