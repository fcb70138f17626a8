/**
 * The way from store to target in a process of its own, in the right order of writes or, on purpose, in a wrong one:
 * what the tests of kills must find where it is wrong. It tells where it stands as `status` does, a line at a time.
 *
 *   early-acknowledgement   an append is reported when it is only remembered; it is written with the next one
 *   early-cursor            the target's cursor moves before the put, which is made with the next one
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { openLevelJournal } from "@sealog/adapters/journal/Level"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { openMaildir } from "@sealog/adapters/sources/Maildir"
import { makeDisk } from "@sealog/adapters/storage/Disk"
import { makeBackup } from "@sealog/core/backup/Backup"
import * as Capture from "@sealog/core/backup/Capture"
import { HeadPin } from "@sealog/core/backup/HeadPin"
import { Journal, type JournalEntry, type JournalShape } from "@sealog/core/backup/Journal"
import { readCursor, shippedOf } from "@sealog/core/backup/Shipper"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { LocalObjects, openVault } from "@sealog/core/backup/Vault"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as Kdf from "@sealog/core/keys/Kdf"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Effect, Layer, Redacted } from "effect"
import { Buffer } from "node:buffer"
import { writeSync } from "node:fs"

const [order, password, home, mail, vault] = process.argv.slice(2) as [string, string, string, string, string]

const main = Effect.gen(function*() {
  const local = yield* makeDisk(home)
  const secret = { kind: "password", value: Redacted.make(password) } as const
  const { ring } = yield* openVault({ storage: local, subject: home, secret })
  const keys = Effect.provideService(KeyRing, ring)
  const opened = yield* openLevelJournal({ path: `${home}/journal` }).pipe(keys)
  const journal = order === "early-acknowledgement" ? acknowledgingEarly(opened) : opened
  const disk = yield* makeDisk(vault)
  const target = { name: "disk", storage: order === "early-cursor" ? puttingLate(disk) : disk }
  const source = yield* openMaildir({ name: "maildir", path: mail })
  const pin = yield* makePinFile(`${home}/head.pin`).pipe(keys)
  const backup = yield* Effect.gen(function*() {
    const capture = yield* Capture.make
    return yield* makeBackup({ sources: [source], targets: [target] }).pipe(
      Effect.provideService(Capture.Capture, capture)
    )
  }).pipe(
    Effect.provideService(Journal, journal),
    Effect.provideService(LocalObjects, local),
    Effect.provideService(HeadPin, pin),
    keys
  )
  const { writer } = yield* journal.identity
  const say = Effect.gen(function*() {
    const { root, size } = yield* journal.head
    const shippedTreeSize = shippedOf(yield* readCursor(journal, target.name), writer)
    const status = {
      treeSize: size,
      root: Buffer.from(root).toString("hex"),
      sources: [{ events: size }],
      targets: [{ shippedTreeSize }]
    }
    writeSync(1, `${JSON.stringify(status)}\n`)
  })
  return yield* Effect.forever(Effect.gen(function*() {
    const { events } = yield* backup.capture(source)
    if (events > 0) yield* say
    // A log of which the end is only remembered has nothing to ship yet.
    const shipped = order === "early-acknowledgement" ? { objects: 0 } : yield* backup.shipTo(target)
    if (shipped.objects > 0) yield* say
    yield* Effect.sleep("5 millis")
  }))
})

/** Says that an entry is there when it only means to write it. */
const acknowledgingEarly = (journal: JournalShape): JournalShape => {
  let held: JournalEntry | undefined
  return {
    ...journal,
    head: Effect.suspend(() => held === undefined ? journal.head : Effect.succeed(held.head)),
    append: (entry) =>
      Effect.suspend(() => {
        const before = held
        held = entry
        return before === undefined ? Effect.void : journal.append(before)
      })
  }
}

/** Says that an object is there when it only means to put it. */
const puttingLate = (storage: StorageShape): StorageShape => {
  let held: Effect.Effect<void, Effect.Effect.Error<ReturnType<StorageShape["put"]>>> = Effect.void
  return {
    ...storage,
    put: (name, bytes) =>
      Effect.suspend(() => {
        const before = held
        held = storage.put(name, bytes)
        return before
      })
  }
}

void Effect.runPromise(
  Effect.scoped(Effect.provide(main, Layer.mergeAll(NodeContext.layer, Entropy.layer, Kdf.layer)))
)
