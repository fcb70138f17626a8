/**
 * Where the key to a vault comes from: a file, a command, or a person at a terminal, in the order that
 * docs/operating.md promises; never an argument. What is found stays Redacted from here to the cipher.
 */
import { Command, FileSystem } from "@effect/platform"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import * as Limits from "@sealog/core/format/Limits"
import { makePassword, type PasswordError, passwordText } from "@sealog/core/keys/Password"
import { parseRecoveryCode, type RecoveryCodeError } from "@sealog/core/keys/RecoveryCode"
import { Context, Data, Effect, Either, Layer, Redacted, Stream } from "effect"
import { Platform, type PlatformShape, variable } from "./Platform.ts"
import { absolutePath } from "./Spec.ts"
import { Terminal } from "./Terminal.ts"

export type SecretReason =
  /** No file, no command, no terminal. */
  | "NoKey"
  | "FileUnreadable"
  | "CommandFailed"
  /** Nothing in it. */
  | "Empty"
  /** The two times it was typed differ. */
  | "Mismatch"
  /** The person gave up. */
  | "Cancelled"
  /** The file to write the recovery code to is there already. */
  | "CodeFileExists"
  | "CodeFileUnwritable"
  /** The words typed are not those of the code. */
  | "CodeNotConfirmed"

export class SecretError extends Data.TaggedError("SecretError")<{
  readonly reason: SecretReason
  readonly method: string
  /** The file or the command; never what came from it. */
  readonly subject: string
  readonly detail?: string
  readonly cause?: unknown
}> {
  override get message() {
    return `secret ${this.method} ${this.subject}: ${this.reason}${
      this.detail === undefined ? "" : ` (${this.detail})`
    }`
  }
}

/** What opens a vault: a password in NFKC, a recovery code as its words, lower case, one space apart. */
export type Credential =
  | { readonly _tag: "password"; readonly password: Redacted.Redacted<string> }
  | { readonly _tag: "recoveryCode"; readonly code: Redacted.Redacted<string> }

/** Why no key could be had. */
export type NoSecret = SecretError | PasswordError | RecoveryCodeError

export class Secrets extends Context.Tag("@sealog/daemon/Secret/Secrets")<Secrets, {
  /** What opens the vault that is there. */
  readonly unlock: Effect.Effect<Credential, NoSecret>
  /** A password for a new vault: typed twice where a person types it. Its strength is for others to judge. */
  readonly choose: Effect.Effect<Redacted.Redacted<string>, NoSecret>
}>() {}

export interface SecretOptions {
  readonly passwordFile?: string
  readonly passwordCommand?: string
  readonly recoveryCodeFile?: string
}

/** From the flags, else the environment, else the person at the terminal. */
export const layer = (options: SecretOptions) =>
  Layer.effect(
    Secrets,
    Effect.gen(function*() {
      const terminal = yield* Terminal
      const platform = yield* Platform
      const context = yield* Effect.context<FileSystem.FileSystem | CommandExecutor>()
      const given = Effect.provide(fromOptions(options, platform), context)
      const unlock = Effect.gen(function*() {
        if (options.recoveryCodeFile !== undefined) {
          const bytes = yield* Effect.provide(readSecretBytes(options.recoveryCodeFile, platform), context)
          const text = yield* passwordText(bytes)
          return { _tag: "recoveryCode", code: yield* parseRecoveryCode(text) } as const
        }
        const found = yield* given
        const password = found ?? (yield* typed("Password: "))
        return { _tag: "password", password } as const
      })
      const typed = Effect.fn("Secrets.typed")(function*(prompt: string) {
        if (!terminal.interactive) {
          return yield* new SecretError({ reason: "NoKey", method: "unlock", subject: "this vault" })
        }
        const answer = yield* terminal.askSecret(prompt)
        if (answer === undefined) {
          return yield* new SecretError({ reason: "Cancelled", method: "unlock", subject: "the terminal" })
        }
        return yield* password(answer, "the terminal")
      })
      const choose = Effect.gen(function*() {
        const found = yield* given
        if (found !== undefined) return found
        const first = yield* typed("New password: ")
        const second = yield* typed("The same again: ")
        if (Redacted.value(first) === Redacted.value(second)) return first
        return yield* new SecretError({ reason: "Mismatch", method: "choose", subject: "the terminal" })
      })
      return { unlock, choose }
    })
  )

/** More than this is no password, whatever it normalises to. */
const SECRET_BYTES = 8 * Limits.PASSWORD_MAX_BYTES

const fromOptions = Effect.fn("Secret.fromOptions")(function*(options: SecretOptions, platform: PlatformShape) {
  if (options.passwordFile !== undefined) return yield* readSecretFile(options.passwordFile, platform)
  if (options.passwordCommand !== undefined) return yield* runSecretCommand(options.passwordCommand, platform)
  const file = variable(platform, "SEALOG_PASSWORD_FILE")
  if (file !== undefined) return yield* readSecretFile(file, platform)
  const command = variable(platform, "SEALOG_PASSWORD_COMMAND")
  if (command !== undefined) return yield* runSecretCommand(command, platform)
  return undefined
})

const readSecretFile = Effect.fn("Secret.readSecretFile")(function*(path: string, platform: PlatformShape) {
  const bytes = yield* readSecretBytes(path, platform)
  return yield* password(yield* passwordText(bytes), path)
})

export const readSecretBytes = Effect.fn("Secret.readBytes")(function*(path: string, platform: PlatformShape) {
  const fs = yield* FileSystem.FileSystem
  return yield* fs.readFile(absolutePath(path, platform)).pipe(
    Effect.mapError((cause) => new SecretError({ reason: "FileUnreadable", method: "readFile", subject: path, cause }))
  )
})

const runSecretCommand = Effect.fn("Secret.runSecretCommand")(function*(line: string, platform: PlatformShape) {
  const bytes = yield* secretCommandOutput(line, platform)
  return yield* password(yield* passwordText(bytes), `the output of ${line}`)
})

/** The person's own shell line; what it says on stderr, and what it asks on the terminal, goes through. */
export const secretCommandOutput = Effect.fn("Secret.commandOutput")(function*(line: string, platform: PlatformShape) {
  const fail = (detail: string, cause?: unknown) =>
    new SecretError({ reason: "CommandFailed", method: "runCommand", subject: line, detail, cause })
  const command = platform.system === "windows"
    ? Command.make("cmd.exe", "/d", "/s", "/c", line)
    : Command.make("/bin/sh", "-c", line)
  const run = Effect.scoped(Effect.gen(function*() {
    const child = yield* Command.start(command.pipe(Command.stdin("inherit"), Command.stderr("inherit")))
    const chunks = yield* Stream.runCollect(takeBytes(child.stdout))
    return { bytes: Buffer.concat([...chunks]), exit: yield* child.exitCode }
  }))
  const { bytes, exit } = yield* Effect.mapError(run, (cause) => fail("it could not be run", cause))
  if (exit !== 0) return yield* fail(`it ended with exit code ${exit}`)
  return bytes
})

/** A secret that is another's to judge: as it came, but for one line break at its end. */
export const secretText = Effect.fn("Secret.text")(function*(bytes: Uint8Array, subject: string) {
  const text = yield* passwordText(bytes)
  if (text === "") return yield* new SecretError({ reason: "Empty", method: "read", subject })
  return Redacted.make(text)
})

/** More than any password may be is enough to refuse it. */
const takeBytes = <E>(stream: Stream.Stream<Uint8Array, E>) =>
  Stream.mapAccum(stream, 0, (taken, chunk) => {
    const room = Math.max(0, SECRET_BYTES - taken)
    return [taken + chunk.length, chunk.subarray(0, room)]
  })

const password = (text: string, subject: string) =>
  text === ""
    ? Either.left(new SecretError({ reason: "Empty", method: "read", subject }))
    : makePassword(text)
