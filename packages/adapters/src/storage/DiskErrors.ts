/** What the system says of a folder of objects, in the words of a storage. */
import { StorageError, type StorageReason } from "@sealog/core/backup/Storage"
import { Effect } from "effect"
import { codeOf } from "./DiskFiles.ts"

/** What was being done, and to which object of the vault in which folder. */
export interface Deed {
  readonly root: string
  readonly method: string
  readonly name?: string
}

export const attempt = <A>(deed: Deed, body: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, StorageError> =>
  Effect.tryPromise({ try: body, catch: (error) => toError(deed, error) })

export const toError = ({ method, name = "", root }: Deed, cause: unknown): StorageError => {
  const [reason, retryable] = reasons[codeOf(cause)] ?? (["Unreachable", false] as const)
  // Where the place is at fault, it is the place that its owner has to know.
  const subject = name === "" || ofPlace.has(reason) ? root : reason === "Denied" ? `${root}/${name}` : name
  return new StorageError({ reason, method, subject, retryable, cause })
}

const ofPlace: ReadonlySet<StorageReason> = new Set(["Full", "Unreachable", "Throttled"])

/** What each code of the system means for an object, and whether it can pass by itself. */
const reasons: Record<string, readonly [StorageReason, boolean]> = {
  ENOENT: ["NotFound", false],
  EEXIST: ["AlreadyExists", false],
  ENOSPC: ["Full", false],
  EDQUOT: ["Full", false],
  EACCES: ["Denied", false],
  EPERM: ["Denied", false],
  EROFS: ["Denied", false],
  EMFILE: ["Throttled", true],
  ENFILE: ["Throttled", true],
  EBUSY: ["Throttled", true],
  EAGAIN: ["Throttled", true],
  EDEADLK: ["Throttled", true],
  ENODEV: ["Unreachable", true],
  NOTMOUNTED: ["Unreachable", true],
  ENXIO: ["Unreachable", true],
  EIO: ["Unreachable", true],
  ESTALE: ["Unreachable", true],
  ENOTCONN: ["Unreachable", true],
  ETIMEDOUT: ["Unreachable", true],
  EHOSTDOWN: ["Unreachable", true],
  EHOSTUNREACH: ["Unreachable", true],
  NOTFILE: ["Corrupt", false],
  SHORT: ["Corrupt", false],
  TOOLONG: ["Corrupt", false],
  EISDIR: ["Corrupt", false],
  ELOOP: ["Corrupt", false],
  ENOTDIR: ["Unsupported", false],
  ENAMETOOLONG: ["Unsupported", false],
  EFBIG: ["Unsupported", false]
}
