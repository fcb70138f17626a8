/** What the files of a database say without its being opened: whether they are the same ones, and whether they changed. */
import * as fs from "node:fs"

/** The database, and what a reader needs beside it. */
export const SIDES = ["", "-wal", "-journal"] as const
export const ABSENT = "absent"

/** What tells two states of the files apart. */
export const stamps = (path: string): Readonly<Record<(typeof SIDES)[number], string>> => ({
  "": stampOf(path),
  "-wal": stampOf(`${path}-wal`),
  "-journal": stampOf(`${path}-journal`)
})

const stampOf = (path: string): string => {
  const stat = fs.statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? ABSENT : `${stat.dev} ${stat.ino} ${stat.size} ${stat.mtimeNs}`
}

/** Which file it is. A number is given again; where no time of birth is known, that of the last change stands for it. */
export const identityOf = (path: string): string => {
  const { birthtimeNs, ctimeNs, dev, ino } = fs.statSync(path, { bigint: true })
  return `${dev} ${ino} ${birthtimeNs === ctimeNs ? "" : birthtimeNs}`
}

/** Whether there is a folder; what may not be looked at is none. */
export const isFolder = (path: string): boolean => {
  try {
    return fs.statSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Watches a folder; `undefined` where that cannot be done. */
export const watchFolder = (
  folder: string,
  changed: (name: string | null) => void
): { readonly close: () => void } | undefined => {
  try {
    const watcher = fs.watch(folder, { persistent: false }, (_, name) => changed(name))
    // A watch that broke says no more: who asked for it looks anyway.
    return watcher.on("error", () => watcher.close())
  } catch {
    return undefined
  }
}
