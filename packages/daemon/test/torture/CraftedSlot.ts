/** Key slots as an attacker makes them, from the specification and not with the module that reads them. */
import { EPOCHS, KDF_FLOOR } from "@sealog/core/format/Limits"
import * as Sealed from "@sealog/core/format/Sealed"
import * as Hkdf from "@sealog/core/keys/Hkdf"
import * as Kdf from "@sealog/core/keys/Kdf"
import { HEADER_BYTES, PREFIX_BYTES } from "@sealog/core/keys/KeySlot"
import * as Labels from "@sealog/core/keys/Labels"
import { passwordBytes } from "@sealog/core/keys/Password"
import { forgeMany } from "@sealog/core/testing/Forgery"
import { Effect, Redacted } from "effect"

/** Where a field of a slot's header begins. */
export const AT = { version: 11, kind: 12, epoch: 61, kdf: 65, memory: 66, passes: 70, lanes: 74, salt: 78 } as const

export interface CraftedSlot {
  readonly bytes: Uint8Array
  /** Of the passwords, how many the cipher alone would take. */
  readonly taken: number
}

/**
 * A slot with this one's header, whose ciphertext opens under every password and which commits to the first. It claims
 * as many epochs as a slot holds: the keys it opens to are noise and fill it.
 */
export const craftSlot = Effect.fn("CraftedSlot.craft")(function*(options: {
  readonly slot: Uint8Array
  readonly passwords: ReadonlyArray<Redacted.Redacted<string>>
  readonly random: (count: number) => Uint8Array
}) {
  const { passwords, random, slot } = options
  const header = slot.slice(0, HEADER_BYTES)
  new DataView(header.buffer).setUint32(AT.epoch, EPOCHS - 1)
  const wrapping = yield* Effect.forEach(passwords, (password) => wrappingKey(password, header))
  const aad = Uint8Array.of(...header, ...wrapping[0]!.commitment)
  const keys = wrapping.map(({ key }) => key)
  const { nonce, sealed } = forgeMany({ keys, aad, length: 1 + EPOCHS * 32, firstByte: EPOCHS, random })
  const bytes = Uint8Array.of(...aad, ...nonce, ...sealed)
  const taken = keys.filter((key) =>
    Sealed.open({ key: Redacted.make(key), sealed: bytes.subarray(PREFIX_BYTES), aad }) !== undefined
  )
  return { bytes, taken: taken.length } satisfies CraftedSlot
})

const wrappingKey = Effect.fn("CraftedSlot.wrappingKey")(function*(
  password: Redacted.Redacted<string>,
  header: Uint8Array
) {
  const kdf = yield* Kdf.Kdf
  const salt = header.slice(AT.salt)
  const kek = yield* kdf.derive({ password: passwordBytes(password), salt, ...KDF_FLOOR })
  const derived = Hkdf.derive({ secret: Redacted.value(kek), salt, label: Labels.SLOT, context: header, length: 64 })
  return { key: derived.slice(0, 32), commitment: derived.slice(32) }
})

/** What a slot can be made to ask for: fields of its header, and what stands in them. */
export type Asking = Readonly<Partial<Record<"kdf" | "memory" | "passes" | "lanes", number>>>

export const asking = (slot: Uint8Array, fields: Asking): Uint8Array => {
  const bytes = slot.slice()
  const view = new DataView(bytes.buffer)
  for (const [field, value] of Object.entries(fields)) {
    if (field === "kdf") view.setUint8(AT.kdf, value)
    else view.setUint32(AT[field as keyof Asking], value)
  }
  return bytes
}

const NUMBERS = [0, 1, 2, 0x7f, 0x100, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]

/** Forty and more ways to ask for too little or too much; a slot makes each of its fields as large as it can be. */
export const OUT_OF_BOUNDS: ReadonlyArray<Asking> = [
  ...[...NUMBERS, 1_024, 19 * 1_024, 64 * 1_024 - 1, 2 * 1_024 * 1_024 + 1, 2 ** 32 - 1_024].map((memory) => ({
    memory
  })),
  ...[...NUMBERS, 17, 1_000].filter((passes) => passes < 3 || passes > 16).map((passes) => ({ passes })),
  ...[...NUMBERS, 17, 1_000].filter((lanes) => lanes < 1 || lanes > 16).map((lanes) => ({ lanes })),
  { memory: 0, passes: 0, lanes: 0 },
  { memory: 0xffff_ffff, passes: 0xffff_ffff, lanes: 0xffff_ffff },
  { memory: 8, passes: 1, lanes: 1 },
  { kdf: 0 },
  { kdf: 0, memory: 0, passes: 0, lanes: 0 },
  { kdf: 2 },
  { kdf: 255, memory: 0xffff_ffff }
]
