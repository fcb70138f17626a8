/**
 * Where the daemon of a home listens: a socket in the home itself; where that path is longer than the system allows,
 * a short one in the runtime folder, with a file in the home that says which; on Windows a named pipe.
 */
import { FileSystem } from "@effect/platform"
import { Effect, Option } from "effect"
import { createHash } from "node:crypto"
import { codeOf, Home, homeError, replaceFile } from "../Home.ts"
import { Platform, type PlatformShape, variable } from "../Platform.ts"
import { ControlError } from "./Protocol.ts"

export interface Endpoint {
  /** What is listened on. */
  readonly path: string
  /** The file in the home that holds `path`, where that is not in the home. */
  readonly pointer?: string
  /** The folder of `path`, to be made for this user alone, where it is not the home. */
  readonly folder?: string
}

/** Bytes of a socket's path: `sun_path` less its final zero. */
const PATH_BYTES = { linux: 107, other: 103 } as const

/** Where a new daemon of this home listens. */
export const endpointOf = (controlSocket: string, platform: PlatformShape): Endpoint => {
  const id = createHash("sha256").update(controlSocket).digest("hex").slice(0, 16)
  if (platform.system === "windows") return { path: `\\\\.\\pipe\\sealog-${id}` }
  const limit = platform.system === "linux" ? PATH_BYTES.linux : PATH_BYTES.other
  if (Buffer.byteLength(controlSocket) <= limit) return { path: controlSocket }
  const runtime = variable(platform, "XDG_RUNTIME_DIR")
  const base = runtime?.startsWith("/") === true ? runtime : platform.temporaryDir
  const folder = `${base.replace(/\/+$/u, "")}/sealog-${platform.uid ?? 0}`
  return { path: `${folder}/${id}.sock`, pointer: controlSocket, folder }
}

/** Where the daemon of this home would be asked; none where it left no trace of itself. */
export const findEndpoint = Effect.fn("Endpoint.find")(function*() {
  const fs = yield* FileSystem.FileSystem
  const { controlSocket } = yield* Home
  const endpoint = endpointOf(controlSocket, yield* Platform)
  if (endpoint.pointer === undefined) return Option.some(endpoint)
  const text = yield* fs.readFileString(endpoint.pointer).pipe(
    Effect.map(Option.some),
    Effect.catchIf(
      (error) => error._tag === "SystemError" && error.reason === "NotFound",
      () => Effect.succeed(Option.none<string>())
    ),
    Effect.mapError((cause) =>
      new ControlError({ reason: "Io", method: "find", subject: endpoint.pointer ?? controlSocket, cause })
    )
  )
  return Option.map(text, (path): Endpoint => ({ ...endpoint, path: path.trim() }))
})

/** Makes the folder of a socket outside the home, and trusts it only if nobody else could have made it. */
export const prepareFolder = Effect.fn("Endpoint.prepareFolder")(function*(folder: string) {
  const fs = yield* FileSystem.FileSystem
  const { uid } = yield* Platform
  const denied = (cause?: unknown) =>
    new ControlError({
      reason: "Denied",
      method: "listen",
      subject: folder,
      detail: "it is not this user's alone",
      cause
    })
  yield* fs.makeDirectory(folder, { mode: 0o700 }).pipe(
    Effect.catchIf((error) => codeOf(Reflect.get(error, "cause")) === "EEXIST", () => Effect.void),
    Effect.mapError(denied)
  )
  const isLink = yield* Effect.isSuccess(fs.readLink(folder))
  const info = yield* Effect.mapError(fs.stat(folder), denied)
  const mine = uid === undefined || Option.getOrUndefined(info.uid) === uid
  if (isLink || info.type !== "Directory" || !mine || (info.mode & 0o077) !== 0) return yield* denied()
})

/** Leaves word in the home of where the socket is. */
export const writePointer = (endpoint: Endpoint) =>
  endpoint.pointer === undefined ? Effect.void : replaceFile(endpoint.pointer, `${endpoint.path}\n`)

/** Removes what a daemon that is gone left behind. */
export const sweep = Effect.fn("Endpoint.sweep")(function*(endpoint: Endpoint) {
  const fs = yield* FileSystem.FileSystem
  // A named pipe is gone with its process.
  if (endpoint.path.startsWith("\\\\")) return
  yield* fs.remove(endpoint.path, { force: true }).pipe(
    Effect.mapError((cause) => homeError(cause, "sweep", endpoint.path))
  )
})
