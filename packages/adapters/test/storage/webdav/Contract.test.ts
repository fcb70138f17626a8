/**
 * A vault at each of the four servers keeps the storage contract.
 * Verifies: DAV-1
 */
import { describe, it } from "@effect/vitest"
import { capabilities } from "@sealog/adapters/storage/WebDav"
import { Storage } from "@sealog/core/backup/Storage"
import { register } from "@sealog/core/testing/Contract"
import { claimed, storageContract } from "@sealog/core/testing/StorageContract"
import { Effect, Layer } from "effect"
import { readdirSync } from "node:fs"
import { davServers, freshVault } from "./support.ts"

/**
 * Sockets that are kept for the next request are no leak, however many there are up to the pool's size; so all of
 * them are in use once before they are counted.
 */
const openSockets = Effect.gen(function*() {
  const { current } = freshVault
  if (current === undefined) return 0
  yield* Effect.forEach(Array.from({ length: 16 }), () => Effect.exit(current.get("never/stored")), { concurrency: 16 })
  return readdirSync("/proc/self/fd").length
})

for (const name of davServers("the storage contract")) {
  register({ describe, it }, storageContract(process.platform === "linux" ? { openHandles: openSockets } : {}), {
    name: `webdav at ${name}`,
    layer: Layer.scoped(Storage, freshVault.make(name)),
    capabilities: claimed({ capabilities })
  })
}
