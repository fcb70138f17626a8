/**
 * What a command line can say, once it is understood: one record for each command, beside the flags that all share.
 */

export interface GlobalFlags {
  readonly home?: string
  readonly json: boolean
  readonly quiet: boolean
  readonly verbose: boolean
  readonly color: boolean
  readonly passwordFile?: string
  readonly passwordCommand?: string
  /** Opens with the recovery code; `init` has a flag of the same name of its own. */
  readonly recoveryCodeFile?: string
}

export interface InitArguments {
  readonly command: "init"
  readonly sources: ReadonlyArray<string>
  readonly targets: ReadonlyArray<string>
  /** A file to write it to, `none` for no code; absent to show it on the terminal. */
  readonly recoveryCode?: "none" | { readonly file: string }
  readonly kdfMemoryMiB?: number
  readonly allowWeakPassword: boolean
  /** `all`, `none`, `under:SIZE`. */
  readonly attachments?: string
}

export interface SyncArguments {
  readonly command: "sync" | "run"
  readonly shipDelaySeconds?: number
}

export interface RestoreArguments {
  readonly command: "restore"
  readonly from: ReadonlyArray<string>
  readonly to: string
  readonly format: string
  readonly partial: boolean
  readonly force: boolean
  readonly withAttachments: boolean
  readonly expectFingerprint?: string
}

export interface VerifyArguments {
  readonly command: "verify"
  readonly target?: string
  readonly from?: string
  readonly depth: "names" | "data" | { readonly samplePercent: number }
}

export interface DrillArguments {
  readonly command: "drill"
  readonly target?: string
  readonly from?: string
  readonly mode: "incremental" | "full" | { readonly samplePercent: number }
}

export interface LogArguments {
  readonly command: "log"
  readonly follow: boolean
  readonly conversation?: string
  readonly sinceMillis?: number
  readonly untilMillis?: number
}

export type Arguments =
  | InitArguments
  | SyncArguments
  | RestoreArguments
  | VerifyArguments
  | DrillArguments
  | LogArguments
  | { readonly command: "status" | "drill history" | "source list" | "source detect" | "target list" | "fingerprint" }
  | { readonly command: "drill verify"; readonly file: string }
  | { readonly command: "source dump" | "target add" | "target check"; readonly spec: string }
  | { readonly command: "target remove"; readonly name: string }
  | { readonly command: "target new"; readonly name: string; readonly folder?: string }
  | { readonly command: "service install"; readonly kind?: "systemd" | "launchd" }

/** A command line, understood. */
export interface Invocation {
  readonly flags: GlobalFlags
  readonly arguments: Arguments
}
