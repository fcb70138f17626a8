/** The whole program while its targets come and go: by itself, and beside a daemon that goes on. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { differences, fillMaildir, initialise, type Machine, makeMachine } from "./support/Machine.ts"
import { until } from "./support/Until.ts"

interface Said {
  readonly name: string
  readonly state: string
  readonly behindEvents: number
}

const restored = Effect.fn("restored")(function*(machine: Machine, vault: string) {
  const to = join(machine.folder, `restored from ${vault.split("/").at(-1)}`)
  const ended = yield* machine.sealog(["restore", "--from", `disk:${vault}`, "--to", to, "--format", "maildir"])
  assert.strictEqual(ended.code, 0, ended.err)
  return differences(machine.mail, join(to, "maildir"))
})

const setUp = Effect.gen(function*() {
  const machine = yield* makeMachine
  yield* fillMaildir(machine, { count: 20, seed: 61 })
  yield* initialise(machine)
  const json = Effect.fn("json")(function*(...words: ReadonlyArray<string>) {
    const { code, err, out } = yield* machine.sealog([...words, "--json"])
    return { code, report: JSON.parse(code === 0 || out !== "" ? out : err) }
  })
  return { machine, json, second: join(machine.folder, "second 💾") }
})

describe.concurrent("targets that come and go", () => {
  /** Verifies: SHIP-5, CLI-20 */
  it.scopedLive(
    "are filled from the journal however late they come, and forgotten when they go, with all that lies there",
    () =>
      Effect.gen(function*() {
        const { json, machine, second } = yield* setUp
        assert.strictEqual((yield* json("sync")).code, 0)
        const config = join(machine.home, "config.toml")
        const own = `# mine\n${fs.readFileSync(config, "utf8").replace("[[target]]", "# the old one\n[[target]]")}`
        fs.writeFileSync(config, own)
        const added = yield* json("target", "add", `disk:${second}`)
        assert.deepNestedInclude(added, {
          "code": 0,
          "report.schema": "sealog.target-add/1",
          "report.target.name": "disk-2",
          "report.heldVault": false
        })
        const listed = yield* json("target", "list")
        assert.deepStrictEqual(listed.report.targets.map(({ name }: { readonly name: string }) => name), [
          "disk",
          "disk-2"
        ])
        // Every line of its owner is as it was.
        assert.isTrue(fs.readFileSync(config, "utf8").startsWith(own.trimEnd()))
        const waiting = yield* json("status")
        assert.deepNestedInclude(waiting.report, {
          "targets[1].state": "behind",
          "targets[1].behindEvents": waiting.report.treeSize
        })
        const synced = yield* json("sync")
        assert.deepNestedInclude(synced, {
          "code": 0,
          "report.captured.events": 0,
          "report.targets[1].state": "current"
        })
        assert.deepStrictEqual(synced.report.warnings, [])
        assert.strictEqual(yield* restored(machine, second), "")

        assert.strictEqual((yield* json("target", "remove", "disk-2")).code, 0)
        assert.strictEqual(fs.readFileSync(config, "utf8"), own)
        fs.writeFileSync(join(machine.mail, "new", "1.M1.late"), "From: ada@sample.example\n\nlate\n")
        const alone = yield* json("sync")
        assert.strictEqual(alone.report.targets.length, 1)

        // The same place, as the same target again: nothing is told to be lost, and only what is new is sent.
        const again = yield* json("target", "add", `disk-2=disk:${second}`)
        assert.deepNestedInclude(again, { "code": 0, "report.heldVault": true })
        const caught = yield* json("sync")
        assert.deepNestedInclude(caught, { "code": 0, "report.targets[1].objects": 1 })
        assert.deepStrictEqual(caught.report.warnings, [])

        // Another place under a name that had one: what that one had is not taken for what this has.
        assert.strictEqual((yield* json("target", "remove", "disk-2")).code, 0)
        const third = join(machine.folder, "third")
        assert.strictEqual((yield* json("target", "add", `disk-2=disk:${third}`)).code, 0)
        const fresh = yield* json("sync")
        assert.deepStrictEqual([fresh.code, fresh.report.warnings], [0, []])
        assert.strictEqual((yield* json("verify", "--target", "disk-2", "--read-data")).code, 0)
        assert.strictEqual(yield* restored(machine, third), "")

        // What one place holds is checked though another is away; with none there is nothing to check.
        fs.renameSync(third, `${third}.away`)
        const some = yield* json("verify")
        assert.deepNestedInclude(some, { "code": 3, "report.targets.length": 1, "report.findings.length": 0 })
        assert.strictEqual(some.report.warnings[0].reason, "Unreachable")
        assert.strictEqual((yield* json("verify", "--target", "disk-2")).code, 14)
        fs.renameSync(`${third}.away`, third)
        assert.strictEqual((yield* json("verify")).code, 0)
      }).pipe(Effect.provide(NodeContext.layer)),
    120_000
  )

  /** Verifies: CLI-20 */
  it.scopedLive(
    "are refused where that would be a mistake, and nothing is changed",
    () =>
      Effect.gen(function*() {
        const { json, machine, second } = yield* setUp
        const other = yield* makeMachine
        yield* initialise(other)
        const config = () => fs.readFileSync(join(machine.home, "config.toml"), "utf8")
        const before = config()
        const refused = Effect.fn("refused")(function*(...words: ReadonlyArray<string>) {
          const { code, report } = yield* json("target", ...words)
          assert.strictEqual(config(), before, words.join(" "))
          return [code, report.reason]
        })
        assert.deepStrictEqual(yield* refused("add", `disk:${machine.vault}`), [2, "TargetExists"])
        assert.deepStrictEqual(yield* refused("add", `DISK=disk:${second}`), [2, "DuplicateName"])
        assert.deepStrictEqual(yield* refused("add", `disk:${other.vault}`), [2, "VaultExists"])
        assert.deepStrictEqual(yield* refused("add", `folder:${machine.folder}/no/such/folder`), [14, "Unreachable"])
        assert.deepStrictEqual(yield* refused("remove", "nas"), [2, "UnknownTarget"])
        assert.deepStrictEqual(yield* refused("remove", "disk"), [2, "LastTarget"])
        assert.isFalse(fs.existsSync(second))
      }).pipe(Effect.provide(NodeContext.layer)),
    120_000
  )

  /** Verifies: SHIP-5, CTRL-20 */
  it.scopedLive(
    "are taken up by the daemon that runs, which asks for no password and stays the same process",
    () =>
      Effect.gen(function*() {
        const { machine, second } = yield* setUp
        const daemon = yield* machine.start(["run", "--ship-delay", "0"])
        yield* daemon.says(/ready/)
        fs.renameSync(machine.passwordFile, `${machine.passwordFile}.away`)
        const status = Effect.map(
          machine.sealog(["status", "--json"]),
          ({ out }) => JSON.parse(out) as Record<"pid" | "treeSize", number> & { readonly targets: ReadonlyArray<Said> }
        )
        const current = (...names: ReadonlyArray<string>) =>
          until(status, ({ targets, treeSize }) =>
            treeSize > 0 && targets.map(({ name }) => name).join() === names.join()
            && targets.every(({ behindEvents, state }) => behindEvents === 0 && state === "current"))
        const before = yield* current("disk")
        const added = yield* machine.sealog(["target", "add", `disk:${second}`])
        assert.strictEqual(added.code, 0, added.err)
        assert.match(added.out, /^disk-2 is a target from now on/)
        assert.strictEqual((yield* current("disk", "disk-2")).pid, before.pid)
        const removed = yield* machine.sealog(["target", "remove", "disk"])
        assert.strictEqual(removed.code, 0, removed.err)
        fs.writeFileSync(join(machine.mail, "new", "1.M1.late"), "From: ada@sample.example\n\nlate\n")
        yield* until(current("disk-2"), ({ treeSize }) => treeSize === before.treeSize + 1)
        assert.strictEqual((yield* daemon.kill("SIGTERM")).code, 0)
        fs.renameSync(`${machine.passwordFile}.away`, machine.passwordFile)
        assert.strictEqual(yield* restored(machine, second), "")
      }).pipe(Effect.provide(NodeContext.layer)),
    120_000
  )
})
