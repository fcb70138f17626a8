/** `sealog source detect`: looks for stores where programs usually keep them. It reads names, never messages. */
import { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { Effect, Either } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Exit } from "../Exit.ts"
import { Platform, type PlatformShape, variable } from "../Platform.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { sources } from "../Registry.ts"
import { SourceDetectReport } from "../Reports.ts"

export const command = Effect.fn("sourceDetect")(function*(_args: unknown, flags: GlobalFlags) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const platform = yield* Platform
  const places = usualPlaces(platform, path.join)
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
  found.push(...yield* inUsualPlaces)
  yield* print(flags, SourceDetectReport, SourceDetectReport.make({ found }), Human.detected)
  return Exit.done
})

/** Stores of programs that keep them in one place. Whether one can be read shows when it is opened. */
const inUsualPlaces = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  const platform = yield* Platform
  const found: Array<SourceDetectReport["found"][number]> = []
  for (const [kind, { usual }] of Object.entries(sources)) {
    const place = usual?.place(platform)
    if (usual === undefined || place === undefined) continue
    const opened = yield* Effect.either(Effect.scoped(fs.open(path.join(place, usual.file), { flag: "r" })))
    if (Either.isRight(opened)) found.push({ kind, spec: kind, path: place })
    else if (!isAbsent(opened.left)) found.push({ kind, spec: kind, path: place, missing: MISSING })
  }
  return found
})

const isAbsent = (error: PlatformError) => error._tag === "SystemError" && error.reason === "NotFound"

const MISSING =
  "it is there and may not be read: allow it in System Settings, Privacy & Security, Full Disk Access, for the "
  + "terminal or the program that starts sealog"

const usualPlaces = (platform: PlatformShape, join: (...parts: ReadonlyArray<string>) => string) => {
  const named = variable(platform, "MAILDIR")
  const usual = ["Maildir", ".maildir", "Mail", ".mail", join(".local", "share", "mail")]
  return [...new Set([...(named === undefined ? [] : [named]), ...usual.map((part) => join(platform.userDir, part))])]
}
