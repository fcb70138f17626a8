/** The frozen vectors of `docs/vectors`: that they are still what is made, and that each is still met. */
import { assert, describe, it } from "@effect/vitest"
import type { FormatError } from "@sealog/core/format/FormatError"
import { blobName, type NameReason, parseSegmentName, segmentName, slotName } from "@sealog/core/format/ObjectName"
import { open, openReference, OVERHEAD_BYTES } from "@sealog/core/format/Sealed"
import { openStream, streamContext } from "@sealog/core/format/SealedStream"
import { decodeVaultFile } from "@sealog/core/format/VaultFile"
import * as Kdf from "@sealog/core/keys/Kdf"
import { makeKeyRing } from "@sealog/core/keys/KeyRing"
import { openSlot, type SlotError } from "@sealog/core/keys/KeySlot"
import { type Purpose, purposes } from "@sealog/core/keys/Labels"
import { makePassword, passwordBytes } from "@sealog/core/keys/Password"
import { parseRecoveryCode, recoveryKey } from "@sealog/core/keys/RecoveryCode"
import { Effect, Either, Redacted } from "effect"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { bytesOf, hexOf } from "../Corpora.ts"
import { makeKeyVectors, pattern } from "../vectors/KeyVectors.ts"

const folder = new URL("../../../../docs/vectors/", import.meta.url)
const read = (path: string) => new Uint8Array(readFileSync(fileURLToPath(new URL(path, folder))))
const readJson = (path: string) => JSON.parse(new TextDecoder().decode(read(path)))

interface Case {
  readonly name: string
  readonly expect: string
}
interface Ring {
  readonly vaultId: string
  readonly epochs: ReadonlyArray<{ readonly epoch: number; readonly key: string }>
}
const ringOf = ({ epochs, vaultId }: Ring) =>
  makeKeyRing({
    vaultId: bytesOf(vaultId),
    epochs: new Map(epochs.map(({ epoch, key }) => [epoch, Redacted.make(bytesOf(key))]))
  })

describe("docs/vectors", () => {
  /** Verifies: KEY-12, CIPH-12 */
  it.effect("is what the program makes, to the byte", () =>
    Effect.map(makeKeyVectors, (files) => {
      for (const { bytes, path } of files) assert.isTrue(Buffer.from(bytes).equals(read(path)), path)
    }), 30_000)

  /** Verifies: KEY-12 */
  it("keys/key-ring.json: every key of every epoch", () => {
    const cases: ReadonlyArray<Case & Ring & { keys: ReadonlyArray<{ epoch: number } & Record<Purpose, string>> }> =
      readJson("keys/key-ring.json").cases
    for (const given of cases) {
      const ring = ringOf(given)
      for (const { epoch, ...keys } of given.keys) {
        assert.hasAllKeys(keys, Object.keys(purposes))
        for (const [purpose, key] of Object.entries(keys)) {
          assert.strictEqual(hexOf(Redacted.value(ring.key(epoch, purpose as Purpose)!)), key)
        }
      }
    }
  })

  /** Verifies: KEY-12 */
  it.effect("keys/slots.json: passwords, recovery codes, and slots", () =>
    Effect.gen(function*() {
      const { cases, passwords, recoveryCodes } = readJson("keys/slots.json")
      for (const { bytes, kek, salt, text, ...params } of passwords) {
        const password = passwordBytes(Either.getOrThrow(makePassword(text)))
        assert.strictEqual(hexOf(Redacted.value(password)), bytes)
        const derived = yield* Effect.flatMap(
          Kdf.Kdf,
          (kdf) => kdf.derive({ password, salt: bytesOf(salt), ...params })
        )
        assert.strictEqual(hexOf(Redacted.value(derived)), kek)
      }
      for (const { kek, words } of recoveryCodes) {
        const key = recoveryKey(Either.getOrThrow(parseRecoveryCode(words)))
        assert.strictEqual(hexOf(Redacted.value(key!)), kek)
      }
      for (const given of cases as ReadonlyArray<Case & Partial<Ring> & Record<"secret" | "kek" | "slot", string>>) {
        const kdf = Kdf.Kdf.of({ derive: () => Effect.succeed(Redacted.make(bytesOf(given.kek))) })
        const opened = yield* openSlot({ bytes: bytesOf(given.slot), secret: Redacted.make(given.secret) }).pipe(
          Effect.provideService(Kdf.Kdf, kdf),
          Effect.either
        )
        assert.strictEqual(slotLayer(opened), given.expect, given.name)
        if (Either.isLeft(opened) || given.epochs === undefined) continue
        assert.strictEqual(hexOf(opened.right.vaultId), given.vaultId)
        const epochs = opened.right.epochs.map((epoch) => ({
          epoch,
          key: hexOf(Redacted.value(opened.right.master(epoch)!))
        }))
        assert.deepStrictEqual(epochs, given.epochs)
      }
    }).pipe(Effect.provide(Kdf.layer)))

  /** Verifies: CIPH-12 */
  it("cipher/records.json: records, by the fast cipher and by the reference", () => {
    for (const { aad, expect, key, name, plaintext, sealed } of readJson("cipher/records.json").cases) {
      const options = { key: Redacted.make(bytesOf(key)), aad: bytesOf(aad), sealed: bytesOf(sealed) }
      for (const opener of [open, openReference]) {
        const opened = opener(options)
        assert.strictEqual(opened === undefined ? undefined : hexOf(opened), plaintext, name)
        assert.strictEqual(expect === "success", opened !== undefined, name)
      }
      assert.strictEqual(expect === "length", options.sealed.length < OVERHEAD_BYTES, name)
    }
  })

  /** Verifies: CIPH-12 */
  it("cipher/objects.json: objects, whole, cut and mixed up", () => {
    for (const given of readJson("cipher/objects.json").cases) {
      const opened = openStream({
        key: Redacted.make(bytesOf(given.key)),
        context: streamContext({ kind: given.kind, vaultId: bytesOf(given.vaultId), name: given.object }),
        sealed: objectOf(given)
      })
      assert.strictEqual(objectLayer(opened), given.expect, given.name)
      if (Either.isRight(opened)) assert.isTrue(Buffer.from(opened.right).equals(pattern(given.plaintextLength)))
    }
  })

  /** Verifies: CIPH-12 */
  it("names/names.json: segments, blobs and slots", () => {
    const { blobs, segments, slots, ...given } = readJson("names/names.json")
    const ring = ringOf(given)
    const reasons: Record<NameReason, string> = {
      Foreign: "foreign",
      NewerEpoch: "newer epoch",
      Unauthentic: "unauthentic"
    }
    for (const { expect, name, object, session, writer, ...numbers } of segments) {
      const parsed = parseSegmentName(ring, object)
      assert.strictEqual(Either.isRight(parsed) ? "success" : reasons[parsed.left.reason], expect, name)
      if (Either.isLeft(parsed)) continue
      const segment = { ...numbers, writer: bytesOf(writer), session: bytesOf(session) }
      assert.deepStrictEqual(parsed.right, segment)
      assert.strictEqual(segmentName(ring, segment), object)
    }
    for (const { epoch, object, sha256, writer } of blobs) {
      assert.strictEqual(blobName(ring, { epoch, writer: bytesOf(writer), sha256: bytesOf(sha256) }), object)
    }
    for (const { id, object } of slots) assert.strictEqual(slotName(bytesOf(id)), object)
  })

  /** Verifies: CIPH-11 */
  it("names/vault-files.json: the one readable object", () => {
    for (const { expect, name, text, vaultId } of readJson("names/vault-files.json").cases) {
      const decoded = decodeVaultFile(new TextEncoder().encode(text))
      assert.strictEqual(Either.isRight(decoded) ? "success" : decoded.left.reason.toLowerCase(), expect, name)
      if (Either.isRight(decoded)) assert.strictEqual(hexOf(decoded.right.vaultId), vaultId)
    }
  })
})

/** What a slot failed on, in the words of the vectors. */
const slotLayer = (opened: Either.Either<unknown, SlotError | Kdf.KdfError>): string => {
  if (Either.isRight(opened)) return "success"
  switch (opened.left.reason) {
    case "WrongSecret":
      return "commitment"
    case "Unknown":
      return "unknown"
    case "Bounds":
      return "bounds"
    case "Malformed": {
      const fromHeader = opened.left.method === "readSlotHeader"
      if (fromHeader) return "header"
      return opened.left.cause === undefined ? "cipher" : "contents"
    }
    default:
      return opened.left.reason
  }
}

const objectLayer = (opened: Either.Either<unknown, FormatError>): string => {
  if (Either.isRight(opened)) return "success"
  return opened.left.reason === "Unauthentic" ? opened.left.detail ?? "" : "length"
}

const objectOf = (given: {
  readonly sealed?: string
  readonly file?: string
  readonly pieces?: ReadonlyArray<readonly [number, number]>
  readonly flip?: number
}): Uint8Array => {
  const base = given.file === undefined ? bytesOf(given.sealed ?? "") : read(`cipher/${given.file}`)
  const pieces = given.pieces ?? [[0, base.length] as const]
  const object = new Uint8Array(Buffer.concat(pieces.map(([from, to]) => base.subarray(from, to))))
  if (given.flip !== undefined) object[given.flip]! ^= 1
  return object
}
