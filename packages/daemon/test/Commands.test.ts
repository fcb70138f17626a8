import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { SourceError } from "@sealog/core/backup/Source"
import { StorageError } from "@sealog/core/backup/Storage"
import * as Config from "@sealog/daemon/Config"
import type { EngineFailure, InitOptions, LogOptions, RestoreOptions } from "@sealog/daemon/Engine"
import { Effect, Redacted, Stream } from "effect"
import { type EngineShape, linux, makeMachine, sealog } from "./support/Harness.ts"
import * as Samples from "./support/Samples.ts"

const withFolder = <A, E>(use: (folder: string) => Effect.Effect<A, E, FileSystem.FileSystem>) =>
  Effect.scoped(Effect.flatMap(FileSystem.FileSystem, (fs) => Effect.flatMap(fs.makeTempDirectoryScoped(), use))).pipe(
    Effect.provide(NodeContext.layer)
  )

const engineFailing = (error: EngineFailure | StorageError | SourceError): Partial<EngineShape> => ({
  sync: () => Effect.fail(error),
  dump: () => Stream.fail(error)
})

describe("commands", () => {
  /** Verifies: CLI-3 */
  it.effect("exit as their report says", () =>
    Effect.gen(function*() {
      const code = (words: ReadonlyArray<string>, engine: Partial<EngineShape>) =>
        Effect.map(sealog(["--home", "/nowhere/at/all", ...words], { engine }), (outcome) => outcome.exit)
      const restoring = ["restore", "--from", "disk:/d", "--to", "x"]
      assert.strictEqual(yield* code(["sync"], {}), 0)
      assert.strictEqual(yield* code(["sync"], { sync: () => Effect.succeed(Samples.syncBehind) }), 3)
      assert.strictEqual(yield* code(["sync"], { sync: () => Effect.succeed(Samples.syncGaps) }), 4)
      assert.strictEqual(yield* code(["sync"], { sync: () => Effect.succeed(Samples.syncFailed) }), 4)
      assert.strictEqual(yield* code(["status"], {}), 0)
      assert.strictEqual(yield* code(restoring, {}), 0)
      assert.strictEqual(
        yield* code([...restoring, "--partial"], { restore: () => Effect.succeed(Samples.restoreGaps) }),
        3
      )
      assert.strictEqual(yield* code(restoring, { restore: () => Effect.succeed(Samples.restoreBehind) }), 13)
      assert.strictEqual(yield* code(["verify"], {}), 0)
      assert.strictEqual(yield* code(["verify"], { verify: () => Effect.succeed(Samples.verifyDamaged) }), 13)
      assert.strictEqual(yield* code(["drill"], {}), 0)
      assert.strictEqual(yield* code(["drill"], { drill: () => Effect.succeed(Samples.drillFailed) }), 13)
      assert.strictEqual(yield* code(["drill", "verify", "r"], {}), 0)
      assert.strictEqual(
        yield* code(["drill", "verify", "r"], { drillVerify: () => Effect.succeed(Samples.drillForged) }),
        13
      )
      assert.strictEqual(yield* code(["target", "list"], {}), 10)
      assert.strictEqual(yield* code([...restoring, "--format", "docx"], {}), 2)
      assert.strictEqual(yield* code([...restoring, "--format", "html"], {}), 2)
    }))

  /** Verifies: CLI-3 */
  it.effect("exit as their failure says", () =>
    Effect.gen(function*() {
      const storage = (reason: StorageError["reason"]) =>
        new StorageError({ reason, method: "put", subject: "/d", retryable: false })
      const code = (engine: Partial<EngineShape>, words = ["sync"]) =>
        Effect.map(sealog(["--home", "/nowhere/at/all", ...words], { engine }), (outcome) => outcome.exit)
      assert.strictEqual(yield* code(engineFailing(storage("Unreachable"))), 14)
      assert.strictEqual(yield* code(engineFailing(storage("Full"))), 15)
      assert.strictEqual(yield* code(engineFailing(storage("Corrupt"))), 13)
      const denied = new SourceError({ reason: "Denied", method: "dump", subject: "/m" })
      assert.strictEqual(yield* code(engineFailing(denied), ["source", "dump", "maildir:/m"]), 4)
      assert.strictEqual(yield* code({ sync: () => Effect.die(new RangeError("oops")) }), 1)
    }))

  /** Verifies: CLI-4 */
  it.effect("print one JSON document with its schema first", () =>
    Effect.gen(function*() {
      const all: ReadonlyArray<readonly [ReadonlyArray<string>, string]> = [
        [["sync"], "sync"],
        [["status"], "status"],
        [["restore", "--from", "disk:/d", "--to", "x"], "restore"],
        [["verify"], "verify"],
        [["drill"], "drill"],
        [["drill", "history"], "drill-history"],
        [["drill", "verify", "r"], "drill-verify"],
        [["fingerprint"], "fingerprint"],
        [["source", "detect"], "source-detect"],
        [["service", "install", "--print"], "service"],
        [["init", "--source", "maildir:/m", "--target", "disk:/d", "--no-recovery-code"], "init"]
      ]
      for (const [words, name] of all) {
        const outcome = yield* sealog(["--json", "--home", "/nowhere/at/all", ...words])
        assert.strictEqual(outcome.exit, 0, outcome.err)
        assert.isTrue(outcome.out.startsWith(`{"schema":"sealog.${name}/1",`), outcome.out.slice(0, 60))
        assert.strictEqual(outcome.out.indexOf("\n"), outcome.out.length - 1)
        assert.strictEqual(outcome.err, "")
      }
    }))

  it.effect("print an error as one JSON line on stderr and nothing on stdout", () =>
    Effect.gen(function*() {
      const outcome = yield* sealog(["target", "list", "--json", "--home", "/nowhere/at/all"])
      const { hint, message, ...line } = JSON.parse(outcome.err) as Record<string, unknown>
      assert.deepStrictEqual(line, {
        schema: "sealog.error/1",
        exit: 10,
        reason: "NoVault",
        subject: "/nowhere/at/all/config.toml"
      })
      assert.isString(message)
      assert.isString(hint)
      assert.strictEqual(outcome.out, "")
    }))

  it.effect("pass everything that was said on to the engine", () =>
    Effect.gen(function*() {
      let restored: RestoreOptions | undefined
      let logged: LogOptions | undefined
      const engine: Partial<EngineShape> = {
        restore: (options) => {
          restored = options
          return Effect.succeed(Samples.restore)
        },
        log: (options) => {
          logged = options
          return Stream.empty
        }
      }
      yield* sealog(
        [
          "restore",
          "--from",
          "disk:~/v",
          "--from",
          "two=disk:w",
          "--to",
          "out",
          "--format",
          "maildir",
          "--partial",
          "--force"
        ],
        { engine }
      )
      assert.deepStrictEqual(restored, {
        from: [
          { name: "disk", kind: "disk", place: "/home/ada/v", spec: "disk:/home/ada/v" },
          { name: "two", kind: "disk", place: "/home/ada/here/w", spec: "disk:/home/ada/here/w" }
        ],
        to: "/home/ada/here/out",
        format: "maildir",
        partial: true,
        force: true,
        withAttachments: false
      })
      yield* sealog(["--home", "/nowhere/at/all", "log", "--conversation", "INBOX"], { engine })
      assert.deepStrictEqual(logged, { follow: false, conversation: "INBOX" })
    }))

  it.effect("print the log as JSON Lines, and as lines a person can read", () =>
    Effect.gen(function*() {
      const json = yield* sealog(["log", "--json", "--home", "/nowhere/at/all"])
      const lines = json.out.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>)
      assert.deepStrictEqual(lines.map((line) => [line["schema"], line["index"]]), [
        ["sealog.log/1", 0],
        ["sealog.log/1", 1],
        ["sealog.log/1", 2]
      ])
      const human = yield* sealog(["log", "--home", "/nowhere/at/all"])
      assert.include(human.out, "maildir/INBOX  message.added  Hello 2\n")
    }))

  it.effect("write a dump as it is", () =>
    Effect.gen(function*() {
      const outcome = yield* sealog(["source", "dump", "jsonl:/x"])
      assert.strictEqual(outcome.out, "{\"id\":\"1\"}\n{\"id\":\"2\"}\n")
    }))

  it.effect("list what the configuration names, without a password", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const spec = { name: "mail", kind: "maildir", place: "/m", spec: "maildir:/m" }
        const target = { name: "usb", kind: "disk", place: "/d", spec: "disk:/d" }
        yield* fs.writeFileString(
          `${folder}/config.toml`,
          Config.encode({ vaultId: "ab", shipDelaySeconds: 2, drillEveryHours: 24, sources: [spec], targets: [target] })
        )
        const sources = yield* sealog(["--home", folder, "source", "list"])
        assert.strictEqual(sources.out, "  mail  maildir:/m\n")
        const targets = yield* sealog(["--home", folder, "--json", "target", "list"])
        assert.deepStrictEqual(JSON.parse(targets.out), {
          schema: "sealog.target-list/1",
          targets: [{ name: "usb", kind: "disk", spec: "disk:/d" }]
        })
      })
    ))

  it.effect("find the stores that are there", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        for (const part of ["Maildir/cur", "Maildir/new", ".mail/work mail/cur", ".mail/work mail/new", "Mail/no"]) {
          yield* fs.makeDirectory(`${folder}/${part}`, { recursive: true })
        }
        const machine = makeMachine({ platform: { userDir: folder } })
        const outcome = yield* sealog(["source", "detect"], { machine })
        assert.strictEqual(
          outcome.out,
          `  maildir  maildir:${folder}/Maildir\n  maildir  maildir:${folder}/.mail/work mail\n`
        )
      })
    ))

  /** Verifies: SRC-46 */
  it.effect("find Messages on a Mac, and on no other system", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* fs.makeDirectory(`${folder}/Library/Messages`, { recursive: true })
        const found = (system: "macos" | "linux") =>
          Effect.map(
            sealog(["source", "detect"], { machine: makeMachine({ platform: { system, userDir: folder } }) }),
            ({ out }) => out.trim()
          )
        assert.include(yield* found("macos"), "No store was found")
        yield* fs.writeFileString(`${folder}/Library/Messages/chat.db`, "")
        assert.strictEqual(yield* found("macos"), "imessage  imessage")
        assert.include(yield* found("linux"), "No store was found")
      })
    ))

  const code = Redacted.make(
    Array.from({ length: 24 }, (_, at) => `word${"abcdefghijklmnopqrstuvwx".charAt(at)}`).join(" ")
  )
  /** An engine that makes nothing but the recovery code. */
  const making = (seen: (options: InitOptions) => void): Partial<EngineShape> => ({
    init: (options) => {
      seen(options)
      const keep = options.keepRecoveryCode?.(code) ?? Effect.void
      return Effect.as(keep, Samples.init)
    }
  })
  const init = ["init", "--source", "maildir:/m", "--target", "disk:/d"]

  /** Verifies: CLI-5 */
  it.effect("write a recovery code to a new file that only its owner may read", () =>
    withFolder((folder) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const file = `${folder}/code.txt`
        const engine = making(() => {})
        assert.strictEqual((yield* sealog([...init, "--recovery-code-file", file], { engine })).exit, 0)
        assert.strictEqual(yield* fs.readFileString(file), `${Redacted.value(code)}\n`)
        assert.strictEqual((yield* fs.stat(file)).mode & 0o777, 0o600)
        const again = yield* sealog([...init, "--recovery-code-file", file], { engine })
        assert.strictEqual(again.exit, 2)
        assert.include(again.err, "was not overwritten")
      })
    ))

  /** Verifies: CLI-5 */
  it.effect("show a recovery code only on a terminal, and ask for two of its words", () =>
    Effect.gen(function*() {
      let asked = 0
      const engine = making(() => {})
      const none = yield* sealog(init, { engine })
      assert.strictEqual(none.exit, 2)
      assert.include(none.err, "--no-recovery-code")
      const words = Redacted.value(code).split(" ")
      const right = makeMachine({
        answers: (prompt) => {
          asked++
          return words[Number(/\d+/.exec(prompt)?.[0]) - 1]
        }
      })
      const shown = yield* sealog(init, { engine, machine: right })
      assert.strictEqual(shown.exit, 0)
      assert.strictEqual(asked, 2)
      assert.include(shown.err, " 1 worda")
      assert.notInclude(shown.out, "worda")
      const wrong = yield* sealog(init, { engine, machine: makeMachine({ answers: () => "word" }) })
      assert.strictEqual(wrong.exit, 12)
      assert.include(wrong.err, "no vault was made")
    }))

  it.effect("ask for no recovery code where none is wanted", () =>
    Effect.gen(function*() {
      let options: InitOptions | undefined
      const engine = making((given) => {
        options = given
      })
      assert.strictEqual((yield* sealog([...init, "--no-recovery-code"], { engine })).exit, 0)
      assert.isUndefined(options?.keepRecoveryCode)
    }))

  it.effect("name the system's service, and refuse where there is none", () =>
    Effect.gen(function*() {
      const on = (system: "linux" | "macos" | "windows", ...words: ReadonlyArray<string>) =>
        sealog(["service", "install", "--print", ...words], {
          machine: makeMachine({ platform: { ...linux, system } })
        })
      assert.include((yield* on("linux")).out, "[Service]")
      assert.include((yield* on("macos")).out, "<plist version=\"1.0\">")
      assert.strictEqual((yield* on("windows")).exit, 2)
      assert.include((yield* on("windows", "--kind", "systemd")).out, "[Service]")
    }))
})
