/**
 * A store or a target that is away or may not be read holds up nothing else: what could be read is kept, what could be
 * shipped is shipped, and the exit code says which of both was not all of it. And what a vault that was put back to an
 * older state looks like to a machine that knows better.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import { differences, fillMaildir, initialise, makeMachine, restoreWords } from "../support/Machine.ts"
import { restoreFrom, says, statusOf } from "./Outcome.ts"

const MAILS = 30

describe.concurrent("the program", () => {
  /** Verifies: FAULT-12 */
  it.scopedLive(
    "keeps what it reads when a target is away, with 3, and reads the rest when a store is, with 4",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: MAILS, seed: 12 })
        const chats = join(machine.folder, "chats")
        fs.mkdirSync(chats)
        fs.writeFileSync(join(chats, "us.jsonl"), "{\"conversation\":\"us\",\"id\":\"1\",\"text\":\"hello\"}\n")
        yield* initialise(machine, { sources: [`maildir:${machine.mail}`, `jsonl:${chats}`] })
        const sync = Effect.map(
          machine.sealog(["sync", "--json"]),
          ({ code, out }) => ({ code, report: JSON.parse(out) })
        )

        fs.renameSync(machine.mail, `${machine.mail}.away`)
        const withoutStore = yield* sync
        assert.strictEqual(withoutStore.code, 4)
        assert.deepNestedInclude(withoutStore.report, {
          "sources[0].error.reason": "SourceNotFound",
          "sources[0].error.message": `there is no store at ${machine.mail}`,
          "sources[1].gaps": 0,
          "targets[0].state": "current"
        })
        assert.isAbove(withoutStore.report.sources[1].events, 0)

        fs.renameSync(`${machine.mail}.away`, machine.mail)
        fs.renameSync(machine.vault, `${machine.vault}.away`)
        const withoutTarget = yield* sync
        assert.strictEqual(withoutTarget.code, 3)
        assert.isAtLeast(withoutTarget.report.sources[0].events, MAILS)
        assert.deepNestedInclude(withoutTarget.report, {
          "targets[0].state": "unreachable",
          "targets[0].error.message": `${machine.vault} cannot be reached (get) (ENODEV)`,
          "targets[0].behindEvents": withoutTarget.report.treeSize - withoutStore.report.treeSize
        })
        const status = statusOf(machine)
        assert.deepNestedInclude(status, { "targets[0].state": "unreachable", "warnings[0].reason": "Unreachable" })

        fs.renameSync(`${machine.vault}.away`, machine.vault)
        const all = yield* sync
        assert.strictEqual(all.code, 0)
        assert.strictEqual(all.report.captured.events, 0)
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )

  /** Verifies: FAULT-12 */
  it.scopedLive(
    "takes what it may read of a store that it may not read whole, with 4",
    (test) =>
      Effect.gen(function*() {
        if (noOtherUser !== undefined) return test.skip(noOtherUser)
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: MAILS, seed: 13 })
        yield* initialise(machine)
        const closed = join(machine.mail, ".Work")
        giveAway(machine.folder)
        fs.chmodSync(closed, 0o000)
        const options = { through: ["setpriv", `--reuid=${NOBODY}`, "--clear-groups"] }
        const { code, out } = yield* machine.sealog(["sync", "--json"], options)
        assert.strictEqual(code, 4)
        const report = JSON.parse(out)
        assert.deepNestedInclude(report, { "sources[0].gaps": 1, "targets[0].state": "current" })
        assert.isAbove(report.sources[0].events, MAILS / 2)
        const human = yield* machine.sealog(["sync"], options)
        assert.strictEqual(human.code, 4)
        assert.match(human.out, /^What could be read is safe; some of it could not\./)

        fs.chmodSync(closed, 0o700)
        const all = yield* machine.sealog(["sync"], options)
        assert.strictEqual(all.code, 0, all.out)
        const restored = yield* machine.sealog(
          restoreWords(machine, join(machine.folder, "restored"), "maildir"),
          options
        )
        assert.strictEqual(restored.code, 0, restored.err)
        assert.strictEqual(differences(machine.mail, join(machine.folder, "restored", "maildir")), "")
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )

  /** Verifies: FAULT-11, FAULT-15 */
  it.scopedLive(
    "says that a vault was put back to an older state with 13, though a kill came before the pin",
    () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: 2, seed: 14 })
        yield* initialise(machine)
        yield* machine.sealog(["sync"])
        fs.cpSync(machine.vault, `${machine.vault}.older`, { recursive: true })
        const { treeSize: before } = statusOf(machine)
        const pin = fs.readFileSync(join(machine.home, "head.pin"))
        fs.writeFileSync(join(machine.mail, "new", "1.M1.late"), "From: ada@sample.example\n\nLate.\n")
        yield* machine.sealog(["sync"])
        const { treeSize: after } = statusOf(machine)
        // As it is after a kill between the last put and its pin; the next start finds the object and pins it.
        fs.writeFileSync(join(machine.home, "head.pin"), pin)
        yield* machine.sealog(["sync"])
        fs.renameSync(machine.vault, `${machine.vault}.newer`)
        fs.renameSync(`${machine.vault}.older`, machine.vault)
        assert.strictEqual(after, before + 1)
        says(
          machine,
          yield* restoreFrom(machine, machine.vault, "older"),
          13,
          `sealog: the vault is older than, or other than, what is known of it: event ${before} is known to have been there `
            + "and is gone",
          "        restore from another target; if this one was put back from a backup on purpose, let sealog sync ship to it "
            + "again"
        )
        assert.deepStrictEqual(fs.readdirSync(join(machine.folder, "older")), [])
        // A new machine knows nothing of what was there, and says so.
        const unknown = yield* restoreFrom(
          machine,
          machine.vault,
          "unknown",
          "--json",
          "--home",
          join(machine.folder, "none")
        )
        assert.strictEqual(unknown.code, 0)
        assert.deepNestedInclude(JSON.parse(unknown.out), { "freshness.state": "unknown", "messages": 2 })
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )
})

const NOBODY = 65_534

/** Why a process of another user cannot be started here; to the super-user every file is readable. */
const noOtherUser: string | undefined = process.getuid?.() !== 0
  ? "it needs to be root to become another user"
  : spawnSync("setpriv", [`--reuid=${NOBODY}`, "--clear-groups", "true"]).status === 0
  ? undefined
  : "there is no setpriv that may change the user"

/** Makes everything below a folder that other user's. */
const giveAway = (folder: string): void => {
  for (const name of fs.readdirSync(folder, { encoding: "utf8", recursive: true })) {
    fs.chownSync(join(folder, name), NOBODY, NOBODY)
  }
  fs.chownSync(folder, NOBODY, NOBODY)
}
