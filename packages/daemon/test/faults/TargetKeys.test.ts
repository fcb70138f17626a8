/**
 * A target whose keys somebody replaced gets nothing, whichever of them it was; one that has lost them gets them back
 * before anything else. In a program that is running, too.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { VAULT_FILE } from "@sealog/core/format/VaultFile"
import { Effect, TestClock } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { fillMaildir, initialise, makeMachine, restoreMaildir } from "../support/Machine.ts"
import { change, only } from "./Outcome.ts"
import { makeSmallMachine } from "./SmallMachine.ts"
import { opened, smallStore } from "./SmallVault.ts"

const shippedOnce = Effect.fn("test.shippedOnce")(function*(seed: string) {
  const machine = yield* makeSmallMachine({ seed, source: smallStore({ seed }) })
  yield* machine.capture(0)
  yield* machine.ship
  yield* machine.capture(1)
  // Keys are looked at before a ship when that was last done ten minutes ago.
  const ship = Effect.zipRight(TestClock.adjust("11 minutes"), machine.ship)
  return { ...machine, ship, shipped: machine.puts.length, keys: [...machine.objects.keys()].filter(isKey) }
})

const isKey = (name: string) => !/^(log|blobs)\//.test(name)

describe("a target's keys", () => {
  /** Verifies: SHIP-11 */
  it.effect(
    "stop a ship where any of them is another, and whatever was put in its place",
    () =>
      Effect.gen(function*() {
        const stranger = yield* shippedOnce("stranger")
        for (const name of (yield* shippedOnce("names")).keys) {
          const replacements = [
            ...stranger.keys.map((key) => stranger.objects.get(key)!),
            new Uint8Array(10),
            new Uint8Array(10_000)
          ]
          for (const bytes of replacements) {
            const machine = yield* shippedOnce("names")
            machine.objects.set(name, bytes)
            const error = yield* Effect.flip(machine.ship)
            assert.include(["VaultError KeysReplaced", "VaultError OtherVault"], `${error._tag} ${error.reason}`)
            assert.lengthOf(machine.puts, machine.shipped)
          }
        }
      }),
    60_000
  )

  /** Verifies: SHIP-11 */
  it.effect("stop a ship where there is one more", () =>
    Effect.gen(function*() {
      const stranger = yield* shippedOnce("stranger")
      const machine = yield* shippedOnce("machine")
      for (const key of stranger.keys.filter((name) => name !== VAULT_FILE)) {
        machine.objects.set(key, stranger.objects.get(key)!)
      }
      const error = yield* Effect.flip(machine.ship)
      assert.deepInclude(error, { _tag: "VaultError", reason: "KeysReplaced" })
      assert.lengthOf(machine.puts, machine.shipped)
    }))

  /** Verifies: SHIP-12 */
  it.effect("are put back before anything else where they are gone", () =>
    Effect.gen(function*() {
      for (
        const gone of [["sealog.json"], ["slots/"], ["slots/", "sealog.json"], [
          "slots/",
          "sealog.json",
          "log/",
          "blobs/"
        ]]
      ) {
        const machine = yield* shippedOnce("machine")
        const keys = new Map(machine.keys.map((name) => [name, machine.objects.get(name)!]))
        for (const name of machine.objects.keys()) {
          if (gone.some((prefix) => name.startsWith(prefix))) machine.objects.delete(name)
        }
        const lost = machine.keys.filter((name) => !machine.objects.has(name))
        yield* machine.ship
        const put = machine.puts.slice(machine.shipped)
        assert.sameMembers(put.slice(0, lost.length), lost)
        if (lost.includes(VAULT_FILE)) assert.strictEqual(put[lost.length - 1], VAULT_FILE)
        for (const [name, bytes] of keys) assert.deepStrictEqual(machine.objects.get(name), bytes)
        const ring = yield* opened(machine.objects, machine.secrets[0])
        assert.deepStrictEqual(ring.vaultId, machine.ring.vaultId)
      }
    }))

  /** Verifies: SHIP-11, SHIP-12 */
  it.scopedLive("are looked at by the program, which says what it found", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      yield* fillMaildir(machine, { count: 10, seed: 3 })
      yield* initialise(machine)
      yield* machine.sealog(["sync"])
      fs.rmSync(join(machine.vault, "slots"), { recursive: true })
      fs.rmSync(join(machine.vault, VAULT_FILE))
      const healed = yield* machine.sealog(["sync", "--json"])
      assert.strictEqual(healed.code, 0, healed.err)
      assert.deepStrictEqual(reasonsIn(JSON.parse(healed.out).warnings), ["KeysPutBack"])
      yield* restoreMaildir(machine, "restored")

      change(only(join(machine.vault, "slots")), 200, (byte) => byte ^ 1)
      const before = fs.readdirSync(join(machine.vault, "log"))
      fs.renameSync(join(machine.mail, "cur"), join(machine.mail, "cur.away"))
      fs.mkdirSync(join(machine.mail, "cur"))
      const stopped = yield* machine.sealog(["sync", "--json"])
      assert.strictEqual(stopped.code, 3, stopped.err)
      const { targets } = JSON.parse(stopped.out)
      assert.strictEqual(targets[0].error.reason, "KeysReplaced")
      assert.deepStrictEqual([targets[0].objects, targets[0].bytes], [0, 0])
      assert.deepStrictEqual(fs.readdirSync(join(machine.vault, "log")), before)
    }).pipe(Effect.provide(NodeContext.layer)), 60_000)
})

const reasonsIn = (problems: ReadonlyArray<{ readonly reason: string }>) => problems.map(({ reason }) => reason)
