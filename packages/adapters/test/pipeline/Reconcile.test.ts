import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { mail, put } from "../sources/MaildirDriver.ts"
import { freshFolder } from "../support.ts"
import { assertSameTree, copy, eventsIn, type Machine, makeMachine, open, pass, restoreInto } from "./Machine.ts"

const deliver = (machine: Machine, ...numbers: ReadonlyArray<number>) => {
  for (const number of numbers) put(machine.mail, `new/${number}.host`, mail(number))
}

/** Each message was told exactly once as new. */
const addedKeys = (machine: Machine) =>
  Effect.map(
    eventsIn(machine),
    (events) => events.flatMap((event) => event.kind === "message.added" ? [event.message.key] : [])
  )

const assertRestores = Effect.fn("test.assertRestores")(function*(machine: Machine, top: string, target: string) {
  const dir = join(top, `restored-${fs.readdirSync(top).length}`)
  const report = yield* restoreInto({ target, dir })
  assertSameTree(join(dir, "maildir"), machine.mail)
  return report
})

describe("after opening, before the first append", () => {
  /** Verifies: SHIP-1 */
  it.scopedLive("ships nothing and appends nothing where nothing changed", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top)
      deliver(machine, 1, 2, 3)
      const first = yield* pass(machine)
      const second = yield* pass(machine)
      assert.isAbove(first.events, 0)
      assert.deepStrictEqual(second, { ...second, events: 0, ships: [{ objects: 0, bytes: 0 }] })
      assert.strictEqual(fs.readdirSync(join(machine.targets[0]!, "log")).length, 1)
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-2 */
  it.scopedLive("takes back its later events when the journal is an older copy, and repeats none", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top)
      deliver(machine, 1, 2, 3)
      yield* pass(machine)
      copy(machine.home, join(top, "backup"))
      deliver(machine, 4, 5)
      yield* pass(machine)
      const before = yield* eventsIn(machine)
      copy(join(top, "backup"), machine.home)
      deliver(machine, 6)
      const { findings } = yield* pass(machine)
      assert.strictEqual(findings[0]?._tag, "extended")
      const keys = yield* addedKeys(machine)
      assert.strictEqual(keys.length, 6)
      assert.strictEqual(new Set(keys).size, 6)
      assert.deepStrictEqual((yield* eventsIn(machine)).slice(0, before.length), before)
      const report = yield* assertRestores(machine, top, machine.targets[0]!)
      assert.deepStrictEqual(report.findings, [])
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-3 */
  it.scopedLive("keeps both histories when a clone shipped first, and uses no index twice", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top)
      deliver(machine, 1, 2, 3)
      yield* pass(machine)
      const clone: Machine = { ...machine, home: join(top, "clone-home"), mail: join(top, "clone-mail") }
      copy(machine.home, clone.home)
      copy(machine.mail, clone.mail)
      // Both work offline on the same state; then the clone is the first to ship.
      deliver(machine, 4)
      yield* pass(machine, true)
      deliver(clone, 5)
      yield* pass(clone, true)
      yield* pass(clone)
      const { findings } = yield* pass(machine)
      assert.strictEqual(findings[0]?._tag, "forked")
      const report = yield* restoreInto({ target: machine.targets[0]!, dir: join(top, "restored") })
      assert.strictEqual(report.logs.length, 2)
      assert.deepStrictEqual(report.findings, [])
      const names = fs.readdirSync(join(top, "restored/maildir/new")).toSorted()
      assert.deepStrictEqual(names, ["1.host", "2.host", "3.host", "4.host", "5.host"])
      // From now on each has a log of its own: nothing is found any more.
      const again = yield* pass(machine)
      assert.strictEqual(again.findings[0]?._tag, "agrees")
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-4 */
  it.scopedLive("ships again what a target has lost, and says so", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top)
      deliver(machine, 1, 2, 3)
      yield* pass(machine)
      copy(machine.targets[0]!, join(top, "old-target"))
      deliver(machine, 4)
      yield* pass(machine)
      copy(join(top, "old-target"), machine.targets[0]!)
      const { findings, ships } = yield* pass(machine)
      assert.strictEqual(findings[0]?._tag, "short")
      assert.strictEqual(ships[0]?.objects, 1)
      yield* assertRestores(machine, top, machine.targets[0]!)
    }).pipe(Effect.provide(services)))

  /** Verifies: FAULT-19 */
  it.scopedLive("keeps nobody from appending while a target does not answer", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine(yield* freshFolder)
      const asked = yield* Deferred.make<void>()
      const never = Stream.fromEffect(Effect.zipRight(Deferred.succeed(asked, undefined), Effect.never))
      const { backup, source, targets } = yield* open(machine, (storage) => ({ ...storage, list: () => never }))
      yield* Effect.fork(backup.meet(targets[0]!))
      yield* Deferred.await(asked)
      deliver(machine, 1)
      assert.isAbove((yield* backup.capture(source)).events, 0)
    }).pipe(Effect.provide(services)), 10_000)

  /** Verifies: SHIP-5 */
  it.scopedLive("fills each target from its own cursor, the later one from the journal", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top, ["a", "b"])
      const alone = { ...machine, targets: [machine.targets[0]!] }
      deliver(machine, 1, 2)
      yield* pass(alone)
      deliver(machine, 3)
      yield* pass(machine)
      for (const target of machine.targets) yield* assertRestores(machine, top, target)
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-6 */
  it.scopedLive("goes on after a fork as one machine: what is deleted there stays deleted", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top)
      deliver(machine, 1, 2, 3)
      yield* pass(machine)
      const clone: Machine = { ...machine, home: join(top, "clone-home"), mail: join(top, "clone-mail") }
      copy(machine.home, clone.home)
      copy(machine.mail, clone.mail)
      fs.rmSync(join(machine.mail, "new/1.host"))
      yield* pass(machine, true)
      deliver(clone, 5)
      yield* pass(clone)
      yield* pass(machine)
      fs.renameSync(join(machine.mail, "new/2.host"), join(machine.mail, "cur/2.host:2,S"))
      yield* pass(machine)
      yield* restoreInto({ target: machine.targets[0]!, dir: join(top, "restored") })
      assert.deepStrictEqual(fs.readdirSync(join(top, "restored/maildir/new")).toSorted(), ["3.host", "5.host"])
      assert.deepStrictEqual(fs.readdirSync(join(top, "restored/maildir/cur")), ["2.host:2,S"])
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-6 */
  it.scopedLive(
    "asks the store again for what it had removed in a past that was undone with it",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* makeMachine(top)
        deliver(machine, 1, 2, 3)
        yield* pass(machine)
        copy(machine.home, join(top, "backup-home"))
        copy(machine.mail, join(top, "backup-mail"))
        fs.rmSync(join(machine.mail, "new/1.host"))
        fs.renameSync(join(machine.mail, "new/2.host"), join(machine.mail, "cur/2.host:2,S"))
        yield* pass(machine)
        // The whole machine goes back, works offline, and then finds what it did in that other past.
        copy(join(top, "backup-home"), machine.home)
        copy(join(top, "backup-mail"), machine.mail)
        deliver(machine, 4)
        yield* pass(machine, true)
        const { findings } = yield* pass(machine)
        assert.strictEqual(findings[0]?._tag, "forked")
        yield* assertRestores(machine, top, machine.targets[0]!)
        assert.strictEqual((yield* pass(machine)).events, 0)
      }).pipe(Effect.provide(services)),
    60_000
  )
})
