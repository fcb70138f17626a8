/**
 * Every storage of this package keeps the storage contract, alone and behind one that passes everything on.
 * Verifies: STO-1, STO-2, STO-3, STO-4, STO-5, STO-6, STO-7
 */
import { describe, it } from "@effect/vitest"
import { makeDisk, prepareDisk } from "@sealog/adapters/storage/Disk"
import { diskFiles } from "@sealog/adapters/storage/DiskFiles"
import { makeICloud, prepareICloud } from "@sealog/adapters/storage/ICloud"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { makeSyncedFolder, prepareSyncedFolder } from "@sealog/adapters/storage/SyncedFolder"
import { Storage } from "@sealog/core/backup/Storage"
import { register } from "@sealog/core/testing/Contract"
import { makeFaulty } from "@sealog/core/testing/FaultyStorage"
import { claimed, storageContract } from "@sealog/core/testing/StorageContract"
import { Effect, Layer } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freshFolder, openHandles } from "../support.ts"

const disk = Effect.gen(function*() {
  const path = yield* freshFolder
  yield* prepareDisk(path)
  return yield* makeDisk(path)
})

const noLinks = {
  ...diskFiles,
  link: () => Promise.reject(Object.assign(new Error("no hard links here"), { code: "EPERM" }))
}

const diskWithoutLinks = Effect.gen(function*() {
  const path = yield* freshFolder
  yield* prepareDisk(path)
  return yield* makeDisk(path, { files: noLinks })
})

const syncedFolder = Effect.gen(function*() {
  const home = yield* freshFolder
  const path = `${home}/vault`
  yield* prepareSyncedFolder({ path })
  return yield* makeSyncedFolder({ kind: "folder", path, staging: `${home}/outgoing` })
})

/** Nothing can be renamed from there, where it is another file system. */
const elsewhere = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sealog-outgoing-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const iCloud = Effect.gen(function*() {
  const path = `${yield* freshFolder}/sealog`
  const options = { path, subject: "icloud", staging: yield* elsewhere }
  yield* prepareICloud(options)
  return yield* makeICloud(options)
})

const passThrough = Effect.map(Effect.flatMap(makeMemory(), (storage) => makeFaulty(storage)), ({ storage }) => storage)

const subjects = {
  memory: makeMemory(),
  disk,
  "disk without hard links": diskWithoutLinks,
  // On one machine a name is taken once; of two machines that sync nobody can say so, and no more is claimed.
  "a synced folder": syncedFolder,
  "iCloud Drive": iCloud,
  "memory behind a wrapper": passThrough
}

for (const [name, make] of Object.entries(subjects)) {
  const capabilities = Effect.runSync(Effect.map(makeMemory(), claimed))
  register({ describe, it }, storageContract({ openHandles }), {
    name,
    layer: Layer.scoped(Storage, make),
    capabilities
  })
}

const appendOnly = makeMemory({ capabilities: { deletes: false } })
register({ describe, it }, storageContract(), {
  name: "a place that never deletes",
  layer: Layer.effect(Storage, appendOnly),
  capabilities: claimed(Effect.runSync(appendOnly))
})
