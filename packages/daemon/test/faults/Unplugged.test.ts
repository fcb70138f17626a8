/** The whole program with its vault on a real disk that is unplugged and plugged in again. */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { differences, fillMaildir, makeMachine } from "../support/Machine.ts"
import { initLine, inSmall, noNamespace } from "./SmallDisk.ts"

describe("a disk that is unplugged", () => {
  /** Verifies: FAULT-12, STO-30 */
  it.scopedLive(
    "is unreachable though its mount point is there and looks like a vault, and catches up once it is back",
    (test) =>
      Effect.gen(function*() {
        if (noNamespace !== undefined) return test.skip(noNamespace)
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: 20, seed: 31 })
        const small = join(machine.folder, "small")
        const other = "'from: ada@sample.example\n\nlate\n'"
        // The first mount hides the empty folder, as a disk does; the vault moves along to where the disk comes back.
        const steps = yield* inSmall(
          machine,
          8_192,
          `${initLine(machine, join(small, "vault"))}
         sealog sync
         mkdir kept && cp -a small/vault kept/ && umount small
         printf ${other} > '${machine.mail}/new/1.M1.late'
         sealog sync --json
         find small | wc -l; printf '\\0360\\036'
         mkdir -p small/vault/tmp small/vault/log && cp kept/vault/sealog.json small/vault/
         sealog sync --json
         find small -type f | wc -l; printf '\\0360\\036'
         mount -t tmpfs none small && cp -a kept/vault small/
         sealog sync --json
         sealog restore --from disk:small/vault --to restored --format maildir`
        )
        assert.deepStrictEqual(steps.map(({ code }) => code), [0, 0, 3, 0, 3, 0, 0, 0], JSON.stringify(steps))
        assert.include(fs.readFileSync(join(machine.home, "config.toml"), "utf8"), `mount = "${small}"`)
        assert.deepNestedInclude(JSON.parse(steps[2]!.out), {
          "captured.events": 1,
          "targets[0].state": "unreachable",
          "targets[0].behindEvents": 1
        })
        assert.deepNestedInclude(JSON.parse(steps[4]!.out), {
          "targets[0].state": "unreachable",
          "targets[0].error.message":
            `the disk of ${small}/vault is not mounted, and nothing was written in its place (list)`
        })
        assert.deepStrictEqual([steps[3]!.out.trim(), steps[5]!.out.trim()], ["1", "1"])
        assert.deepNestedInclude(JSON.parse(steps[6]!.out), { "captured.events": 0, "targets[0].state": "current" })
        assert.strictEqual(differences(machine.mail, join(machine.folder, "restored", "maildir")), "")
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )

  /** Verifies: STO-30 */
  it.scopedLive("is no place to make a vault at: init says so with 14 and makes none", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const vault = "/media/sealog-no-such-disk/vault"
      const made = yield* machine.sealog(
        ["init", "--source", `maildir:${machine.mail}`, "--target", `disk:${vault}`, "--no-recovery-code"]
      )
      assert.strictEqual(made.code, 14, made.err)
      assert.include(made.err, `the disk of ${vault} is not mounted, and nothing was written in its place`)
      assert.isFalse(fs.existsSync("/media/sealog-no-such-disk"))
    }))
})
