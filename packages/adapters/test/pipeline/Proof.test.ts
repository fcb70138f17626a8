import { assert, describe, it } from "@effect/vitest"
import { makeDisk } from "@sealog/adapters/storage/Disk"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { listSegments } from "@sealog/core/backup/VaultObjects"
import { fingerprintOf, formatFingerprint, parseFingerprint } from "@sealog/core/log/Fingerprint"
import { drill } from "@sealog/core/restore/Drill"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { verify } from "@sealog/core/restore/Verify"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { mail, put } from "../sources/MaildirDriver.ts"
import { freshFolder } from "../support.ts"
import { assertSameTree, copy, fetchFrom, type Machine, makeMachine, open, pass, restoreInto, ring } from "./Machine.ts"

/** A machine whose target holds so many segments, with one mail each. */
const shipped = Effect.fn("test.shipped")(function*(top: string, count: number) {
  const machine = yield* makeMachine(top)
  const { backup, source, targets } = yield* open(machine)
  for (let number = 1; number <= count; number++) {
    put(machine.mail, `new/${number}.host`, mail(number))
    fs.utimesSync(join(machine.mail, `new/${number}.host`), 1_600_000_000, 1_600_000_000)
    yield* backup.capture(source)
    yield* backup.shipTo(targets[0]!)
  }
  return machine
}, Effect.scoped)

const segmentsOf = Effect.fn("test.segments")(function*(machine: Machine) {
  const { segments } = yield* listSegments(yield* makeDisk(machine.targets[0]!), ring)
  return segments.toSorted((a, b) => a.first - b.first)
})

const flipByte = (path: string, at: number): void => {
  const bytes = fs.readFileSync(path)
  bytes[at] = bytes[at]! ^ 1
  fs.chmodSync(path, 0o600)
  fs.writeFileSync(path, bytes)
}

describe("what cannot be proven", () => {
  /** Verifies: RST-4 */
  it.scopedLive("is named by object and range, and nothing is left behind", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* shipped(top, 4)
      const target = machine.targets[0]!
      const segments = yield* segmentsOf(machine)
      const victim = segments[2]!
      flipByte(join(target, victim.object), 2_000)
      const error = yield* Effect.flip(restoreInto({ target, dir: join(top, "restored") }))
      assert.strictEqual(error._tag, "RestoreError")
      if (error._tag !== "RestoreError") return
      assert.deepStrictEqual(
        error.findings.map(({ first, last, object, reason }) => ({ first, last, object, reason })),
        [
          { reason: "Damaged", first: victim.first, last: victim.last, object: victim.object },
          { reason: "Gap", first: victim.first, last: victim.last, object: undefined }
        ]
      )
      assert.deepStrictEqual(fs.readdirSync(join(top, "restored")), [])
    }).pipe(Effect.provide(services)))

  /** Verifies: RST-5 */
  it.scopedLive("is left out by a partial restore, which marks the gap and gives back the rest", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* shipped(top, 4)
      const target = machine.targets[0]!
      const victim = (yield* segmentsOf(machine))[2]!
      fs.rmSync(join(target, victim.object))
      const report = yield* restoreInto({ target, dir: join(top, "restored"), partial: true })
      assert.deepStrictEqual(report.findings.map(({ reason }) => reason), ["Gap"])
      assert.deepStrictEqual(fs.readdirSync(join(top, "restored/maildir/new")).toSorted(), [
        "1.host",
        "2.host",
        "4.host"
      ])
      assert.isFalse(report.logs[0]!.proven)
    }).pipe(Effect.provide(services)))

  /** Verifies: RST-6 */
  it.scopedLive("is found where the newest objects are gone: by the pin, and by a printed fingerprint", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* shipped(top, 2)
      const target = machine.targets[0]!
      copy(target, join(top, "yesterday"))
      put(machine.mail, "new/3.host", mail(3))
      yield* pass(machine)
      const { head, pinned } = yield* Effect.scoped(Effect.gen(function*() {
        const { journal, pin } = yield* open(machine)
        const { targets } = yield* pin.read
        return { head: yield* journal.head, pinned: targets[target]! }
      }))
      const known = new Map([[Buffer.from(pinned.writer).toString("hex"), [{ ...pinned, from: "pin" }]]])
      const error = yield* Effect.flip(
        restoreInto({ target: join(top, "yesterday"), dir: join(top, "r"), pinned: known })
      )
      assert.strictEqual(error._tag === "RestoreError" ? error.reason : error._tag, "RolledBack")
      const fresh = yield* restoreInto({ target, dir: join(top, "fresh"), pinned: known })
      assert.deepStrictEqual(fresh.freshness, { state: "proven", by: ["pin"] })
      const unknown = yield* restoreInto({ target, dir: join(top, "unknown") })
      assert.strictEqual(unknown.freshness.state, "unknown")
      const printed = formatFingerprint(fingerprintOf({ vaultId: ring.vaultId, epoch: 0, writer: pinned.writer, head }))
      assert.deepStrictEqual(parseFingerprint(printed.toUpperCase())?.size, head.size)
      assert.isUndefined(parseFingerprint(`${printed} again`))
    }).pipe(Effect.provide(services)))

  /** Verifies: RST-9 */
  it.scopedLive("is not gone on from: a folder restored in part is left alone, and so is what its owner put in it", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* shipped(top, 3)
      const target = machine.targets[0]!
      copy(target, join(top, "damaged"))
      fs.rmSync(join(top, "damaged", (yield* segmentsOf(machine))[1]!.object))
      yield* restoreInto({ target: join(top, "damaged"), dir: join(top, "part"), partial: true })
      const again = yield* Effect.flip(restoreInto({ target, dir: join(top, "part") }))
      assert.strictEqual(again._tag === "ProjectionError" ? again.reason : again._tag, "OtherRestore")
      yield* restoreInto({ target, dir: join(top, "whole") })
      fs.writeFileSync(join(top, "whole/maildir/new/1.host"), "not a mail of sealog's")
      fs.rmSync(join(machine.mail, "new/1.host"))
      yield* pass(machine)
      const refused = yield* Effect.flip(restoreInto({ target, dir: join(top, "whole") }))
      assert.strictEqual(refused._tag === "ProjectionError" ? refused.reason : refused._tag, "NotEmpty")
      assert.strictEqual(fs.readFileSync(join(top, "whole/maildir/new/1.host"), "utf8"), "not a mail of sealog's")
    }).pipe(Effect.provide(services)))

  /** Verifies: RST-7 */
  it.scopedLive("costs only what is new: a second restore reads no old object", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* shipped(top, 70)
      const target = machine.targets[0]!
      const first = yield* restoreInto({ target, dir: join(top, "restored") })
      const nothing = yield* restoreInto({ target, dir: join(top, "restored") })
      assert.isAtMost(nothing.counts.objects, 1)
      put(machine.mail, "new/new.host", mail(999))
      yield* pass(machine)
      const second = yield* restoreInto({ target, dir: join(top, "restored") })
      // The new object, and those of the leaf that it begins in.
      assert.isAtMost(second.counts.objects, 1 + 8)
      assert.isBelow(second.counts.objects, first.counts.objects)
      fs.renameSync(join(machine.mail, "new/1.host"), join(machine.mail, "cur/1.host:2,S"))
      fs.rmSync(join(machine.mail, "new/2.host"))
      yield* pass(machine)
      const third = yield* restoreInto({ target, dir: join(top, "restored") })
      assertSameTree(join(top, "restored/maildir"), machine.mail)
      assert.deepStrictEqual({ written: third.written, removed: third.removed }, { written: 1, removed: 1 })
    }).pipe(Effect.provide(services)), 60_000)
})

describe("verify", () => {
  /** Verifies: RST-8 */
  it.scopedLive("finds by trailers what is missing, and by reading what is damaged", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* shipped(top, 3)
      const target = machine.targets[0]!
      const segments = yield* segmentsOf(machine)
      const check = (depth: "names" | "data") =>
        Effect.map(Effect.flatMap(fetchFrom(target), (fetch) => verify(fetch, depth, new Map())), ([log]) =>
          log!.findings.map(({ reason }) => reason))
      assert.deepStrictEqual(yield* check("names"), [])
      assert.deepStrictEqual(yield* check("data"), [])
      flipByte(join(target, segments[1]!.object), 100)
      assert.deepStrictEqual(yield* check("data"), ["Damaged", "Gap"])
      fs.rmSync(join(target, segments[1]!.object))
      assert.deepStrictEqual(yield* check("names"), ["Gap"])
      // All of it gone: a head that is known is then nowhere.
      for (const { object } of segments) {
        fs.rmSync(join(target, object), { force: true })
      }
      const writer = Buffer.from(segments[0]!.writer).toString("hex")
      const known = new Map([[writer, [{ size: 3, root: new Uint8Array(32), from: "pin" }]]])
      const emptied = yield* Effect.flatMap(fetchFrom(target), (fetch) =>
        verify(fetch, "data", known))
      assert.deepStrictEqual(emptied.map(({ findings }) => findings.map(({ reason }) => reason)), [["RolledBack"]])
    }).pipe(Effect.provide(services)))
})

describe("a drill", () => {
  const rehearse = Effect.fn("test.drill")(function*(
    machine: Machine,
    options: { readonly full?: boolean; readonly progress?: { sizes: Record<string, number>; round: number } } = {}
  ) {
    const { backup, journal, source, targets } = yield* open(machine)
    const counted = { gets: 0 }
    const storage: StorageShape = {
      ...targets[0]!.storage,
      get: (name, range) => Effect.tap(targets[0]!.storage.get(name, range), () => Effect.sync(() => counted.gets++))
    }
    const fetch = yield* makeFetch([{ name: "disk", storage }], ring)
    const report = yield* drill({
      fetch,
      journal,
      sources: [source],
      mode: options.full === true ? "full" : "incremental",
      progress: options.progress ?? { sizes: {}, round: 0 },
      isCurrent: true,
      settle: (moved) => Effect.as(Effect.orDie(backup.capture(moved)), new Set<string>())
    })
    return { ...report, gets: counted.gets, objects: fetch.counts().objects }
  }, Effect.scoped)

  /** Verifies: DRILL-1 */
  it.scopedLive(
    "passes where vault, journal and store agree, and examines everything within thirty drills",
    () =>
      Effect.gen(function*() {
        const top = yield* freshFolder
        const machine = yield* shipped(top, 12)
        const first = yield* rehearse(machine)
        assert.deepStrictEqual(first.findings, [])
        assert.strictEqual(first.messages, 12)
        assert.deepStrictEqual(first.compared, ["log", "journal", "store"])
        let progress = first.progress
        let examined = 0
        for (let round = 0; round < 30; round++) {
          const next = yield* rehearse(machine, { progress: { sizes: { ...progress.sizes }, round: progress.round } })
          examined += next.messages
          progress = next.progress
        }
        assert.strictEqual(examined, 12)
      }).pipe(Effect.provide(services)),
    60_000
  )

  /** Verifies: DRILL-2 */
  it.scopedLive("fails where the target was damaged, and where the store holds what no event told", () =>
    Effect.gen(function*() {
      const top = yield* freshFolder
      const machine = yield* shipped(top, 3)
      // The store changed and nobody captured it: as if a change had been missed.
      const path = join(machine.mail, "new/2.host")
      const { mtimeNs } = fs.statSync(path, { bigint: true })
      fs.writeFileSync(path, mail(2).replace("Text", "Test"))
      fs.utimesSync(path, Number(mtimeNs) / 1e9, Number(mtimeNs) / 1e9)
      const missed = yield* rehearse(machine, { full: true })
      assert.deepStrictEqual(missed.findings.map(({ reason }) => reason), ["StoreDiffers"])
      const [head, ...rest] = yield* segmentsOf(machine)
      fs.rmSync(join(machine.targets[0]!, rest.at(-1)!.object))
      const lost = yield* rehearse(machine, { full: true })
      assert.include(lost.findings.map(({ reason }) => reason), "RolledBack")
      flipByte(join(machine.targets[0]!, head!.object), 300)
      const damaged = yield* rehearse(machine, { full: true })
      assert.include(damaged.findings.map(({ reason }) => reason), "Damaged")
    }).pipe(Effect.provide(services)))
})
