/** Brings an object under its name in a vault's folder, whole and lasting, and makes the folders for it. */
import { dirname } from "node:path"
import { codeOf, type DiskFiles, type Publication, publish } from "./DiskFiles.ts"
import { type Lie, requireRoot } from "./DiskLayout.ts"

export interface PublishOptions {
  readonly files: DiskFiles
  readonly root: string
  /** The folder of the vault for what is on its way. */
  readonly temporary: string
  /** A folder elsewhere to be used instead, where a rename from there is possible. */
  readonly staging?: string
}

export type Publish = (lie: Lie, bytes: Uint8Array, signal: AbortSignal) => Promise<void>

export const makePublish = ({ files, root, staging, temporary }: PublishOptions): Publish => {
  /** Folders whose own names are known to last: one may be as new as what is put into it, and another run's. */
  const lasting = new Set([root])
  let outside = staging

  const nameLastingly = async (folders: ReadonlyArray<string>): Promise<void> => {
    for (const folder of folders.toReversed()) {
      if (lasting.has(folder)) continue
      await files.syncFolder(dirname(folder))
      lasting.add(folder)
    }
  }

  const attempted = async (publication: Publication, { folders }: Lie, signal: AbortSignal): Promise<void> => {
    try {
      await publish(files, publication, signal)
    } catch (error) {
      if (codeOf(error) === "EEXIST") await nameLastingly(folders)
      throw error
    }
    await nameLastingly(folders)
  }

  const publishFrom = async (from: string, lie: Lie, bytes: Uint8Array, signal: AbortSignal): Promise<void> => {
    const publication = { temporary: from, folder: lie.folders.at(-1)!, path: lie.path, bytes }
    try {
      await attempted(publication, lie, signal)
    } catch (error) {
      if (codeOf(error) !== "ENOENT" || signal.aborted) throw error
      await requireRoot(files, root, "vault")
      // Not the folders on the way to the vault: should its disk go away now, none is made in its place.
      for (const folder of lie.folders.slice(1)) await files.makeInside(folder)
      if (from === temporary) await files.makeInside(from)
      else await files.makeFolder(from)
      await attempted(publication, lie, signal)
    }
  }

  return async (lie, bytes, signal) => {
    if (outside === undefined) return await publishFrom(temporary, lie, bytes, signal)
    try {
      await publishFrom(outside, lie, bytes, signal)
    } catch (error) {
      if (codeOf(error) !== "EXDEV" || signal.aborted) throw error
      // Another file system: nothing can be renamed from there.
      outside = undefined
      await publishFrom(temporary, lie, bytes, signal)
    }
  }
}
