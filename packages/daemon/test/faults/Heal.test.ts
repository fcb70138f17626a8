/** A damaged journal and the real program: what `sync` and `run` do about it, and what the other commands say. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { differences, fillMaildir, initialise, type Machine, makeMachine, restoreMaildir } from "../support/Machine.ts"
import { statusOf } from "./Outcome.ts"

const MAILS = 40

/** A machine whose journal is shipped, and lies in tables: what is old is written there when it is opened again. */
const synced = Effect.fn("test.synced")(function*() {
  const machine = yield* makeMachine
  yield* fillMaildir(machine, { count: MAILS, seed: 5 })
  yield* initialise(machine)
  for (let n = 0; n < 2; n++) assert.strictEqual((yield* machine.sealog(["sync"])).code, 0)
  return machine
})

const database = ({ home }: Machine) => join(home, "journal/db")

/** Every bit of a stretch in the middle of the largest table. */
const rot = (machine: Machine) => {
  const tables = fs.readdirSync(database(machine)).filter((name) => name.endsWith(".ldb"))
    .map((name) => join(database(machine), name))
  const largest = tables.toSorted((a, b) => fs.statSync(b).size - fs.statSync(a).size)[0]!
  const file = fs.openSync(largest, "r+")
  const at = Math.floor(fs.fstatSync(file).size / 2)
  const bytes = Buffer.alloc(64)
  fs.readSync(file, bytes, 0, 64, at)
  fs.writeSync(file, bytes.map((byte) => byte ^ 0xff), 0, 64, at)
  fs.closeSync(file)
}

interface Warned {
  readonly treeSize: number
  readonly warnings: ReadonlyArray<{ readonly reason: string; readonly message: string; readonly hint: string }>
}

const healedIn = (report: unknown) => (report as Warned).warnings.find(({ reason }) => reason === "JournalHealed")

describe("the program, with a damaged journal", () => {
  /** Verifies: HEAL-1 */
  it.scopedLive(
    "heals it in sync, says so until the damaged one is removed, and every mail is restored",
    () =>
      Effect.gen(function*() {
        const machine = yield* synced()
        const before = statusOf(machine) as unknown as Warned & { readonly root: string }
        rot(machine)
        const log = yield* machine.sealog(["log"])
        assert.strictEqual(log.code, 13)
        assert.include(log.err, "run sealog sync")
        const sync = yield* machine.sealog(["sync", "--json"])
        assert.strictEqual(sync.code, 0, sync.err)
        const report = JSON.parse(sync.out) as Warned & { readonly root: string; readonly captured: { events: number } }
        assert.deepStrictEqual([report.treeSize, report.root, report.captured.events], [
          before.treeSize,
          before.root,
          0
        ])
        assert.match(healedIn(report)?.message ?? "", /taken from disk/)
        assert.include(sync.err, "the journal is damaged")
        const kept = fs.readdirSync(machine.home).filter((name) => name.startsWith("journal.damaged-"))
        assert.strictEqual(kept.length, 1)
        assert.include(healedIn(statusOf(machine))?.hint, kept[0])
        fs.rmSync(join(machine.home, kept[0]!), { recursive: true })
        assert.strictEqual((yield* machine.sealog(["sync"])).code, 0)
        assert.isUndefined(healedIn(statusOf(machine)))
        assert.strictEqual(
          differences(
            machine.mail,
            yield* restoreMaildir(machine, "restored").pipe(
              Effect.map((to) => join(to, "maildir"))
            )
          ),
          ""
        )
      }),
    120_000
  )

  /** Verifies: HEAL-4 */
  it.scopedLive(
    "refuses with 13 while the target is away that is needed, and changes nothing",
    () =>
      Effect.gen(function*() {
        const machine = yield* synced()
        rot(machine)
        fs.renameSync(machine.vault, `${machine.vault} away`)
        const tables = fs.readdirSync(database(machine)).toSorted()
        for (let n = 0; n < 2; n++) {
          const { code, err } = yield* machine.sealog(["sync", "--json"])
          assert.strictEqual(code, 13)
          const said = JSON.parse(err.trim().split("\n").at(-1)!) as {
            readonly reason: string
            readonly message: string
          }
          assert.strictEqual(said.reason, "JournalDamaged")
          assert.match(said.message, /only from a target that is away: disk/)
          assert.deepStrictEqual(fs.readdirSync(database(machine)).toSorted(), tables)
        }
        fs.renameSync(`${machine.vault} away`, machine.vault)
        assert.strictEqual((yield* machine.sealog(["sync"])).code, 0)
      }),
    120_000
  )

  /** Verifies: HEAL-1 */
  it.scopedLive(
    "goes on as a daemon after it was healed, when damage is met while it runs",
    () =>
      Effect.gen(function*() {
        const machine = yield* synced()
        const daemon = yield* machine.start(["run"])
        yield* daemon.says(/^ready$/m)
        const healed = yield* Effect.gen(function*() {
          rot(machine)
          // A full drill compares every event, and so reads them all.
          yield* machine.sealog(["drill", "--full"])
          const drill = yield* machine.sealog(["drill", "--full"])
          assert.strictEqual(drill.code, 0, drill.err)
          const status = yield* machine.sealog(["status", "--json"])
          const report = JSON.parse(status.out) as Warned & { readonly running: boolean }
          assert.isTrue(report.running)
          return healedIn(report)
          // LevelDB may just have merged the table that was damaged into another, which is whole.
        }).pipe(Effect.repeat({ until: (found) => found !== undefined, times: 2 }))
        assert.isDefined(healed)
        yield* daemon.kill("SIGTERM")
      }),
    120_000
  )

  /** Verifies: HEAL-5 */
  it.scopedLive(
    "pins anew what the journal knows where the pinned head is gone or damaged",
    () =>
      Effect.gen(function*() {
        const machine = yield* synced()
        const pin = join(machine.home, "head.pin")
        fs.rmSync(pin)
        const gone = JSON.parse((yield* machine.sealog(["sync", "--json"])).out) as Warned
        fs.writeFileSync(pin, "not a pin")
        const damaged = JSON.parse((yield* machine.sealog(["sync", "--json"])).out) as Warned
        for (const { warnings } of [gone, damaged]) {
          assert.deepInclude(warnings.map(({ reason }) => reason), "PinMadeAnew")
        }
        assert.strictEqual((yield* machine.sealog(["verify"])).code, 0)
        const { warnings } = JSON.parse((yield* machine.sealog(["sync", "--json"])).out) as Warned
        assert.deepStrictEqual(warnings, [])
      }),
    120_000
  )

  /** Verifies: HEAL-4 */
  it.scopedLive(
    "records nothing on a journal that is older than what is pinned, while the target is away that has more",
    () =>
      Effect.gen(function*() {
        const machine = yield* synced()
        const backup = join(machine.folder, "older journal")
        fs.cpSync(join(machine.home, "journal"), backup, { recursive: true })
        yield* fillMaildir(machine, { count: MAILS + 5, seed: 5 })
        assert.strictEqual((yield* machine.sealog(["sync"])).code, 0)
        const { treeSize } = statusOf(machine) as unknown as Warned
        fs.rmSync(join(machine.home, "journal"), { recursive: true })
        fs.renameSync(backup, join(machine.home, "journal"))
        fs.renameSync(machine.vault, `${machine.vault} away`)
        for (const words of [["sync"], ["run"]]) {
          const { code, err } = yield* machine.sealog(words)
          assert.deepStrictEqual([code, err.includes("only from a target that is away: disk")], [13, true], err)
        }
        fs.renameSync(`${machine.vault} away`, machine.vault)
        const { code, out } = yield* machine.sealog(["sync", "--json"])
        assert.deepStrictEqual([code, (JSON.parse(out) as Warned).treeSize], [0, treeSize])
      }),
    120_000
  )
})
