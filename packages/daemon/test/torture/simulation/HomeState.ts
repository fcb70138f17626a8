/** What the home of a simulated machine holds: what is there after a process has gone, and what a backup would copy. */
import { FileSystem } from "@effect/platform/FileSystem"
import { copyMemoryDisk, makeMemoryDisk, type MemoryDisk } from "@sealog/adapters/journal/Memory"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { copyKeys, createVault } from "@sealog/core/backup/Vault"
import { KeyRing, type KeyRingShape } from "@sealog/core/keys/KeyRing"
import { makeSlot, slotHash } from "@sealog/core/keys/KeySlot"
import * as Config from "@sealog/daemon/Config"
import type { HomeShape } from "@sealog/daemon/Home"
import { Effect, Redacted } from "effect"
import { Buffer } from "node:buffer"
import { Files } from "./Files.ts"
import type { Target } from "./Target.ts"

export const PASSWORD = { kind: "password", value: Redacted.make("correct horse battery staple 42") } as const

/** The name of the one source that every machine has. */
export const SOURCE = "chats"

export const HOME: HomeShape = {
  root: "/home",
  config: "/home/config.toml",
  journal: "/home/journal",
  headPin: "/home/head.pin",
  receipts: "/home/receipts",
  slots: "/home/slots",
  blobs: "/home/blobs",
  lock: "/home/lock",
  status: "/home/status.json",
  controlSocket: "/home/control.sock",
  log: "/home/log"
}

export interface HomeState {
  readonly disk: MemoryDisk
  readonly files: Files
  readonly objects: Map<string, Uint8Array>
}

export const copyHome = ({ disk, files, objects }: HomeState): HomeState => ({
  disk: copyMemoryDisk(disk),
  files: new Files(files.copy()),
  objects: new Map(objects)
})

/** What `init` leaves: keys here and at every target, an empty journal, a pin, a configuration. */
export const makeHome = Effect.fn("Simulation.makeHome")(function*(ring: KeyRingShape, options: {
  readonly targets: ReadonlyArray<Target>
  readonly shipDelaySeconds: number
  readonly drillEveryHours: number
}) {
  const slot = yield* makeSlot({ kind: "password", secret: PASSWORD.value, ring, params: KDF })
  const objects = new Map<string, Uint8Array>()
  const local = yield* makeMemory({ objects })
  yield* createVault({ storage: local, subject: "home", vaultId: ring.vaultId, slots: [slot] })
  for (const target of options.targets) yield* copyKeys(local, yield* target.quiet)
  const disk = yield* makeMemoryDisk
  const files = new Files()
  const head = disk.logs[0]!
  const { create } = yield* makePinFile(HOME.headPin).pipe(
    Effect.provideService(FileSystem, files.through((_, work) => work)),
    Effect.provideService(KeyRing, ring)
  )
  yield* create({
    epoch: 0,
    slots: [slotHash(slot.bytes)],
    journal: { writer: head.writer, size: 0, root: head.head.root },
    targets: {}
  })
  const config = Config.encode({
    vaultId: Buffer.from(ring.vaultId).toString("hex"),
    shipDelaySeconds: options.shipDelaySeconds,
    drillEveryHours: options.drillEveryHours,
    sources: [{ name: SOURCE, kind: "jsonl", place: "/store", spec: "jsonl:/store" }],
    targets: options.targets.map(({ name }) => ({ name, kind: "disk", place: `/${name}`, spec: `disk:/${name}` }))
  })
  return {
    disk,
    files: new Files(new Map([...files.copy(), [HOME.config, Buffer.from(config)]])),
    objects
  } satisfies HomeState
})

const KDF = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 } as const
