/**
 * A vault small enough to try everything on: segments of the smallest size, blobs, a slot for a password and one for a
 * recovery code, all in memory and the same for the same seed. And a restore of it that keeps what it was given, to
 * show that nothing is released that does not verify.
 */
import { makeMemory } from "@sealog/adapters/storage/Memory"
import type { PinnedHead } from "@sealog/core/backup/HeadPin"
import type { Draft, SourceShape } from "@sealog/core/backup/Source"
import { openVault, type Secret } from "@sealog/core/backup/Vault"
import * as Kdf from "@sealog/core/keys/Kdf"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import type { Fingerprint } from "@sealog/core/log/Fingerprint"
import { makeFetch } from "@sealog/core/restore/Fetch"
import type { KnownHead } from "@sealog/core/restore/Open"
import type { Projection, RestoredMessage } from "@sealog/core/restore/Projection"
import { restore } from "@sealog/core/restore/Restore"
import { Effect, type Layer, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { makeSmallMachine } from "./SmallMachine.ts"

export type Objects = ReadonlyMap<string, Uint8Array>

/** The vault as it was after one ship. */
export interface Generation {
  readonly objects: Objects
  readonly head: PinnedHead
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
  /** Instead of a random one; the keys, writer, sessions and messages are the same as without it. */
  readonly vaultId?: Uint8Array
}

/** Messages in each segment but those that also have one with a long content. */
const MESSAGES = 3
/** When the first pass was, and how long after it the next one, milliseconds. */
const BEGUN_AT = 1_700_000_000_000
const PASS_MILLIS = 60 * 60 * 1_000

/** A vault of so many segments: one pass and one ship each. */
export const makeSmallVault = Effect.fn("SmallVault.make")(function*(options: SmallVaultOptions) {
  const { segments } = options
  const machine = yield* makeSmallMachine({ ...options, source: smallStore(options) })
  const { ever, journal, objects, ring, secrets } = machine
  const generations: Array<Generation> = []
  for (let segment = 0; segment < segments; segment++) {
    yield* machine.capture(BEGUN_AT + segment * PASS_MILLIS)
    yield* machine.ship
    const { writer } = yield* journal.identity
    const { recordedAt, root, size } = yield* journal.head
    generations.push({ objects: new Map(objects), head: { writer, size, root }, newestAt: recordedAt })
  }
  const { given } = yield* restored(objects, ring)
  return { objects, ever, generations, ring, secrets, messages: [...given] } satisfies SmallVault
})

/** Each pass finds some messages more. */
export const smallStore = ({ blobs = 1, seed, wide = false }: Omit<SmallVaultOptions, "segments">): SourceShape => {
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
export const opened = (objects: Objects, secret: Secret, kdf: Layer.Layer<Kdf.Kdf> = Kdf.layerTest) =>
  makeMemory({ objects: new Map(objects) }).pipe(
    Effect.flatMap((storage) => openVault({ storage, subject: "memory", secret })),
    Effect.map(({ ring }) => ring),
    Effect.provide(kdf)
  )

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
