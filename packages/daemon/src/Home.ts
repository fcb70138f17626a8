/**
 * The one folder where a machine keeps what is its own of a vault: configuration, journal, pins, receipts. Which
 * folder that is, what lies where in it, and how a file in it is replaced without a reader seeing half of it.
 */
import { FileSystem, Path } from "@effect/platform"
import type { PlatformError } from "@effect/platform/Error"
import { syncFolder } from "@sealog/adapters/journal/SyncFolder"
import { Context, Data, Effect, Layer } from "effect"
import { dirname } from "node:path"
import { Platform, type PlatformShape, variable } from "./Platform.ts"
import { absolutePath } from "./Spec.ts"

export type HomeReason = "Denied" | "NotAFolder" | "Full" | "Io"

export class HomeError extends Data.TaggedError("HomeError")<{
  readonly reason: HomeReason
  readonly method: string
  readonly subject: string
  readonly cause?: unknown
}> {
  override get message() {
    return `home ${this.method} ${this.subject}: ${this.reason}`
  }
}

export interface HomeShape {
  readonly root: string
  readonly config: string
  readonly journal: string
  readonly headPin: string
  readonly receipts: string
  readonly slots: string
  readonly blobs: string
  readonly lock: string
  /** What `status` shows while no daemon runs. */
  readonly status: string
  readonly controlSocket: string
  readonly log: string
}

export class Home extends Context.Tag("@sealog/daemon/Home")<Home, HomeShape>() {}

/** The folder given, else SEALOG_HOME, else the system's place for a program's data. */
export const layer = (option: string | undefined) =>
  Layer.effect(
    Home,
    Effect.gen(function*() {
      const platform = yield* Platform
      const path = yield* Path.Path
      const root = rootOf(option, platform, path.join)
      return {
        root,
        config: path.join(root, "config.toml"),
        journal: path.join(root, "journal"),
        headPin: path.join(root, "head.pin"),
        receipts: path.join(root, "receipts"),
        slots: path.join(root, "slots"),
        blobs: path.join(root, "blobs"),
        lock: path.join(root, "lock"),
        status: path.join(root, "status.json"),
        controlSocket: path.join(root, "control.sock"),
        log: path.join(root, "log")
      }
    })
  )

/** Makes the folder and those in it, readable by their owner alone; what is there already is tightened. */
export const prepare = Effect.fn("Home.prepare")(function*() {
  const fs = yield* FileSystem.FileSystem
  const home = yield* Home
  yield* makeLastingly(home.root)
  for (const folder of [home.root, home.receipts, home.slots, home.blobs, home.log]) {
    yield* fs.makeDirectory(folder, { recursive: true, mode: 0o700 }).pipe(
      Effect.zipRight(fs.chmod(folder, 0o700)),
      Effect.mapError((cause) => homeError(cause, "prepare", folder))
    )
  }
  yield* Effect.mapError(syncFolder(fs, home.root), (cause) => homeError(cause, "prepare", home.root))
})

/** Makes a folder and those on the way to it, where they are missing, so that they survive a power cut. */
const makeLastingly = Effect.fn("Home.makeLastingly")(function*(folder: string) {
  const fs = yield* FileSystem.FileSystem
  const wrap = Effect.mapError((cause: PlatformError) => homeError(cause, "prepare", folder))
  const missing: Array<string> = []
  for (let path = folder; !(yield* wrap(fs.exists(path))) && path !== dirname(path); path = dirname(path)) {
    missing.push(path)
  }
  yield* wrap(fs.makeDirectory(folder, { recursive: true, mode: 0o700 }))
  yield* Effect.forEach(missing, (path) => wrap(syncFolder(fs, dirname(path))), { discard: true })
})

/** One file is replaced after another: fibers that replace the same one share its temporary name. */
const replacing = Effect.unsafeMakeSemaphore(1)

/** Writes a file as a whole, which then survives a power cut: a reader sees the old one or the new one. Mode 0600. */
export const replaceFile = Effect.fn("Home.replaceFile")(function*(path: string, text: string) {
  const fs = yield* FileSystem.FileSystem
  const platform = yield* Platform
  const temporary = `${path}.${platform.pid}.tmp`
  const write = Effect.scoped(Effect.gen(function*() {
    const file = yield* fs.open(temporary, { flag: "w", mode: 0o600 })
    yield* file.writeAll(new TextEncoder().encode(text))
    yield* file.sync
  }))
  yield* write.pipe(
    Effect.zipRight(fs.rename(temporary, path)),
    Effect.zipRight(syncFolder(fs, dirname(path))),
    Effect.tapError(() => Effect.ignore(fs.remove(temporary, { force: true }))),
    Effect.mapError((cause) => homeError(cause, "replaceFile", path))
  )
}, replacing.withPermits(1))

/** The rules of one system for where a program keeps its data. */
export const rootOf = (
  option: string | undefined,
  platform: PlatformShape,
  join: (...parts: ReadonlyArray<string>) => string
): string => {
  const chosen = option ?? variable(platform, "SEALOG_HOME")
  if (chosen !== undefined) return absolutePath(chosen, platform)
  switch (platform.system) {
    case "macos":
      return join(platform.userDir, "Library", "Application Support", "sealog")
    case "windows":
      return join(variable(platform, "LOCALAPPDATA") ?? join(platform.userDir, "AppData", "Local"), "sealog")
    default: {
      // The XDG specification says that a relative path here is to be ignored.
      const data = variable(platform, "XDG_DATA_HOME")
      return join(data?.startsWith("/") === true ? data : join(platform.userDir, ".local", "share"), "sealog")
    }
  }
}

/** What the file system said, as one of our reasons. */
export const homeError = (cause: PlatformError, method: string, subject: string) =>
  new HomeError({ reason: homeReason(cause), method, subject, cause })

const homeReason = (error: PlatformError): HomeReason => {
  if (error._tag !== "SystemError") return "Io"
  const code = codeOf(error.cause)
  if (code === "ENOSPC" || code === "EDQUOT") return "Full"
  if (code === "ENOTDIR" || code === "EEXIST" || error.reason === "AlreadyExists") return "NotAFolder"
  return error.reason === "PermissionDenied" || code === "EROFS" || code === "EPERM" ? "Denied" : "Io"
}

/** The system's own word for what went wrong. */
export const codeOf = (cause: unknown): string | undefined =>
  typeof cause === "object" && cause !== null && "code" in cause && typeof cause.code === "string"
    ? cause.code
    : undefined
