/** Vectors of passwords, recovery codes and key slots; Argon2id runs once, at the floor. */
import * as Limits from "@sealog/core/format/Limits"
import * as Sealed from "@sealog/core/format/Sealed"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as Hkdf from "@sealog/core/keys/Hkdf"
import * as Kdf from "@sealog/core/keys/Kdf"
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { HEADER_BYTES, makeSlot, PREFIX_BYTES } from "@sealog/core/keys/KeySlot"
import * as Labels from "@sealog/core/keys/Labels"
import { passwordBytes } from "@sealog/core/keys/Password"
import { generateRecoveryCode, type RecoveryCode, recoveryKey } from "@sealog/core/keys/RecoveryCode"
import { Effect, Redacted } from "effect"
import { hexOf } from "../Corpora.ts"
import { forge } from "../keys/SlotForgery.ts"

const PASSWORD = "cafe\u0301 \ufb01sch 12345"
const OTHER = "another password"

/** Offsets of the fields of the header. */
const AT = {
  magic: 0,
  version: 11,
  kind: 12,
  vaultId: 13,
  epoch: 61,
  kdf: 65,
  memory: 66,
  passes: 70,
  lanes: 74,
  salt: 78
}

export const makeSlotVectors = Effect.fn("SlotVectors.make")(function*(ring: KeyRingShape) {
  const { bytes: random } = yield* Entropy.Entropy
  const code = yield* generateRecoveryCode
  const secret = Redacted.make(PASSWORD)
  const slot = yield* makeSlot({ kind: "password", secret, ring, params: Limits.KDF_FLOOR })
  const recovery = yield* makeSlot({ kind: "recovery", secret: code, ring })
  const [kek, otherKek] = [yield* stretch(PASSWORD, slot.bytes), yield* stretch(OTHER, slot.bytes)]
  const good = { secret: PASSWORD, kek: hexOf(kek), slot: hexOf(slot.bytes) }
  const opened = {
    vaultId: hexOf(ring.vaultId),
    epochs: ring.epochs.map((epoch) => ({ epoch, key: hexOf(Redacted.value(ring.master(epoch)!)) }))
  }
  const set = (name: string, expect: string, at: number, ...values: ReadonlyArray<number>) => {
    const changed = slot.bytes.slice()
    changed.set(values, at)
    return { name, expect, ...good, slot: hexOf(changed) }
  }
  const flip = (name: string, expect: string, at: number) => set(name, expect, at, slot.bytes[at]! ^ 1)
  const sealed = (name: string, expect: string, contents: Uint8Array) => ({
    name,
    expect,
    ...good,
    slot: hexOf(reseal(slot.bytes, kek, contents, random))
  })
  const forged = forgeSlot(slot.bytes, [kek, otherKek], random)
  return {
    passwords: [
      {
        text: PASSWORD,
        bytes: hexOf(Redacted.value(passwordBytes(secret))),
        salt: hexOf(slot.bytes.slice(AT.salt, HEADER_BYTES)),
        ...Limits.KDF_FLOOR,
        kek: hexOf(kek)
      }
    ],
    recoveryCodes: [{ words: Redacted.value(code), kek: hexOf(Redacted.value(recoveryKey(code)!)) }],
    cases: [
      { name: "a password", expect: "success", ...good, ...opened },
      {
        name: "a recovery code",
        expect: "success",
        secret: Redacted.value(code),
        kek: hexOf(Redacted.value(recoveryKey(code)!)),
        slot: hexOf(recovery.bytes),
        ...opened
      },
      { name: "another password", expect: "commitment", ...good, secret: OTHER, kek: hexOf(otherKek) },
      { name: "made to open under two passwords, by the first", expect: "success", ...good, slot: hexOf(forged.first) },
      {
        name: "made to open under two passwords, by the second",
        expect: "commitment",
        ...good,
        secret: OTHER,
        kek: hexOf(otherKek),
        slot: hexOf(forged.first)
      },
      {
        name: "made to open under two passwords, with the second's commitment",
        expect: "cipher",
        ...good,
        secret: OTHER,
        kek: hexOf(otherKek),
        slot: hexOf(forged.second)
      },
      flip("the magic changed", "header", AT.magic),
      set("a later version", "unknown", AT.version, 2),
      set("a kind to come", "unknown", AT.kind, 3),
      set("a key derivation to come", "unknown", AT.kdf, 2),
      set("a password that is not stretched", "header", AT.kdf, 0),
      set("a password that is not stretched, by no parameters", "header", AT.kdf, ...new Uint8Array(13)),
      stretchedCode(recovery.bytes, code, slot.bytes.subarray(AT.kdf, AT.salt)),
      stretchedCode(recovery.bytes, code, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)),
      set("an epoch that no name can say", "header", AT.epoch, 0, 16, 0, 0),
      set("too little memory", "bounds", AT.memory, 0, 0, 255, 255),
      set("too much memory", "bounds", AT.memory, 0, 32, 0, 1),
      set("too few passes", "bounds", AT.passes, 0, 0, 0, 2),
      set("too many passes", "bounds", AT.passes, 0, 0, 0, 17),
      set("no lane", "bounds", AT.lanes, 0, 0, 0, 0),
      set("too many lanes", "bounds", AT.lanes, 0, 0, 0, 17),
      flip("another vault's id", "commitment", AT.vaultId),
      flip("the newest epoch changed", "commitment", AT.epoch + 3),
      flip("the commitment changed", "commitment", HEADER_BYTES),
      flip("the nonce changed", "cipher", PREFIX_BYTES),
      flip("the ciphertext changed", "cipher", PREFIX_BYTES + 24),
      flip("the tag changed", "cipher", slot.bytes.length - 1),
      sealed("no key in it", "contents", Uint8Array.of(0)),
      sealed("more keys than the newest epoch allows", "contents", Uint8Array.of(3)),
      sealed("more keys than there is place for", "contents", Uint8Array.of(33)),
      sealed("something after the keys", "contents", new Uint8Array(1025).fill(1)),
      { name: "a byte too few", expect: "header", ...good, slot: good.slot.slice(0, -2) },
      { name: "a byte too many", expect: "header", ...good, slot: `${good.slot}00` },
      { name: "nothing at all", expect: "header", ...good, slot: "" }
    ]
  }
}, Effect.provide(Kdf.layer))

/** A recovery slot with a key derivation that recovery codes do not have. */
const stretchedCode = (slot: Uint8Array, code: RecoveryCode, kdf: Uint8Array) => {
  const changed = slot.slice()
  changed.set(kdf, AT.kdf)
  return {
    name: `a recovery code with key derivation ${kdf[0]} and ${kdf.at(-1)} lanes`,
    expect: "header",
    secret: Redacted.value(code),
    kek: hexOf(Redacted.value(recoveryKey(code)!)),
    slot: hexOf(changed)
  }
}

const stretch = (text: string, slot: Uint8Array) =>
  Effect.flatMap(Kdf.Kdf, (kdf) => {
    const salt = slot.slice(AT.salt, HEADER_BYTES)
    return kdf.derive({ password: passwordBytes(Redacted.make(text)), salt, ...Limits.KDF_FLOOR })
  }).pipe(Effect.map(Redacted.value))

/** As the specification has it, and not through the module that is tested with it. */
const wrappingKey = (kek: Uint8Array, header: Uint8Array) => {
  const salt = header.slice(AT.salt)
  const derived = Hkdf.derive({ secret: kek, salt, label: Labels.SLOT, context: header, length: 64 })
  return { key: derived.slice(0, 32), commitment: derived.slice(32) }
}

const reseal = (slot: Uint8Array, kek: Uint8Array, contents: Uint8Array, random: (count: number) => Uint8Array) => {
  const plaintext = new Uint8Array(1 + Limits.EPOCHS * 32)
  plaintext.set(contents)
  const { key } = wrappingKey(kek, slot.slice(0, HEADER_BYTES))
  const aad = slot.slice(0, PREFIX_BYTES)
  const sealed = Sealed.sealReference({ key: Redacted.make(key), nonce: random(24), plaintext, aad })
  return Uint8Array.of(...aad, ...sealed)
}

/** Holds 32 epochs, because the keys it opens to are noise and so fill the slot. */
const forgeSlot = (
  slot: Uint8Array,
  keks: readonly [Uint8Array, Uint8Array],
  random: (count: number) => Uint8Array
) => {
  const header = slot.slice(0, HEADER_BYTES)
  header.set([0, 0, 0, Limits.EPOCHS - 1], AT.epoch)
  const [first, second] = [wrappingKey(keks[0], header), wrappingKey(keks[1], header)]
  const made = [first, second].map(({ commitment }) => {
    const aad = Uint8Array.of(...header, ...commitment)
    const { nonce, sealed } = forge({
      keys: [first.key, second.key],
      // The associated data of the first in both: the second only has its commitment put in its place afterwards.
      aad: Uint8Array.of(...header, ...first.commitment),
      length: 1 + Limits.EPOCHS * 32,
      firstByte: Limits.EPOCHS,
      random
    })
    return Uint8Array.of(...aad, ...nonce, ...sealed)
  })
  return { first: made[0]!, second: made[1]! }
}
