import { assert, describe, it } from "@effect/vitest"
import * as Entropy from "@sealog/core/keys/Entropy"
import { generateKeyRing, generateVaultId, makeKeyRing, rotateKeyRing } from "@sealog/core/keys/KeyRing"
import type { Purpose } from "@sealog/core/keys/KeyRing"
import { purposes } from "@sealog/core/keys/Labels"
import { Effect, Redacted } from "effect"
import { inspect } from "node:util"
import { hexOf } from "../Corpora.ts"

const vaultId = new Uint8Array(32).fill(7)
const key = (fill: number) => Redacted.make(new Uint8Array(32).fill(fill))
const all = Object.keys(purposes) as ReadonlyArray<Purpose>

describe("KeyRing", () => {
  /** Verifies: KEY-8 */
  it("derives another key for every purpose, epoch and vault", () => {
    const rings = [
      makeKeyRing({ vaultId, epochs: new Map([[0, key(1)], [1, key(2)]]) }),
      makeKeyRing({ vaultId: new Uint8Array(32).fill(8), epochs: new Map([[0, key(1)], [1, key(2)]]) })
    ]
    const seen = rings.flatMap((ring) =>
      ring.epochs.flatMap((epoch) =>
        all.map((purpose) => hexOf(Redacted.value(ring.key(epoch, purpose)!)).slice(0, 64))
      )
    )
    const masters = [1, 2].map((fill) => hexOf(new Uint8Array(32).fill(fill)))
    assert.strictEqual(new Set([...seen, ...masters]).size, 2 * 2 * all.length + 2)
  })

  it("gives keys of the length their cipher takes, and none of an epoch it does not hold", () => {
    const ring = makeKeyRing({ vaultId, epochs: new Map([[3, key(1)], [4, key(2)]]) })
    assert.strictEqual(ring.newest, 4)
    assert.deepStrictEqual(ring.epochs, [3, 4])
    for (const purpose of all) {
      assert.strictEqual(Redacted.value(ring.key(3, purpose)!).length, purposes[purpose].length)
      assert.isUndefined(ring.key(2, purpose))
      assert.isUndefined(ring.key(5, purpose))
      assert.strictEqual(ring.key(3, purpose), ring.key(3, purpose))
    }
    assert.isUndefined(ring.master(2))
  })

  it("is its own: in order of epochs, and changed by nobody", () => {
    const id = vaultId.slice()
    const epochs = new Map([[4, key(2)], [3, key(1)]])
    const ring = makeKeyRing({ vaultId: id, epochs })
    id.fill(0)
    epochs.delete(3)
    assert.deepStrictEqual([ring.epochs, ring.newest], [[3, 4], 4])
    assert.deepStrictEqual(ring.vaultId, vaultId)
    assert.deepStrictEqual(Redacted.value(ring.master(3)!), new Uint8Array(32).fill(1))
  })

  /** Verifies: KEY-8 */
  it("shows no key when it is printed", () => {
    const ring = makeKeyRing({ vaultId, epochs: new Map([[0, key(0xab)]]) })
    const derived = ring.key(0, "journal")!
    const printed = [ring, derived, ring.master(0)].flatMap((value) => [
      inspect(value, { depth: 9, showHidden: true }),
      JSON.stringify(value),
      String(value)
    ]).join("\n")
    assert.notInclude(printed, hexOf(Redacted.value(derived)).slice(0, 8))
    assert.notMatch(printed, /171, *171|abab/)
  })

  it("refuses what no vault has", () => {
    const ring = (id: Uint8Array, ...epochs: ReadonlyArray<number>) => () =>
      makeKeyRing({ vaultId: id, epochs: new Map(epochs.map((epoch) => [epoch, key(epoch)])) })
    assert.throws(ring(vaultId), RangeError)
    assert.throws(ring(vaultId, 0, 2), RangeError)
    assert.throws(ring(vaultId, -1, 0), RangeError)
    assert.throws(ring(new Uint8Array(31), 0), RangeError)
    assert.throws(ring(vaultId, ...Array.from({ length: 33 }, (_, epoch) => epoch)), RangeError)
    assert.throws(
      () => makeKeyRing({ vaultId, epochs: new Map([[0, Redacted.make(new Uint8Array(31))]]) }),
      RangeError
    )
    assert.doesNotThrow(ring(vaultId, ...Array.from({ length: 32 }, (_, epoch) => epoch)))
  })

  it.effect("begins at epoch 0 and keeps every key when it is rotated", () =>
    Effect.gen(function*() {
      const id = yield* generateVaultId
      const first = yield* generateKeyRing(id)
      const second = yield* rotateKeyRing(first)
      assert.strictEqual(id.length, 32)
      assert.deepStrictEqual([first.epochs, second.epochs], [[0], [0, 1]])
      assert.strictEqual(second.newest, 1)
      assert.deepStrictEqual(Redacted.value(second.master(0)!), Redacted.value(first.master(0)!))
      assert.notDeepEqual(Redacted.value(second.master(1)!), Redacted.value(first.master(0)!))
    }).pipe(Effect.provide(Entropy.layerSeeded(1))))
})
