import { assert, describe, expect, it } from "@effect/vitest"
import { PinError } from "@sealog/core/backup/HeadPin"
import { JournalError } from "@sealog/core/backup/Journal"
import { SourceError } from "@sealog/core/backup/Source"
import { StorageError } from "@sealog/core/backup/Storage"
import { VaultError } from "@sealog/core/backup/Vault"
import { FormatError } from "@sealog/core/format/FormatError"
import { KdfError } from "@sealog/core/keys/Kdf"
import { SlotError } from "@sealog/core/keys/KeySlot"
import { PasswordError } from "@sealog/core/keys/Password"
import { RecoveryCodeError } from "@sealog/core/keys/RecoveryCode"
import { ProjectionError } from "@sealog/core/restore/Projection"
import { RestoreError } from "@sealog/core/restore/Restore"
import { ConfigError } from "@sealog/daemon/Config"
import { ControlError, RemoteError } from "@sealog/daemon/control/Protocol"
import { EngineFailure } from "@sealog/daemon/Engine"
import { failureOf, failureOfCause, type KnownError } from "@sealog/daemon/Failure"
import * as Core from "@sealog/daemon/failure/Core"
import * as Daemon from "@sealog/daemon/failure/Daemon"
import * as Reading from "@sealog/daemon/failure/Reading"
import { HomeError } from "@sealog/daemon/Home"
import { PackageError } from "@sealog/daemon/Package"
import { trouble } from "@sealog/daemon/present/Trouble"
import { ErrorReport } from "@sealog/daemon/Reports"
import { SecretError } from "@sealog/daemon/Secret"
import { SpecError } from "@sealog/daemon/Spec"
import { UsageError } from "@sealog/daemon/Usage"
import { Cause, Schema } from "effect"

const reasons = <R extends string>(table: { readonly [K in R]: unknown }) =>
  Object.keys(table) as unknown as ReadonlyArray<R>
const cause = Object.assign(new Error("said by the system"), { code: "EACCES" })
const method = "put"

/** Every error there can be, one of each reason. */
const all: ReadonlyArray<KnownError> = [
  ...reasons(Core.storage).map((reason) =>
    new StorageError({ reason, method, subject: "/media/usb/vault", retryable: false, cause })
  ),
  ...reasons(Core.source).map((reason) =>
    new SourceError({ reason, method: "dump", subject: "/home/ada/Maildir", cause })
  ),
  new SourceError({ reason: "Denied", method: "open", subject: "/Users/ada/Library/Messages/chat.db", cause }),
  ...reasons(Core.journal).map((reason) =>
    new JournalError({ reason, method: "append", subject: "000012.log", pid: 4_711, cause })
  ),
  ...reasons(Core.format).map((reason) => new FormatError({ reason, what: "segment trailer", detail: "byte 12" })),
  ...reasons(Core.vault).map((reason) => new VaultError({ reason, method: "open", subject: "/media/usb/vault" })),
  ...reasons(Core.slot).map((reason) => new SlotError({ reason, method: "open" })),
  ...reasons(Core.kdf).map((reason) => new KdfError({ reason, method: "derive", detail: "256 MiB, 3 passes" })),
  ...reasons(Core.password).map((reason) =>
    new PasswordError({ reason, method: "makeNewPassword", detail: "a common word" })
  ),
  ...reasons(Core.recoveryCode).map((reason) => new RecoveryCodeError({ reason, method: "parse", detail: "23" })),
  ...reasons(Core.projection).map((reason) =>
    new ProjectionError({ reason, method: "open", subject: "/home/ada/out", cause })
  ),
  ...reasons(Reading.pin).map((reason) => new PinError({ reason, method: "load", subject: "/h/head.pin", cause })),
  ...reasons(Reading.restore).map((reason) =>
    new RestoreError({ reason, method: "restore", findings: [], unread: [] })
  ),
  ...reasons(Daemon.engine).map((reason) => new EngineFailure({ reason, method: "restore", subject: "usb" })),
  ...reasons(Daemon.config).map((reason) =>
    new ConfigError({
      reason,
      method: "load",
      subject: "/h/config.toml, line 3",
      detail: "source 1, spec: is missing",
      cause
    })
  ),
  ...reasons(Daemon.adapter).map((reason) =>
    new PackageError({ reason, method: "load", subject: "sealog-adapter-mine", detail: "folder: is missing" })
  ),
  ...reasons(Daemon.home).map((reason) => new HomeError({ reason, method: "prepare", subject: "/h", cause })),
  ...reasons(Daemon.secret).map((reason) =>
    new SecretError({ reason, method: "read", subject: "pass show sealog", cause })
  ),
  ...reasons(Daemon.spec).flatMap((reason) =>
    (["source", "target"] as const).map((role) =>
      new SpecError({ reason, role, subject: "floppy", known: role === "source" ? ["maildir", "jsonl"] : ["disk"] })
    )
  ),
  ...reasons(Daemon.control).map((reason) =>
    new ControlError({ reason, method: "call", subject: "/h/control.sock", pid: 4_711, cause })
  ),
  new RemoteError({ exit: 13, reason: "NotVerified", said: "usb does not verify", hint: "use another target" }),
  new UsageError("there is no command \"stauts\"", "did you mean sealog status?")
]

describe("Failure", () => {
  /** Verifies: CLI-6 */
  it("says of every reason what happened, to what, and what to do next", async () => {
    const shown = all.map((error) => {
      const failure = failureOf(error)
      return `${error._tag}${"reason" in error ? `.${error.reason}` : ""} → ${failure.exit} ${failure.reason}\n${
        trouble(failure, { json: false, colours: false })
      }`
    })
    await expect(shown.join("\n")).toMatchFileSnapshot("snapshots/failures.txt")
  })

  it("keeps to one line each, begins with no capital of a sentence, and ends in no full stop", () => {
    for (const error of all) {
      const { exit, hint, message, reason } = failureOf(error)
      for (const text of [message, hint]) {
        assert.notInclude(text, "\n")
        assert.isFalse(text.endsWith("."), text)
        assert.notInclude(text, "undefined")
      }
      assert.match(reason, /^[A-Z][A-Za-z]+$/)
      assert.include([1, 2, 4, 10, 11, 12, 13, 14, 15, 16], exit)
    }
  })

  it("says the same to a script, in the form that is promised", () => {
    const decode = Schema.decodeUnknownSync(Schema.parseJson(ErrorReport), { onExcessProperty: "error" })
    for (const failure of all.map(failureOf)) {
      const line = trouble(failure, { json: true, colours: false })
      assert.deepStrictEqual(decode(line), { schema: "sealog.error/1", ...failure })
      assert.strictEqual(line.indexOf("\n"), line.length - 1)
    }
  })

  it("gives one word one exit code", () => {
    const codes = new Map<string, number>()
    for (const { exit, reason } of all.map(failureOf)) {
      assert.strictEqual(codes.get(reason) ?? exit, exit, reason)
      codes.set(reason, exit)
    }
  })

  it("takes what nobody foresaw for a bug, and says its message", () => {
    const failure = failureOfCause(Cause.die(new RangeError("no such index")))
    assert.deepNestedInclude(failure, { exit: 1, reason: "Bug" })
    assert.include(failure.message, "RangeError: no such index")
  })

  it("shows what a hostile name would do to a terminal, and does not do it", () => {
    const error = new SourceError({ reason: "NotFound", method: "open", subject: "\u001b[2Jgone\u202e" })
    const shown = trouble(failureOf(error), { json: false, colours: false })
    assert.include(shown, "\\u001b[2Jgone\\u202e")
  })
})
