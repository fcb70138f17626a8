/**
 * The way from a Maildir to a disk opened from its parts, over the home and the vault that `sealog init` made: for
 * tests that put something in the place of a part, or look at a machine from inside.
 */
import { openLevelJournal } from "@sealog/adapters/journal/Level"
import type { OpenDatabase } from "@sealog/adapters/journal/LevelDatabase"
import { openWorkshop } from "@sealog/adapters/journal/LevelHeal"
import { openMaildir } from "@sealog/adapters/sources/Maildir"
import { makeDisk } from "@sealog/adapters/storage/Disk"
import { makeBackup } from "@sealog/core/backup/Backup"
import * as Capture from "@sealog/core/backup/Capture"
import { HeadPin } from "@sealog/core/backup/HeadPin"
import { Journal, type JournalShape } from "@sealog/core/backup/Journal"
import { readCursor, shippedOf } from "@sealog/core/backup/Shipper"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { LocalObjects, openVault } from "@sealog/core/backup/Vault"
import * as Kdf from "@sealog/core/keys/Kdf"
import { KeyRing, type KeyRingShape } from "@sealog/core/keys/KeyRing"
import { openHome } from "@sealog/daemon/engine/Heal"
import { Effect, Redacted } from "effect"
import { Buffer } from "node:buffer"

/** Where the parts lie. */
export interface Places {
  readonly home: string
  readonly mail: string
  readonly vault: string
}

export interface PipelineOptions extends Places {
  /** What the journal and the target's storage are to be instead. */
  readonly journal?: (opened: JournalShape) => JournalShape
  readonly storage?: (disk: StorageShape) => StorageShape
  readonly openDatabase?: OpenDatabase
  readonly ballastBytes?: number
  /** Heals the journal where it is damaged, as `sync` and `run` do. */
  readonly mayHeal?: boolean
}

/** The keys of the vault that a home or a target belongs to. */
export const openRingAt = Effect.fn("Pipeline.openRing")(function*(folder: string, password: string) {
  const storage = yield* makeDisk(folder)
  const secret = { kind: "password", value: Redacted.make(password) } as const
  return (yield* openVault({ storage, subject: folder, secret }).pipe(Effect.provide(Kdf.layer))).ring
})

/** Opens the journal, which is held until the scope closes, and puts source and target to it. */
export const openPipeline = Effect.fn("Pipeline.open")(function*(options: PipelineOptions, ring: KeyRingShape) {
  const { home, journal: asJournal = (same) => same, mail, storage: asStorage = (same) => same, vault } = options
  const keys = Effect.provideService(KeyRing, ring)
  const local = yield* makeDisk(home)
  const { ballastBytes, openDatabase } = options
  const target = { name: "disk", storage: asStorage(yield* makeDisk(vault)) }
  const source = yield* openMaildir({ name: "maildir", path: mail })
  const { journal: opened, pin } = yield* openHome({
    openJournal: openLevelJournal({
      path: `${home}/journal`,
      ...(ballastBytes === undefined ? {} : { ballastBytes }),
      ...(openDatabase === undefined ? {} : { openDatabase })
    }),
    openWorkshop: openWorkshop(`${home}/journal`),
    pinPath: `${home}/head.pin`,
    ring,
    sources: [source],
    targets: [target],
    local,
    slots: []
  }, options.mayHeal === true)
  const journal = asJournal(opened)
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

  /** Where it stands, in the form of `status`. */
  const status = Effect.gen(function*() {
    const { root, size } = yield* journal.head
    const shippedTreeSize = shippedOf(yield* readCursor(journal, target.name), writer)
    return {
      treeSize: size,
      root: Buffer.from(root).toString("hex"),
      sources: [{ events: size }],
      targets: [{ shippedTreeSize }]
    }
  })
  return { backup, journal, source, status, target }
})
