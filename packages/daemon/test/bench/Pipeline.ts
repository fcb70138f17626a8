/** The way from a source to a target, opened from its parts: a journal on LevelDB, a folder on a disk. */
import { createLevelJournal, openLevelJournal } from "@sealog/adapters/journal/Level"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { makeDisk, prepareDisk } from "@sealog/adapters/storage/Disk"
import { threadedCompressor } from "@sealog/adapters/threads/Compressor"
import { makeBackup } from "@sealog/core/backup/Backup"
import * as Capture from "@sealog/core/backup/Capture"
import { HeadPin, type Pin } from "@sealog/core/backup/HeadPin"
import { Journal, type JournalShape } from "@sealog/core/backup/Journal"
import type { Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { LocalObjects } from "@sealog/core/backup/Vault"
import { Compressor } from "@sealog/core/format/Compressor"
import { KeyRing, makeKeyRing } from "@sealog/core/keys/KeyRing"
import type { Counted } from "@sealog/daemon/engine/Ledgers"
import type { Session } from "@sealog/daemon/engine/Session"
import { type Context, Effect, Redacted, Ref } from "effect"
import { join } from "node:path"

/** Keys that were derived of nothing: what opening a vault costs is measured elsewhere. */
export const ring = makeKeyRing({
  vaultId: new Uint8Array(32).fill(1),
  epochs: new Map([[0, Redacted.make(new Uint8Array(32).fill(2))]])
})

export interface Parts {
  readonly journal: JournalShape
  readonly local: StorageShape
  readonly target: Target
  readonly pin: Context.Tag.Service<typeof HeadPin>
}

/** A new home and a new vault in a folder that is there. */
export const openOnDisk = Effect.fn("bench.openOnDisk")(function*(folder: string) {
  const [home, vault] = [join(folder, "home"), join(folder, "vault")]
  yield* prepareDisk(home)
  yield* prepareDisk(vault)
  yield* createLevelJournal({ path: join(home, "journal") })
  const journal = yield* openLevelJournal({ path: join(home, "journal") })
  const pin = yield* makePinFile(join(home, "head.pin"))
  yield* pin.create(yield* firstPin(journal))
  const target = { name: "disk", storage: yield* makeDisk(vault) }
  return { journal, local: yield* makeDisk(home), target, pin } satisfies Parts
}, Effect.provideService(KeyRing, ring))

export const firstPin = Effect.fn("bench.firstPin")(function*(journal: JournalShape) {
  const { writer } = yield* journal.identity
  const { root, size } = yield* journal.head
  return { epoch: 0, slots: [], journal: { writer, size, root }, targets: {} } satisfies Pin
})

/** What the engine has of a home that is open, without a configuration: whatever is passed over is this source. */
export const sessionOf = ({ journal, local, pin, target }: Parts, source: SourceShape) =>
  Effect.gen(function*() {
    const capture = yield* Capture.make
    const backup = yield* makeBackup({ sources: [source], targets: [target] }).pipe(
      Effect.provideService(Capture.Capture, capture)
    )
    const config: Session["config"] = {
      vaultId: "",
      shipDelaySeconds: 0,
      drillEveryHours: 0,
      sources: [],
      targets: []
    }
    const warnings = Effect.succeed([])
    return {
      config,
      ring,
      openedWith: "password",
      slots: [],
      journal,
      capture,
      backup,
      pin,
      ledgers: Ref.unsafeMake<ReadonlyMap<string, Counted>>(new Map()),
      warnings
    } satisfies Session
  }).pipe(
    Effect.provideService(Journal, journal),
    Effect.provideService(LocalObjects, local),
    Effect.provideService(HeadPin, pin),
    Effect.provideService(Compressor, threadedCompressor),
    Effect.provideService(KeyRing, ring)
  )
