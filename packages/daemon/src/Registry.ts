/**
 * Every adapter by the kind a SPEC names it with: the one record that the command line, the configuration and the
 * contract tests read. Code is loaded when a kind is opened, not when it is named.
 */
import type { SourceError, SourceShape } from "@sealog/core/backup/Source"
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { Effect } from "effect"

export type Role = "source" | "target"

/** `later`: the name is fixed, the adapter comes with a later release. */
export type Availability = "now" | "later"

/** What an opener is given: a place, and the name it has in the vault. */
export interface Named {
  readonly name: string
  readonly place: string
}

export interface SourceAdapter {
  readonly open: (spec: Named) => Effect.Effect<SourceShape, SourceError>
  /** What is known of such a source though its store is away: how its events are remembered. */
  readonly memory: Effect.Effect<Pick<SourceShape, "remember" | "gaps">>
}

export interface TargetAdapter {
  readonly open: (spec: Named) => Effect.Effect<StorageShape, StorageError>
  /** Makes the place ready for a new vault: a folder that is not there yet. */
  readonly prepare: (spec: Named) => Effect.Effect<void, StorageError>
}

export const sources: Readonly<Record<string, SourceAdapter>> = {
  maildir: {
    open: ({ name, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/sources/Maildir")),
        ({ openMaildir }) => openMaildir({ name, path: place })
      ),
    memory: Effect.map(
      Effect.promise(() => import("@sealog/adapters/sources/MaildirTable")),
      ({ gapsOf, remember }) => ({ gaps: gapsOf, remember })
    )
  },
  jsonl: {
    open: ({ name, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/sources/Jsonl")),
        ({ openJsonl }) => openJsonl({ name, path: place })
      ),
    memory: Effect.map(
      Effect.promise(() =>
        Promise.all([import("@sealog/adapters/sources/JsonlTable"), import("@sealog/adapters/sources/MaildirTable")])
      ),
      ([{ remember }, { gapsOf }]) => ({ gaps: gapsOf, remember })
    )
  }
}

export const targets: Readonly<Record<string, TargetAdapter>> = {
  disk: {
    open: ({ place }) =>
      Effect.flatMap(Effect.promise(() => import("@sealog/adapters/storage/Disk")), ({ makeDisk }) => makeDisk(place)),
    prepare: ({ place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/Disk")),
        ({ prepareDisk }) => prepareDisk(place)
      )
  }
}

const availability = (now: Readonly<Record<string, unknown>>, later: ReadonlyArray<string>) => ({
  ...Object.fromEntries(Object.keys(now).map((kind) => [kind, "now" as const])),
  ...Object.fromEntries(later.map((kind) => [kind, "later" as const]))
})

export const sourceKinds: Readonly<Record<string, Availability>> = availability(sources, [
  "whatsapp",
  "whatsapp-android",
  "whatsapp-export",
  "imessage",
  "signal",
  "telegram",
  "mbox",
  "emlx",
  "sms"
])

export const targetKinds: Readonly<Record<string, Availability>> = availability(targets, [
  "folder",
  "icloud",
  "webdav",
  "s3",
  "sftp",
  "rclone",
  "package"
])

/** What a restore can be written as. */
export const formats: Readonly<Record<string, Availability>> = {
  jsonl: "now",
  maildir: "now",
  html: "later",
  sqlite: "later",
  mbox: "later",
  text: "later"
}
