import { assert, describe, it } from "@effect/vitest"
import { makeDisk } from "@sealog/adapters/storage/Disk"
import { compact } from "@sealog/core/backup/Compaction"
import { StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { listSegments } from "@sealog/core/backup/VaultObjects"
import { Entropy } from "@sealog/core/keys/Entropy"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { verify } from "@sealog/core/restore/Verify"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { mail, put } from "../sources/MaildirDriver.ts"
import { freshFolder } from "../support.ts"
import { assertSameTree, fetchFrom, type Machine, makeMachine, open, pass, restoreInto, ring } from "./Machine.ts"

/** So many single messages, each shipped by itself, by a program that runs all the while. */
const shipSingly = Effect.fn("test.shipSingly")(function*(machine: Machine, first: number, count: number) {
  const { backup, source, targets } = yield* open(machine)
  for (let number = first; number < first + count; number++) {
    put(machine.mail, `new/${number}.host`, mail(number))
    // Written long before it was published: nothing to wait for.
    fs.utimesSync(join(machine.mail, `new/${number}.host`), 1_600_000_000, 1_600_000_000)
    yield* backup.capture(source)
    for (const target of targets) yield* backup.shipTo(target)
  }
}, Effect.scoped)

const segmentsAt = (target: string) =>
  Effect.flatMap(makeDisk(target), (storage) => Effect.map(listSegments(storage, ring), ({ segments }) => segments))

const assertWhole = Effect.fn("test.assertWhole")(function*(machine: Machine, top: string) {
  const fetch = yield* fetchFrom(machine.targets[0]!)
  const [log] = yield* verify(fetch, "data", new Map())
  assert.deepStrictEqual(log!.findings, [])
  const dir = join(top, `restored-${log!.head.size}`)
  yield* restoreInto({ target: machine.targets[0]!, dir })
  assertSameTree(join(dir, "maildir"), machine.mail)
})

/** A storage that fails for good after so many calls of the verbs that write. */
const failingAfter = (storage: StorageShape, writes: number): StorageShape => {
  let left = writes
  const guard = <A>(method: string, subject: string, work: Effect.Effect<A, StorageError>) =>
    Effect.suspend(() =>
      left-- > 0 ? work : new StorageError({ reason: "Unreachable", method, subject, retryable: false })
    )
  return {
    ...storage,
    put: (name, bytes) => guard("put", name, storage.put(name, bytes)),
    delete: (name) => guard("delete", name, storage.delete(name))
  }
}

describe("compaction", () => {
  /** Verifies: SHIP-7 */
  it.scopedLive("keeps the number of objects small, and everything in them", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top)
      yield* shipSingly(machine, 0, 300)
      const segments = yield* segmentsAt(machine.targets[0]!)
      assert.isAtMost(segments.length, 16 + 16 + 3)
      assert.isAtLeast(Math.max(...segments.map(({ level }) => level)), 2)
      yield* assertWhole(machine, top)
    }).pipe(Effect.provide(services)), 60_000)

  /** Verifies: SHIP-8 */
  it.scopedLive(
    "may end between any two steps: what is there is whole, and the next one clears up",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* makeMachine(top)
        // Of sixteen ships of one run the last would compact; so they come in two runs of eight.
        yield* shipSingly(machine, 0, 8)
        for (let number = 8; number < 16; number++) {
          put(machine.mail, `new/${number}.host`, mail(number))
        }
        for (let steps = 0; steps < 18; steps++) {
          put(machine.mail, `new/step-${steps}.host`, mail(steps))
          yield* Effect.scoped(Effect.gen(function*() {
            const { backup, journal, source, targets } = yield* open(machine)
            yield* backup.capture(source)
            yield* backup.shipTo(targets[0]!)
            const entropy = yield* Entropy
            const target = { ...targets[0]!, storage: failingAfter(targets[0]!.storage, steps) }
            yield* Effect.either(compact({ journal, ring, entropy, target }))
          }))
          yield* assertWhole(machine, top)
        }
        yield* pass(machine)
        assert.isAtMost((yield* segmentsAt(machine.targets[0]!)).length, 24)
      }).pipe(Effect.provide(services)),
    60_000
  )

  /** Verifies: SHIP-9 */
  it.scopedLive("does not disturb a restore that is under way", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top)
      yield* shipSingly(machine, 0, 15)
      const storage = yield* makeDisk(machine.targets[0]!)
      const fetch = yield* makeFetch([{ name: "disk", storage }], ring)
      const before = yield* segmentsAt(machine.targets[0]!)
      yield* shipSingly(machine, 15, 4)
      const after = yield* segmentsAt(machine.targets[0]!)
      assert.isBelow(after.length, before.length)
      // It listed before, and reads now: every object it knows of is gone.
      const [log] = yield* verify(fetch, "data", new Map())
      assert.deepStrictEqual(log!.findings, [])
      assert.isAbove(log!.head.size, 15)
    }).pipe(Effect.provide(services)))

  /** Verifies: SHIP-10 */
  it.scopedLive("leaves a target alone whose objects cannot be removed", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* makeMachine(top)
      yield* shipSingly(machine, 0, 15)
      const { journal, targets } = yield* open(machine)
      const entropy = yield* Entropy
      const appendOnly = {
        ...targets[0]!.storage,
        capabilities: { ...targets[0]!.storage.capabilities, deletes: false }
      }
      const report = yield* compact({ journal, ring, entropy, target: { ...targets[0]!, storage: appendOnly } })
      assert.deepStrictEqual(report, { made: 0, removed: 0, bytes: 0 })
    }).pipe(Effect.provide(services)))
})
