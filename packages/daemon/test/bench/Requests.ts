/**
 * What is asked of a target on a disk, seen from outside: every folder and object there is given a time of last access
 * that lies far back, which Linux renews when it is read or listed. New and removed names change their folder's time.
 */
import * as fs from "node:fs"
import { join } from "node:path"

const LONG_AGO = new Date("2001-01-01T00:00:00Z")

/** Begins to watch; the answer tells what was read, listed or changed since, by path. */
export const watchRequests = (root: string): () => ReadonlyArray<string> => {
  const paths = [root, ...fs.readdirSync(root, { recursive: true, encoding: "utf8" }).map((path) => join(root, path))]
  for (const path of paths) fs.utimesSync(path, LONG_AGO, fs.statSync(path).mtime)
  const before = paths.map(timesOf)
  return () => paths.filter((path, at) => timesOf(path) !== before[at])
}

/** Whether this file system keeps such times: some are mounted so that they do not. */
export const seesRequests = (folder: string): boolean => {
  const probe = join(folder, "probe")
  fs.mkdirSync(probe)
  try {
    fs.writeFileSync(join(probe, "file"), "read me")
    const touched = watchRequests(probe)
    fs.readFileSync(join(probe, "file"))
    const read = touched().length
    fs.readdirSync(probe)
    return read === 1 && touched().length === 2
  } finally {
    fs.rmSync(probe, { recursive: true })
  }
}

const timesOf = (path: string): string => {
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? "gone" : `${stat.atimeMs} ${stat.mtimeMs}`
}
