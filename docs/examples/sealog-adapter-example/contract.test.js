/** The storage contract, against a new folder for each promise. */
import { Storage } from "@sealog/core"
import { register } from "@sealog/core/testing/Contract"
import { claimed, storageContract } from "@sealog/core/testing/StorageContract"
import { Effect, Layer } from "effect"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, it } from "node:test"
import adapter from "./index.js"

const freshFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "sealog-adapter-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
)

const freshPlace = Effect.gen(function*() {
  const options = { folder: yield* freshFolder }
  yield* adapter.prepare(options)
  return yield* adapter.open(options)
})

register({ describe, it }, storageContract(), {
  name: adapter.kind,
  layer: Layer.scoped(Storage, freshPlace),
  capabilities: claimed(adapter)
})
