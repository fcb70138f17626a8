/** WhatsApp for macOS and iOS as a source: `ChatStorage.sqlite` and what lies beside it in the app's container. */
import type { OpenSource } from "@sealog/core/backup/Source"
import { Effect } from "effect"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import type { AttachmentPolicy } from "../AttachmentPolicy.ts"
import { databaseError } from "../database/DatabaseError.ts"
import { openDatabaseSource } from "../database/DatabaseSource.ts"
import { openWhatsAppReader } from "./Reader.ts"

export interface WhatsAppOptions {
  /** The source's name in the vault. */
  readonly name: string
  /** The app's container, or the database itself, which a phone's backup calls otherwise. */
  readonly path: string
  /** Which files that came with messages are taken: all, if absent. */
  readonly attachments?: AttachmentPolicy
}

/** What the database is called in its container. */
const DATABASE = "ChatStorage.sqlite"

export const openWhatsApp = ({ attachments = Infinity, name, path }: WhatsAppOptions): OpenSource =>
  Effect.try({
    try: () => {
      const database = fs.statSync(path).isDirectory() ? join(path, DATABASE) : path
      return { database, container: fs.realpathSync(dirname(database)) }
    },
    catch: (cause) => databaseError("open", path, cause)
  }).pipe(
    Effect.flatMap(({ container, database }) =>
      openDatabaseSource({
        name,
        kind: "whatsapp",
        path: database,
        reader: openWhatsAppReader(container),
        attachments: { policy: attachments, folders: [join(container, "Message")] }
      })
    ),
    Effect.withSpan("WhatsApp.open")
  )
