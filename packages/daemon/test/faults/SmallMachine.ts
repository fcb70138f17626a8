/**
 * A machine and its target in memory, the same for the same seed whenever they are made: a vault with a slot for a
 * password and one for a recovery code, a store, and the whole way between them. For tests that have to try much.
 */
import { makeMemoryDisk, openMemoryJournal } from "@sealog/adapters/journal/Memory"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { makeBackup } from "@sealog/core/backup/Backup"
import * as Capture from "@sealog/core/backup/Capture"
import * as HeadPin from "@sealog/core/backup/HeadPin"
import { Journal } from "@sealog/core/backup/Journal"
import type { Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import { copyKeys, createVault, LocalObjects, type Secret } from "@sealog/core/backup/Vault"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as Kdf from "@sealog/core/keys/Kdf"
import { generateKeyRing, generateVaultId, KeyRing, type KeyRingShape, makeKeyRing } from "@sealog/core/keys/KeyRing"
import { makeSlot, slotHash } from "@sealog/core/keys/KeySlot"
import { generateRecoveryCode } from "@sealog/core/keys/RecoveryCode"
import { Clock, Effect, type Layer, Redacted } from "effect"

export const PASSWORD: Secret = { kind: "password", value: Redacted.make("correct horse battery staple 42") }

const KDF = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 } as const

export interface SmallMachineOptions {
  readonly seed: string
  readonly source: SourceShape
  /** Instead of a random one; the keys, writer and sessions are the same as without it. */
  readonly vaultId?: Uint8Array
  /** Where its randomness comes from, instead of from the seed. */
  readonly entropy?: Layer.Layer<Entropy.Entropy>
}

/** A new vault under the one password of all these machines. */
export const makeSmallMachine = Effect.fn("SmallMachine.make")(
  function*({ source, vaultId }: SmallMachineOptions) {
    /** What is at the target: a test may look into it and change it. */
    const objects = new Map<string, Uint8Array>()
    const ever = new Map<string, Uint8Array>()
    const memory = yield* makeMemory({ objects })
    const puts: Array<string> = []
    const storage: typeof memory = {
      ...memory,
      put: (name, bytes) =>
        Effect.tap(memory.put(name, bytes), () =>
          Effect.sync(() => {
            puts.push(name)
            ever.set(name, bytes.slice())
          }))
    }
    const made = yield* Effect.flatMap(generateVaultId, generateKeyRing)
    const ring = vaultId === undefined ? made : underId(made, vaultId)
    const code: Secret = { kind: "recovery", value: yield* generateRecoveryCode }
    const slots = [
      yield* makeSlot({ kind: "password", secret: PASSWORD.value, ring, params: KDF }),
      yield* makeSlot({ kind: "recovery", secret: code.value, ring })
    ]
    const local = yield* makeMemory()
    yield* createVault({ storage: local, subject: "home", vaultId: ring.vaultId, slots })
    yield* copyKeys(local, storage)
    const target = { name: "memory", storage }
    const { backup, journal } = yield* openBackup({ source, target }).pipe(
      Effect.provideService(LocalObjects, local),
      Effect.provideService(KeyRing, ring),
      Effect.provide(HeadPin.layerMemory({
        epoch: ring.newest,
        slots: slots.map(({ bytes }) => slotHash(bytes)),
        journal: { writer: new Uint8Array(8), size: 0, root: new Uint8Array(32) },
        targets: {}
      }))
    )
    const capture = (millis: number) => backup.capture(source).pipe(Effect.withClock(clockAt(millis)))
    const secrets: readonly [Secret, Secret] = [PASSWORD, code]
    return {
      objects,
      /** Also what was merged into others and deleted: what a place has that forgets nothing. */
      ever,
      /** Every object put at the target, in order. */
      puts,
      ring,
      secrets,
      journal,
      capture,
      ship: backup.shipTo(target)
    }
  },
  (effect, { entropy, seed }) => Effect.provide(effect, [entropy ?? Entropy.layerSeeded(seed), Kdf.layerTest])
)

const openBackup = Effect.fn("SmallMachine.openBackup")(function*({ source, target }: {
  readonly source: SourceShape
  readonly target: Target
}) {
  const journal = yield* Effect.flatMap(makeMemoryDisk, openMemoryJournal)
  return yield* Effect.gen(function*() {
    const capture = yield* Capture.make
    const backup = yield* makeBackup({ sources: [source], targets: [target] }).pipe(
      Effect.provideService(Capture.Capture, capture)
    )
    return { backup, journal }
  }).pipe(Effect.provideService(Journal, journal))
})

const underId = (ring: KeyRingShape, vaultId: Uint8Array): KeyRingShape =>
  makeKeyRing({
    vaultId,
    epochs: new Map(ring.epochs.map((epoch) => [epoch, ring.master(epoch)!]))
  })

/** A clock that stands. */
const clockAt = (millis: number): Clock.Clock =>
  Object.assign(Clock.make(), {
    currentTimeMillis: Effect.succeed(millis),
    unsafeCurrentTimeMillis: () => millis
  })
