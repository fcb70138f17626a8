/**
 * Vaults that earlier versions made, restored by this one: with the password and with the recovery code, into every
 * form, compared with what the stores held then. `scripts/makeFixtureVault.mjs` makes one; none is ever replaced.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Entropy from "@sealog/core/keys/Entropy"
import { parse } from "@sealog/daemon/Cli"
import { dispatch } from "@sealog/daemon/commands/Dispatch"
import * as EngineLayer from "@sealog/daemon/EngineLayer"
import * as Home from "@sealog/daemon/Home"
import { Platform } from "@sealog/daemon/Platform"
import * as Progress from "@sealog/daemon/Progress"
import * as Secret from "@sealog/daemon/Secret"
import { Terminal } from "@sealog/daemon/Terminal"
import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { makeMachine } from "./support/Harness.ts"

const fixtures = fileURLToPath(new URL("../../core/test/fixtures/", import.meta.url))
const names = readdirSync(fixtures).filter((name) => name.startsWith("vault-"))

/** Runs the command with the engine that ships; gives its JSON. */
const sealog = Effect.fn("test.sealog")(function*(words: ReadonlyArray<string>) {
  const parsed = parse(["--json", ...words])
  if (parsed._tag !== "invocation") return yield* Effect.dieMessage(`not a command: ${words.join(" ")}`)
  const { flags } = parsed.invocation
  const machine = makeMachine()
  const layers = EngineLayer.layer.pipe(
    Layer.provideMerge(Layer.mergeAll(Secret.layer(flags), Home.layer(flags.home), Progress.layerNone)),
    Layer.provideMerge(Layer.mergeAll(
      NodeContext.layer,
      Entropy.layer,
      Layer.succeed(Platform, machine.platform),
      Layer.succeed(Terminal, machine.terminal)
    ))
  )
  const exit = yield* Effect.provide(dispatch(parsed.invocation), layers)
  assert.strictEqual(exit, 0, machine.err())
  return JSON.parse(machine.out()) as Record<string, unknown>
})

/** A folder as the script wrote it down: kind, time of files, SHA-256, path. */
const treeOf = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
    const path = join(entry.parentPath, entry.name)
    const shown = JSON.stringify(path.slice(folder.length + 1))
    if (entry.isDirectory()) return `folder ${shown}`
    return `file ${statSync(path).mtimeMs} ${createHash("sha256").update(readFileSync(path)).digest("hex")} ${shown}`
  }).toSorted()

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sealog-fixture-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true }))
)

describe("the vaults of earlier versions", () => {
  it("are there", () => assert.include(names, "vault-1"))

  for (const name of names) {
    const read = (file: string) => readFileSync(join(fixtures, name, file), "utf8")
    const expected = JSON.parse(read("expected.json")) as Record<string, unknown>
    const restore = (dir: string, key: ReadonlyArray<string>, ...more: ReadonlyArray<string>) =>
      sealog([
        "--home",
        join(dir, "home"),
        "restore",
        ...key,
        "--from",
        `disk:${join(fixtures, name, "vault")}`,
        "--to",
        join(dir, "to"),
        ...more
      ])

    /** Verifies: DOC-4 */
    it.scopedLive(`${name}: comes back with the password, as lines, no older than its fingerprint`, () =>
      Effect.gen(function*() {
        const dir = yield* folder
        const fingerprint = String(expected["fingerprint"])
        const key = ["--password-file", join(fixtures, name, "password.txt")]
        const report = yield* restore(dir, key, "--expect-fingerprint", fingerprint)
        assert.strictEqual(readFileSync(join(dir, "to/messages.jsonl"), "utf8"), read("messages.jsonl"))
        const { messages, root, treeSize, writers } = report
        assert.deepStrictEqual({ fingerprint, messages, root, treeSize, writers }, expected)
        assert.deepStrictEqual(report["gaps"], [])
        assert.deepNestedInclude(report, { "freshness.state": "proven" })
      }))

    /** Verifies: DOC-4 */
    it.scopedLive.skipIf(process.platform === "win32")(
      `${name}: comes back with the recovery code, as a Maildir`,
      () =>
        Effect.gen(function*() {
          const dir = yield* folder
          const key = ["--recovery-code-file", join(fixtures, name, "recovery-code.txt")]
          yield* restore(dir, key, "--format", "maildir")
          assert.deepStrictEqual(treeOf(join(dir, "to/mail")), read("maildir.txt").trimEnd().split("\n"))
          assert.isFalse(existsSync(join(fixtures, name, "vault/tmp")))
        })
    )
  }
})
