/** `sealog source detect`: looks for stores where programs usually keep them. It reads names, never messages. */
import { FileSystem, Path } from "@effect/platform"
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Exit } from "../Exit.ts"
import { Platform, type PlatformShape, variable } from "../Platform.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { SourceDetectReport } from "../Reports.ts"

export const command = Effect.fn("sourceDetect")(function*(_args: unknown, flags: GlobalFlags) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const places = usualPlaces(yield* Platform, path.join)
  /** What may not be looked into is not found. */
  const isFolder = (place: string) =>
    Effect.orElseSucceed(Effect.map(fs.stat(place), (info) => info.type === "Directory"), () => false)
  const isMaildir = (place: string) =>
    Effect.map(
      Effect.all([isFolder(path.join(place, "cur")), isFolder(path.join(place, "new"))]),
      ([cur, fresh]) => cur && fresh
    )
  const candidates: Array<string> = []
  for (const place of places) {
    const below = yield* Effect.orElseSucceed(fs.readDirectory(place), (): Array<string> => [])
    candidates.push(
      place,
      ...below.toSorted().filter((name) => !name.startsWith(".")).map((name) => path.join(place, name))
    )
  }
  const found: Array<SourceDetectReport["found"][number]> = []
  for (const place of candidates) {
    // A folder of a Maildir that was found already is part of it.
    if (found.some((one) => place.startsWith(`${one.path}${path.sep}`))) continue
    if (yield* isMaildir(place)) found.push({ kind: "maildir", spec: `maildir:${place}`, path: place })
  }
  yield* print(flags, SourceDetectReport, SourceDetectReport.make({ found }), Human.detected)
  return Exit.done
})

const usualPlaces = (platform: PlatformShape, join: (...parts: ReadonlyArray<string>) => string) => {
  const named = variable(platform, "MAILDIR")
  const usual = ["Maildir", ".maildir", "Mail", ".mail", join(".local", "share", "mail")]
  return [...new Set([...(named === undefined ? [] : [named]), ...usual.map((part) => join(platform.userDir, part))])]
}
