/**
 * A target in an npm package of somebody else's: found as Node finds packages, from the current folder up and then from
 * where this program is installed, loaded, and asked whether it is an adapter at all. Whoever names a package lets its code run
 * as themselves.
 */
import { FileSystem } from "@effect/platform"
import { STORAGE_ADAPTER, type StorageAdapter } from "@sealog/core/backup/DefineStorage"
import { Data, Effect, Either, Schema } from "effect"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { Platform } from "./Platform.ts"

export type PackageReason =
  /** No package of that name, neither from here nor from where the program is. */
  | "NotInstalled"
  /** Its code could not be loaded. */
  | "NotLoaded"
  /** It exports no storage adapter, or one for another release. */
  | "NotAnAdapter"
  /** It does not take these options. */
  | "BadOptions"

export class PackageError extends Data.TaggedError("PackageError")<{
  readonly reason: PackageReason
  readonly method: string
  /** The package. */
  readonly subject: string
  readonly detail?: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.method} ${this.subject}: ${this.reason}${this.detail === undefined ? "" : ` (${this.detail})`}`
  }
}

/** `NAME?option=text`, as it stands in a SPEC, in its two parts. */
export const splitPackage = (place: string): { readonly name: string; readonly options: Record<string, string> } => {
  const at = place.indexOf("?")
  const name = at < 0 ? place : place.slice(0, at)
  return { name, options: Object.fromEntries(new URLSearchParams(at < 0 ? "" : place.slice(at + 1))) }
}

export const loadPackage = Effect.fn("Package.load")(function*(name: string) {
  const platform = yield* Platform
  const folders = [platform.currentDir, dirname(fileURLToPath(import.meta.url))].flatMap((
    folder
  ) => [...upwards(folder)])
  for (const folder of folders) {
    const root = join(folder, "node_modules", name)
    const entry = yield* entryOf(name, root)
    if (entry !== undefined) return yield* load(name, entry)
  }
  return yield* new PackageError({ reason: "NotInstalled", method: "load", subject: name })
})

const load = Effect.fn("Package.loadEntry")(function*(name: string, path: string) {
  const module = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(path).href) as Promise<{ readonly default?: unknown }>,
    catch: (cause) =>
      new PackageError({ reason: "NotLoaded", method: "load", subject: name, detail: firstLine(cause), cause })
  })
  const exported = withDefault(module.default) ? module.default.default : module.default
  if (isAdapter(exported)) return exported
  return yield* new PackageError({
    reason: "NotAnAdapter",
    method: "load",
    subject: name,
    detail: `its default export is no ${STORAGE_ADAPTER} made with defineStorage`
  })
})

/** What CommonJS exports as its default stands one level deeper. */
const withDefault = (value: unknown): value is { readonly default: unknown } =>
  typeof value === "object" && value !== null && "default" in value

const isAdapter = (value: unknown): value is StorageAdapter =>
  typeof value === "object" && value !== null && "sealog" in value && value.sealog === STORAGE_ADAPTER

/** The file that `import` of the package loads; undefined where there is no such package. */
const entryOf = Effect.fn("Package.entryOf")(function*(name: string, root: string) {
  const fs = yield* FileSystem.FileSystem
  const manifest = yield* fs.readFileString(join(root, "package.json")).pipe(
    Effect.catchTag("SystemError", () => Effect.succeed(undefined)),
    Effect.mapError((cause) => new PackageError({ reason: "NotLoaded", method: "load", subject: name, cause }))
  )
  if (manifest === undefined) return undefined
  const decoded = decodeManifest(manifest)
  if (Either.isLeft(decoded)) {
    return yield* new PackageError({
      reason: "NotLoaded",
      method: "load",
      subject: name,
      detail: `${root}/package.json is not JSON`,
      cause: decoded.left
    })
  }
  const { exports, main } = decoded.right
  return join(root, exported(exports) ?? main ?? "index.js")
})

const decodeManifest = Schema.decodeEither(
  Schema.parseJson(Schema.Struct({ main: Schema.optional(Schema.String), exports: Schema.optional(Schema.Unknown) }))
)

/** What Node takes of `exports` for an import of the package itself. */
const exported = (exports: unknown): string | undefined => {
  if (typeof exports === "string") return exports
  if (Array.isArray(exports)) return exports.map(exported).find((path) => path !== undefined)
  if (typeof exports !== "object" || exports === null) return undefined
  for (const [condition, value] of Object.entries(exports)) {
    if (condition !== "." && !CONDITIONS.has(condition)) continue
    const path = exported(value)
    if (path !== undefined) return path
  }
  return undefined
}

const CONDITIONS: ReadonlySet<string> = new Set(["node", "import", "module-sync", "default"])

/** A folder and all above it. */
function* upwards(folder: string): Generator<string> {
  for (let at = folder;; at = dirname(at)) {
    yield at
    if (dirname(at) === at) return
  }
}

const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split("\n")[0] ?? ""
