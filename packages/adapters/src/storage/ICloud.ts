/**
 * A vault in iCloud Drive, which macOS keeps in a folder of the user's and syncs. On any other system there is no such
 * folder, and every verb says so.
 */
import type { StorageShape } from "@sealog/core/backup/Storage"
import { StorageError } from "@sealog/core/backup/Storage"
import { Effect, Stream } from "effect"
import { makeSyncedFolder, prepareSyncedFolder, type SyncedFolderOptions } from "./SyncedFolder.ts"

export interface ICloudOptions extends Omit<SyncedFolderOptions, "kind" | "path"> {
  /** What its owner called it, for what is said of it: `icloud:sealog`. */
  readonly subject: string
  /** Its folder; absent where this system has no iCloud Drive. */
  readonly path: string | undefined
}

export const prepareICloud = Effect.fn("ICloud.prepare")(function*({ path, subject, ...rest }: ICloudOptions) {
  if (path === undefined) return yield* elsewhere("prepare", subject)
  yield* prepareSyncedFolder({ ...rest, path })
})

export const makeICloud = Effect.fn("ICloud.make")(function*({ path, subject, ...rest }: ICloudOptions) {
  const made = yield* makeSyncedFolder({ ...rest, kind: "icloud", path: path ?? "/" })
  if (path !== undefined) return made
  return {
    kind: "icloud",
    capabilities: made.capabilities,
    put: () => elsewhere("put", subject),
    get: () => elsewhere("get", subject),
    list: () => Stream.fail(elsewhere("list", subject)),
    delete: () => elsewhere("delete", subject)
  } satisfies StorageShape
})

const elsewhere = (method: string, subject: string) =>
  new StorageError({ reason: "Unsupported", method, subject, retryable: false })
