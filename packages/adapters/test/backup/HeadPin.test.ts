/** A pinned head as bytes: what stands before the seal, what is bound to it, and why it is refused. */
import { assert, describe, it } from "@effect/vitest"
import { HeadPin, layerMemory, openPin, type Pin, sealPin } from "@sealog/core/backup/HeadPin"
import { seal } from "@sealog/core/format/Sealed"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Effect } from "effect"
import { ringOf, services } from "../journal/support.ts"

const head = (n: number) => ({ writer: new Uint8Array(8).fill(n), size: n, root: new Uint8Array(32).fill(n) })
const PIN: Pin = { epoch: 1, slots: [new Uint8Array(32).fill(7)], journal: head(3), targets: { disk: head(4) } }
const ring = ringOf(2)

const sealed = (pin: Pin, under = ring) => Effect.flatMap(Entropy, (entropy) => sealPin(under, entropy, pin))
const reasonOf = (bytes: Uint8Array, under = ring) =>
  openPin(under, bytes).pipe(Effect.match({ onFailure: ({ reason }) => reason, onSuccess: () => "opened" }))

/** What nobody seals but a key holder: any text under the right key. */
const forged = (text: string, version = 1) => {
  const header = Buffer.concat([Buffer.from("sealog pin\n"), Buffer.of(version, 0, 1)])
  const aad = Buffer.concat([header, ring.vaultId])
  const body = seal({ key: ring.key(1, "pin")!, nonce: new Uint8Array(24), plaintext: Buffer.from(text), aad })
  return Buffer.concat([header, body])
}
const json = (over: object = {}) =>
  JSON.stringify({
    epoch: 0,
    slots: [],
    journal: { writer: "AQEBAQEBAQE=", size: 1, root: Buffer.alloc(32).toString("base64") },
    targets: {},
    ...over
  })

describe("a pinned head's bytes", () => {
  it.effect("say what they are, of which version and epoch, and come back", () =>
    Effect.gen(function*() {
      const bytes = Buffer.from(yield* sealed(PIN))
      assert.strictEqual(bytes.subarray(0, 14).toString("latin1"), "sealog pin\n\u0001\u0000\u0001")
      assert.deepStrictEqual(yield* openPin(ring, bytes), PIN)
      assert.notDeepEqual(Buffer.from(yield* sealed(PIN)), bytes)
      assert.strictEqual(yield* reasonOf(bytes, ringOf(3)), "opened")
    }).pipe(Effect.provide(services)))

  it.effect("are refused for the reason there is", () =>
    Effect.gen(function*() {
      const bytes = yield* sealed(PIN)
      const changed = (at: number, byte: number) => bytes.map((old, place) => place === at ? byte : old)
      assert.strictEqual(yield* reasonOf(changed(0, 0x53)), "Corrupt")
      assert.strictEqual(yield* reasonOf(changed(10, 0)), "Corrupt")
      assert.strictEqual(yield* reasonOf(changed(11, 2)), "Unsupported")
      assert.strictEqual(yield* reasonOf(changed(11, 0)), "Corrupt")
      assert.strictEqual(yield* reasonOf(changed(13, 2)), "WrongKey")
      assert.strictEqual(yield* reasonOf(changed(13, 0)), "Corrupt")
      assert.strictEqual(yield* reasonOf(bytes, ringOf(1)), "WrongKey")
      assert.strictEqual(yield* reasonOf(bytes, ringOf(2, 9)), "Corrupt")
      for (const length of [0, 5, 11, 13, 14, 30, bytes.length - 1]) {
        assert.strictEqual(yield* reasonOf(bytes.subarray(0, length)), "Corrupt", `${length}`)
      }
    }).pipe(Effect.provide(services)))

  it.effect("hold a pin and nothing else", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* reasonOf(forged(json())), "opened")
      const journal = JSON.parse(json()).journal
      const bad = [
        "",
        "{}",
        json({ epoch: -1 }),
        json({ slots: ["AQ=="] }),
        json({ journal: { ...journal, writer: "AQ==" } }),
        json({ journal: { ...journal, root: "AQ==" } }),
        json({ journal: { ...journal, size: -1 } }),
        json({ journal: { ...journal, size: 0.5 } }),
        json({ journal: { ...journal, size: 2 ** 48 } }),
        json({ targets: { disk: {} } })
      ]
      for (const text of bad) {
        const error = yield* Effect.flip(openPin(ring, forged(text)))
        assert.deepStrictEqual([error.reason, error.cause === undefined], ["Corrupt", false], text)
      }
      for (const size of [0, 2 ** 48 - 1]) {
        assert.strictEqual(yield* reasonOf(forged(json({ journal: { ...journal, size } }))), "opened")
      }
      const broken = yield* Effect.flip(sealed({ ...PIN, epoch: -1 }))
      assert.deepStrictEqual([broken.reason, broken.cause === undefined], ["Corrupt", false])
      assert.isUndefined((yield* Effect.flip(openPin(ring, new Uint8Array(0)))).cause)
    }).pipe(Effect.provide(services)))

  it.effect("are sealed under a key that the ring must hold", () =>
    Effect.gen(function*() {
      const without = { ...ring, key: () => undefined }
      assert.strictEqual((yield* Effect.flip(sealed(PIN, without))).reason, "WrongKey")
    }).pipe(Effect.provide(services)))
})

describe("a pin in memory", () => {
  it.effect("is what it was made with, and changed as a whole", () =>
    Effect.gen(function*() {
      const pin = yield* HeadPin
      assert.deepStrictEqual(yield* pin.read, PIN)
      assert.strictEqual((yield* Effect.flip(pin.create(PIN))).reason, "Exists")
      yield* pin.update((pinned) => ({ ...pinned, epoch: 5 }))
      assert.deepStrictEqual(yield* pin.read, { ...PIN, epoch: 5 })
    }).pipe(Effect.provide(layerMemory(PIN))))
})
