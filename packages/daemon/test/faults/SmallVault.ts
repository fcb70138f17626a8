/**
 * A vault small enough to try everything on: a few segments of the smallest size, a blob, a slot for a password and
 * one for a recovery code, all in memory and the same for the same seed. And a restore of it that keeps what it was
 * given, to show that nothing is released that does not verify.
 */
import { makeMemoryDisk, openMemoryJournal } from "@sealog/adapters/journal/Memory"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { makeBackup } from "@sealog/core/backup/Backup"
import * as Capture from "@sealog/core/backup/Capture"
import * as HeadPin from "@sealog/core/backup/HeadPin"
import { Journal } from "@sealog/core/backup/Journal"
import type { Draft, SourceShape } from "@sealog/core/backup/Source"
import type { StorageShape } from "@sealog/core/backup/Storage"
import { createVault, LocalObjects, openVault, type Secret } from "@sealog/core/backup/Vault"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as Kdf from "@sealog/core/keys/Kdf"
import { generateKeyRing, generateVaultId, KeyRing, type KeyRingShape } from "@sealog/core/keys/KeyRing"
import { makeSlot, slotHash } from "@sealog/core/keys/KeySlot"
import { generateRecoveryCode } from "@sealog/core/keys/RecoveryCode"
import { makeFetch } from "@sealog/core/restore/Fetch"
import type { Projection, RestoredMessage } from "@sealog/core/restore/Projection"
import { restore } from "@sealog/core/restore/Restore"
import { Effect, Redacted, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"

export const PASSWORD: Secret = { kind: "password", value: Redacted.make("correct horse battery staple 42") }

export type Objects = ReadonlyMap<string, Uint8Array>

export interface SmallVault {
  readonly objects: Objects
  readonly ring: KeyRingShape
  readonly secrets: readonly [Secret, Secret]
  /** What a restore of it gives. */
  readonly messages: ReadonlyArray<string>
}

const KDF = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 } as const
/** Messages in each segment but the first, which also has the one with the long content. */
const MESSAGES = 3

/** A vault of so many segments under the one password of all these vaults. */
export const makeSmallVault = Effect.fn("SmallVault.make")(
  function*(options: { readonly seed: string; readonly segments: number }) {
    const objects = new Map<string, Uint8Array>()
    const storage = yield* makeMemory({ objects })
    const ring = yield* Effect.flatMap(generateVaultId, generateKeyRing)
    const code: Secret = { kind: "recovery", value: yield* generateRecoveryCode }
    const slots = [
      yield* makeSlot({ kind: "password", secret: PASSWORD.value, ring, params: KDF }),
      yield* makeSlot({ kind: "recovery", secret: code.value, ring })
    ]
    yield* createVault({ storage, subject: "memory", vaultId: ring.vaultId, slots })
    yield* fill(storage, options).pipe(
      Effect.provideService(KeyRing, ring),
      Effect.provide(HeadPin.layerMemory({
        epoch: ring.newest,
        slots: slots.map(({ bytes }) => slotHash(bytes)),
        journal: { writer: new Uint8Array(8), size: 0, root: new Uint8Array(32) },
        targets: {}
      }))
    )
    const { given } = yield* restored(objects, ring)
    return { objects, ring, secrets: [PASSWORD, code], messages: [...given] } satisfies SmallVault
  },
  (effect, { seed }) => Effect.provide(effect, [Entropy.layerSeeded(seed), Kdf.layerTest])
)

/** One pass and one shipment a segment. */
const fill = Effect.fn("SmallVault.fill")(function*(storage: StorageShape, { seed, segments }: {
  readonly seed: string
  readonly segments: number
}) {
  const target = { name: "memory", storage }
  const journal = yield* Effect.flatMap(makeMemoryDisk, openMemoryJournal)
  const local = yield* makeMemory()
  const store = storeOf(seed)
  yield* Effect.gen(function*() {
    const capture = yield* Capture.make
    const backup = yield* makeBackup({ sources: [store], targets: [target] }).pipe(
      Effect.provideService(Capture.Capture, capture)
    )
    for (let segment = 0; segment < segments; segment++) {
      yield* backup.capture(store)
      yield* backup.shipTo(target)
    }
  }).pipe(Effect.provideService(Journal, journal), Effect.provideService(LocalObjects, local))
})

/** Each pass finds some messages more. */
const storeOf = (seed: string): SourceShape => {
  let passes = 0
  const draft = (number: number): Draft => ({
    fact: {
      kind: "message.added",
      conversation: `chat ${number % 2}`,
      message: { key: `${seed} ${number}`, type: "text", text: `message ${number} of ${seed}`, author: "ada" }
    }
  })
  const long = Buffer.from(`a long content of ${seed}`)
  const withBlob: Draft = {
    fact: {
      kind: "message.added",
      conversation: "chat 0",
      message: { key: `${seed} long`, type: "mail", text: "long" }
    },
    large: { sha256: createHash("sha256").update(long).digest(), size: long.length, bytes: Stream.succeed(long) }
  }
  return {
    name: "memory",
    kind: "memory",
    remember: () => undefined,
    changes: () =>
      Stream.suspend(() => {
        const first = passes++ * MESSAGES
        const drafts = Array.from({ length: MESSAGES }, (_, at) => draft(first + at))
        return Stream.succeed({ drafts: first === 0 ? [...drafts, withBlob] : drafts })
      }),
    hints: Stream.never,
    dump: () => Stream.empty,
    gaps: () => []
  }
}

/** Opens the vault anew with a secret, as a new machine does. */
export const opened = Effect.fn("SmallVault.opened")(function*(objects: Objects, secret: Secret) {
  const storage = yield* makeMemory({ objects: new Map(objects) })
  return (yield* openVault({ storage, subject: "memory", secret })).ring
}, Effect.provide(Kdf.layerTest))

/** Restores everything; gives what was handed to the projection, or how it was refused. */
export const restored = Effect.fn("SmallVault.restored")(
  function*(objects: Objects, ring: KeyRingShape, partial = false) {
    const storage = yield* makeMemory({ objects: new Map(objects) })
    const given: Array<string> = []
    const outcome = yield* Effect.either(
      Effect.flatMap(
        makeFetch([{ name: "memory", storage }], ring),
        (fetch) => restore({ fetch, projection: recording(given), since: new Map(), pinned: new Map(), partial })
      )
    )
    return { given, outcome }
  }
)

/** Reads every content to its end and keeps what came of it. */
const recording = (given: Array<string>): Projection => ({
  folders: () => Effect.void,
  files: () => Effect.succeed([]),
  messages: (messages) =>
    Effect.map(Effect.forEach(messages, (message) => record(given, message)), (all) => all.flat()),
  finish: Effect.sync(() => ({ messages: given.length, written: given.length, removed: 0 }))
})

const record = (given: Array<string>, { after, content, key, source }: RestoredMessage) =>
  Effect.gen(function*() {
    const chunks = content === undefined ? [] : [...(yield* Stream.runCollect(content.bytes))]
    const { text } = after?.message ?? {}
    given.push(JSON.stringify([source, key, text, Buffer.concat(chunks).toString()]))
    return []
  }).pipe(
    Effect.catchAll((cause) => Effect.succeed([{ source, what: key, cause }]))
  )
