/**
 * An init that is killed can be run again, wherever it was: a home or a vault half made is none, and stands in nobody's
 * way. And small writes of the home that come at the same time.
 */
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Home from "@sealog/daemon/Home"
import { Platform } from "@sealog/daemon/Platform"
import { Effect, Layer } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { linux } from "../support/Harness.ts"
import { fillMaildir, initialise, initWords, type Machine, makeMachine } from "../support/Machine.ts"
import { until } from "./Lives.ts"

/** What an init has made, in order; the last of it makes it one. */
const stepsOf = ({ home, vault }: Machine) => [
  join(home, "sealog.json"),
  join(vault, "slots"),
  join(vault, "sealog.json")
]

/** Takes an init back to the moment before it wrote these. */
const undo = ({ home }: Machine, ...files: ReadonlyArray<string>): void => {
  for (const file of [join(home, "config.toml"), ...files]) fs.rmSync(file)
  fs.writeFileSync(join(home, "init.unfinished"), "")
}

describe("an init", () => {
  /** Verifies: FAULT-16 */
  it.scopedLive("that was killed can be run again, and the vault is whole", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      yield* fillMaildir(machine, { count: 3, seed: 41 })
      for (const step of stepsOf(machine)) {
        for (const made of [machine.home, machine.vault]) fs.rmSync(made, { recursive: true, force: true })
        yield* Effect.scoped(Effect.gen(function*() {
          const init = yield* machine.start(initWords(machine))
          yield* Effect.raceFirst(until(() => fs.existsSync(step)), init.ended)
          yield* init.kill("SIGKILL")
        }))
        if (!fs.existsSync(join(machine.home, "config.toml"))) yield* initialise(machine)
      }
      undo(machine)
      yield* initialise(machine)
      undo(machine, join(machine.vault, "sealog.json"))
      yield* initialise(machine)
      const synced = yield* machine.sealog(["sync"])
      assert.strictEqual(synced.code, 0, synced.out + synced.err)
      const verified = yield* machine.sealog(["verify", "--from", `disk:${machine.vault}`, "--read-data"])
      assert.strictEqual(verified.code, 0, verified.out)
      undo(machine)
      const { code } = yield* machine.sealog(initWords(machine))
      assert.strictEqual(code, 2, "a vault that holds something is never taken for one half made")
    }).pipe(Effect.provide(NodeContext.layer)), 120_000)
})

describe("a file of the home", () => {
  /** Verifies: FAULT-17 */
  it.scoped("is replaced by many at once, and is then what one of them wrote", () =>
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const folder = yield* files.makeTempDirectoryScoped()
      const texts = Array.from({ length: 20 }, (_, at) => `text ${at}`)
      yield* Effect.forEach(texts, (text) => Home.replaceFile(`${folder}/status.json`, text), {
        concurrency: "unbounded"
      })
      assert.include(texts, yield* files.readFileString(`${folder}/status.json`))
      assert.deepStrictEqual(yield* files.readDirectory(folder), ["status.json"])
    }).pipe(Effect.provide(Layer.merge(NodeContext.layer, Layer.succeed(Platform, linux)))))
})
