/**
 * Every wrapper keeps the storage contract in front of a place that does, and all of them together.
 * Verifies: WRP-1
 */
import { describe, it } from "@effect/vitest"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { appendOnly } from "@sealog/adapters/storage/wrappers/AppendOnly"
import { limitBandwidth } from "@sealog/adapters/storage/wrappers/Bandwidth"
import { limitConcurrency } from "@sealog/adapters/storage/wrappers/Concurrency"
import { metered } from "@sealog/adapters/storage/wrappers/Metered"
import { underPrefix } from "@sealog/adapters/storage/wrappers/Prefix"
import { retrying } from "@sealog/adapters/storage/wrappers/Retry"
import { withTimeout } from "@sealog/adapters/storage/wrappers/Timeout"
import { verified } from "@sealog/adapters/storage/wrappers/Verified"
import { wrap } from "@sealog/adapters/storage/wrappers/Wrap"
import { Storage, type StorageShape } from "@sealog/core/backup/Storage"
import { register } from "@sealog/core/testing/Contract"
import { failing, makeFaulty, seeded } from "@sealog/core/testing/FaultyStorage"
import { claimed, storageContract } from "@sealog/core/testing/StorageContract"
import { Effect, Layer, type Scope } from "effect"

const MBPS = 1_000_000_000

/** A place that refuses now and then, before it does anything. */
const refusing = Effect.gen(function*() {
  const chance = seeded({ seed: 1, rate: 0.3 })
  const refuse = failing("Unreachable")
  const { storage } = yield* makeFaulty(
    yield* makeMemory(),
    (call) => chance(call) === undefined ? undefined : refuse(call)
  )
  return storage
})

const neighbours = Effect.gen(function*() {
  const memory = yield* makeMemory()
  for (const prefix of ["ad", "adb", "b"]) {
    yield* Effect.orDie(underPrefix(memory, prefix).put("log/aa", new Uint8Array(9)))
  }
  return memory
})

const subjects: Record<string, Effect.Effect<StorageShape, never, Scope.Scope>> = {
  "retries, a troubled place behind": Effect.map(refusing, (place) => retrying(place, { times: 60, base: 1 })),
  "bandwidth": Effect.flatMap(
    makeMemory(),
    (place) => limitBandwidth(place, { uploadBytesPerSecond: MBPS, downloadBytesPerSecond: MBPS })
  ),
  "concurrency": Effect.flatMap(makeMemory(), (place) => limitConcurrency(place, 2)),
  "a timeout": Effect.map(makeMemory(), (place) => withTimeout(place, "20 seconds")),
  "a prefix, neighbours beside it": Effect.map(neighbours, (place) => underPrefix(place, "ada")),
  "metrics": Effect.map(makeMemory(), (place) => metered(place, "contract")),
  "verify after write": Effect.map(makeMemory(), verified),
  "append-only": Effect.map(makeMemory(), appendOnly),
  "all of them": Effect.flatMap(makeMemory(), (place) =>
    wrap(place, "contract", {
      prefix: "ada",
      timeoutSeconds: 20,
      metrics: true,
      concurrency: 4,
      uploadBytesPerSecond: MBPS,
      downloadBytesPerSecond: MBPS,
      retries: 12,
      verifyAfterWrite: true,
      appendOnly: true
    }))
}

for (const [name, make] of Object.entries(subjects)) {
  register({ describe, it }, storageContract(), {
    name,
    layer: Layer.scoped(Storage, make),
    capabilities: claimed(Effect.runSync(Effect.scoped(make)))
  })
}
