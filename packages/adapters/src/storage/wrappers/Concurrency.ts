/** A place that is asked only so much at once; who comes too early waits. */
import type { StorageShape } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import { listWhole } from "./Listing.ts"

export const limitConcurrency = Effect.fn("Concurrency.limit")(function*(behind: StorageShape, requests: number) {
  const one = (yield* Effect.makeSemaphore(requests)).withPermits(1)
  const limited: StorageShape = {
    ...behind,
    put: (name, bytes) => one(behind.put(name, bytes)),
    get: (name, range) => one(behind.get(name, range)),
    // Whole: who reads what a listing names, while it comes, would wait for the permit it holds.
    list: listWhole(behind, one),
    delete: (name) => one(behind.delete(name))
  }
  return limited
})
