/**
 * The keys at a target against those this machine knows, before anything is brought there. A place whose slots were
 * replaced is one that its owner could not open again, or that somebody else made: nothing goes there. What is merely
 * missing is put back, since a target without its slots is no backup.
 */
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import { isObjectName } from "../format/ObjectName.ts"
import { VAULT_FILE } from "../format/VaultFile.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import { SLOT_BYTES, slotHash } from "../keys/KeySlot.ts"
import type { HeadPinShape } from "./HeadPin.ts"
import type { Target } from "./Shipper.ts"
import type { StorageShape } from "./Storage.ts"
import { VaultError, vaultIdOf } from "./Vault.ts"

/**
 * Fails with OtherVault or KeysReplaced where the target's keys are not this vault's. Gives the names of what was put
 * back. A machine that has pinned no slots has nothing to hold against anybody.
 */
export const requireKeys = Effect.fn("TargetKeys.require")(function*(options: {
  readonly pin: HeadPinShape
  readonly ring: KeyRingShape
  /** The machine's own copies. */
  readonly local: StorageShape
  readonly target: Target
}) {
  const { local, pin, ring, target } = options
  const pinned = new Set((yield* pin.read).slots.map(hex))
  if (pinned.size === 0) return []
  const isVault = yield* holdsThisVault(ring, target)
  const there = yield* slotsAt(target.storage)
  for (const { bytes, name } of there) {
    if (!pinned.has(hex(slotHash(bytes)))) return yield* replaced(target, name)
  }
  const held = new Set(there.map(({ bytes }) => hex(slotHash(bytes))))
  const lost = held.size === pinned.size
    ? []
    : (yield* slotsAt(local)).filter(({ bytes }) => !held.has(hex(slotHash(bytes))) && pinned.has(hex(slotHash(bytes))))
  // Slots first: a place is a vault only once its file is there.
  const putBack = isVault ? lost : [...lost, { name: VAULT_FILE, bytes: yield* local.get(VAULT_FILE) }]
  for (const { bytes, name } of putBack) {
    yield* target.storage.put(name, bytes)
    if (Buffer.compare(yield* target.storage.get(name), bytes) !== 0) {
      return yield* new VaultError({ reason: "SlotUnreadable", method: "putBack", subject: name })
    }
  }
  return putBack.map(({ name }) => name)
})

/** Whether its `sealog.json` is there and names this vault; one that names another, or nothing, was replaced. */
const holdsThisVault = Effect.fn("TargetKeys.holdsThisVault")(function*(ring: KeyRingShape, target: Target) {
  const found = yield* vaultIdOf(target.storage, target.name).pipe(
    Effect.catchTag("FormatError", (cause) => replaced(target, VAULT_FILE, cause)),
    Effect.catchIf(
      (error) => error._tag === "VaultError" && error.reason === "NotFound",
      () => Effect.succeed(undefined)
    )
  )
  if (found === undefined || Buffer.compare(found, ring.vaultId) === 0) return found !== undefined
  return yield* new VaultError({ reason: "OtherVault", method: "requireKeys", subject: target.name })
})

/** What lies where slots lie, and no more of each than a slot has. */
const slotsAt = Effect.fn("TargetKeys.slotsAt")(function*(storage: StorageShape) {
  const infos = yield* Stream.runCollect(storage.list("slots/"))
  const names = [...infos].map(({ name }) => name).filter(isObjectName)
  return yield* Effect.forEach(
    names,
    (name) => Effect.map(storage.get(name, { offset: 0, length: SLOT_BYTES + 1 }), (bytes) => ({ name, bytes }))
  )
})

const replaced = (target: Target, name: string, cause?: unknown) =>
  new VaultError({
    reason: "KeysReplaced",
    method: "requireKeys",
    subject: `${target.name}: ${name}`,
    ...(cause === undefined ? {} : { cause })
  })

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
