/** A damaged journal and what becomes of it: kept, taken from a target, told as lost; and never an index used twice. */
import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { readDamaged } from "@sealog/adapters/journal/LevelDamaged"
import { openClassicLevel } from "@sealog/adapters/journal/LevelDatabase"
import { openWorkshop } from "@sealog/adapters/journal/LevelHeal"
import * as Keys from "@sealog/adapters/journal/LevelKeys"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { makeDisk } from "@sealog/adapters/storage/Disk"
import { heal } from "@sealog/core/backup/Heal"
import { Entropy } from "@sealog/core/keys/Entropy"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { mail, put } from "../sources/MaildirDriver.ts"
import { freshFolder } from "../support.ts"
import {
  assertSameTree,
  copy,
  eventsIn,
  type Machine,
  makeMachine,
  open,
  openStore,
  pass,
  restoreInto,
  ring
} from "./Machine.ts"

const deliver = (machine: Machine, ...numbers: ReadonlyArray<number>) => {
  for (const number of numbers) put(machine.mail, `new/${number}.host`, mail(number, "x".repeat(600)))
}

const journalOf = (machine: Machine) => join(machine.home, "journal")

/** Mails that came one after another, each of them shipped. */
const working = Effect.fn("test.working")(function*(top: string, passes: number, targets?: ReadonlyArray<string>) {
  const machine = yield* makeMachine(top, targets)
  for (let number = 1; number <= passes; number++) {
    deliver(machine, number)
    yield* pass(machine)
  }
  return machine
})

const healed = Effect.fn("test.healed")(
  function*(machine: Machine) {
    const workshop = yield* openWorkshop(journalOf(machine))
    const targets = yield* Effect.forEach(
      machine.targets,
      (path) => Effect.map(makeDisk(path), (storage) => ({ name: path, storage }))
    )
    const pinFile = yield* makePinFile(join(machine.home, "head.pin"))
    const pin = yield* Effect.either(pinFile.read)
    const report = yield* heal({
      workshop,
      ring,
      entropy: yield* Entropy,
      sources: [yield* openStore(machine)],
      targets,
      local: yield* makeDisk(machine.home),
      pin: pin._tag === "Right" ? pin.right : undefined
    })
    return { ...report, folder: yield* workshop.replace("{}") }
  },
  Effect.scoped,
  Effect.provideService(KeyRing, ring)
)

const stateOf = Effect.fn("test.state")(function*(machine: Machine) {
  const { journal } = yield* open(machine)
  const { writer } = yield* journal.identity
  const { root, size } = yield* journal.head
  return { writer, root, size }
}, Effect.scoped)

/** Removes keys from the journal as if they had never been written; of blocks, the one that covers an event. */
const removeBlocks = (machine: Machine, from: number, to: number) =>
  Effect.promise(async () => {
    const db = await openClassicLevel(join(journalOf(machine), "db"), { create: false })
    for await (const page of db.pages(Keys.from(0, Keys.ENTRY, 0))) {
      const keys = page.map(([key]) => key).filter((key) => Keys.placeOf(key) >= from && Keys.placeOf(key) < to)
      await db.write(keys.map((key) => [key, undefined]))
    }
    await db.close()
  })

const assertRestores = Effect.fn("test.assertRestores")(function*(machine: Machine, top: string) {
  const dir = join(top, `restored-${fs.readdirSync(top).length}`)
  const report = yield* restoreInto({ target: machine.targets[0]!, dir })
  assertSameTree(join(dir, "maildir"), machine.mail)
  return report
})

describe("a damaged journal", () => {
  /** Verifies: HEAL-1 */
  it.scopedLive(
    "is healed from a target to the same log, and nothing is told or shipped again",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* working(top, 12)
        const [before, events] = [yield* stateOf(machine), yield* eventsIn(machine)]
        yield* removeBlocks(machine, 3, 6)
        const report = yield* healed(machine)
        assert.deepStrictEqual(report.taken.map(({ first, last }) => [first, last])[0]?.[0], 3)
        assert.deepStrictEqual([report.lost, report.forkedAt], [[], undefined])
        assert.deepStrictEqual(yield* stateOf(machine), before)
        assert.deepStrictEqual(yield* eventsIn(machine), events)
        const after = yield* pass(machine)
        assert.deepStrictEqual(after, {
          events: 0,
          findings: [{ _tag: "agrees", size: before.size }],
          ships: [{ objects: 0, bytes: 0 }]
        })
        yield* assertRestores(machine, top)
      }).pipe(Effect.provide(services)),
    60_000
  )

  /** Verifies: HEAL-2 */
  for (const lost of ["CURRENT", "MANIFEST"]) {
    it.scopedLive(`is healed without its ${lost}, and without any target`, () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* working(top, 5)
        const before = yield* stateOf(machine)
        const folder = join(journalOf(machine), "db")
        for (const name of fs.readdirSync(folder)) if (name.startsWith(lost)) fs.rmSync(join(folder, name))
        fs.renameSync(machine.targets[0]!, join(top, "away"))
        const report = yield* healed(machine)
        assert.deepStrictEqual([report.kept, report.taken, report.forkedAt], [before.size, [], undefined])
        fs.renameSync(join(top, "away"), machine.targets[0]!)
        assert.deepStrictEqual(yield* stateOf(machine), before)
        assert.strictEqual((yield* pass(machine)).events, 0)
      }).pipe(Effect.provide(services)), 60_000)
  }

  /** Verifies: HEAL-1 */
  it.scopedLive(
    "is made anew from a target where nothing of it is left, and goes on under a new writer id",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* working(top, 5)
        const [before, events] = [yield* stateOf(machine), yield* eventsIn(machine)]
        fs.rmSync(journalOf(machine), { recursive: true })
        const report = yield* healed(machine)
        assert.strictEqual(report.forkedAt, before.size)
        assert.deepStrictEqual((yield* eventsIn(machine)).slice(0, before.size), events)
        deliver(machine, 6)
        yield* pass(machine)
        const told = (yield* eventsIn(machine)).flatMap((event) =>
          event.kind === "message.added" ? [event.message.key] : []
        )
        assert.deepStrictEqual([told.length, new Set(told).size], [6, 6])
        const { findings, logs } = yield* assertRestores(machine, top)
        assert.deepStrictEqual([findings, logs.length], [[], 2])
      }).pipe(Effect.provide(services)),
    60_000
  )

  /** Verifies: HEAL-3 */
  it.scopedLive(
    "uses no index again of newest events that nobody has, and asks the store for them",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* working(top, 4)
        const shipped = yield* stateOf(machine)
        deliver(machine, 5, 6)
        yield* pass(machine, true)
        const { size } = yield* stateOf(machine)
        yield* removeBlocks(machine, shipped.size, size)
        const report = yield* healed(machine)
        assert.deepStrictEqual(report.lost, [{ first: shipped.size, last: size - 1 }])
        assert.strictEqual(report.forkedAt, shipped.size)
        const after = yield* pass(machine)
        assert.isAbove(after.events, 0)
        assert.notDeepEqual((yield* stateOf(machine)).writer, shipped.writer)
        yield* assertRestores(machine, top)
      }).pipe(Effect.provide(services)),
    60_000
  )

  /** Verifies: HEAL-3 */
  it.scopedLive(
    "keeps what can be read behind a gap that nobody fills, though the store has it no more",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* working(top, 3)
        const shipped = yield* stateOf(machine)
        for (const number of [4, 5, 6]) {
          deliver(machine, number)
          yield* pass(machine, true)
        }
        fs.rmSync(join(machine.mail, "new/6.host"))
        yield* pass(machine, true)
        const { size } = yield* stateOf(machine)
        yield* removeBlocks(machine, shipped.size, shipped.size + 1)
        const report = yield* healed(machine)
        assert.deepStrictEqual(report.lost, [{ first: shipped.size, last: shipped.size }])
        assert.strictEqual(report.head.size, 1 + size - shipped.size - 1)
        yield* pass(machine)
        const keys = (yield* eventsIn(machine)).flatMap((event) =>
          event.kind === "message.added" ? [event.message.key] : []
        )
        assert.strictEqual(new Set(keys).size, 6)
        assert.strictEqual(keys.length, 6)
        yield* assertRestores(machine, top)
      }).pipe(Effect.provide(services)),
    60_000
  )

  /** Verifies: HEAL-4 */
  it.scopedLive("is left alone while a target is away that may have what is missing", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* working(top, 3, ["a", "b"])
      const alone = { ...machine, targets: [machine.targets[1]!] }
      deliver(machine, 4)
      yield* pass(alone)
      const before = yield* stateOf(machine)
      yield* removeBlocks(machine, before.size - 1, before.size)
      const tree = fs.readdirSync(join(journalOf(machine), "db")).toSorted()
      fs.renameSync(machine.targets[1]!, join(top, "away"))
      const error = yield* Effect.flip(healed(machine))
      assert.strictEqual(error._tag, "JournalError")
      assert.include(error.message, machine.targets[1]!)
      assert.deepStrictEqual(fs.readdirSync(join(journalOf(machine), "db")).toSorted(), tree)
      fs.renameSync(join(top, "away"), machine.targets[1]!)
      yield* healed(machine)
      assert.deepStrictEqual(yield* stateOf(machine), before)
    }).pipe(Effect.provide(services)), 60_000)

  /** Verifies: HEAL-4 */
  it.scopedLive("takes an empty folder in a target's place for a target that is away", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* working(top, 2)
      const before = yield* stateOf(machine)
      yield* removeBlocks(machine, before.size - 1, before.size)
      fs.renameSync(machine.targets[0]!, join(top, "away"))
      for (const sub of ["", "log", "blobs", "slots"]) fs.mkdirSync(join(machine.targets[0]!, sub))
      const error = yield* Effect.flip(healed(machine))
      assert.include(error.message, "only from a target that is away")
      fs.rmSync(machine.targets[0]!, { recursive: true })
      fs.renameSync(join(top, "away"), machine.targets[0]!)
      yield* healed(machine)
      assert.deepStrictEqual(yield* stateOf(machine), before)
    }).pipe(Effect.provide(services)), 60_000)

  /** Verifies: HEAL-5 */
  it.scopedLive(
    "is kept beside the healed one, and a swap that was cut short is finished",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* working(top, 3)
        const before = yield* stateOf(machine)
        fs.rmSync(join(journalOf(machine), "db/CURRENT"))
        const files = fs.readdirSync(join(journalOf(machine), "db"))
        const { folder } = yield* healed(machine)
        assert.includeMembers(fs.readdirSync(join(folder, "db")), files)
        const told = yield* Effect.flatMap(FileSystem.FileSystem, (service) => readDamaged(service, journalOf(machine)))
        assert.deepStrictEqual(told, [{ folder, account: "{}" }])
        // As if the process had ended between the two renames.
        fs.renameSync(join(journalOf(machine), "db"), join(journalOf(machine), "db.healed"))
        copy(join(folder, "db"), join(journalOf(machine), "db"))
        fs.rmSync(join(folder, "db"), { recursive: true })
        assert.deepStrictEqual(yield* stateOf(machine), before)
        assert.includeMembers(fs.readdirSync(join(folder, "db")), files)
      }).pipe(Effect.provide(services)),
    60_000
  )
})
