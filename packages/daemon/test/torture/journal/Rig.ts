/**
 * A machine for trials by the thousand: home, Maildir and targets in folders that cost no sync, opened in this process as
 * the engine opens them, under a key ring of its own, since deriving a key costs more than all the rest of a trial.
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { createLevelJournal, openLevelJournal } from "@sealog/adapters/journal/Level"
import { openWorkshop } from "@sealog/adapters/journal/LevelHeal"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { openMaildir } from "@sealog/adapters/sources/Maildir"
import { makeDisk, prepareDisk } from "@sealog/adapters/storage/Disk"
import { makeBackup } from "@sealog/core/backup/Backup"
import * as Capture from "@sealog/core/backup/Capture"
import { HeadPin } from "@sealog/core/backup/HeadPin"
import { Journal, type JournalShape } from "@sealog/core/backup/Journal"
import type { Target } from "@sealog/core/backup/Shipper"
import { LocalObjects } from "@sealog/core/backup/Vault"
import { eventsOf } from "@sealog/core/format/Block"
import { encodeVaultFile, VAULT_FILE } from "@sealog/core/format/VaultFile"
import * as Entropy from "@sealog/core/keys/Entropy"
import { KeyRing, makeKeyRing } from "@sealog/core/keys/KeyRing"
import { openHome } from "@sealog/daemon/engine/Heal"
import { Effect, Layer, Redacted, Stream } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Rig {
  readonly home: string
  readonly mail: string
  /** Where its targets are, by name; a place that is not there is away. */
  readonly targets: Readonly<Record<string, string>>
}

/** The keys of every rig: they may be clones of each other. */
export const ring = makeKeyRing({
  vaultId: new Uint8Array(32).fill(7),
  epochs: new Map([[0, Redacted.make(new Uint8Array(32).fill(9))]])
})

export const services = Layer.mergeAll(NodeFileSystem.layer, Entropy.layer, Layer.succeed(KeyRing, ring))

/** Where a sync costs nothing, if there is such a place. */
const parent = fs.existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

export const freshFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(parent, "sealog-rig-"))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
)

export const journalOf = ({ home }: Rig): string => join(home, "journal")
export const databaseOf = (rig: Rig): string => join(journalOf(rig), "db")

/** A machine with an empty Maildir, an empty journal and empty targets. */
export const makeRig = Effect.fn("Rig.make")(function*(top: string, targets: ReadonlyArray<string> = ["usb"]) {
  const places = targets.map((name): readonly [string, string] => [name, join(top, name)])
  const rig: Rig = { home: join(top, "home"), mail: join(top, "mail"), targets: Object.fromEntries(places) }
  for (const sub of ["cur", "new", "tmp"]) fs.mkdirSync(join(rig.mail, sub), { recursive: true })
  yield* prepareDisk(rig.home)
  for (const [, place] of places) {
    yield* prepareDisk(place)
    yield* (yield* makeDisk(place)).put(VAULT_FILE, encodeVaultFile(ring))
  }
  yield* createLevelJournal({ path: journalOf(rig), ballastBytes: 0 })
  yield* Effect.scoped(Effect.gen(function*() {
    const journal = yield* openLevelJournal({ path: journalOf(rig), ballastBytes: 0 })
    const { writer } = yield* journal.identity
    const { root, size } = yield* journal.head
    const pin = yield* makePinFile(join(rig.home, "head.pin"))
    yield* pin.create({ epoch: 0, slots: [], journal: { writer, size, root }, targets: {} })
  }))
  return rig
})

/** The same machine elsewhere: a clone, or what a backup program kept of it. */
export const copied = (rig: Rig, top: string): Rig => {
  const copy: Rig = { ...rig, home: join(top, "home"), mail: join(top, "mail") }
  for (const part of ["home", "mail"] as const) {
    fs.rmSync(copy[part], { recursive: true, force: true })
    fs.cpSync(rig[part], copy[part], { recursive: true, preserveTimestamps: true })
  }
  return copy
}

/** Puts mails into folders, which are conversations; each name once. */
export const deliver = (rig: Rig, folder: string, names: ReadonlyArray<string>): void => {
  for (const sub of ["cur", "new", "tmp"]) fs.mkdirSync(join(rig.mail, folder, sub), { recursive: true })
  for (const name of names) {
    const text = `From: ${name}@sample.example\nMessage-ID: <${name}@sample.example>\nSubject: ${name}\n\n`
      + `${name} writes. `.repeat(12 + name.length * 5)
    fs.writeFileSync(join(rig.mail, "tmp/draft"), text)
    fs.renameSync(join(rig.mail, "tmp/draft"), join(rig.mail, folder, "new", `${name}.host`))
  }
}

/** Opens it as the engine does; `mayHeal` as `sync` and `run` do. */
export const openRig = Effect.fn("Rig.open")(function*(rig: Rig, options: { readonly mayHeal: boolean }) {
  const source = yield* openMaildir({ name: "maildir", path: rig.mail })
  const local = yield* makeDisk(rig.home)
  const targets = yield* Effect.forEach(
    Object.entries(rig.targets),
    ([name, path]) => Effect.map(makeDisk(path), (storage): Target => ({ name, storage }))
  )
  const { journal, pin, warnings } = yield* openHome({
    openJournal: openLevelJournal({ path: journalOf(rig), ballastBytes: 0 }),
    openWorkshop: openWorkshop(journalOf(rig)),
    pinPath: join(rig.home, "head.pin"),
    ring,
    sources: [source],
    targets,
    local,
    slots: []
  }, options.mayHeal)
  const backup = yield* Effect.gen(function*() {
    const capture = yield* Capture.make
    return yield* makeBackup({ sources: [source], targets }).pipe(Effect.provideService(Capture.Capture, capture))
  }).pipe(
    Effect.provideService(Journal, journal),
    Effect.provideService(LocalObjects, local),
    Effect.provideService(HeadPin, pin)
  )
  return { journal, pin, warnings, backup, source, targets }
})

export type OpenRig = Effect.Effect.Success<ReturnType<typeof openRig>>

/** Every event of every log, in order, as bytes in hex, and each log's writer, size and root. */
export const contentsOf = Effect.fn("Rig.contents")(function*(journal: JournalShape) {
  const logs: Array<{ readonly writer: string; readonly root: string; readonly events: ReadonlyArray<string> }> = []
  for (const { head, writer } of yield* journal.logs) {
    const blocks = yield* Stream.runCollect(journal.blocks({ from: 0, to: head.size, writer }))
    const events = yield* Effect.forEach(blocks, eventsOf)
    logs.push({ writer: hex(writer), root: hex(head.root), events: events.flat().map(hex) })
  }
  return logs
})

/** What the source remembers of its events, without what only helps it along. */
export const rememberedBy = Effect.fn("Rig.remembered")(function*(journal: JournalShape) {
  const state = yield* journal.state("maildir")
  return JSON.stringify([...state].filter(([key]) => !key.startsWith("sealog:checkpoint")).toSorted())
})

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
