/**
 * Opens what a SPEC names: a store to read, a place to keep a vault. One row a kind; the adapter's code is loaded only
 * when it is needed.
 */
import type { SourceError, SourceShape } from "@sealog/core/backup/Source"
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import type { Spec } from "../Spec.ts"

type OpenStore = (spec: Spec) => Effect.Effect<SourceShape, SourceError>

interface TargetKind {
  readonly open: (spec: Spec) => Effect.Effect<StorageShape, StorageError>
  /** Makes the place ready to hold a new vault. */
  readonly prepare: (spec: Spec) => Effect.Effect<void, StorageError>
}

const sources: Readonly<Record<string, OpenStore>> = {
  maildir: ({ name, place }) =>
    Effect.flatMap(Effect.promise(() => import("@sealog/adapters/sources/Maildir")), ({ openMaildir }) =>
      openMaildir({ name, path: place })),
  jsonl: ({ name, place }) =>
    Effect.flatMap(Effect.promise(() => import("@sealog/adapters/sources/Jsonl")), ({ openJsonl }) =>
      openJsonl({ name, path: place }))
}

const disk = Effect.promise(() => import("@sealog/adapters/storage/Disk"))

const targets: Readonly<Record<string, TargetKind>> = {
  disk: {
    open: ({ place }) => Effect.flatMap(disk, ({ makeDisk }) => makeDisk(place)),
    prepare: ({ place }) => Effect.flatMap(disk, ({ prepareDisk }) => prepareDisk(place))
  }
}

/** A SPEC was parsed against the registry, so its kind has a row. */
const row = <A>(rows: Readonly<Record<string, A>>, { kind }: Spec): A => {
  const found = rows[kind]
  if (found === undefined) throw new RangeError(`no adapter for ${kind}`)
  return found
}

export const openSource = (spec: Spec) => row(sources, spec)(spec)
export const openTarget = (spec: Spec) => row(targets, spec).open(spec)
export const prepareTarget = (spec: Spec) => row(targets, spec).prepare(spec)
