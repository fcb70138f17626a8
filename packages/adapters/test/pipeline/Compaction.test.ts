import { assert, describe, it } from "@effect/vitest"
import { makeDisk } from "@sealog/adapters/storage/Disk"
import { compact } from "@sealog/core/backup/Compaction"
import { StorageError, type StorageShape } from "@sealog/core/backup/Storage"
import { listSegments } from "@sealog/core/backup/VaultObjects"
import { COMPACT_SEGMENTS } from "@sealog/core/format/Limits"
import { Entropy } from "@sealog/core/keys/Entropy"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { verify } from "@sealog/core/restore/Verify"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { mail, put } from "../sources/MaildirDriver.ts"
import { freshFolder } from "../support.ts"
import { assertSameTree, copy, fetchFrom, type Machine, makeMachine, open, pass, restoreInto, ring } from "./Machine.ts"

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

/** A storage at which nothing is compacted. */
const withoutDeletes = (storage: StorageShape): StorageShape => ({
  ...storage,
  capabilities: { ...storage.capabilities, deletes: false }
})

/** Ships as it is, and then compacts until the given number of writes was made. */
const shipAndCompact = Effect.fn("test.shipAndCompact")(function*(machine: Machine, writes: number) {
  const { journal } = yield* shipOnly(machine)
  const entropy = yield* Entropy
  const storage = failingAfter(yield* makeDisk(machine.targets[0]!), writes)
  const target = { name: machine.targets[0]!, storage }
  return yield* Effect.either(compact({ journal, ring, entropy, target }))
}, Effect.scoped)

const shipOnly = Effect.fn("test.shipOnly")(function*(machine: Machine) {
  const opened = yield* open(machine, withoutDeletes)
  yield* opened.backup.capture(opened.source)
  yield* opened.backup.shipTo(opened.targets[0]!)
  return opened
})

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
        const segments = Effect.map(segmentsAt(machine.targets[0]!), (all) => all.length)
        for (let number = 0; number < COMPACT_SEGMENTS; number++) {
          put(machine.mail, `new/${number}.host`, mail(number))
          yield* Effect.scoped(shipOnly(machine))
        }
        assert.strictEqual(yield* segments, COMPACT_SEGMENTS)
        // One write makes the new segment, each other one removes an old one: nothing, then each step on the way.
        copy(machine.targets[0]!, join(top, "before"))
        copy(machine.home, join(top, "home before"))
        for (let steps = 0; steps <= COMPACT_SEGMENTS + 1; steps++) {
          copy(join(top, "before"), machine.targets[0]!)
          copy(join(top, "home before"), machine.home)
          const compacted = yield* shipAndCompact(machine, steps)
          assert.strictEqual(compacted._tag, steps <= COMPACT_SEGMENTS ? "Left" : "Right")
          assert.strictEqual(yield* segments, steps === 0 ? COMPACT_SEGMENTS : COMPACT_SEGMENTS + 2 - steps)
          yield* assertWhole(machine, join(top, `${steps}`))
          put(machine.mail, "new/later.host", mail(99))
          yield* pass(machine)
          assert.strictEqual(yield* segments, 2)
          yield* assertWhole(machine, join(top, `${steps} after`))
          fs.rmSync(join(machine.mail, "new/later.host"))
        }
      }).pipe(Effect.provide(services)),
    60_000
  )

  /** Verifies: RST-10 */
  it.scopedLive(
    "leaves nothing out of a restore where its old segments are still there, or the new one is damaged",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* makeMachine(top)
        for (let number = 0; number < COMPACT_SEGMENTS; number++) {
          put(machine.mail, `new/${number}.host`, mail(number))
          yield* Effect.scoped(shipOnly(machine))
        }
        yield* shipAndCompact(machine, 1)
        const target = machine.targets[0]!
        const merged = (yield* segmentsAt(target)).find(({ level }) => level === 1)!
        const path = join(target, merged.object)
        const bytes = fs.readFileSync(path)
        bytes[100]! ^= 1
        fs.chmodSync(path, 0o600)
        fs.writeFileSync(path, bytes)
        const refused = yield* Effect.flip(restoreInto({ target, dir: join(top, "refused") }))
        assert.strictEqual(refused._tag, "RestoreError")
        const dir = join(top, "partial")
        const { findings, logs } = yield* restoreInto({ target, dir, partial: true })
        assert.deepStrictEqual(findings.map(({ object, reason }) => [reason, object]), [["Damaged", merged.object]])
        assert.isTrue(logs[0]!.proven)
        assertSameTree(join(dir, "maildir"), machine.mail)
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
      const appendOnly = withoutDeletes(targets[0]!.storage)
      const report = yield* compact({ journal, ring, entropy, target: { ...targets[0]!, storage: appendOnly } })
      assert.deepStrictEqual(report, { made: 0, removed: 0, bytes: 0 })
    }).pipe(Effect.provide(services)))
})
