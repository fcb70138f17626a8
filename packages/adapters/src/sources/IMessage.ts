/**
 * Messages of a Mac, as a source: the database that macOS keeps in `~/Library/Messages/chat.db`. See
 * docs/sources/imessage.md for what is taken and what the store itself does not keep.
 */
import type { OpenSource } from "@sealog/core/backup/Source"
import { Effect } from "effect"
import { homedir } from "node:os"
import { join } from "node:path"
import type { AttachmentPolicy } from "./AttachmentPolicy.ts"
import { isFolder } from "./database/DatabaseFiles.ts"
import { openDatabaseSource } from "./database/DatabaseSource.ts"
import { openIMessageReader } from "./imessage/IMessageReader.ts"

export interface IMessageOptions {
  /** The source's name in the vault. */
  readonly name: string
  /** The database, or the folder that it is in. */
  readonly path: string
  /** Which files that came with messages are taken: all, if absent. */
  readonly attachments?: AttachmentPolicy
}

export const openIMessage = ({ attachments = Infinity, name, path }: IMessageOptions): OpenSource =>
  Effect.suspend(() => {
    const file = isFolder(path) ? join(path, "chat.db") : path
    const home = ownerOf(file)
    const messages = join(home, "Library", "Messages")
    return openDatabaseSource({
      name,
      kind: "imessage",
      path: file,
      reader: openIMessageReader(home),
      attachments: {
        policy: attachments,
        folders: FOLDERS.map((folder) => join(messages, folder))
      }
    })
  })

/** Where Messages puts files. */
const FOLDERS = ["Attachments", "StickerCache"]

/** The folder of whose messages these are: what `~` stands for in the paths of attachments. */
const ownerOf = (file: string): string => /^(.+)\/Library\/Messages\/[^/]+$/.exec(file)?.[1] ?? homedir()
