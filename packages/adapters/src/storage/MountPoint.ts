/**
 * Whether the disk that a folder is to lie on is there. A mount point without its disk is a folder of the system's own
 * disk: what is written there looks stored, is on no disk that anybody unplugs, and is hidden by the next mount.
 */
import { realpath, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { codeOf, systemError } from "./DiskFiles.ts"

/** Which file system carries a path; ENOENT where there is none. Replaceable, so that tests can plug disks in and out. */
export type DeviceOf = (path: string) => Promise<number>

const deviceOf: DeviceOf = async (path) => (await stat(path)).dev

/** Where systems mount what people plug in: a folder there that no mount carries is a disk that is away. */
const REMOVABLE = ["/media", "/mnt", "/run/media", "/Volumes"]

/** The folder at which the file system of a path begins; of what is not there, that of the nearest folder that is. */
export const mountPointOf = async (path: string, device: DeviceOf = deviceOf): Promise<string> => {
  const { there } = await resolved(path)
  const own = await device(there)
  for (let at = there;; at = dirname(at)) {
    const above = dirname(at)
    if (above === at || await device(above) !== own) return at
  }
}

/**
 * Fails where the disk of a path is away: nothing at or below `mount` carries it; or, where no mount point is known of
 * it, it is in a place for removable disks and nothing there does. Windows has no folders without their disks.
 */
export const requireMounted = async (
  path: string,
  mount: string | undefined,
  device: DeviceOf = deviceOf
): Promise<void> => {
  if (process.platform === "win32" || mount === "/") return
  const wanted = mount ?? await removableRoot(path)
  if (wanted === undefined || isWithin(await mountPointOf(path, device), wanted)) return
  throw systemError("NOTMOUNTED", path)
}

const removableRoot = async (path: string): Promise<string | undefined> => {
  const { missing, there } = await resolved(path)
  return REMOVABLE.find((root) => isWithin(join(there, missing), root))
}

const isWithin = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`)

/** As much of a path as is there, without its links, and the rest of it. */
const resolved = async (path: string): Promise<{ readonly there: string; readonly missing: string }> => {
  for (let at = path, missing = "";;) {
    try {
      return { there: await realpath(at), missing }
    } catch (error) {
      const above = dirname(at)
      if (above === at || !["ENOENT", "ENOTDIR"].includes(codeOf(error))) throw error
      missing = join(at.slice(above.length), missing)
      at = above
    }
  }
}
