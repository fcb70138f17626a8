/**
 * What people read and scripts see when a place, a key, a disk or a store is not as it should be: the exit codes of
 * the contract and the words that go with them, from the real program.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { fillMaildir, initialise, type Machine, makeMachine, restoreWords } from "../support/Machine.ts"
import { change, copied, only, plain, restoreFrom, says, statusOf } from "./Outcome.ts"

const MAILS = 30

/** A machine whose vault has everything; no test may change it. */
class Whole extends Context.Tag("test/Whole")<Whole, Machine>() {}

const wholeLayer = Layer.scoped(
  Whole,
  Effect.gen(function*() {
    const machine = yield* makeMachine
    yield* fillMaildir(machine, { count: MAILS, seed: 11 })
    yield* initialise(machine)
    const { code } = yield* machine.sealog(["sync"])
    assert.strictEqual(code, 0)
    return machine
  })
).pipe(Layer.provide(NodeContext.layer))

it.layer(wholeLayer)("the program", (test) => {
  /** Verifies: FAULT-11 */
  test.effect("says that a password is wrong, or that none was given, with 12", () =>
    Effect.gen(function*() {
      const machine = yield* Whole
      const wrong = join(machine.folder, "wrong")
      fs.writeFileSync(wrong, "another horse battery staple\n")
      const [sync, restore, json, none] = yield* Effect.all([
        machine.sealog(["sync", "--password-file", wrong]),
        machine.sealog([...restoreWords(machine, join(machine.folder, "12"), "jsonl"), "--password-file", wrong]),
        machine.sealog(["verify", "--json", "--password-file", wrong]),
        machine.sealog(["sync"], { environment: { SEALOG_PASSWORD_FILE: "" } })
      ], { concurrency: 2 })
      const hint = "        try again, or open it with the recovery code: --recovery-code-file F"
      says(machine, sync, 12, "sealog: the password or code does not open the vault at FOLDER/home 🏠", hint)
      says(
        machine,
        restore,
        12,
        "sealog: the password or code does not open the vault at disk:FOLDER/the vault 🔒",
        hint
      )
      assert.isFalse(fs.existsSync(join(machine.folder, "12")))
      assert.deepStrictEqual(JSON.parse(plain(machine, json.err)), {
        schema: "sealog.error/1",
        exit: 12,
        reason: "WrongPassword",
        message: "the password or code does not open the vault at FOLDER/home 🏠",
        hint: hint.trim(),
        subject: "FOLDER/home 🏠"
      })
      assert.deepStrictEqual([json.code, json.out], [12, ""])
      says(
        machine,
        none,
        12,
        "sealog: no password was given, and there is no terminal to ask on",
        "        give one with --password-file F, --password-command C, SEALOG_PASSWORD_FILE, SEALOG_PASSWORD_COMMAND, or "
          + "the code with --recovery-code-file F"
      )
    }), 60_000)

  /** Verifies: FAULT-11 */
  test.effect("says that there is no vault with 10, and that the place is away with 14", () =>
    Effect.gen(function*() {
      const machine = yield* Whole
      const other = join(machine.folder, "other")
      fs.mkdirSync(other)
      fs.writeFileSync(join(other, "holiday.jpg"), "")
      const [empty, away, home] = yield* Effect.all([
        restoreFrom(machine, other, "10"),
        restoreFrom(machine, join(machine.folder, "away"), "14"),
        machine.sealog(["sync", "--home", other])
      ], { concurrency: 2 })
      says(
        machine,
        empty,
        10,
        "sealog: there is no vault at disk:FOLDER/other",
        "        check the place; sealog init makes a new vault"
      )
      says(
        machine,
        away,
        14,
        "sealog: FOLDER/away cannot be reached (get) (ENODEV)",
        "        connect the disk or the network, check the path, then run it again"
      )
      says(
        machine,
        home,
        10,
        "sealog: there is no vault in this home: FOLDER/other/config.toml is not there",
        "        make one with sealog init, or say where it is with --home DIR or SEALOG_HOME"
      )
      for (const to of ["10", "14"]) assert.isFalse(fs.existsSync(join(machine.folder, to)))
    }), 60_000)

  /** Verifies: FAULT-11 */
  test.effect(
    "says that a newer program made it with 16, and that a slot is damaged with 13",
    () =>
      Effect.gen(function*() {
        const machine = yield* Whole
        const newer = copied(machine, "newer", (vault) => {
          const path = join(vault, "sealog.json")
          fs.writeFileSync(path, fs.readFileSync(path, "utf8").replace("\"format\":1", "\"format\":2"))
        })
        const slot = copied(machine, "newer slot", (vault) => change(only(join(vault, "slots")), 11, () => 2))
        const damaged = copied(machine, "damaged slot", (vault) => change(only(join(vault, "slots")), 0, () => 0))
        const outcomes = yield* Effect.all(
          [newer, slot, damaged].map((vault, at) => restoreFrom(machine, vault, `16 ${at}`)),
          { concurrency: 2 }
        )
        const hint = "        install the newest release and run it again"
        says(machine, outcomes[0]!, 16, "sealog: sealog.json: made by a newer sealog (format 2)", hint)
        says(machine, outcomes[1]!, 16, "sealog: a key slot was made by a newer sealog", hint)
        says(
          machine,
          outcomes[2]!,
          13,
          "sealog: a key slot is damaged",
          "        use another target; each holds the same key slots"
        )
      }),
    60_000
  )

  /** Verifies: FAULT-11 */
  test.effect(
    "names the damaged object and its events with 13, writes nothing, and with --partial the rest with 3",
    () =>
      Effect.gen(function*() {
        const machine = yield* Whole
        const vault = copied(
          machine,
          "damaged",
          (folder) => change(only(join(folder, "log")), 3_000, (byte) => byte ^ 1)
        )
        const [restore, partial, verify] = yield* Effect.all([
          restoreFrom(machine, vault, "13"),
          restoreFrom(machine, vault, "3", "--partial", "--json"),
          machine.sealog(["verify", "--from", `disk:${vault}`, "--read-data", "--json"])
        ], { concurrency: 2 })
        const { treeSize } = statusOf(machine) as {
          readonly treeSize: number
        }
        const last = treeSize - 1
        says(
          machine,
          restore,
          13,
          `sealog: the vault could not be read whole: log/OBJECT is damaged (events 0 to ${last}); events 0 to ${last} are `
            + "missing. Nothing was written",
          "        try another target that holds this vault, or add --partial to restore what can be read, with its gaps marked"
        )
        assert.deepStrictEqual(fs.readdirSync(join(machine.folder, "13")), [])
        assert.deepStrictEqual([partial.code, verify.code], [3, 13])
        const object = only(join(vault, "log")).slice(vault.length + 1)
        for (const found of [JSON.parse(partial.out).gaps, JSON.parse(verify.out).findings]) {
          assert.deepNestedInclude({ found }, {
            "found[0].reason": "Damaged",
            "found[0].object": object,
            "found[0].range.first": 0
          })
          assert.deepNestedInclude({ found }, { "found[1].reason": "Gap", "found[1].range.last": last })
        }
      }),
    60_000
  )

  /** Verifies: FAULT-11 */
  test.effect(
    "says what is in the way with 2: a vault, a home, a folder that is not empty",
    () =>
      Effect.gen(function*() {
        const machine = yield* Whole
        const taken = join(machine.folder, "taken")
        fs.mkdirSync(taken)
        fs.writeFileSync(join(taken, "letter.txt"), "")
        const init = (home: string, vault: string) =>
          machine.sealog(
            [
              "init",
              "--home",
              home,
              "--source",
              `maildir:${machine.mail}`,
              "--target",
              `disk:${vault}`,
              "--no-recovery-code"
            ]
          )
        const [home, target, folder] = yield* Effect.all([
          init(machine.home, join(machine.folder, "new vault")),
          init(join(machine.folder, "new home"), machine.vault),
          restoreFrom(machine, machine.vault, "taken")
        ], { concurrency: 2 })
        const hint =
          "        use another place for a new vault; a second machine joins this one with sealog init --join, in a "
          + "later release"
        says(machine, home, 2, "sealog: FOLDER/home 🏠 already holds a vault", hint)
        says(machine, target, 2, "sealog: disk:FOLDER/the vault 🔒 already holds a vault", hint)
        for (const made of ["new vault", "new home"]) assert.isFalse(fs.existsSync(join(machine.folder, made)))
        says(
          machine,
          folder,
          2,
          "sealog: FOLDER/taken holds files that no restore wrote",
          "        choose an empty folder, or add --force: it still replaces nothing that sealog did not write"
        )
        assert.deepStrictEqual(fs.readdirSync(taken), ["letter.txt"])
      }),
    60_000
  )

  /** Verifies: FAULT-11 */
  test.scoped(
    "names the process that holds the journal with 11, also where that has lost its socket",
    () =>
      Effect.gen(function*() {
        const machine = yield* Whole
        const daemon = yield* machine.start(["run"])
        yield* daemon.says(/^ready$/m)
        const second = yield* machine.sealog(["run"])
        fs.rmSync(join(machine.home, "control.sock"))
        const [beside, json] = yield* Effect.all([machine.sealog(["sync"]), machine.sealog(["sync", "--json"])], {
          concurrency: 2
        })
        const hint =
          "        wait for it to end, or stop it; while a daemon runs, sync, status, log and drill ask it by themselves"
        for (const outcome of [second, beside]) {
          assert.include(outcome.err, `pid ${daemon.pid}`)
          says(machine, outcome, 11, "sealog: another process holds the journal: pid N", hint)
        }
        assert.deepNestedInclude(JSON.parse(json.err), { exit: 11, reason: "Locked" })
        yield* daemon.kill("SIGTERM")
      }),
    60_000
  )
})
