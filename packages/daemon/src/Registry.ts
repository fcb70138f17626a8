/**
 * Every adapter by the kind a SPEC names it with: the one record that the command line, the configuration and the
 * contract tests read. Code is loaded when a kind is opened, not when it is named.
 */
import type { FileSystem } from "@effect/platform"
import { type AttachmentPolicy, parseAttachmentPolicy } from "@sealog/adapters/sources/AttachmentPolicy"
import type { WebDavAccess } from "@sealog/adapters/storage/WebDavClient"
import type { OptionsError, StorageAccess, StorageAdapter } from "@sealog/core/backup/DefineStorage"
import type { SourceError, SourceShape } from "@sealog/core/backup/Source"
import type { StorageError, StorageShape } from "@sealog/core/backup/Storage"
import { Effect, type Scope } from "effect"
import * as NodePath from "node:path"
import type { PackageError } from "./Package.ts"
import type { Platform, PlatformShape } from "./Platform.ts"

export type Role = "source" | "target"

/** `later`: the name is fixed, the adapter comes with a later release. */
export type Availability = "now" | "later"

/** What an opener is given: a place, and the name it has in the vault. */
export interface Named {
  readonly name: string
  readonly place: string
}

/** A store, and which of its attachments are taken. */
export interface NamedStore extends Named {
  readonly attachments?: string
}

export interface SourceAdapter {
  /** Of a program that keeps its store in one place: where, and the file there that is its store. */
  readonly usual?: UsualPlace
  /** Whether messages have files beside them, which can be left out. */
  readonly attachments?: true
  readonly open: (spec: NamedStore) => Effect.Effect<SourceShape, SourceError>
  /** What is known of such a source though its store is away: how its events are remembered. */
  readonly memory: Effect.Effect<Pick<SourceShape, "remember" | "gaps">>
}

export interface UsualPlace {
  /** What a SPEC means that names no path; `undefined` where this system has no such program. */
  readonly place: (platform: PlatformShape) => string | undefined
  /** Within the place; empty where that is the file. */
  readonly file: string
}

/** A place, and how it is entered, to be found when it is first used. */
export interface NamedPlace extends Named {
  /** The whole SPEC, for what is said of the place. */
  readonly spec?: string
  /** The mount point that it is known to lie below. */
  readonly mount?: string
  /** A folder of the home for what is on its way out. */
  readonly staging?: string
  readonly access: Effect.Effect<WebDavAccess, StorageError>
}

/** What an opener may use; what it acquires is released with the target. */
export type TargetServices = FileSystem.FileSystem | Platform | Scope.Scope
export type TargetError = StorageError | PackageError

export interface TargetAdapter {
  /**
   * What stands after the kind in a SPEC: a path of this machine, a URL, a folder of the user's iCloud Drive, if any, or
   * a package with options.
   */
  readonly place: "path" | "url" | "icloud" | "package"
  readonly open: (spec: NamedPlace) => Effect.Effect<StorageShape, TargetError, TargetServices>
  /** Makes the place ready for a new vault: a folder that is not there yet. */
  readonly prepare: (spec: NamedPlace) => Effect.Effect<void, TargetError, TargetServices>
  /** Removes empty folders whose names begin so, where the place has folders: objects are all that a vault removes. */
  readonly sweep?: (spec: NamedPlace, prefix: string) => Effect.Effect<void, TargetError, TargetServices>
}

/** A place in the user's own folder on macOS. */
function onMac(...parts: ReadonlyArray<string>): UsualPlace["place"] {
  return ({ system, userDir }) => system === "macos" ? NodePath.posix.join(userDir, ...parts) : undefined
}

/** Of words that were checked when they were read; all, where there are none. */
function policyOf(words: string | undefined): { readonly attachments?: AttachmentPolicy } {
  return given({ attachments: words === undefined ? undefined : parseAttachmentPolicy(words) })
}

/** How stores in databases are remembered, whatever program keeps them. */
function databaseMemory(): SourceAdapter["memory"] {
  return Effect.map(
    Effect.promise(() => import("@sealog/adapters/sources/database/DatabaseTable")),
    ({ gapsOf, remember }) => ({ gaps: gapsOf, remember })
  )
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
  },
  whatsapp: {
    usual: {
      place: onMac("Library", "Group Containers", "group.net.whatsapp.WhatsApp.shared"),
      file: "ChatStorage.sqlite"
    },
    attachments: true,
    open: ({ attachments, name, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/sources/whatsapp/WhatsApp")),
        ({ openWhatsApp }) => openWhatsApp({ name, path: place, ...policyOf(attachments) })
      ),
    memory: databaseMemory()
  },
  imessage: {
    usual: { place: onMac("Library", "Messages"), file: "chat.db" },
    attachments: true,
    open: ({ attachments, name, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/sources/IMessage")),
        ({ openIMessage }) => openIMessage({ name, path: place, ...policyOf(attachments) })
      ),
    memory: databaseMemory()
  }
}

const sweepFolder = ({ place }: NamedPlace, prefix: string) =>
  Effect.flatMap(
    Effect.promise(() => import("@sealog/adapters/storage/Disk")),
    ({ sweepDisk }) => sweepDisk(place, prefix)
  )

export const targets: Readonly<Record<string, TargetAdapter>> = {
  disk: {
    place: "path",
    open: ({ mount, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/Disk")),
        ({ makeDisk }) => makeDisk(place, given({ mount }))
      ),
    prepare: ({ mount, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/Disk")),
        ({ prepareDisk }) => prepareDisk(place, given({ mount }))
      ),
    sweep: sweepFolder
  },
  folder: {
    place: "path",
    open: ({ mount, place, staging }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/SyncedFolder")),
        ({ makeSyncedFolder }) => makeSyncedFolder({ kind: "folder", path: place, ...given({ mount, staging }) })
      ),
    prepare: ({ mount, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/SyncedFolder")),
        ({ prepareSyncedFolder }) => prepareSyncedFolder({ path: place, ...given({ mount }) })
      ),
    sweep: sweepFolder
  },
  icloud: {
    place: "icloud",
    open: ({ place, spec = "icloud", staging }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/ICloud")),
        ({ makeICloud }) => makeICloud({ path: place === "" ? undefined : place, subject: spec, ...given({ staging }) })
      ),
    prepare: ({ place, spec = "icloud" }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/ICloud")),
        ({ prepareICloud }) => prepareICloud({ path: place === "" ? undefined : place, subject: spec })
      )
  },
  webdav: {
    place: "url",
    open: ({ access, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/WebDav")),
        ({ makeWebDav }) => makeWebDav({ url: place, access })
      ),
    prepare: ({ access, place }) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/WebDav")),
        ({ prepareWebDav }) => prepareWebDav({ url: place, access })
      ),
    sweep: ({ access, place }, prefix) =>
      Effect.flatMap(
        Effect.promise(() => import("@sealog/adapters/storage/WebDav")),
        ({ sweepWebDav }) => sweepWebDav({ url: place, access }, prefix)
      )
  },
  package: {
    place: "package",
    open: (spec) => withPackage(spec, (adapter, options) => adapter.open(options, accessOf(spec))),
    prepare: (spec) => withPackage(spec, (adapter, options) => adapter.prepare(options, accessOf(spec)))
  }
}

const withPackage = <A>(
  { place }: NamedPlace,
  use: (
    adapter: StorageAdapter,
    options: Readonly<Record<string, string>>
  ) => Effect.Effect<A, StorageError | OptionsError, Scope.Scope>
): Effect.Effect<A, TargetError, TargetServices> =>
  Effect.gen(function*() {
    const { loadPackage, PackageError, splitPackage } = yield* Effect.promise(() => import("./Package.ts"))
    const { name, options } = splitPackage(place)
    return yield* use(yield* loadPackage(name), options).pipe(
      Effect.catchTag(
        "OptionsError",
        ({ detail }) => new PackageError({ reason: "BadOptions", method: "open", subject: name, detail })
      )
    )
  })

/** The way in, as an adapter of somebody else's is told it. */
const accessOf = ({ access, name }: NamedPlace): StorageAccess => ({
  name,
  secret: Effect.map(access, ({ credentials }) => {
    if (credentials === undefined) return undefined
    return credentials.scheme === "bearer"
      ? { password: credentials.token }
      : { user: credentials.user, password: credentials.password }
  })
})

/** Leaves out what is not known. */
function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

const availability = (now: Readonly<Record<string, unknown>>, later: ReadonlyArray<string>) => ({
  ...Object.fromEntries(Object.keys(now).map((kind) => [kind, "now" as const])),
  ...Object.fromEntries(later.map((kind) => [kind, "later" as const]))
})

export const sourceKinds: Readonly<Record<string, Availability>> = availability(sources, [
  "whatsapp-android",
  "whatsapp-export",
  "signal",
  "telegram",
  "mbox",
  "emlx",
  "sms"
])

export const targetKinds: Readonly<Record<string, Availability>> = availability(targets, [
  "s3",
  "sftp",
  "rclone"
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
