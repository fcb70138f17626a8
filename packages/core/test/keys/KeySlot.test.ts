import { assert, describe, it } from "@effect/vitest"
import * as Limits from "@sealog/core/format/Limits"
import { NAME_EPOCHS } from "@sealog/core/format/ObjectName"
import * as Sealed from "@sealog/core/format/Sealed"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as Hkdf from "@sealog/core/keys/Hkdf"
import * as Kdf from "@sealog/core/keys/Kdf"
import { generateKeyRing, type KeyRingShape, makeKeyRing, rotateKeyRing } from "@sealog/core/keys/KeyRing"
import {
  HEADER_BYTES,
  makeSlot,
  openSlot,
  PREFIX_BYTES,
  readSlotHeader,
  SLOT_BYTES,
  slotHash,
  type SlotKind
} from "@sealog/core/keys/KeySlot"
import * as Labels from "@sealog/core/keys/Labels"
import { makePassword, passwordBytes } from "@sealog/core/keys/Password"
import { generateRecoveryCode } from "@sealog/core/keys/RecoveryCode"
import { Effect, Either, Layer, Redacted } from "effect"
import { createHash } from "node:crypto"
import { hexOf } from "../Corpora.ts"
import { forge } from "./SlotForgery.ts"

const vaultId = new Uint8Array(32).fill(9)
const password = (text: string) => Either.getOrThrow(makePassword(text))
const fast = Layer.mergeAll(Entropy.layerSeeded("slots"), Kdf.layerTest)
const secret = password("correct horse")

const keysOf = (ring: KeyRingShape) => ring.epochs.map((epoch) => [epoch, hexOf(Redacted.value(ring.master(epoch)!))])

const aSlot = (kind: SlotKind = "password", given = secret) =>
  Effect.gen(function*() {
    const ring = yield* rotateKeyRing(yield* generateKeyRing(vaultId))
    return { ring, ...(yield* makeSlot({ kind, secret: given, ring })) }
  })

/** Why a slot does not open; `opened` if it does. */
const reasonOf = (bytes: Uint8Array, given = secret, id?: Uint8Array) =>
  openSlot({ bytes, secret: given, ...(id === undefined ? {} : { vaultId: id }) }).pipe(
    Effect.match({ onSuccess: () => "opened", onFailure: (error) => error.reason })
  )

const changed = (bytes: Uint8Array, at: number, ...values: ReadonlyArray<number>) => {
  const copy = bytes.slice()
  copy.set(values, at)
  return copy
}

/** Where a field of the header begins. */
const AT = {
  version: 11,
  kind: 12,
  vaultId: 13,
  id: 45,
  epoch: 61,
  kdf: 65,
  memory: 66,
  passes: 70,
  lanes: 74,
  salt: 78
}

describe("KeySlot", () => {
  /** Verifies: KEY-1 */
  it.effect("opens with its password or code and gives every key of the vault", () =>
    Effect.gen(function*() {
      const code = yield* generateRecoveryCode
      for (const [kind, given] of [["password", secret], ["recovery", code]] as const) {
        const { bytes, id, ring } = yield* aSlot(kind, given)
        const opened = yield* openSlot({ bytes, secret: given, vaultId })
        assert.deepStrictEqual(keysOf(opened), keysOf(ring))
        assert.deepStrictEqual(opened.vaultId, vaultId)
        const header = Either.getOrThrow(readSlotHeader(bytes))
        assert.deepStrictEqual(header.id, id)
        assert.deepStrictEqual([header.kind, header.newestEpoch], [kind, 1])
        assert.deepStrictEqual(header.params, kind === "password" ? Limits.KDF_DEFAULT : undefined)
      }
    }).pipe(Effect.provide(fast)))

  it.effect("says in its header what stays said, and takes any text for a secret", () =>
    Effect.gen(function*() {
      const { bytes, id } = yield* aSlot()
      const given = bytes.slice()
      const header = Either.getOrThrow(readSlotHeader(given))
      given.fill(0)
      assert.deepStrictEqual(header.id, id)
      assert.deepStrictEqual(header.vaultId, vaultId)
      assert.deepStrictEqual(header.salt, bytes.slice(AT.salt, HEADER_BYTES))
      const refused = yield* Effect.flip(
        makeSlot({ kind: "recovery", secret: Redacted.make("no code"), ring: yield* generateKeyRing(vaultId) })
      )
      assert.deepInclude(refused, { _tag: "SlotError", reason: "WrongSecret", method: "makeSlot" })
      const code = yield* aSlot("recovery", yield* generateRecoveryCode)
      const wrong = yield* Effect.flip(openSlot({ bytes: code.bytes, secret: Redacted.make("no code") }))
      assert.deepInclude(wrong, { _tag: "SlotError", reason: "WrongSecret", method: "openSlot" })
    }).pipe(Effect.provide(fast)))

  it.effect("belongs to its vault, by an id that is all there", () =>
    Effect.gen(function*() {
      const { bytes } = yield* aSlot()
      assert.strictEqual(yield* reasonOf(bytes, secret, vaultId), "opened")
      assert.strictEqual(yield* reasonOf(bytes, secret, vaultId.subarray(1)), "OtherVault")
      assert.strictEqual(yield* reasonOf(bytes, secret, vaultId.with(31, 0)), "OtherVault")
      assert.strictEqual(yield* reasonOf(changed(bytes, AT.kdf, 2, 255)), "Unknown")
    }).pipe(Effect.provide(fast)))

  it.effect("holds epochs up to the last that a name can say", () =>
    Effect.gen(function*() {
      const newest = NAME_EPOCHS - 1
      const ring = makeKeyRing({ vaultId, epochs: new Map([[newest, Redacted.make(new Uint8Array(32).fill(1))]]) })
      const { bytes } = yield* makeSlot({ kind: "password", secret, ring })
      assert.deepStrictEqual(keysOf(yield* openSlot({ bytes, secret })), keysOf(ring))
      assert.strictEqual(yield* reasonOf(changed(bytes, AT.epoch, 0, 16, 0, 0)), "Malformed")
    }).pipe(Effect.provide(fast)))

  /** Verifies: KEY-1 */
  it.effect("opens when it was stretched for real", () =>
    Effect.gen(function*() {
      const ring = yield* generateKeyRing(vaultId)
      const { bytes } = yield* makeSlot({ kind: "password", secret, ring, params: Limits.KDF_FLOOR })
      assert.deepStrictEqual(keysOf(yield* openSlot({ bytes, secret })), keysOf(ring))
      assert.strictEqual(yield* reasonOf(bytes, password("correct Horse")), "WrongSecret")
    }).pipe(Effect.provide([Entropy.layerSeeded(1), Kdf.layer])))

  it.effect("has one size, whatever is in it, and never the same bytes twice", () =>
    Effect.gen(function*() {
      const full = makeKeyRing({
        vaultId,
        epochs: new Map(
          Array.from(
            { length: Limits.EPOCHS },
            (_, epoch) => [epoch + 7, Redacted.make(new Uint8Array(32).fill(epoch))]
          )
        )
      })
      const one = yield* makeSlot({ kind: "password", secret, ring: full })
      const other = yield* makeSlot({ kind: "password", secret, ring: full })
      const small = yield* aSlot()
      assert.deepStrictEqual([one, other, small].map(({ bytes }) => bytes.length), [SLOT_BYTES, SLOT_BYTES, SLOT_BYTES])
      assert.deepStrictEqual(keysOf(yield* openSlot({ bytes: one.bytes, secret })), keysOf(full))
      assert.notDeepEqual(slotHash(one.bytes), slotHash(other.bytes))
      assert.notDeepEqual(one.bytes.subarray(PREFIX_BYTES), other.bytes.subarray(PREFIX_BYTES))
      assert.strictEqual(hexOf(slotHash(one.bytes)), createHash("sha256").update(one.bytes).digest("hex"))
    }).pipe(Effect.provide(fast)))

  /** Verifies: KEY-7 */
  it.effect("opens with the same password in another Unicode form", () =>
    Effect.gen(function*() {
      const { bytes } = yield* aSlot("password", Redacted.make("cafe\u0301 caf\u00e9"))
      assert.strictEqual(yield* reasonOf(bytes, Redacted.make("caf\u00e9 cafe\u0301")), "opened")
    }).pipe(Effect.provide(fast)))

  /** Verifies: KEY-5 */
  it.effect("has one text for every way a password or code can be wrong", () =>
    Effect.gen(function*() {
      const code = yield* generateRecoveryCode
      const wrong: ReadonlyArray<readonly [SlotKind, Redacted.Redacted<string>, Redacted.Redacted<string>]> = [
        ["password", secret, password("correct horse ")],
        ["password", secret, password("")],
        ["password", secret, code],
        ["recovery", code, yield* generateRecoveryCode],
        ["recovery", code, Redacted.make("zoo ".repeat(24))],
        ["recovery", code, secret]
      ]
      const texts = new Set<string>()
      for (const [kind, right, given] of wrong) {
        const { bytes } = yield* aSlot(kind, right)
        const error = yield* Effect.flip(openSlot({ bytes, secret: given }))
        assert.strictEqual(error.reason, "WrongSecret")
        texts.add(error.message)
      }
      assert.lengthOf([...texts], 1)
    }).pipe(Effect.provide(fast)))

  /** Verifies: KEY-2 */
  it.effect("is refused with any one bit changed", () =>
    Effect.gen(function*() {
      const { bytes } = yield* aSlot()
      const reasons = new Map<string, number>()
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const reason = yield* reasonOf(changed(bytes, bit >> 3, bytes[bit >> 3]! ^ (1 << (bit & 7))))
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
      }
      assert.isFalse(reasons.has("opened"))
      assert.hasAllKeys(reasons, ["WrongSecret", "Malformed", "Unknown", "Bounds"])
      // What follows the commitment is what the cipher itself protects.
      assert.isAtLeast(reasons.get("Malformed") ?? 0, (SLOT_BYTES - PREFIX_BYTES) * 8)
    }).pipe(Effect.provide(fast)), 60_000)

  /** Verifies: KEY-2 */
  it.effect("is refused at any other length", () =>
    Effect.gen(function*() {
      const { bytes } = yield* aSlot()
      for (let length = 0; length < bytes.length; length++) {
        assert.strictEqual(yield* reasonOf(bytes.subarray(0, length)), "Malformed", `${length}`)
      }
      assert.strictEqual(yield* reasonOf(Uint8Array.of(...bytes, 0)), "Malformed")
    }).pipe(Effect.provide(fast)))

  /** Verifies: KEY-3 */
  it.effect("is refused before its password is stretched, if it asks for too little or too much", () =>
    Effect.gen(function*() {
      const { bytes } = yield* aSlot()
      const bad: ReadonlyArray<readonly [number, ReadonlyArray<number>]> = [
        [AT.memory, [0, 0, 0, 0]],
        [AT.memory, [0, 0, 0xff, 0xff]],
        [AT.memory, [0, 0x20, 0, 1]],
        [AT.memory, [0xff, 0xff, 0xff, 0xff]],
        [AT.passes, [0, 0, 0, 2]],
        [AT.passes, [0, 0, 0, 17]],
        [AT.passes, [0xff, 0, 0, 3]],
        [AT.lanes, [0, 0, 0, 0]],
        [AT.lanes, [0, 0, 0, 17]],
        [AT.lanes, [1, 0, 0, 4]]
      ]
      for (const [at, values] of bad) assert.strictEqual(yield* reasonOf(changed(bytes, at, ...values)), "Bounds")
      const ring = yield* generateKeyRing(vaultId)
      const cheap = { ...Limits.KDF_FLOOR, passes: 1 }
      const refused = yield* Effect.flip(makeSlot({ kind: "password", secret, ring, params: cheap }))
      assert.strictEqual(refused.reason, "Bounds")
    }).pipe(Effect.provide([Entropy.layerSeeded(1), derivesNothing])))

  /** Verifies: KEY-11 */
  it.effect("of a newer program or of another vault says so, before its password is stretched", () =>
    Effect.gen(function*() {
      const { bytes } = yield* aSlot()
      assert.strictEqual(yield* reasonOf(changed(bytes, AT.version, 2).subarray(0, 20)), "Unknown")
      assert.strictEqual(yield* reasonOf(changed(bytes, AT.kind, 3)), "Unknown")
      assert.strictEqual(yield* reasonOf(changed(bytes, AT.kdf, 2)), "Unknown")
      assert.strictEqual(yield* reasonOf(bytes, secret, new Uint8Array(32)), "OtherVault")
      assert.strictEqual(yield* reasonOf(changed(bytes, AT.version, 0)), "Malformed")
      assert.strictEqual(yield* reasonOf(changed(bytes, AT.epoch, 0, 16, 0, 0)), "Malformed")
      // A password that is not stretched, and a code that is, are nothing a writer makes.
      const unstretched = changed(bytes, AT.kdf, ...new Uint8Array(13))
      const recovery = yield* aSlot("recovery", yield* generateRecoveryCode)
      assert.strictEqual(yield* reasonOf(changed(bytes, AT.kdf, 0)), "Malformed")
      assert.strictEqual(yield* reasonOf(unstretched), "Malformed")
      assert.strictEqual(
        yield* reasonOf(changed(recovery.bytes, AT.kdf, ...bytes.subarray(AT.kdf, AT.salt))),
        "Malformed"
      )
      for (const at of [AT.memory, AT.passes, AT.lanes]) {
        assert.strictEqual(yield* reasonOf(changed(recovery.bytes, at, 0, 0, 0, 1)), "Malformed")
      }
    }).pipe(Effect.provide([Entropy.layerSeeded(1), derivesNothing])))

  /** Verifies: KEY-4 */
  it.effect("opens under one password only, though its ciphertext was made to open under two", () =>
    Effect.gen(function*() {
      const { bytes } = yield* aSlot()
      const header = changed(bytes.subarray(0, HEADER_BYTES), AT.epoch, 0, 0, 0, 31)
      const [ours, theirs] = [yield* wrappingKey(secret, header), yield* wrappingKey(password("other"), header)]
      const aad = Uint8Array.of(...header, ...ours.commitment)
      const entropy = yield* Entropy.Entropy
      const { nonce, sealed } = forge({
        keys: [ours.key, theirs.key],
        aad,
        length: 1 + Limits.EPOCHS * 32,
        firstByte: Limits.EPOCHS,
        random: entropy.bytes
      })
      const forged = Uint8Array.of(...aad, ...nonce, ...sealed)
      for (const { key } of [ours, theirs]) {
        const opened = Sealed.open({ key: Redacted.make(key), sealed: forged.subarray(PREFIX_BYTES), aad })
        assert.strictEqual(opened?.[0], Limits.EPOCHS)
      }
      assert.strictEqual(yield* reasonOf(forged), "opened")
      assert.strictEqual(yield* reasonOf(forged, password("other")), "WrongSecret")
      const swapped = changed(forged, HEADER_BYTES, ...theirs.commitment)
      assert.strictEqual(yield* reasonOf(swapped), "WrongSecret")
      assert.strictEqual(yield* reasonOf(swapped, password("other")), "Malformed")
    }).pipe(Effect.provide(fast)))

  it.effect("that was sealed with the right password but holds no keys is refused", () =>
    Effect.gen(function*() {
      const { bytes } = yield* aSlot()
      const header = bytes.subarray(0, HEADER_BYTES)
      const { commitment, key } = yield* wrappingKey(secret, header)
      const aad = Uint8Array.of(...header, ...commitment)
      const length = 1 + Limits.EPOCHS * 32
      const contents: ReadonlyArray<readonly [string, Uint8Array]> = [
        ["opened", changed(new Uint8Array(length), 0, 1)],
        ["Malformed", new Uint8Array(length)],
        ["Malformed", changed(new Uint8Array(length), 0, 3)],
        ["Malformed", changed(new Uint8Array(length), 0, 33)],
        ["Malformed", changed(changed(new Uint8Array(length), 0, 1), length - 1, 1)]
      ]
      for (const [expected, plaintext] of contents) {
        const sealed = Sealed.seal({ key: Redacted.make(key), nonce: new Uint8Array(24), plaintext, aad })
        assert.strictEqual(yield* reasonOf(Uint8Array.of(...aad, ...sealed)), expected)
      }
    }).pipe(Effect.provide(fast)))
})

/** A derivation that must not be asked for, except once, to make the slot that is then tampered with. */
const derivesNothing = Layer.effect(
  Kdf.Kdf,
  Effect.map(Effect.provide(Kdf.Kdf, Kdf.layerTest), (stub) => {
    let used = 0
    return {
      derive: (input: Kdf.KdfInput) => used++ === 0 ? stub.derive(input) : Effect.dieMessage("stretched a password")
    }
  })
)

/** As the specification has it, and not through the module under test. */
const wrappingKey = (given: Redacted.Redacted<string>, header: Uint8Array) =>
  Effect.gen(function*() {
    const kdf = yield* Kdf.Kdf
    const salt = header.slice(AT.salt)
    const kek = yield* kdf.derive({ password: passwordBytes(given), salt, ...Limits.KDF_DEFAULT })
    const derived = Hkdf.derive({ secret: Redacted.value(kek), salt, label: Labels.SLOT, context: header, length: 64 })
    return { key: derived.slice(0, 32), commitment: derived.slice(32) }
  })
