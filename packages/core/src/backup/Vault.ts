/**
 * A vault as a whole: the set of objects at one place that belong together, made once and opened with a password or a
 * recovery code. The readable `sealog.json` is written last, so that a vault half made is no vault.
 */
import { Context, Data, Effect, Either, Stream } from "effect"
import type { Redacted } from "effect"
import type { FormatError } from "../format/FormatError.ts"
import { SLOTS } from "../format/Limits.ts"
import { isObjectName, slotName } from "../format/ObjectName.ts"
import { decodeVaultFile, encodeVaultFile, VAULT_FILE } from "../format/VaultFile.ts"
import type { Kdf, KdfError } from "../keys/Kdf.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import {
  openSlot,
  readSlotHeader,
  type Slot,
  SlotError,
  slotHash,
  type SlotHeader,
  type SlotKind
} from "../keys/KeySlot.ts"
import type { StorageError, StorageShape } from "./Storage.ts"

export type VaultReason =
  /** There is no `sealog.json`. */
  | "NotFound"
  /** There is one already, where a new vault was to be made. */
  | "Exists"
  /** Every slot of the kind was tried. */
  | "WrongSecret"
  /** No slot of the kind is there. */
  | "NoSlot"
  /** Objects are sealed under a newer key than the slot holds: the slot was replaced or rolled back. */
  | "SlotReplaced"
  /** It is not the vault that this machine knows. */
  | "OtherVault"
  /** A key slot, or `sealog.json`, is not what this machine knows to be there. */
  | "KeysReplaced"
  /** A slot that was just written does not open. */
  | "SlotUnreadable"

export class VaultError extends Data.TaggedError("VaultError")<{
  readonly reason: VaultReason
  readonly method: string
  readonly subject: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.subject}: ${explain[this.reason]}`
  }
}

const explain: Record<VaultReason, string> = {
  NotFound: "there is no vault here",
  Exists: "there is a vault here already",
  WrongSecret: "the password or recovery code does not open this vault",
  NoSlot: "the vault has no key slot of this kind",
  SlotReplaced: "this slot was replaced or rolled back: objects here are sealed under a newer key",
  OtherVault: "this is another vault than the one this machine belongs to",
  KeysReplaced: "the keys here are not those that this machine knows: nothing is sent here",
  SlotUnreadable: "a key slot that was just written did not open again"
}

/** What opens a vault. */
export interface Secret {
  readonly kind: SlotKind
  readonly value: Redacted.Redacted<string>
}

/** A slot that is there: its name and the SHA-256 of its bytes, by which a known machine recognises it. */
export interface KnownSlot {
  readonly name: string
  readonly sha256: Uint8Array
}

export interface OpenedVault {
  readonly ring: KeyRingShape
  readonly slots: ReadonlyArray<KnownSlot>
}

/** The machine's own copy of what it must have at hand: `sealog.json`, the slots, and blobs not yet everywhere. */
export class LocalObjects extends Context.Tag("@sealog/core/backup/Vault/LocalObjects")<LocalObjects, StorageShape>() {}

/** Puts the slots, reads each back, and writes `sealog.json` last. The place must not hold a vault. */
export const createVault = Effect.fn("Vault.create")(function*(options: {
  readonly storage: StorageShape
  readonly subject: string
  readonly vaultId: Uint8Array
  readonly slots: ReadonlyArray<Slot>
}) {
  const { slots, storage, subject, vaultId } = options
  if (yield* holdsVault(storage)) {
    return yield* new VaultError({ reason: "Exists", method: "create", subject })
  }
  for (const slot of slots) {
    const name = slotName(slot.id)
    yield* storage.put(name, slot.bytes)
    const back = yield* storage.get(name)
    if (!equal(back, slot.bytes)) {
      return yield* new VaultError({ reason: "SlotUnreadable", method: "create", subject: name })
    }
  }
  yield* storage.put(VAULT_FILE, encodeVaultFile({ vaultId }))
})

/** Whether a vault is there. */
export const holdsVault = (storage: StorageShape): Effect.Effect<boolean, StorageError> =>
  storage.get(VAULT_FILE).pipe(
    Effect.as(true),
    Effect.catchIf((error) => error.reason === "NotFound", () => Effect.succeed(false))
  )

/** The id in `sealog.json`. */
export const vaultIdOf = Effect.fn("Vault.idOf")(function*(storage: StorageShape, subject: string) {
  const bytes = yield* storage.get(VAULT_FILE).pipe(
    Effect.catchIf(
      (error) => error.reason === "NotFound",
      (cause) => new VaultError({ reason: "NotFound", method: "open", subject, cause })
    )
  )
  return (yield* decodeVaultFile(bytes)).vaultId
})

/** Opens a vault with a secret: slots of its kind are tried newest epoch first. */
export const openVault = Effect.fn("Vault.open")(function*(options: {
  readonly storage: StorageShape
  readonly subject: string
  readonly secret: Secret
}): Effect.fn.Return<OpenedVault, VaultError | StorageError | FormatError | SlotError | KdfError, Kdf> {
  const { secret, storage, subject } = options
  const vaultId = yield* vaultIdOf(storage, subject)
  const { slots, unusable } = yield* readSlots(storage, vaultId)
  const mine = slots
    .filter((slot) => slot.header.kind === secret.kind)
    .toSorted((a, b) => b.header.newestEpoch - a.header.newestEpoch)
    .slice(0, SLOTS)
  let damaged: SlotError | undefined
  for (const slot of mine) {
    const opened = yield* Effect.either(openSlot({ bytes: slot.bytes, secret: secret.value, vaultId }))
    if (Either.isRight(opened)) {
      return { ring: opened.right, slots: slots.map(({ bytes, name }) => ({ name, sha256: slotHash(bytes) })) }
    }
    if (opened.left._tag === "KdfError") return yield* opened.left
    if (opened.left.reason !== "WrongSecret") damaged = opened.left
  }
  if (damaged !== undefined) return yield* damaged
  if (mine.length > 0) return yield* new VaultError({ reason: "WrongSecret", method: "open", subject })
  return yield* unusable ?? new VaultError({ reason: "NoSlot", method: "open", subject })
})

/** Copies the slots and then `sealog.json` of one place to another, and reads each back. */
export const copyKeys = Effect.fn("Vault.copyKeys")(function*(from: StorageShape, to: StorageShape) {
  const names = yield* from.list("slots/").pipe(
    Stream.map((info) => info.name),
    Stream.filter(isObjectName),
    Stream.runCollect
  )
  for (const name of [...names, VAULT_FILE]) {
    const bytes = yield* from.get(name)
    yield* to.put(name, bytes).pipe(Effect.catchIf((error) => error.reason === "AlreadyExists", () => Effect.void))
    if (!equal(yield* to.get(name), bytes)) {
      return yield* new VaultError({ reason: "SlotUnreadable", method: "copyKeys", subject: name })
    }
  }
})

/**
 * The slots that can be tried. One that is damaged, of another vault or under another's name opens nothing, and the
 * others may. Nobody vouches for a slot's version before it opens: one from the future is told where no other opens.
 */
const readSlots = Effect.fn("Vault.readSlots")(function*(storage: StorageShape, vaultId: Uint8Array) {
  // What else lies there, a copy that another program made, is no object and cannot be asked for.
  const infos = yield* storage.list("slots/").pipe(Stream.filter(({ name }) => isObjectName(name)), Stream.runCollect)
  const slots: Array<{ readonly name: string; readonly bytes: Uint8Array; readonly header: SlotHeader }> = []
  let unusable: SlotError | undefined
  for (const { name } of infos) {
    const bytes = yield* storage.get(name)
    const header = Either.filterOrLeft(
      readSlotHeader(bytes),
      (read) => equal(read.vaultId, vaultId) && slotName(read.id) === name,
      (read) =>
        new SlotError({ reason: equal(read.vaultId, vaultId) ? "Malformed" : "OtherVault", method: "readSlots" })
    )
    if (Either.isRight(header)) slots.push({ name, bytes, header: header.right })
    else if (unusable === undefined || header.left.reason === "Unknown") unusable = header.left
  }
  return { slots, unusable }
})

const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])
