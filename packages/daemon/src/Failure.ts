/**
 * What a person is told when something fails, and the exit code a script sees: a row for each reason of each error,
 * in the tables of `failure/`. A reason without a row does not compile, and no other error can leave an `Engine`.
 */
import type { PinError } from "@sealog/core/backup/HeadPin"
import type { JournalError } from "@sealog/core/backup/Journal"
import type { SourceError } from "@sealog/core/backup/Source"
import type { StorageError } from "@sealog/core/backup/Storage"
import type { VaultError } from "@sealog/core/backup/Vault"
import type { FormatError } from "@sealog/core/format/FormatError"
import type { KdfError } from "@sealog/core/keys/Kdf"
import type { SlotError } from "@sealog/core/keys/KeySlot"
import type { PasswordError } from "@sealog/core/keys/Password"
import type { RecoveryCodeError } from "@sealog/core/keys/RecoveryCode"
import type { ProjectionError } from "@sealog/core/restore/Projection"
import type { RestoreError } from "@sealog/core/restore/Restore"
import { Cause } from "effect"
import type { ConfigError } from "./Config.ts"
import type { ControlError, RemoteError } from "./control/Protocol.ts"
import type { EngineFailure } from "./Engine.ts"
import { Exit } from "./Exit.ts"
import * as Core from "./failure/Core.ts"
import * as Daemon from "./failure/Daemon.ts"
import * as Reading from "./failure/Reading.ts"
import { type Failure, render } from "./failure/Row.ts"
import type { HomeError } from "./Home.ts"
import type { PackageError } from "./Package.ts"
import type { SecretError } from "./Secret.ts"
import type { SpecError } from "./Spec.ts"
import type { UsageError } from "./Usage.ts"

export type { Failure } from "./failure/Row.ts"

export type KnownError =
  | ConfigError
  | ControlError
  | EngineFailure
  | FormatError
  | HomeError
  | JournalError
  | KdfError
  | PackageError
  | PasswordError
  | PinError
  | ProjectionError
  | RecoveryCodeError
  | RemoteError
  | RestoreError
  | SecretError
  | SlotError
  | SourceError
  | SpecError
  | StorageError
  | UsageError
  | VaultError

export const failureOf = (error: KnownError): Failure => {
  switch (error._tag) {
    case "ConfigError":
      return render(Daemon.config, error, error.subject)
    case "ControlError":
      return render(Daemon.control, error, error.subject)
    case "EngineFailure":
      return render(Daemon.engine, error, error.subject)
    case "FormatError":
      return render(Core.format, error, error.what)
    case "HomeError":
      return render(Daemon.home, error, error.subject)
    case "JournalError":
      return render(Core.journal, error, error.subject)
    case "KdfError":
      return render(Core.kdf, error, undefined)
    case "PackageError":
      return render(Daemon.adapter, error, error.subject)
    case "PasswordError":
      return render(Core.password, error, undefined)
    case "PinError":
      return render(Reading.pin, error, error.subject)
    case "ProjectionError":
      return render(Core.projection, error, error.subject)
    case "RecoveryCodeError":
      return render(Core.recoveryCode, error, undefined)
    case "RemoteError":
      return remote(error)
    case "RestoreError":
      return render(Reading.restore, error, restoreSubject(error))
    case "SecretError":
      return render(Daemon.secret, error, error.subject)
    case "SlotError":
      return render(Core.slot, error, undefined)
    case "SourceError":
      return render(Core.source, error, error.subject)
    case "SpecError":
      return render(Daemon.spec, error, error.subject)
    case "StorageError":
      return render(Core.storage, error, error.subject)
    case "UsageError":
      return { exit: Exit.usage, reason: "Usage", message: error.message, hint: error.hint }
    case "VaultError":
      return render(Core.vault, error, error.subject)
  }
}

/** What a whole effect ended with: the first named failure, else the bug behind it. */
export const failureOfCause = (cause: Cause.Cause<KnownError>): Failure => {
  const failure = Cause.failureOption(cause)
  if (failure._tag === "Some") return failureOf(failure.value)
  const defect = Cause.squash(cause)
  const said = defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect)
  return {
    exit: Exit.failed,
    reason: "Bug",
    message: `sealog itself failed: ${said}`,
    hint: "nothing recorded is lost; run it again with --verbose and report what it prints"
  }
}

/** What the daemon said about its own failure, as it said it. */
const remote = (error: RemoteError): Failure => ({
  exit: error.exit,
  reason: error.reason,
  message: error.said,
  hint: error.hint,
  ...(error.subject === undefined ? {} : { subject: error.subject })
})

/** The first object at fault, where one is known. */
const restoreSubject = ({ findings, unread: [unread] }: RestoreError): string | undefined =>
  findings.find((finding) => finding.object !== undefined)?.object
    ?? (unread === undefined ? undefined : Reading.objectOf(unread.cause))
