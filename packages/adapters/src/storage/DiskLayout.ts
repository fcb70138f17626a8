/**
 * Where in a vault's folder an object lies. On a disk beside its like, `log/NAME`; in a folder that another program
 * syncs under a letter of its name, `log/M/NAME`, since such programs are slow with folders of many thousand files.
 * Whoever reads finds both, so that a copy of the one can be used as the other.
 */
import { TEMPORARY_FOLDER } from "@sealog/core/backup/ObjectPath"
import { codeOf, type DiskFiles, type Entry, systemError } from "./DiskFiles.ts"

/** Folders inside folders that a listing still enters: a vault has two levels, strangers' files may have more. */
const LIST_DEPTH = 4
/** Entries listed at a time. */
const LIST_PAGE = 256

/** The path of an object, and the folders that hold it, from the vault's own inwards. */
export interface Lie {
  readonly path: string
  readonly folders: ReadonlyArray<string>
}

export const lieOf = (
  root: string,
  { base, folder }: { readonly base: string; readonly folder: string },
  sharded: boolean
): Lie => {
  if (folder === "") return { path: `${root}/${base}`, folders: [root] }
  const outer = `${root}/${folder}`
  if (!sharded) return { path: `${outer}/${base}`, folders: [root, outer] }
  const inner = `${outer}/${shardOf(base)}`
  return { path: `${inner}/${base}`, folders: [root, outer, inner] }
}

/** The last letter but one: the first ones say the epoch, and the last one is not always any letter. */
const shardOf = (base: string): string => base.at(-2) ?? base

/** The object's name for a path below the vault's folder: the letter that it is under is no part of it. */
const nameAt = (path: string): string => {
  const [, folder, shard, base] = /^([a-z2-7]+)\/([a-z2-7])\/([a-z2-7]+)$/u.exec(path) ?? []
  return base !== undefined && shardOf(base) === shard ? `${folder}/${base}` : path
}

/** What a listing found: the name, and the path below the vault's folder. */
export interface Found {
  readonly name: string
  readonly path: string
}

/** One folder after another, so that a vault of any size is listed in the same memory. */
export async function* pagesOf(
  files: DiskFiles,
  root: string,
  prefix: string
): AsyncGenerator<ReadonlyArray<Found>> {
  // Only the folders on the way to the prefix, or behind it, can hold a name that begins with it.
  const pending = [{ folder: prefix.slice(0, prefix.lastIndexOf("/") + 1), depth: 0 }]
  let page: Array<Found> = []
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    for await (const entry of entriesOf(files, `${root}/${next.folder}`)) {
      const path = next.folder + entry.name
      if (path === TEMPORARY_FOLDER) continue
      if (entry.kind === "folder") {
        if (next.depth < LIST_DEPTH && mayHold(path, prefix)) {
          pending.push({ folder: `${path}/`, depth: next.depth + 1 })
        }
      } else if (entry.kind === "file") {
        const name = nameAt(path)
        if (name.startsWith(prefix)) page.push({ name, path })
      }
      if (page.length < LIST_PAGE) continue
      yield page
      page = []
    }
  }
  if (page.length > 0) yield page
}

/** A folder of one letter holds names that begin in any way. */
const mayHold = (folder: string, prefix: string): boolean => {
  const [, outer] = /^([a-z2-7]+\/)[a-z2-7]$/u.exec(folder) ?? []
  return overlap(outer ?? `${folder}/`, prefix)
}

const overlap = (a: string, b: string) => a.startsWith(b) || b.startsWith(a)

export async function* entriesOf(files: DiskFiles, path: string): AsyncGenerator<Entry> {
  try {
    yield* files.entries(path)
  } catch (error) {
    // A folder nothing was put in yet, or a prefix that is no folder.
    if (!isMissing(error)) throw error
  }
}

/** Whether an object is where it is not looked for first. */
export const isFile = async (files: DiskFiles, path: string): Promise<boolean> => {
  try {
    return (await files.stat(path)).kind === "file"
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Where a folder of one letter should be may lie an object of that name. */
export const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR"

/** Tells a vault's folder from a disk that is away, and from another disk in its place. */
export const requireRoot = async (files: DiskFiles, root: string, content: "any" | "vault"): Promise<void> => {
  const away = systemError("ENODEV", root)
  try {
    if ((await files.stat(root)).kind === "file") throw away
  } catch (error) {
    throw codeOf(error) === "ENOENT" ? away : error
  }
  if (content === "any") return
  for (const name of MARKS) {
    try {
      await files.stat(`${root}/${name}`)
      return
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error
    }
  }
  throw away
}

/** What is in every vault's folder: a copy of one may lack the second, and one that lost its keys the first. */
const MARKS = ["sealog.json", TEMPORARY_FOLDER, "log", "slots"]
