/**
 * The target as whoever runs the storage sees it: names, sizes, bytes. The demo reads it with nothing but a listing,
 * and notes which of its own doings made which object.
 */
import * as fs from "node:fs"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { until } from "./Signs.ts"

export interface StoredObject {
  /** With its folder, as `log/aaaa…`. */
  readonly name: string
  readonly bytes: number
}

export interface Provider {
  readonly list: () => ReadonlyArray<StoredObject>
  /** Does something and waits for the first new object of the log; milliseconds from the doing's end to its being there. */
  readonly after: (
    what: string,
    act: () => Promise<void>
  ) => Promise<{ readonly object: StoredObject; readonly millis: number }>
  /** New objects of the log since a listing. */
  readonly since: (before: ReadonlyArray<StoredObject>) => ReadonlyArray<StoredObject>
  /** Which of these words stand readable anywhere at the target. */
  readonly search: (words: ReadonlyArray<string>) => ReadonlyArray<string>
}

/** Where complete objects lie; `tmp` holds what is still being written. */
const FOLDERS = ["slots", "blobs", "log"] as const

export const makeProvider = (root: string): Provider => {
  const list = () => [...listFolder(root, ""), ...FOLDERS.flatMap((folder) => listFolder(root, folder))]
  const since = (before: ReadonlyArray<StoredObject>) => {
    const known = new Set(before.map(({ name }) => name))
    return listFolder(root, "log").filter(({ name }) => !known.has(name))
  }
  return {
    list,
    since,
    after: async (what, act) => {
      const before = list()
      await act()
      const began = performance.now()
      const object = await until(`the object of ${what} at the target`, () => since(before)[0])
      return { object, millis: performance.now() - began }
    },
    search: (words) => {
      const objects = list().map(({ name }) => fs.readFileSync(join(root, name)))
      const names = Buffer.from(list().map(({ name }) => name).join("\n"))
      return words.filter((word) => [names, ...objects].some((bytes) => bytes.includes(word)))
    }
  }
}

const listFolder = (root: string, folder: string): ReadonlyArray<StoredObject> => {
  const path = join(root, folder)
  if (!fs.existsSync(path)) return []
  return fs.readdirSync(path, { withFileTypes: true }).flatMap((entry) => {
    const stat = entry.isFile() ? fs.statSync(join(path, entry.name), { throwIfNoEntry: false }) : undefined
    return stat === undefined
      ? []
      : [{ name: folder === "" ? entry.name : `${folder}/${entry.name}`, bytes: stat.size }]
  })
}

/** The ends of a long name: `log/aaaay7ei4bsi…obxy`. */
export const shortName = (name: string): string => name.length <= 30 ? name : `${name.slice(0, 18)}…${name.slice(-4)}`
