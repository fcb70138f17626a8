/** What tests of storages share: a folder that goes away with the test, and what the process holds open. */
import { Effect } from "effect"
import { existsSync, readdirSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Where a sync costs nothing, if there is such a place: what is tested here is logic, not the drive. */
const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

/** How many times as many trials as usual the tests by chance make: for long runs. */
export const TRIALS = Number(process.env["SEALOG_TRIALS"] ?? 1)

/** A new empty folder, removed when the scope closes. */
export const freshFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(parent, "sealog-test-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true, force: true, maxRetries: 5 }))
)

/** Open descriptors of files under the folder for temporary files; 0 where the system does not tell. */
export const openHandles = Effect.sync(() => {
  if (process.platform !== "linux") return 0
  return readdirSync("/proc/self/fd").length
})
