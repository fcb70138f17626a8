/**
 * Messages of a Mac, as a source: the database that macOS keeps in `~/Library/Messages/chat.db`. See
 * docs/sources/imessage.md for what is taken and what the store itself does not keep.
 */
import type { OpenSource } from "@sealog/core/backup/Source"
import { openDatabaseSource } from "./database/DatabaseSource.ts"
import { openIMessageReader } from "./imessage/IMessageReader.ts"

export interface IMessageOptions {
  /** The source's name in the vault. */
  readonly name: string
  /** The database file. */
  readonly path: string
  /** The owner's folder, in which the store's attachments lie. */
  readonly home: string
}

export const openIMessage = ({ home, name, path }: IMessageOptions): OpenSource =>
  openDatabaseSource({ name, kind: "imessage", path, reader: openIMessageReader(home) })
