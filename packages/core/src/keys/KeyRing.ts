/**
 * The open vault: every epoch's vault key and, from each, one key for each purpose. Whoever holds a key ring can read
 * and write all there is, so it never leaves memory except inside a slot, and its keys stay redacted up to the cipher.
 */
import { Context, Effect, Redacted } from "effect"
import * as Limits from "../format/Limits.ts"
import { Entropy } from "./Entropy.ts"
import * as Hkdf from "./Hkdf.ts"
import { type Purpose, purposes } from "./Labels.ts"

export type { Purpose } from "./Labels.ts"

/** Bytes of a vault key and of a vault id. */
export const KEY_BYTES = 32
export const VAULT_ID_BYTES = 32

export interface KeyRingShape {
  readonly vaultId: Uint8Array
  /** The epoch everything new is sealed under. */
  readonly newest: number
  /** Ascending, without gaps. */
  readonly epochs: ReadonlyArray<number>
  /** An epoch's key for one purpose; `undefined` for an epoch this ring does not hold. */
  readonly key: (epoch: number, purpose: Purpose) => Redacted.Redacted<Uint8Array> | undefined
  /** An epoch's vault key itself: for slots and for nothing else. */
  readonly master: (epoch: number) => Redacted.Redacted<Uint8Array> | undefined
}

export class KeyRing extends Context.Tag("@sealog/core/keys/KeyRing")<KeyRing, KeyRingShape>() {}

/**
 * A key ring of vault keys that were opened or made. Sizes and order are the caller's promise, checked where bytes are
 * read (`KeySlot`): a breach is a bug and throws a RangeError.
 */
export const makeKeyRing = (options: {
  readonly vaultId: Uint8Array
  readonly epochs: ReadonlyMap<number, Redacted.Redacted<Uint8Array>>
}): KeyRingShape => {
  const vaultId = options.vaultId.slice()
  const masters = new Map(options.epochs)
  const epochs = [...masters.keys()].toSorted((a, b) => a - b)
  const newest = check(vaultId, epochs, masters)
  const derived = new Map<string, Redacted.Redacted<Uint8Array>>()
  return {
    vaultId,
    newest,
    epochs,
    key: (epoch, purpose) => {
      const cached = derived.get(`${epoch} ${purpose}`)
      if (cached !== undefined) return cached
      const master = masters.get(epoch)
      if (master === undefined) return undefined
      const key = Redacted.make(
        Hkdf.derive({ secret: Redacted.value(master), salt: vaultId, ...purposes[purpose] })
      )
      derived.set(`${epoch} ${purpose}`, key)
      return key
    },
    master: (epoch) => masters.get(epoch)
  }
}

/** A new vault's key ring: epoch 0 only. */
export const generateKeyRing = Effect.fn("KeyRing.generateKeyRing")(function*(vaultId: Uint8Array) {
  const entropy = yield* Entropy
  return makeKeyRing({ vaultId, epochs: new Map([[0, Redacted.make(entropy.bytes(KEY_BYTES))]]) })
})

/** The same vault with one more epoch, the newest; a vault has at most `Limits.EPOCHS` of them. */
export const rotateKeyRing = Effect.fn("KeyRing.rotateKeyRing")(function*(ring: KeyRingShape) {
  const entropy = yield* Entropy
  const epochs = new Map<number, Redacted.Redacted<Uint8Array>>()
  for (const epoch of ring.epochs) epochs.set(epoch, ring.master(epoch)!)
  epochs.set(ring.newest + 1, Redacted.make(entropy.bytes(KEY_BYTES)))
  return makeKeyRing({ vaultId: ring.vaultId, epochs })
})

/** A new vault's id. */
export const generateVaultId: Effect.Effect<Uint8Array, never, Entropy> = Effect.map(
  Entropy,
  (entropy) => entropy.bytes(VAULT_ID_BYTES)
)

const check = (
  vaultId: Uint8Array,
  epochs: ReadonlyArray<number>,
  masters: ReadonlyMap<number, Redacted.Redacted<Uint8Array>>
): number => {
  const first = epochs[0]
  const newest = epochs.at(-1)
  if (vaultId.length !== VAULT_ID_BYTES) throw new RangeError("a vault id has 32 bytes")
  if (first === undefined || newest === undefined || epochs.length > Limits.EPOCHS) {
    throw new RangeError(`a vault has 1 to ${Limits.EPOCHS} epochs`)
  }
  if (first < 0 || !epochs.every((epoch, index) => epoch === first + index)) {
    throw new RangeError("epochs follow one another")
  }
  for (const master of masters.values()) {
    if (Redacted.value(master).length !== KEY_BYTES) throw new RangeError("a vault key has 32 bytes")
  }
  return newest
}
