/**
 * What the engine stands on: the stores it reads, the places it ships to, and what a home keeps. The program fills it
 * from the registry and the disk; a simulation, with what it can stop, tear apart and turn back.
 */
import type { FileSystem } from "@effect/platform"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import { openLevelJournal } from "@sealog/adapters/journal/Level"
import { openWorkshop } from "@sealog/adapters/journal/LevelHeal"
import { makeDisk } from "@sealog/adapters/storage/Disk"
import { threadedCompressor } from "@sealog/adapters/threads/Compressor"
import type { JournalError, JournalShape } from "@sealog/core/backup/Journal"
import type { Workshop } from "@sealog/core/backup/Salvage"
import type { SourceError, SourceShape } from "@sealog/core/backup/Source"
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import type { CompressorShape } from "@sealog/core/format/Compressor"
import type { Entropy } from "@sealog/core/keys/Entropy"
import type { Kdf } from "@sealog/core/keys/Kdf"
import type { KeyRing } from "@sealog/core/keys/KeyRing"
import { Context, Effect, Layer, type Scope } from "effect"
import { join } from "node:path"
import { Home } from "../Home.ts"
import type { EngineServices } from "../LazyEngine.ts"
import type { Platform } from "../Platform.ts"
import { sources, type TargetError, targets } from "../Registry.ts"
import type { Spec } from "../Spec.ts"
import { makeAccess } from "../TargetAccess.ts"

export class Adapters extends Context.Tag("@sealog/daemon/engine/Adapters")<Adapters, {
  readonly openSource: (spec: Spec) => Effect.Effect<SourceShape, SourceError>
  /** What is known of such a source though its store is away: how its events are remembered. */
  readonly sourceMemory: (spec: Spec) => Effect.Effect<Pick<SourceShape, "remember" | "gaps">>
  /** What it holds open is released with the scope. */
  readonly openTarget: (spec: Spec) => Effect.Effect<StorageShape, TargetError, AccessServices | Scope.Scope>
  /** The objects of this home: its key slots, and contents that are not at every target yet. */
  readonly openLocal: Effect.Effect<StorageShape, StorageError>
  /** The journal of this home, held until the scope closes. */
  readonly openJournal: Effect.Effect<JournalShape, JournalError, HomeServices>
  /** What makes short what is recorded. */
  readonly compressor: CompressorShape
  /** Where a damaged one is healed. */
  readonly openWorkshop: Effect.Effect<Workshop, JournalError, HomeServices>
}>() {}

/** What the way into a place may take. */
type AccessServices = CommandExecutor | FileSystem.FileSystem | Home | Platform
type HomeServices = FileSystem.FileSystem | Entropy | KeyRing | Scope.Scope

/** All that a part of the engine may ask for. */
export type PartServices = EngineServices | Adapters | Kdf

/** By the registry, and on the disk of this machine. */
export const layer = Layer.effect(
  Adapters,
  Effect.gen(function*() {
    const home = yield* Home
    return {
      openSource: (spec) => row(sources, spec).open(spec),
      sourceMemory: (spec) => row(sources, spec).memory,
      openTarget: (spec) => Effect.flatMap(entered(spec), row(targets, spec).open),
      openLocal: makeDisk(home.root, HOME_DISK),
      openJournal: openLevelJournal({ path: home.journal }),
      compressor: threadedCompressor,
      openWorkshop: openWorkshop(home.journal)
    }
  })
)

/** A SPEC was parsed against the registry, so its kind has a row there. */
export const row = <A>(rows: Readonly<Record<string, A>>, { kind }: Spec): A => {
  const found = rows[kind]
  if (found === undefined) throw new RangeError(`no adapter for ${kind}`)
  return found
}

/** The home lies wherever its owner put it, on a disk that is there while anything of it is read. */
export const HOME_DISK = { mount: "/" } as const

/** A place with the way into it. A URL has no user in it any more: that is part of the way. */
export const entered = Effect.fn("Adapters.entered")(function*(spec: Spec) {
  const home = yield* Home
  const staging = join(home.root, "outgoing")
  const { place } = row(targets, spec)
  if (place === "package") return { ...spec, staging, access: (yield* makeAccess(spec)).access }
  if (place !== "url") return { ...spec, staging, access: Effect.succeed({}) }
  const url = new URL(spec.place)
  const { access } = yield* makeAccess(spec, url)
  url.username = ""
  return { ...spec, staging, place: url.href, access }
})
