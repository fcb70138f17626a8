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
import { generateKeyRing, generateVaultId, KeyRing, type KeyRingShape, makeKeyRing } from "@sealog/core/keys/KeyRing"
import { makeSlot, slotHash } from "@sealog/core/keys/KeySlot"
import { generateRecoveryCode } from "@sealog/core/keys/RecoveryCode"
import type { Fingerprint } from "@sealog/core/log/Fingerprint"
import { makeFetch } from "@sealog/core/restore/Fetch"
import type { KnownHead } from "@sealog/core/restore/Open"
import type { Projection, RestoredMessage } from "@sealog/core/restore/Projection"
import { restore } from "@sealog/core/restore/Restore"
import { Clock, Effect, Redacted, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"

export const PASSWORD: Secret = { kind: "password", value: Redacted.make("correct horse battery staple 42") }

export type Objects = ReadonlyMap<string, Uint8Array>

/** The vault as it was after one ship. */
export interface Generation {
  readonly objects: Objects
  readonly head: HeadPin.PinnedHead
  /** When its newest event was recorded, milliseconds. */
  readonly newestAt: number
}

export interface SmallVault {
  readonly objects: Objects
  /** Also what was merged into others and deleted: what a place has that forgets nothing. */
  readonly ever: Objects
  /** One after each ship, oldest first. */
  readonly generations: ReadonlyArray<Generation>
  readonly ring: KeyRingShape
  readonly secrets: readonly [Secret, Secret]
  /** What a restore of it gives. */
  readonly messages: ReadonlyArray<string>
}

export interface SmallVaultOptions {
  readonly seed: string
  readonly segments: number
  /** How many of its first passes bring a long content, and with it a blob; 1 where nothing is said. */
  readonly blobs?: number
  /** Whether the first pass brings a message and a blob of more than one chunk of the cipher. */
  readonly wide?: boolean
  /** The same keys, writer, sessions and messages as without it, under another vault id. */
  readonly twin?: boolean
}

const KDF = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 } as const
/** Messages in each segment but those that also have one with a long content. */
const MESSAGES = 3
/** When the first pass was, and how long after it the next one, milliseconds. */
const BEGUN_AT = 1_700_000_000_000
const PASS_MILLIS = 60 * 60 * 1_000

/** A vault of so many segments under the one password of all these vaults. */
export const makeSmallVault = Effect.fn("SmallVault.make")(
  function*(options: SmallVaultOptions) {
    const objects = new Map<string, Uint8Array>()
    const ever = new Map<string, Uint8Array>()
    const storage = remembering(yield* makeMemory({ objects }), ever)
    const made = yield* Effect.flatMap(generateVaultId, generateKeyRing)
    const ring = options.twin === true ? twinOf(made) : made
    const code: Secret = { kind: "recovery", value: yield* generateRecoveryCode }
    const slots = [
      yield* makeSlot({ kind: "password", secret: PASSWORD.value, ring, params: KDF }),
      yield* makeSlot({ kind: "recovery", secret: code.value, ring })
    ]
    yield* createVault({ storage, subject: "memory", vaultId: ring.vaultId, slots })
    const generations = yield* fill(storage, objects, options).pipe(
      Effect.provideService(KeyRing, ring),
      Effect.provide(HeadPin.layerMemory({
        epoch: ring.newest,
        slots: slots.map(({ bytes }) => slotHash(bytes)),
        journal: { writer: new Uint8Array(8), size: 0, root: new Uint8Array(32) },
        targets: {}
      }))
    )
    const { given } = yield* restored(objects, ring)
    return { objects, ever, generations, ring, secrets: [PASSWORD, code], messages: [...given] } satisfies SmallVault
  },
  (effect, { seed }) => Effect.provide(effect, [Entropy.layerSeeded(seed), Kdf.layerTest])
)

/** Keeps all that was ever put. */
const remembering = (storage: StorageShape, ever: Map<string, Uint8Array>): StorageShape => ({
  ...storage,
  put: (name, bytes) => Effect.tap(storage.put(name, bytes), () => Effect.sync(() => ever.set(name, bytes.slice())))
})

const twinOf = (ring: KeyRingShape): KeyRingShape =>
  makeKeyRing({
    vaultId: ring.vaultId.map((byte) => byte ^ 0xff),
    epochs: new Map(ring.epochs.map((epoch) => [epoch, ring.master(epoch)!]))
  })

/** One pass and one shipment a segment; what is there after each. */
const fill = Effect.fn("SmallVault.fill")(function*(
  storage: StorageShape,
  objects: Objects,
  { segments, ...options }: SmallVaultOptions
) {
  const target = { name: "memory", storage }
  const journal = yield* Effect.flatMap(makeMemoryDisk, openMemoryJournal)
  const local = yield* makeMemory()
  const store = storeOf(options)
  const generations: Array<Generation> = []
  yield* Effect.gen(function*() {
    const capture = yield* Capture.make
    const backup = yield* makeBackup({ sources: [store], targets: [target] }).pipe(
      Effect.provideService(Capture.Capture, capture)
    )
    for (let segment = 0; segment < segments; segment++) {
      yield* backup.capture(store).pipe(Effect.withClock(clockAt(BEGUN_AT + segment * PASS_MILLIS)))
      yield* backup.shipTo(target)
      const { writer } = yield* journal.identity
      const { recordedAt, root, size } = yield* journal.head
      generations.push({ objects: new Map(objects), head: { writer, size, root }, newestAt: recordedAt })
    }
  }).pipe(Effect.provideService(Journal, journal), Effect.provideService(LocalObjects, local))
  return generations
})

/** A clock that stands: the same vault for the same seed, whenever it is made. */
const clockAt = (millis: number): Clock.Clock =>
  Object.assign(Clock.make(), {
    currentTimeMillis: Effect.succeed(millis),
    unsafeCurrentTimeMillis: () => millis
  })

/** Each pass finds some messages more. */
const storeOf = ({ blobs = 1, seed, wide = false }: Omit<SmallVaultOptions, "segments">): SourceShape => {
  let passes = 0
  const message = (key: string | number, text: string, chat = 0): Draft => ({
    fact: {
      kind: "message.added",
      conversation: `chat ${chat}`,
      message: { key: `${seed} ${key}`, type: "text", text, author: "ada" }
    }
  })
  const withBlob = (pass: number): Draft => {
    const long = wide && pass === 0 ? noise(seed, WIDE_BYTES) : Buffer.from(`a long content of ${seed} ${pass}`)
    const large = { sha256: createHash("sha256").update(long).digest(), size: long.length, bytes: Stream.succeed(long) }
    return { ...message(`long ${pass}`, "long"), large }
  }
  const ordinary = (number: number) => message(number, `message ${number} of ${seed}`, number % 2)
  return {
    name: "memory",
    kind: "memory",
    remember: () => undefined,
    changes: () =>
      Stream.suspend(() => {
        const pass = passes++
        const drafts = Array.from({ length: MESSAGES }, (_, at) => ordinary(pass * MESSAGES + at))
        if (pass < blobs) drafts.push(withBlob(pass))
        if (wide && pass === 0) drafts.push(message("wide", noise(seed, WIDE_BYTES).toString("base64")))
        return Stream.succeed({ drafts })
      }),
    hints: Stream.never,
    dump: () => Stream.empty,
    gaps: () => []
  }
}

/** More than one chunk of the cipher, and not many more. */
const WIDE_BYTES = 95_000

/** Bytes that do not compress. */
const noise = (seed: string, length: number): Buffer =>
  Buffer.concat(
    Array.from({ length: Math.ceil(length / 64) }, (_, at) => createHash("sha512").update(`${seed} ${at}`).digest())
  ).subarray(0, length)

/** Opens the vault anew with a secret, as a new machine does. */
export const opened = Effect.fn("SmallVault.opened")(function*(objects: Objects, secret: Secret) {
  const storage = yield* makeMemory({ objects: new Map(objects) })
  return (yield* openVault({ storage, subject: "memory", secret })).ring
}, Effect.provide(Kdf.layerTest))

/** How a vault is restored by whoever knows more than its keys, or has several copies of it. */
export interface RestoredOptions {
  readonly partial?: boolean
  readonly pinned?: ReadonlyMap<string, ReadonlyArray<KnownHead>>
  readonly fingerprint?: Fingerprint
  /** What a second place holds. */
  readonly beside?: Objects
}

/** Restores everything; gives what was handed to the projection, or how it was refused. */
export const restored = Effect.fn("SmallVault.restored")(
  function*(objects: Objects, ring: KeyRingShape, options: RestoredOptions = {}) {
    const { beside, fingerprint, partial = false, pinned = new Map() } = options
    const given: Array<string> = []
    const outcome = yield* Effect.either(
      Effect.flatMap(fetchOf(ring, objects, ...(beside === undefined ? [] : [beside])), (fetch) =>
        restore({
          fetch,
          projection: recording(given),
          since: new Map(),
          pinned,
          partial,
          ...(fingerprint === undefined ? {} : { fingerprint })
        }))
    )
    return { given, outcome }
  }
)

/** A reader of what some places hold. */
export const fetchOf = Effect.fn("SmallVault.fetchOf")(
  function*(ring: KeyRingShape, first: Objects, ...others: ReadonlyArray<Objects>) {
    const place = (objects: Objects, at: number) =>
      Effect.map(makeMemory({ objects: new Map(objects) }), (storage) => ({ name: `place ${at}`, storage }))
    return yield* makeFetch([
      yield* place(first, 0),
      ...(yield* Effect.forEach(others, (each, at) => place(each, at + 1)))
    ], ring)
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
