/**
 * A key slot: all vault keys, sealed under one password or one recovery code, as an immutable object of fixed size. It
 * commits to its key, because the cipher alone does not: without that, one slot could be made that opens under many
 * passwords, and an oracle for guessing them many at a time.
 */
import { Data, Effect, Either, Redacted } from "effect"
import { createHash, timingSafeEqual } from "node:crypto"
import { ByteReader, ByteWriter } from "../format/Binary.ts"
import { FormatError } from "../format/FormatError.ts"
import * as Limits from "../format/Limits.ts"
import { NAME_EPOCHS, SLOT_ID_BYTES } from "../format/ObjectName.ts"
import * as Sealed from "../format/Sealed.ts"
import { Entropy } from "./Entropy.ts"
import * as Hkdf from "./Hkdf.ts"
import { checkParams, Kdf, type KdfError, type KdfParams } from "./Kdf.ts"
import { KEY_BYTES, type KeyRingShape, makeKeyRing, VAULT_ID_BYTES } from "./KeyRing.ts"
import * as Labels from "./Labels.ts"
import { passwordBytes } from "./Password.ts"
import { recoveryKey } from "./RecoveryCode.ts"

export type SlotKind = "password" | "recovery"

/** A slot and what it is named by. */
export interface Slot {
  /** 16 random bytes. */
  readonly id: Uint8Array
  readonly bytes: Uint8Array
}

/** What a slot says before it is opened, and no one vouches for until then. */
export interface SlotHeader {
  readonly kind: SlotKind
  readonly vaultId: Uint8Array
  readonly id: Uint8Array
  readonly newestEpoch: number
  /** Only a password is stretched. */
  readonly params: KdfParams | undefined
  readonly salt: Uint8Array
}

export type SlotReason =
  /** It does not open with this password or code, for whatever reason of it. */
  | "WrongSecret"
  /** It is damaged or no slot. */
  | "Malformed"
  /** A newer program made it. */
  | "Unknown"
  /** It asks for a key derivation out of bounds. */
  | "Bounds"
  /** It belongs to another vault. */
  | "OtherVault"

export class SlotError extends Data.TaggedError("SlotError")<{
  readonly reason: SlotReason
  readonly method: string
  readonly cause?: unknown
}> {
  override get message() {
    return explain[this.reason]
  }
}

/**
 * Seals every key of the ring under a secret: a `Password` or a `RecoveryCode`, as `kind` says. Without `params`, a
 * password is stretched as `Limits.KDF_DEFAULT` says.
 */
export const makeSlot = Effect.fn("KeySlot.makeSlot")(function*(options: {
  readonly kind: SlotKind
  readonly secret: Redacted.Redacted<string>
  readonly ring: KeyRingShape
  readonly params?: KdfParams
}): Effect.fn.Return<Slot, SlotError | KdfError, Kdf | Entropy> {
  const { kind, ring, secret } = options
  const entropy = yield* Entropy
  const params = kind === "password" ? (options.params ?? Limits.KDF_DEFAULT) : undefined
  const refused = params === undefined ? undefined : checkParams(params)
  if (refused !== undefined) return yield* new SlotError({ reason: "Bounds", method: "makeSlot", cause: refused })
  const id = entropy.bytes(SLOT_ID_BYTES)
  const salt = entropy.bytes(SALT_BYTES)
  const header = encodeHeader({ kind, vaultId: ring.vaultId, id, newestEpoch: ring.newest, params, salt })
  const kek = yield* keyEncryptionKey({ kind, secret, params, salt, method: "makeSlot" })
  const { commitment, wrappingKey } = wrap(kek, salt, header)
  const prefix = new ByteWriter(PREFIX_BYTES).raw(header).raw(commitment).finish()
  const nonce = entropy.bytes(Sealed.NONCE_BYTES)
  const sealed = Sealed.seal({ key: wrappingKey, nonce, plaintext: encodeKeys(ring), aad: prefix })
  return { id, bytes: new ByteWriter(SLOT_BYTES).raw(prefix).raw(sealed).finish() }
})

/** Reads what a slot says about itself; refuses parameters out of bounds before anything is done with them. */
export const readSlotHeader = (bytes: Uint8Array): Either.Either<SlotHeader, SlotError> =>
  Either.flatMap(
    Either.try({
      try: () => decodeHeader(bytes),
      catch: (cause) =>
        new SlotError({
          reason: cause instanceof FormatError && cause.reason === "Unknown" ? "Unknown" : "Malformed",
          method: "readSlotHeader",
          cause
        })
    }),
    (header) => {
      const refused = header.params === undefined ? undefined : checkParams(header.params)
      return refused === undefined
        ? Either.right(header)
        : Either.left(new SlotError({ reason: "Bounds", method: "readSlotHeader", cause: refused }))
    }
  )

/** Opens a slot. With `vaultId`, only one of that vault, and no other costs a key derivation. */
export const openSlot = Effect.fn("KeySlot.openSlot")(function*(options: {
  readonly bytes: Uint8Array
  readonly secret: Redacted.Redacted<string>
  readonly vaultId?: Uint8Array
}): Effect.fn.Return<KeyRingShape, SlotError | KdfError, Kdf> {
  const { bytes, secret, vaultId } = options
  const header = yield* readSlotHeader(bytes)
  if (vaultId !== undefined && !equal(vaultId, header.vaultId)) {
    return yield* new SlotError({ reason: "OtherVault", method: "openSlot" })
  }
  const kek = yield* keyEncryptionKey({ ...header, secret, method: "openSlot" })
  const { commitment, wrappingKey } = wrap(kek, header.salt, bytes.subarray(0, HEADER_BYTES))
  if (!timingSafeEqual(commitment, bytes.subarray(HEADER_BYTES, PREFIX_BYTES))) {
    return yield* new SlotError({ reason: "WrongSecret", method: "openSlot" })
  }
  const aad = bytes.subarray(0, PREFIX_BYTES)
  const plaintext = Sealed.open({ key: wrappingKey, sealed: bytes.subarray(PREFIX_BYTES), aad })
  // The secret is the right one, so what does not match now was damaged.
  if (plaintext === undefined) return yield* new SlotError({ reason: "Malformed", method: "openSlot" })
  return yield* Either.try({
    try: () => decodeKeys(plaintext, header),
    catch: (cause) => new SlotError({ reason: "Malformed", method: "openSlot", cause })
  })
})

/** What a slot is recognised by: SHA-256 of all its bytes. */
export const slotHash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest())

const explain: Record<SlotReason, string> = {
  WrongSecret: "the password or recovery code does not open this vault; check it and try again",
  Malformed: "the key slot is damaged; try another slot, or the copy at another target",
  Unknown: "the key slot was made by a newer sealog; update this one",
  Bounds: "the key slot asks for a key derivation that is too cheap or too dear; try another slot, or another target",
  OtherVault: "the key slot belongs to another vault; check the target"
}

const MAGIC = "sealog slot"
const VERSION = 1
const KIND: Record<SlotKind, number> = { password: 1, recovery: 2 }
const KDF_NONE = 0
const KDF_ARGON2ID = 1
const SALT_BYTES = 32

/** magic 11 ‖ version 1 ‖ kind 1 ‖ vault id 32 ‖ slot id 16 ‖ newest epoch 4 ‖ KDF 1 ‖ three times 4 ‖ salt 32 */
export const HEADER_BYTES = MAGIC.length + 2 + VAULT_ID_BYTES + SLOT_ID_BYTES + 4 + 1 + 12 + SALT_BYTES
/** Header and commitment. */
export const PREFIX_BYTES = HEADER_BYTES + 32
const PLAIN_BYTES = 1 + Limits.EPOCHS * KEY_BYTES
/** Every slot, whatever is in it. */
export const SLOT_BYTES = PREFIX_BYTES + PLAIN_BYTES + Sealed.OVERHEAD_BYTES

const encodeHeader = (header: SlotHeader): Uint8Array => {
  const { params } = header
  return new ByteWriter(HEADER_BYTES)
    .raw(new TextEncoder().encode(MAGIC))
    .u8(VERSION)
    .u8(KIND[header.kind])
    .raw(header.vaultId)
    .raw(header.id)
    .u32(header.newestEpoch)
    .u8(params === undefined ? KDF_NONE : KDF_ARGON2ID)
    .u32(params?.memoryKiB ?? 0)
    .u32(params?.passes ?? 0)
    .u32(params?.lanes ?? 0)
    .raw(header.salt)
    .finish()
}

const decodeHeader = (bytes: Uint8Array): SlotHeader => {
  const reader = new ByteReader(bytes, "key slot")
  if (new TextDecoder("latin1").decode(reader.raw(MAGIC.length)) !== MAGIC) reader.fail("Malformed", "no slot")
  const version = reader.u8()
  if (version !== VERSION) reader.fail(version > VERSION ? "Unknown" : "Malformed", `version ${version}`)
  if (bytes.length !== SLOT_BYTES) reader.fail("Malformed", `${bytes.length} bytes`)
  const kindByte = reader.u8()
  const kind = (["password", "recovery"] as const).find((name) => KIND[name] === kindByte)
  if (kind === undefined) return reader.fail("Unknown", `kind ${kindByte}`)
  const vaultId = reader.raw(VAULT_ID_BYTES).slice()
  const id = reader.raw(SLOT_ID_BYTES).slice()
  const newestEpoch = reader.u32()
  if (newestEpoch >= NAME_EPOCHS) reader.fail("Limit", `epoch ${newestEpoch}`)
  const kdf = reader.u8()
  if (kdf > KDF_ARGON2ID) reader.fail("Unknown", `key derivation ${kdf}`)
  const params = { memoryKiB: reader.u32(), passes: reader.u32(), lanes: reader.u32() }
  const salt = reader.raw(SALT_BYTES).slice()
  // A password that is not stretched, and a code that is, are nothing a writer makes.
  if (kdf !== (kind === "password" ? KDF_ARGON2ID : KDF_NONE)) reader.fail("Malformed", "key derivation and kind")
  if (kdf === KDF_NONE && params.memoryKiB + params.passes + params.lanes > 0) reader.fail("Malformed", "parameters")
  return { kind, vaultId, id, newestEpoch, params: kdf === KDF_NONE ? undefined : params, salt }
}

/** count 1 ‖ that many keys, oldest epoch first, the last one the newest ‖ zeros up to 32 keys */
const encodeKeys = (ring: KeyRingShape): Uint8Array => {
  const writer = new ByteWriter(PLAIN_BYTES).u8(ring.epochs.length)
  for (const epoch of ring.epochs) writer.raw(Redacted.value(ring.master(epoch)!))
  return writer.zeros(PLAIN_BYTES - writer.length).finish()
}

const decodeKeys = (plaintext: Uint8Array, header: SlotHeader): KeyRingShape => {
  const reader = new ByteReader(plaintext, "key slot")
  const count = reader.u8()
  const first = header.newestEpoch + 1 - count
  if (count < 1 || count > Limits.EPOCHS || first < 0) reader.fail("Malformed", `${count} keys`)
  const epochs = new Map<number, Redacted.Redacted<Uint8Array>>()
  for (let index = 0; index < count; index++) {
    epochs.set(first + index, Redacted.make(reader.raw(KEY_BYTES).slice()))
  }
  reader.zeros(reader.remaining)
  return makeKeyRing({ vaultId: header.vaultId, epochs })
}

/** A text that cannot be the secret at all is no other case than a wrong one. */
const keyEncryptionKey = Effect.fn("KeySlot.keyEncryptionKey")(function*(options: {
  readonly kind: SlotKind
  readonly secret: Redacted.Redacted<string>
  readonly params: KdfParams | undefined
  readonly salt: Uint8Array
  readonly method: string
}) {
  const { method, params, salt, secret } = options
  if (params !== undefined) {
    const kdf = yield* Kdf
    return yield* kdf.derive({ password: passwordBytes(secret), salt, ...params })
  }
  return recoveryKey(secret) ?? (yield* new SlotError({ reason: "WrongSecret", method }))
})

/** The header is in the derivation, so the commitment is to it as well as to the key. */
const wrap = (kek: Redacted.Redacted<Uint8Array>, salt: Uint8Array, header: Uint8Array) => {
  const derived = Hkdf.derive({ secret: Redacted.value(kek), salt, label: Labels.SLOT, context: header, length: 64 })
  return { wrappingKey: Redacted.make(derived.subarray(0, 32)), commitment: derived.subarray(32) }
}

const equal = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && timingSafeEqual(a, b)
