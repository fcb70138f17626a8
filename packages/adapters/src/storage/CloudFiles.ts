/**
 * What macOS does with files of iCloud Drive and of other clouds, all of it in one place. A file whose bytes were taken
 * away to save space is *evicted*: since Sonoma it keeps its name and its size and has no blocks (it is *dataless*);
 * before, a hidden stub `.NAME.icloud` stood in its place. To look at either brings nothing back; to read does, and may
 * take as long as the network does, or for ever.
 */
import { execFile } from "node:child_process"
import { lstat, readFile } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { codeOf, type Entry, systemError } from "./DiskFiles.ts"
import { stubSize } from "./StubFile.ts"

/** What can be known of a file without its bytes. */
export interface Look {
  readonly kind: Entry["kind"]
  readonly size: number
  readonly mtimeMs: number
  /** `here`, or what an evicted one has left behind. */
  readonly presence: "here" | "dataless" | "stub"
}

/** Replaceable, so that tests can evict files on any system. */
export interface CloudFiles {
  /** Fails with ENOENT where there is neither the file nor a stub of it. */
  readonly look: (path: string) => Promise<Look>
  /** Asks for the bytes of a file that only a stub is left of; does not wait for them. */
  readonly fetch: (path: string) => Promise<void>
}

export const cloudFiles: CloudFiles = {
  look: async (path) => {
    try {
      const stat = await lstat(path)
      const kind = stat.isFile() ? "file" : stat.isDirectory() ? "folder" : "other"
      const presence = kind === "file" && stat.size > 0 && stat.blocks === 0 ? "dataless" : "here"
      return { kind, size: stat.size, mtimeMs: stat.mtimeMs, presence }
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error
      const { isFile, mtimeMs } = await lookAtStub(path, error)
      if (!isFile) throw error
      return { kind: "file", size: await sizeInStub(path), mtimeMs, presence: "stub" }
    }
  },
  fetch: (path) =>
    new Promise((resolve, reject) => {
      execFile(BRCTL, ["download", path], { timeout: BRCTL_MILLIS }, (error) =>
        error === null ? resolve() : reject(error))
    })
}

/** The tool of macOS that asks for a file of iCloud Drive, and how long that asking may take, milliseconds. */
const BRCTL = "/usr/bin/brctl"
const BRCTL_MILLIS = 30_000
/** Longer than any stub. */
const STUB_BYTES = 4_096

/** The stub that stands for a file. */
export const stubOf = (path: string): string => join(dirname(path), `.${basename(path)}.icloud`)

/** The name that a stub stands for. */
export const nameInStub = (name: string): string | undefined => /^\.(.+)\.icloud$/u.exec(name)?.[1]

const lookAtStub = async (path: string, missing: unknown) => {
  try {
    const stat = await lstat(stubOf(path))
    return { isFile: stat.isFile() && stat.size <= STUB_BYTES, mtimeMs: stat.mtimeMs }
  } catch (error) {
    throw codeOf(error) === "ENOENT" ? missing : error
  }
}

/** A stub is a file of its own, and always here. Without a size, a whole file would pass for a torn one. */
const sizeInStub = async (path: string): Promise<number> => {
  const size = stubSize(await readFile(stubOf(path)))
  if (size === undefined) throw systemError("NOSIZE", stubOf(path))
  return size
}
