/**
 * Every bit of a small vault flipped, every object cut at every 64th byte: whatever is not exactly what was written is
 * refused, with an error that names the object, and nothing of it is released.
 */
import { assert, describe, it } from "@effect/vitest"
import { makeJsonLinesProjection } from "@sealog/adapters/projections/JsonLines"
import { openRestoreFolder } from "@sealog/adapters/projections/RestoreFolder"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { epochOf, parseSegmentName } from "@sealog/core/format/ObjectName"
import { type ObjectKind, openStream, streamContext } from "@sealog/core/format/SealedStream"
import { decodeVaultFile, VAULT_FILE } from "@sealog/core/format/VaultFile"
import * as Kdf from "@sealog/core/keys/Kdf"
import { HEADER_BYTES, openSlot, PREFIX_BYTES } from "@sealog/core/keys/KeySlot"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { restore } from "@sealog/core/restore/Restore"
import { Console, Effect, Either } from "effect"
import * as fs from "node:fs"
import { freshFolder } from "../support/Machine.ts"
import { makeSmallVault, type Objects, opened, restored, type SmallVault } from "./SmallVault.ts"
import { MUTANTS, pick, randomOf } from "./Trials.ts"

const SEGMENTS = 2
const CUT_BYTES = 64

// Errors by the hundred thousand: where each was made, nobody will ask.
Error.stackTraceLimit = 0

const vault = Effect.runSync(Effect.cached(makeSmallVault({ seed: "mutants", segments: SEGMENTS })))

const flipped = (bytes: Uint8Array, bit: number): Uint8Array => {
  const copy = bytes.slice()
  copy[bit >> 3]! ^= 1 << (bit & 7)
  return copy
}

const replaced = ({ objects }: SmallVault, name: string, bytes: Uint8Array): Objects =>
  new Map(objects).set(name, bytes)

/** Segments and blobs: what is sealed as a stream. */
const sealedNames = ({ objects }: SmallVault) => [...objects.keys()].filter((name) => /^(log|blobs)\//.test(name))
const slotNames = ({ objects }: SmallVault) => [...objects.keys()].filter((name) => name.startsWith("slots/"))

/** Opens an object by itself, as a reader does before it looks at anything in it. */
const openAlone = ({ ring }: SmallVault, name: string) => {
  const kind: ObjectKind = name.startsWith("log/") ? "segment" : "blob"
  const key = ring.key(epochOf(name)!, kind)!
  const context = streamContext({ kind, vaultId: ring.vaultId, name })
  return (sealed: Uint8Array) => openStream({ key, context, sealed })
}

/** What is given out of a vault in which an object is missing. */
const withoutObject = (whole: SmallVault, name: string) => {
  const objects = new Map(whole.objects)
  objects.delete(name)
  return Effect.map(restored(objects, whole.ring), ({ given }) => given)
}

/** A restore of such a vault is refused for that object, and what it gave out before is as if it had been missing. */
const requireRefused = Effect.fn("Mutants.requireRefused")(
  function*(whole: SmallVault, name: string, bytes: Uint8Array, elsewhere: ReadonlyArray<string>) {
    const { given, outcome } = yield* restored(replaced(whole, name, bytes), whole.ring)
    const error = Either.getOrThrow(Either.flip(outcome))
    if (error._tag !== "RestoreError") return assert.fail(error.message)
    assert.strictEqual(error.reason, "NotProven")
    assert.deepStrictEqual(given, elsewhere)
    if (name.startsWith("log/")) {
      const { first, last } = Either.getOrThrow(parseSegmentName(whole.ring, name))
      assert.deepInclude(error.findings.find(({ reason }) => reason === "Damaged"), { object: name, first, last })
    } else {
      const cause = error.unread[0]?.cause
      assert.strictEqual(cause?._tag === "FormatError" ? cause.what : "", name)
    }
  }
)

describe("a small vault", () => {
  /** Verifies: FAULT-7 */
  it.effect("opens no object of which any one bit is another", () =>
    Effect.gen(function*() {
      const whole = yield* vault
      let mutants = 0
      for (const name of sealedNames(whole)) {
        const bytes = whole.objects.get(name)!
        const open = openAlone(whole, name)
        assert.isTrue(Either.isRight(open(bytes)))
        for (let bit = 0; bit < bytes.length * 8; bit++, mutants++) {
          const result = open(flipped(bytes, bit))
          if (Either.isRight(result)) assert.fail(`bit ${bit} of ${name} makes no difference`)
          if (result.left.reason !== "Unauthentic") assert.fail(`bit ${bit} of ${name}: ${result.left.reason}`)
        }
      }
      yield* Console.log(`bits: ${mutants} flipped in segments and blobs, each refused`)
    }), 120_000)

  /** Verifies: FAULT-7, FAULT-8 */
  it.effect(
    "opens no key slot of which any one bit is another, and the other slot all the same",
    () =>
      Effect.gen(function*() {
        const whole = yield* vault
        const random = randomOf("slots")
        let mutants = 0
        for (const [at, name] of slotNames(whole).entries()) {
          const bytes = whole.objects.get(name)!
          const secret = whole.secrets[at]!
          const open = (slot: Uint8Array) =>
            Effect.either(openSlot({ bytes: slot, secret: secret.value, vaultId: whole.ring.vaultId }))
          assert.isTrue(Either.isRight(yield* open(bytes)))
          // To decode the words of a code takes longer than all else: behind its prefix, one bit of each byte will do.
          const isEach = (bit: number) => at === 0 || bit < PREFIX_BYTES * 8 || (bit & 7) === Math.floor(random() * 8)
          for (let bit = 0; bit < bytes.length * 8; bit++) {
            if (!isEach(bit)) continue
            mutants++
            const result = yield* open(flipped(bytes, bit))
            if (Either.isRight(result)) assert.fail(`bit ${bit} of ${name} makes no difference`)
          }
          for (let trial = 0; trial < MUTANTS / 6; trial++) {
            // Half of them in the header, which is read before anything is authenticated.
            const bit = Math.floor(random() * (trial % 2 === 0 ? HEADER_BYTES : bytes.length) * 8)
            const objects = replaced(whole, name, flipped(bytes, bit))
            const refused = yield* Effect.either(opened(objects, secret))
            assert.isTrue(Either.isLeft(refused), `bit ${bit} of ${name}`)
            const ring = yield* opened(objects, whole.secrets[1 - at]!)
            assert.deepStrictEqual(ring.vaultId, whole.ring.vaultId)
          }
        }
        yield* Console.log(`bits: ${mutants} flipped in key slots, each refused`)
      }).pipe(Effect.provide(Kdf.layerTest)),
    120_000
  )

  /** Verifies: FAULT-7 */
  it.effect("is not opened by a sealog.json of which any one bit is another", () =>
    Effect.gen(function*() {
      const whole = yield* vault
      const bytes = whole.objects.get(VAULT_FILE)!
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const mutant = flipped(bytes, bit)
        const read = decodeVaultFile(mutant)
        // It is readable text and nobody vouches for it: one that names another vault opens no slot of this one.
        if (Either.isLeft(read)) continue
        assert.notDeepEqual(read.right.vaultId, whole.ring.vaultId)
        for (const secret of whole.secrets) {
          const refused = yield* Effect.flip(opened(replaced(whole, VAULT_FILE, mutant), secret))
          assert.deepNestedInclude(refused, { _tag: "SlotError", reason: "OtherVault" })
        }
      }
    }), 120_000)

  /** Verifies: FAULT-7, FAULT-9 */
  it.effect(
    "is not restored with a bit flipped, and the object and its events are named",
    () =>
      Effect.gen(function*() {
        const whole = yield* vault
        const random = randomOf("whole")
        const names = sealedNames(whole)
        for (const name of names) {
          const bytes = whole.objects.get(name)!
          const elsewhere = yield* withoutObject(whole, name)
          assert.isBelow(elsewhere.length, whole.messages.length)
          for (let trial = 0; trial < MUTANTS / names.length; trial++) {
            yield* requireRefused(whole, name, flipped(bytes, Math.floor(random() * bytes.length * 8)), elsewhere)
          }
        }
      }),
    120_000
  )

  /** Verifies: FAULT-7, FAULT-9 */
  it.effect("is not restored with an object cut, at any 64th byte", () =>
    Effect.gen(function*() {
      const whole = yield* vault
      for (const name of sealedNames(whole)) {
        const bytes = whole.objects.get(name)!
        const elsewhere = yield* withoutObject(whole, name)
        for (let length = 0; length < bytes.length; length += CUT_BYTES) {
          yield* requireRefused(whole, name, bytes.subarray(0, length), elsewhere)
        }
      }
      for (const name of [...slotNames(whole), VAULT_FILE]) {
        const bytes = whole.objects.get(name)!
        const secret = whole.secrets[Math.max(0, slotNames(whole).indexOf(name))]!
        for (let length = 0; length < bytes.length; length += CUT_BYTES) {
          const refused = yield* Effect.either(opened(replaced(whole, name, bytes.subarray(0, length)), secret))
          assert.isTrue(Either.isLeft(refused), `${name} at ${length}`)
        }
      }
    }), 120_000)

  /** Verifies: FAULT-9 */
  it.scopedLive("leaves nothing in the folder when it is refused", () =>
    Effect.gen(function*() {
      const whole = yield* vault
      const random = randomOf("folder")
      const dir = yield* freshFolder
      for (let trial = 0; trial < MUTANTS / 10; trial++) {
        const name = pick(random, sealedNames(whole))
        const bytes = whole.objects.get(name)!
        const objects = replaced(whole, name, flipped(bytes, Math.floor(random() * bytes.length * 8)))
        const refused = yield* Effect.flip(restoreInto(dir, objects, whole))
        assert.strictEqual(refused._tag, "RestoreError")
        assert.deepStrictEqual(fs.readdirSync(dir), [])
      }
      yield* restoreInto(dir, whole.objects, whole)
      assert.include(fs.readdirSync(dir), "messages.jsonl")
    }), 120_000)
})

const restoreInto = Effect.fn("Mutants.restoreInto")(function*(dir: string, objects: Objects, { ring }: SmallVault) {
  const storage = yield* makeMemory({ objects: new Map(objects) })
  const fetch = yield* makeFetch([{ name: "memory", storage }], ring)
  const folder = yield* openRestoreFolder({ dir, format: "jsonl", vaultId: "00", force: false })
  const projection = makeJsonLinesProjection(folder)
  yield* restore({ fetch, projection, since: new Map(), pinned: new Map(), partial: false })
  yield* folder.writeMark({
    schema: "sealog.restore-mark/1",
    format: "jsonl",
    vaultId: "00",
    messages: 0,
    heads: [],
    files: projection.writtenFiles()
  })
}, Effect.scoped)
