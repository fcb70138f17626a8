import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { failureOf } from "@sealog/daemon/Failure"
import { Platform } from "@sealog/daemon/Platform"
import * as Secret from "@sealog/daemon/Secret"
import { Terminal } from "@sealog/daemon/Terminal"
import { Effect, Layer, Redacted } from "effect"
import { makeMachine } from "./support/Harness.ts"

interface Given extends Secret.SecretOptions {
  readonly environment?: Record<string, string>
  readonly answers?: (prompt: string) => string | undefined
}

const secrets = (given: Given) => {
  const machine = makeMachine({
    platform: { environment: given.environment ?? {} },
    ...(given.answers === undefined ? {} : { answers: given.answers })
  })
  return Secret.layer(given).pipe(Layer.provide(Layer.mergeAll(
    Layer.succeed(Platform, machine.platform),
    Layer.succeed(Terminal, machine.terminal),
    NodeContext.layer
  )))
}

const unlock = (given: Given) =>
  Effect.flatMap(Secret.Secrets, (one) => one.unlock).pipe(
    Effect.map((credential) => Redacted.value(credential._tag === "password" ? credential.password : credential.code)),
    Effect.provide(secrets(given))
  )

const choose = (given: Given) =>
  Effect.flatMap(Secret.Secrets, (one) => one.choose).pipe(Effect.map(Redacted.value), Effect.provide(secrets(given)))

const refused = (given: Given) => Effect.map(Effect.flip(unlock(given)), failureOf)

const withFile = <A, E>(bytes: string | Uint8Array, use: (path: string) => Effect.Effect<A, E>) =>
  Effect.scoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const path = `${yield* fs.makeTempDirectoryScoped()}/secret file`
    yield* fs.writeFile(path, typeof bytes === "string" ? Buffer.from(bytes) : bytes)
    return yield* use(path)
  })).pipe(Effect.provide(NodeContext.layer))

describe("Secret", () => {
  /** Verifies: CLI-10 */
  it.effect("asks in the promised order: flags, environment, the person", () =>
    withFile("from the file", (path) =>
      Effect.gen(function*() {
        const all = {
          passwordFile: path,
          passwordCommand: "echo from the command",
          environment: { SEALOG_PASSWORD_FILE: path, SEALOG_PASSWORD_COMMAND: "echo from its variable" },
          answers: () => "from the person"
        }
        const { passwordFile: _file, ...noFile } = all
        const { passwordCommand: _command, ...noFlags } = noFile
        assert.strictEqual(yield* unlock(all), "from the file")
        assert.strictEqual(yield* unlock(noFile), "from the command")
        assert.strictEqual(yield* unlock(noFlags), "from the file")
        const { SEALOG_PASSWORD_COMMAND } = all.environment
        assert.strictEqual(yield* unlock({ ...noFlags, environment: { SEALOG_PASSWORD_COMMAND } }), "from its variable")
        assert.strictEqual(yield* unlock({ ...noFlags, environment: {} }), "from the person")
      })))

  it.effect("drops one line break at the end and nothing else", () =>
    Effect.gen(function*() {
      const read = (text: string) => withFile(text, (passwordFile) => unlock({ passwordFile }))
      assert.strictEqual(yield* read(" a b \n"), " a b ")
      assert.strictEqual(yield* read("a\r\n"), "a")
      assert.strictEqual(yield* read("a\n\n"), "a\n")
      assert.strictEqual(yield* read("\ufb01ne\n"), "fine")
      assert.strictEqual(yield* unlock({ passwordCommand: "printf 'a b\\n\\n'" }), "a b\n")
    }))

  it.effect("runs a command in the person's shell", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* unlock({ passwordCommand: "x='one two'; echo \"$x\" | tr a-z A-Z" }), "ONE TWO")
    }))

  /** Verifies: CLI-11 */
  it.effect("ends with exit code 12 and the ways to give a key where there is none", () =>
    Effect.gen(function*() {
      const none = yield* refused({})
      assert.deepNestedInclude(none, { exit: 12, reason: "NoKey" })
      for (const way of ["--password-file", "--password-command", "SEALOG_PASSWORD_FILE", "--recovery-code-file"]) {
        assert.include(none.hint, way)
      }
      assert.strictEqual((yield* refused({ passwordFile: "/no/such/file" })).exit, 12)
      assert.strictEqual((yield* refused({ passwordCommand: "exit 3" })).exit, 12)
      assert.include((yield* refused({ passwordCommand: "echo secret; exit 3" })).message, "exit code 3")
      assert.notInclude(
        JSON.stringify(yield* refused({ passwordCommand: "cat /dev/zero | tr '\\0' s | head -c 9999; exit 3" })),
        "sss"
      )
      assert.strictEqual((yield* refused({ passwordCommand: "true" })).exit, 12)
      assert.strictEqual((yield* refused({ answers: () => undefined })).exit, 12)
      assert.strictEqual(
        (yield* withFile(Buffer.from([0xff, 0xfe]), (passwordFile) => refused({ passwordFile }))).exit,
        12
      )
    }))

  it.effect("has a new password typed twice, and given once where a file gives it", () =>
    Effect.gen(function*() {
      const prompts: Array<string> = []
      const answers = (prompt: string) => {
        prompts.push(prompt)
        return "the same"
      }
      assert.strictEqual(yield* choose({ answers }), "the same")
      assert.strictEqual(prompts.length, 2)
      let n = 0
      const differing = yield* Effect.flip(choose({ answers: () => `try ${n++}` }))
      assert.deepNestedInclude(failureOf(differing), { exit: 12, reason: "PasswordMismatch" })
      assert.strictEqual(
        yield* withFile("filed away\n", (passwordFile) => choose({ passwordFile, answers })),
        "filed away"
      )
      assert.strictEqual(prompts.length, 2)
    }))

  it.effect("reads a recovery code as people write it down", () =>
    Effect.gen(function*() {
      const code = `${"abandon ".repeat(23)}art`
      const written = `  ${code.toUpperCase().replaceAll(" ", "\n ")}\n\n`
      assert.strictEqual(yield* withFile(written, (recoveryCodeFile) => unlock({ recoveryCodeFile })), code)
      const wrong = yield* withFile("abandon art", (recoveryCodeFile) => refused({ recoveryCodeFile }))
      assert.deepNestedInclude(wrong, { exit: 12, reason: "BadRecoveryCode" })
    }))
})
