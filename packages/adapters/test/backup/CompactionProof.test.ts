/** What a compaction made is proven to be there, whole and ours, before anything goes. */
import { assert, describe, it } from "@effect/vitest"
import { compact } from "@sealog/core/backup/Compaction"
import type { Target } from "@sealog/core/backup/Shipper"
import { StorageError } from "@sealog/core/backup/Storage"
import type { SealedObject } from "@sealog/core/backup/VaultObjects"
import { Entropy } from "@sealog/core/keys/Entropy"
import { Effect, Ref } from "effect"
import { services } from "../journal/support.ts"
import { compactAt, plant, reasonOf, shipSingly } from "./Compacting.ts"
import { makeMachine, makePlace, rangesAt, ring, segmentsAt } from "./Memory.ts"

describe("what a compaction made", () => {
  it.effect("puts the same bytes again where its own put was torn", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* shipSingly(machine, place, 16)
      const pending = yield* Ref.make<SealedObject | undefined>(undefined)
      const tearing: Target = {
        name: "disk",
        storage: {
          ...place.target.storage,
          put: (object, bytes) => {
            place.objects.set(object, bytes.slice(0, 1_000))
            return new StorageError({ reason: "Full", method: "put", subject: object, retryable: false })
          }
        }
      }
      const entropy = yield* Entropy
      const { journal } = machine
      yield* Effect.flip(compact({ journal, ring, entropy, target: tearing, pending }))
      const sealed = (yield* Ref.get(pending))!
      const report = yield* compact({ journal, ring, entropy, target: place.target, pending })
      // The sixteen, and what was torn.
      assert.deepInclude(report, { made: 1, removed: 17 })
      assert.deepStrictEqual([...place.objects], [[sealed.object, sealed.bytes]])
      assert.isUndefined(yield* Ref.get(pending))
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: SHIP-7 */
  it.effect("removes nothing where its own segment reads back as anything else", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* shipSingly(machine, place, 16)
      const { storage } = place.target
      const putting = (put: (object: string, bytes: Uint8Array) => Effect.Effect<void>): Target => ({
        name: "disk",
        storage: { ...storage, put: (object, bytes) => Effect.as(put(object, bytes), undefined) }
      })
      const flipping = putting((object, bytes) =>
        Effect.sync(() => {
          const other = bytes.slice()
          other[other.length - 1]! ^= 1
          place.objects.set(object, other)
        })
      )
      assert.strictEqual(reasonOf(yield* Effect.flip(compactAt(machine, flipping))), "Unauthentic")
      assert.lengthOf((yield* segmentsAt(place)).filter(({ level }) => level === 0), 16)
      place.objects.delete((yield* segmentsAt(place)).find(({ level }) => level === 1)!.object)
      // Whole, under the right name, and of another history.
      const forging = putting(() =>
        plant(machine, place, { from: 0, to: 16, level: 1 }, { root: new Uint8Array(32) }).pipe(
          Effect.provide(services),
          Effect.orDie
        )
      )
      assert.strictEqual(reasonOf(yield* Effect.flip(compactAt(machine, forging))), "Corrupt")
      assert.lengthOf((yield* segmentsAt(place)).filter(({ level }) => level === 0), 16)
    }).pipe(Effect.provide(services)), 30_000)

  it.effect("proves that what it made is there, or was made by another try", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      yield* shipSingly(machine, place, 16)
      const silent: Target = {
        name: "disk",
        storage: { ...place.target.storage, put: () => Effect.void }
      }
      assert.strictEqual(reasonOf(yield* Effect.flip(compactAt(machine, silent))), "NotFound")
      assert.lengthOf(yield* segmentsAt(place), 16)
      const late: Target = {
        name: "disk",
        storage: {
          ...place.target.storage,
          // Another try had put its own bytes under this name.
          put: (object, bytes) =>
            Effect.zipRight(
              Effect.flatMap(plant(machine, place, { from: 0, to: 16, level: 1 }), () => Effect.void).pipe(
                Effect.provide(services),
                Effect.orDie
              ),
              place.target.storage.put(object, bytes)
            )
        }
      }
      assert.strictEqual((yield* compactAt(machine, late)).made, 1)
      assert.deepStrictEqual(yield* rangesAt(place), [[0, 15, 1]])
    }).pipe(Effect.provide(services)), 30_000)
})
