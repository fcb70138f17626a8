/** What tests of adapters in packages share: folders with some installed as npm would, and services around them. */
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Entropy from "@sealog/core/keys/Entropy"
import * as EngineAdapters from "@sealog/daemon/engine/Adapters"
import * as Home from "@sealog/daemon/Home"
import { Platform } from "@sealog/daemon/Platform"
import * as Progress from "@sealog/daemon/Progress"
import { Effect, Layer } from "effect"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { linux } from "../support/Harness.ts"

export const repository = fileURLToPath(new URL("../../../..", import.meta.url))
export const examples = join(repository, "docs/examples")

/** Makes packages, beside what they need, look installed in a folder. */
export const installed = Effect.fn("Adapters.installed")(function*(folder: string, packages: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const needed = ["@sealog/core", "effect"].map((name) => [name, join(repository, "node_modules", name)] as const)
  const wanted = packages.map((path) => [basename(path), path] as const)
  for (const [name, path] of [...needed, ...wanted]) {
    const link = join(folder, "node_modules", name)
    yield* fs.makeDirectory(dirname(link), { recursive: true })
    yield* fs.symlink(path, link)
  }
})

/** What opens a target, in a folder. */
export const services = (currentDir: string) =>
  EngineAdapters.layer.pipe(
    Layer.provideMerge(Home.layer(join(currentDir, "home"))),
    Layer.provideMerge(
      Layer.mergeAll(
        NodeContext.layer,
        Entropy.layer,
        Progress.layerNone,
        Layer.succeed(Platform, { ...linux, environment: {}, currentDir })
      )
    )
  )

/** A new folder with packages in it, which is the current one for what is run there. */
export const withAdapters = <A, E, R>(
  packages: ReadonlyArray<string>,
  use: (folder: string) => Effect.Effect<A, E, R>
) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    // Where a sync costs nothing, if there is such a place: what is tested is logic, not the drive.
    const memory = "/dev/shm"
    const folder = yield* fs.makeTempDirectoryScoped((yield* fs.exists(memory)) ? { directory: memory } : {})
    yield* installed(folder, packages)
    return yield* Effect.provide(use(folder), services(folder))
  }).pipe(Effect.provide(NodeContext.layer))
