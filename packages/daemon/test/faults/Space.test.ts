/**
 * Full disks, real ones: a file system of some mebibytes in a namespace of its own, for the target, for the home, and
 * for the folder that is restored into. What was confirmed is there afterwards, and once there is space all goes on.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { join } from "node:path"
import { differences, fillMaildir, makeMachine, restoreMaildir } from "../support/Machine.ts"
import { initLine, inSmall, noNamespace } from "./SmallDisk.ts"

const MAILS = 400

describe.concurrent("a full disk", () => {
  /** Verifies: FAULT-13 */
  it.scopedLive(
    "under a target leaves the events in the journal, with 3, and ships them once there is space",
    (test) =>
      Effect.gen(function*() {
        if (noNamespace !== undefined) return test.skip(noNamespace)
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: MAILS, seed: 21 })
        const steps = yield* inSmall(
          machine,
          2_048,
          `${initLine(machine, join(machine.folder, "small/vault"))}
         head -c 1900k /dev/zero > small/other
         sealog sync --json
         sealog sync
         rm small/other
         sealog sync --json
         sealog verify --read-data --json
         sealog restore --from 'disk:small/vault' --to restored --format maildir --json`
        )
        assert.deepStrictEqual(steps.map(({ code }) => code), [0, 3, 3, 0, 0, 0], JSON.stringify(steps))
        assert.deepNestedInclude(JSON.parse(steps[1]!.out), {
          "targets[0].state": "full",
          "targets[0].error.reason": "TargetFull",
          "targets[0].error.message": `there is no space left at ${join(machine.folder, "small/vault")}`,
          "targets[0].error.hint": "free some space there, then run it again; what is recorded is safe in the journal"
        })
        assert.match(steps[2]!.out, /^Everything read is in the journal, but not yet at every target\. Nothing new, /)
        assert.deepNestedInclude(JSON.parse(steps[3]!.out), { "captured.events": 0, "targets[0].state": "current" })
        assert.strictEqual(differences(machine.mail, join(machine.folder, "restored", "maildir")), "")
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )

  /** Verifies: FAULT-13 */
  it.scopedLive(
    "under the home ends with 15, and nothing confirmed is lost or doubled once there is space",
    (test) =>
      Effect.gen(function*() {
        if (noNamespace !== undefined) return test.skip(noNamespace)
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: MAILS, seed: 22 })
        const steps = yield* inSmall(
          machine,
          1_024,
          `export SEALOG_HOME=small/home
         ${initLine(machine, machine.vault)}
         sealog sync
         sealog sync --json
         mount -o remount,size=64m small
         sealog sync --json
         sealog log --json`
        )
        assert.deepStrictEqual(steps.map(({ code }) => code), [0, 15, 15, 0, 0], JSON.stringify(steps.slice(0, 4)))
        assert.match(
          steps[1]!.out,
          /^sealog: there is no space left for the journal.*\n {8}free some space on the disk that holds the home folder/
        )
        assert.deepNestedInclude(JSON.parse(steps[2]!.out), { exit: 15, reason: "NoSpace" })
        const added = steps[4]!.out.trimEnd().split("\n").map((line) => JSON.parse(line))
          .filter(({ kind }) => kind === "message.added").map(({ body }) => body.message.key)
        assert.strictEqual(added.length, MAILS)
        assert.strictEqual(new Set(added).size, MAILS)
        const restored = yield* restoreMaildir(machine, "restored")
        assert.strictEqual(differences(machine.mail, join(restored, "maildir")), "")
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )

  /** Verifies: FAULT-13 */
  it.scopedLive(
    "under the folder to restore into ends with 15, leaves nothing there, and it works once there is space",
    (test) =>
      Effect.gen(function*() {
        if (noNamespace !== undefined) return test.skip(noNamespace)
        const machine = yield* makeMachine
        yield* fillMaildir(machine, { count: MAILS, seed: 23 })
        const steps = yield* inSmall(
          machine,
          512,
          `${initLine(machine, machine.vault)}
         sealog sync
         sealog restore --from 'disk:${machine.vault}' --to small/restored --format maildir
         ls -A small/restored | wc -l; printf '\\0360\\036'
         mount -o remount,size=64m small
         sealog restore --from 'disk:${machine.vault}' --to small/restored --format maildir
         diff -r '${machine.mail}' small/restored/maildir; printf '\\0360\\036'`
        )
        assert.deepStrictEqual(steps.map(({ code }) => code), [0, 0, 15, 0, 0, 0], JSON.stringify(steps))
        assert.match(
          steps[2]!.out,
          /^sealog: there is no space left for .*\n {8}free some space there and run it again/
        )
        assert.deepStrictEqual([steps[3]!.out.trim(), steps[5]!.out], ["0", ""])
      }).pipe(Effect.provide(NodeContext.layer)),
    60_000
  )
})
