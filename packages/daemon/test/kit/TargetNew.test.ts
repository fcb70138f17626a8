/** `sealog target new`: what it writes passes its own tests at once, and is what docs/adapters.md is about. */
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { adapterPackage } from "@sealog/daemon/commands/AdapterPackage"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { makeMachine, sealog } from "../support/Harness.ts"
import { examples, installed, repository } from "./Adapters.ts"

const EXAMPLE = join(examples, "sealog-adapter-example")

describe("target new", () => {
  /** Verifies: KIT-4 */
  it.scoped("writes a package that passes its own tests", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const currentDir = yield* fs.makeTempDirectoryScoped()
      const machine = makeMachine({ platform: { currentDir } })
      const outcome = yield* sealog(["target", "new", "my-cloud"], { machine })
      assert.strictEqual(outcome.exit, 0, outcome.err)
      const folder = join(currentDir, "sealog-adapter-my-cloud")
      assert.deepStrictEqual((yield* fs.readDirectory(folder)).toSorted(), [
        "README.md",
        "contract.test.js",
        "index.js",
        "package.json"
      ])
      yield* installed(folder, [])
      const environment: Record<string, string | undefined> = { ...process.env, NODE_OPTIONS: "" }
      // Node's runner of tests would take itself for a part of ours.
      for (const name of Object.keys(environment)) if (name.startsWith("NODE_TEST")) delete environment[name]
      const ran = spawnSync(process.execPath, ["--test"], { cwd: folder, encoding: "utf8", env: environment })
      assert.strictEqual(ran.status, 0, ran.stdout + ran.stderr)
      assert.isAtLeast(Number(/pass (\d+)/u.exec(ran.stdout)?.[1]), 60)
      assert.match(ran.stdout, /fail 0/u)
    }).pipe(Effect.provide(NodeContext.layer)), 120_000)

  /** Verifies: KIT-4 */
  it.scoped("touches nothing that is there already", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const outcome = yield* sealog(["target", "new", "mine", "--to", folder])
      assert.strictEqual(outcome.exit, 2)
      assert.include(outcome.err, "is already there and was not touched")
      assert.deepStrictEqual(yield* fs.readDirectory(folder), [])
      assert.strictEqual((yield* sealog(["target", "new", "My Cloud"])).exit, 2)
    }).pipe(Effect.provide(NodeContext.layer)))

  /** Verifies: KIT-4 */
  it("writes what docs/examples shows, of under 120 lines, for the Effect that core has", () => {
    for (const [path, text] of Object.entries(adapterPackage("example"))) {
      assert.strictEqual(readFileSync(join(EXAMPLE, path), "utf8"), text, path)
    }
    assert.isBelow((adapterPackage("example")["index.js"] ?? "").split("\n").length, 120)
    const workspace = readFileSync(join(repository, "pnpm-workspace.yaml"), "utf8")
    assert.include(
      workspace,
      `\n  effect: ${/"effect": "([^"]+)"/u.exec(adapterPackage("x")["package.json"] ?? "")?.[1]}\n`
    )
  })
})
