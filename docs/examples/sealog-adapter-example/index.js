// @ts-check
/**
 * A place for sealog's vaults: a folder of this machine. Four verbs on objects that never change. Names, sizes and
 * ranges are checked before they come here, and "npm test" asks whether the rest keeps the contract.
 */
import { defineStorage, StorageError } from "@sealog/core"
import { Effect, Schema, Stream } from "effect"
import { randomBytes } from "node:crypto"
import { link, mkdir, open, readdir, stat, unlink } from "node:fs/promises"
import { dirname, join } from "node:path"

/** Where objects are until they are whole. A vault has it from the start: a place without it is away, not empty. */
const UNFINISHED = "tmp"

export default defineStorage({
  kind: "example",
  // What a SPEC may say: package:sealog-adapter-example?folder=/media/usb. No secrets here: they come with access.secret.
  options: Schema.Struct({ folder: Schema.NonEmptyString }),
  // What the place can do. The contract asks only for what is claimed, and finds out what is claimed and not so.
  capabilities: {
    atomicCreate: true,
    rangeReads: true,
    strongList: true,
    durability: "stored",
    deletes: true,
    objectLock: false,
    maxObjectBytes: 40 * 1024 * 1024
  },
  prepare: ({ folder }) => attempt("prepare", folder, () => mkdir(join(folder, UNFINISHED), { recursive: true })),
  make: ({ folder }) =>
    Effect.succeed({
      // Written beside, then linked: a link fails where the name is taken, and shows the whole object or none.
      put: (name, bytes) =>
        attempt("put", name, async (signal) => {
          const [path, unfinished] = [join(folder, name), join(folder, UNFINISHED, randomBytes(16).toString("hex"))]
          try {
            await using(open(unfinished, "wx", 0o600), async (file) => {
              await file.writeFile(bytes)
              await file.sync()
            })
            await mkdir(dirname(path), { recursive: true })
            signal.throwIfAborted()
            await link(unfinished, path)
            await using(open(dirname(path)), (parent) => parent.sync())
          } finally {
            await unlink(unfinished).catch(unlessMissing)
          }
        }),
      get: (name, range) =>
        attempt("get", name, () =>
          using(
            open(join(folder, name)).catch((error) => missingIn(folder, error)),
            async (file) => {
              const { size } = await file.stat()
              const offset = Math.min(range?.offset ?? 0, size)
              const bytes = new Uint8Array(Math.min(range?.length ?? size, size - offset))
              const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
              return bytes.subarray(0, bytesRead)
            }
          )),
      list: (prefix) =>
        Stream.fromIterableEffect(attempt("list", prefix, async () => {
          await stat(join(folder, UNFINISHED))
          const entries = await readdir(folder, { recursive: true })
          const names = entries.filter((name) => name.startsWith(prefix) && !name.startsWith(join(UNFINISHED, "/")))
          const found = await Promise.all(names.map((name) => stat(join(folder, name)).catch(unlessMissing)))
          return found.flatMap((one, at) => one?.isFile() ? [{ name: names[at] ?? "", size: one.size }] : [])
        })),
      delete: (name) =>
        attempt("delete", name, async () => {
          await unlink(join(folder, name)).catch(unlessMissing)
          await stat(join(folder, UNFINISHED))
        })
    })
})

/**
 * Runs what may fail, and says in sealog's words why it did.
 * @type {<A>(method: string, subject: string, body: (signal: AbortSignal) => Promise<A>) => Effect.Effect<A, StorageError>}
 */
const attempt = (method, subject, body) =>
  Effect.tryPromise({
    try: body,
    catch: (cause) => {
      const [reason, retryable] = reasons[Object(cause).code] ?? ["Unreachable", true]
      return new StorageError({ reason, method, subject, retryable, cause })
    }
  })

/**
 * What each error means, and whether it can pass by itself.
 * @type {Readonly<Record<string, readonly [import("@sealog/core").StorageReason, boolean]>>}
 */
const reasons = {
  MISSING: ["NotFound", false],
  EEXIST: ["AlreadyExists", false],
  EACCES: ["Denied", false],
  ENOSPC: ["Full", false],
  EMFILE: ["Throttled", true]
}

/** An object that is missing, in a place that is there. @type {(folder: string, error: Error) => Promise<never>} */
const missingIn = async (folder, error) => {
  if (Object(error).code === "ENOENT") await stat(join(folder, UNFINISHED))
  throw Object(error).code === "ENOENT" ? Object.assign(error, { code: "MISSING" }) : error
}

/** @type {(error: Error) => undefined} */
const unlessMissing = (error) => {
  if (Object(error).code !== "ENOENT") throw error
}

/** Closes on every way out. @type {<A>(opening: Promise<import("node:fs/promises").FileHandle>, work: (file: import("node:fs/promises").FileHandle) => Promise<A>) => Promise<A>} */
const using = async (opening, work) => {
  const file = await opening
  return await work(file).finally(() => file.close())
}
