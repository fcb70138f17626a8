/**
 * The program as it is installed: the bundle, started as a person starts it. What can be tested without a process is
 * tested without one; here is what only a process has: its start, its streams, its signals, its end.
 */
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"

const program = fileURLToPath(new URL("../bin/sealog.js", import.meta.url))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const run = (
  words: ReadonlyArray<string>,
  options: { readonly home?: string; readonly tell?: (child: ChildProcess, heard: string) => void } = {}
) =>
  Effect.async<Ended>((resume) => {
    const { SEALOG_HOME: _home, ...environment } = process.env
    const child = spawn(process.execPath, [program, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...environment, HOME: options.home ?? "/nowhere/at/all", XDG_DATA_HOME: "" }
    })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk: Buffer) => {
      out += chunk.toString("utf8")
      options.tell?.(child, out)
    })
    child.stderr.on("data", (chunk: Buffer) => {
      err += chunk.toString("utf8")
      options.tell?.(child, err)
    })
    child.on("close", (code) => resume(Effect.succeed({ code, out, err })))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

describe("the program", () => {
  it.live("says its version and its help on stdout", () =>
    Effect.gen(function*() {
      const version = yield* run(["--version"])
      assert.deepStrictEqual([version.code, version.err], [0, ""])
      assert.match(version.out, /^\d+\.\d+\.\d+\n$/)
      const help = yield* run(["--help"])
      assert.deepStrictEqual([help.code, help.err], [0, ""])
      assert.include(help.out, "Usage: sealog")
    }))

  it.live("says what was wrong on stderr, in the form asked for, and nothing on stdout", () =>
    Effect.gen(function*() {
      const usage = yield* run(["stauts"])
      assert.deepStrictEqual([usage.code, usage.out], [2, ""])
      assert.strictEqual(usage.err, "sealog: there is no command \"stauts\"\n        did you mean sealog status?\n")
      const none = yield* run(["target", "list", "--json"])
      assert.deepStrictEqual([none.code, none.out], [10, ""])
      assert.deepNestedInclude(JSON.parse(none.err), { schema: "sealog.error/1", exit: 10, reason: "NoVault" })
      const bare = yield* run([])
      assert.deepStrictEqual([bare.code, bare.out], [2, ""])
      assert.include(bare.err, "Usage: sealog")
    }))

  /** Verifies: CLI-13 */
  it.live(
    "ends clean when it is told to: the daemon with 0, another command as its signal says",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* fs.makeTempDirectoryScoped({ prefix: "sealog-" })
        for (const part of ["cur", "new", "tmp"]) yield* fs.makeDirectory(`${folder}/mail/${part}`, { recursive: true })
        yield* fs.writeFileString(`${folder}/password`, "correct horse battery staple\n")
        const base = ["--home", `${folder}/home`, "--password-file", `${folder}/password`]
        const places = ["--source", `maildir:${folder}/mail`, "--target", `disk:${folder}/vault`]
        const made = yield* run([...base, "init", ...places, "--no-recovery-code", "--kdf-memory", "64"])
        assert.deepStrictEqual([made.code, made.err], [0, ""])
        for (const signal of ["SIGTERM", "SIGINT"] as const) {
          const daemon = yield* run([...base, "run"], {
            tell: (child, heard) => heard === "ready\n" && child.kill(signal)
          })
          assert.deepStrictEqual(daemon, { code: 0, out: "ready\n", err: "" })
          assert.isFalse(yield* fs.exists(`${folder}/home/control.sock`))
          const waiting = ["--home", `${folder}/home`, "--password-command", "echo asked >&2; exec sleep 60", "sync"]
          const asked = yield* run(waiting, { tell: (child, heard) => heard === "asked\n" && child.kill(signal) })
          assert.deepStrictEqual(asked, { code: signal === "SIGINT" ? 130 : 143, out: "", err: "asked\n" })
        }
      })).pipe(Effect.provide(NodeContext.layer)),
    30_000
  )

  it.live("finds its home by the environment", () =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "sealog home " })
      const home = `${folder}/.local/share/sealog`
      yield* fs.makeDirectory(home, { recursive: true })
      yield* fs.writeFileString(
        `${home}/config.toml`,
        "version = 1\nvault = \"ab\"\n[[source]]\nname = \"m\"\nspec = \"maildir:/m\"\n[[target]]\nname = \"d\"\nspec = \"disk:/d\"\n"
      )
      const listed = yield* run(["source", "list", "--json"], { home: folder })
      assert.strictEqual(listed.err, "")
      assert.deepStrictEqual(JSON.parse(listed.out), {
        schema: "sealog.source-list/1",
        sources: [{ name: "m", kind: "maildir", spec: "maildir:/m" }]
      })
    })).pipe(Effect.provide(NodeContext.layer)))
})
