/** `sealog target new`: a package for a storage adapter of one's own, that passes its own tests at once. */
import { FileSystem } from "@effect/platform"
import { Effect } from "effect"
import { join } from "node:path"
import type { GlobalFlags } from "../Arguments.ts"
import { Exit } from "../Exit.ts"
import { Platform } from "../Platform.ts"
import { print } from "../present/Output.ts"
import * as Target from "../present/Target.ts"
import { TargetNewReport } from "../Reports.ts"
import { absolutePath } from "../Spec.ts"
import { UsageError } from "../Usage.ts"
import { adapterPackage } from "./AdapterPackage.ts"

export const command = Effect.fn("targetNew")(function*(
  { folder: wanted, name }: { readonly name: string; readonly folder?: string },
  flags: GlobalFlags
) {
  const fs = yield* FileSystem.FileSystem
  const folder = absolutePath(wanted ?? `sealog-adapter-${name}`, yield* Platform)
  const files = adapterPackage(name)
  const write = Effect.gen(function*() {
    if (yield* fs.exists(folder)) return false
    yield* fs.makeDirectory(folder, { recursive: true })
    for (const [path, text] of Object.entries(files)) yield* fs.writeFileString(join(folder, path), text)
    return true
  })
  const written = yield* Effect.mapError(
    write,
    (cause) =>
      new UsageError(`the package could not be written to ${folder}: ${cause.message}`, "name another folder: --to DIR")
  )
  if (!written) {
    return yield* Effect.fail(
      new UsageError(
        `${folder} is already there and was not touched`,
        "name a folder that does not exist yet: --to DIR"
      )
    )
  }
  const report = TargetNewReport.make({ name, folder, files: Object.keys(files) })
  yield* print(flags, TargetNewReport, report, Target.created)
  return Exit.done
})
