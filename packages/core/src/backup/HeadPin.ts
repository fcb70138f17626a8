/**
 * What this machine knows for certain, kept outside the journal: the newest epoch, the slots, where its own log stands,
 * and what it last brought to each target. A target is judged by its own pin alone: one that lags is not one that was
 * rolled back. Sealed, so that nobody but a key holder can make a machine believe another past.
 */
import { Context, Data, Effect, Layer, type ParseResult, Ref, Schema } from "effect"
import { Buffer } from "node:buffer"
import { LOG_EVENTS } from "../format/Limits.ts"
import { NONCE_BYTES, open, seal } from "../format/Sealed.ts"
import type { EntropyShape } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"

export type PinReason = "Missing" | "Exists" | "Corrupt" | "WrongKey" | "Unsupported" | "Full" | "Io"

export class PinError extends Data.TaggedError("PinError")<{
  readonly reason: PinReason
  readonly method: string
  readonly subject?: string
  readonly cause?: unknown
}> {
  override get message() {
    return `pinned head ${this.method}: ${explain[this.reason]}${
      this.subject === undefined ? "" : ` (${this.subject})`
    }`
  }
}

const explain: Record<PinReason, string> = {
  Missing: "there is none: restore it with the journal, or compare this machine with its targets by their fingerprints",
  Exists: "there is one already; remove it only together with the journal",
  Corrupt: "it is not what was written: restore it from a copy, or compare this machine with its targets anew",
  WrongKey: "the keys given do not open it: they are of another vault, or older than it",
  Unsupported: "it was made by a newer program: update this one",
  Full: "there is no space left for it: free some and try again",
  Io: "it could not be read or written: check the disk and the folder's permissions"
}

const Hash = Schema.Uint8ArrayFromBase64.pipe(Schema.filter((bytes) => bytes.length === 32))
const Size = Schema.Int.pipe(Schema.between(0, LOG_EVENTS))

/** Where a log stood, and whose it was. @public */
export const PinnedHead = Schema.Struct({
  writer: Schema.Uint8ArrayFromBase64.pipe(Schema.filter((bytes) => bytes.length === 8)),
  size: Size,
  root: Hash
}).annotations({ identifier: "PinnedHead" })
export type PinnedHead = typeof PinnedHead.Type

export const Pin = Schema.Struct({
  /** The newest there is of the vault's keys. */
  epoch: Schema.NonNegativeInt,
  /** SHA-256 of every slot. */
  slots: Schema.Array(Hash),
  /** This machine's log. */
  journal: PinnedHead,
  /** The head last brought to each target, by the target's name. */
  targets: Schema.Record({ key: Schema.String, value: PinnedHead })
}).annotations({ identifier: "Pin" })
export type Pin = typeof Pin.Type

export interface HeadPinShape {
  /** What is pinned; Missing where nothing ever was. */
  readonly read: Effect.Effect<Pin, PinError>
  /** Pins for the first time; Exists where something is pinned. */
  readonly create: (pin: Pin) => Effect.Effect<void, PinError>
  /** Replaces what is pinned, as a whole and durably; one update after another. */
  readonly update: (change: (pinned: Pin) => Pin) => Effect.Effect<void, PinError>
}

export class HeadPin extends Context.Tag("@sealog/core/backup/HeadPin")<HeadPin, HeadPinShape>() {}

/** In memory: for tests. Without a pin it is Missing until one is created. */
export const layerMemory = (pin?: Pin): Layer.Layer<HeadPin> =>
  Layer.effect(
    HeadPin,
    Effect.map(Ref.make(pin), (held) => {
      const read = Effect.flatMap(Ref.get(held), (found) =>
        found === undefined ? new PinError({ reason: "Missing", method: "read" }) : Effect.succeed(found))
      return {
        read,
        create: (first) =>
          Effect.flatMap(Ref.get(held), (found) =>
            found === undefined ? Ref.set(held, first) : new PinError({ reason: "Exists", method: "create" })),
        update: (change) =>
          Effect.flatMap(read, (found) =>
            Ref.set(held, change(found)))
      }
    })
  )

/** `magic, version u8, epoch u16, sealed JSON`; all before the seal is bound to it, and the vault id too. */
export const sealPin = (ring: KeyRingShape, entropy: EntropyShape, pin: Pin): Effect.Effect<Uint8Array, PinError> =>
  Effect.gen(function*() {
    const key = ring.key(ring.newest, "pin")
    if (key === undefined) return yield* new PinError({ reason: "WrongKey", method: "write" })
    const text = yield* Effect.mapError(
      encode(pin),
      (cause) => new PinError({ reason: "Corrupt", method: "write", cause })
    )
    const header = headerOf(ring.newest)
    const sealed = seal({
      key,
      nonce: entropy.bytes(NONCE_BYTES),
      plaintext: Buffer.from(text),
      aad: Buffer.concat([header, ring.vaultId])
    })
    return Buffer.concat([header, sealed])
  })

export const openPin = (ring: KeyRingShape, bytes: Uint8Array): Effect.Effect<Pin, PinError> =>
  Effect.gen(function*() {
    const failure = (reason: PinReason, cause?: ParseResult.ParseError) =>
      new PinError({ reason, method: "read", ...(cause === undefined ? {} : { cause }) })
    const header = Buffer.from(bytes.subarray(0, HEADER_BYTES))
    if (header.length < HEADER_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) {
      return yield* failure("Corrupt")
    }
    if (header[MAGIC.length]! > VERSION) return yield* failure("Unsupported")
    const key = ring.key(header.readUInt16BE(MAGIC.length + 1), "pin")
    if (key === undefined) return yield* failure("WrongKey")
    const sealed = bytes.subarray(HEADER_BYTES)
    const plaintext = open({ key, sealed, aad: Buffer.concat([header, ring.vaultId]) })
    // A wrong key and a flipped bit look alike here; which it is, the slots tell: their keys open them or do not.
    if (plaintext === undefined) return yield* failure("Corrupt")
    return yield* Effect.mapError(decode(Buffer.from(plaintext).toString()), (cause) => failure("Corrupt", cause))
  })

const headerOf = (epoch: number): Buffer => {
  const header = Buffer.concat([MAGIC, Buffer.of(VERSION, 0, 0)])
  header.writeUInt16BE(epoch, MAGIC.length + 1)
  return header
}

const encode = Schema.encode(Schema.parseJson(Pin))
const decode = Schema.decode(Schema.parseJson(Pin))

const MAGIC = Buffer.from("sealog pin\n")
const VERSION = 1
const HEADER_BYTES = MAGIC.length + 3
