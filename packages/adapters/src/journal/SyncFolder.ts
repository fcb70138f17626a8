/** The names in a folder, which a sync of the files themselves does not save. */
import type { PlatformError } from "@effect/platform/Error"
import type { FileSystem } from "@effect/platform/FileSystem"
import { Effect } from "effect"

/** Makes what was made, renamed and removed in a folder survive a power cut. Windows has no such call and no need. */
export const syncFolder = (fs: FileSystem, path: string): Effect.Effect<void, PlatformError> =>
  process.platform === "win32"
    ? Effect.void
    : Effect.scoped(Effect.flatMap(fs.open(path, { flag: "r" }), (folder) => folder.sync))
