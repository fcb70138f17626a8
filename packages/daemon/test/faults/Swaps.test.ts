/**
 * Objects under each other's names, within a vault and between two vaults of one password: all pairs, and each is
 * refused, because what an object is called and which vault it belongs to are part of what seals it.
 */
import { assert, describe, it } from "@effect/vitest"
import { Console, Effect, Either } from "effect"
import { makeSmallVault, type Objects, opened, PASSWORD, restored, type SmallVault } from "./SmallVault.ts"
import { SWAPPED_SEGMENTS } from "./Trials.ts"

const vaults = Effect.runSync(Effect.cached(Effect.all([
  makeSmallVault({ seed: "one", segments: SWAPPED_SEGMENTS }),
  makeSmallVault({ seed: "other", segments: SWAPPED_SEGMENTS })
])))

/** Opens with the password and restores; the messages, or nothing where it is refused. */
const restoredBy = Effect.fn("Swaps.restoredBy")(function*(objects: Objects, secret = PASSWORD) {
  const ring = yield* Effect.either(opened(objects, secret))
  if (Either.isLeft(ring)) return undefined
  const { given, outcome } = yield* restored(objects, ring.right)
  return Either.isRight(outcome) ? given : undefined
})

/** Puts one object's bytes under another's name: it must not be taken, and its own place must not be missed unseen. */
const requireRefused = Effect.fn("Swaps.requireRefused")(function*(
  vault: SmallVault,
  name: string,
  bytes: Uint8Array
) {
  const objects = new Map(vault.objects).set(name, bytes)
  const secrets = name.startsWith("slots/") ? vault.secrets : [PASSWORD]
  const outcomes = yield* Effect.forEach(secrets, (secret) => restoredBy(objects, secret))
  const refused = outcomes.filter((given) => given === undefined).length
  // The slot that stands where it stood still opens; the other one is not taken for it.
  assert.strictEqual(refused, 1, name)
  for (const given of outcomes) assert.deepStrictEqual(given ?? vault.messages, vault.messages)
})

describe("objects under each other's names", () => {
  /** Verifies: FAULT-10 */
  it.effect("are refused within a vault", () =>
    Effect.gen(function*() {
      const [vault] = yield* vaults
      assert.deepStrictEqual(yield* restoredBy(vault.objects), vault.messages)
      let pairs = 0
      for (const [from, bytes] of vault.objects) {
        for (const to of vault.objects.keys()) {
          if (from === to) continue
          pairs++
          yield* requireRefused(vault, to, bytes)
        }
      }
      yield* Console.log(`swaps: ${pairs} pairs within a vault, each refused`)
    }), 600_000)

  /** Verifies: FAULT-10 */
  it.effect("are refused between two vaults of one password", () =>
    Effect.gen(function*() {
      const [one, other] = yield* vaults
      let pairs = 0
      for (const [into, from] of [[one, other], [other, one]] as const) {
        for (const bytes of from.objects.values()) {
          for (const to of into.objects.keys()) {
            pairs++
            yield* requireRefused(into, to, bytes)
          }
        }
      }
      yield* Console.log(`swaps: ${pairs} pairs between two vaults, each refused`)
    }), 600_000)
})
