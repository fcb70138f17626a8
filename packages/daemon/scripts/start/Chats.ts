/**
 * WhatsApp as the app leaves it on a Mac: invented conversations, groups and files, and what happens to them later, each
 * as the app writes it into its database. Nobody in it is real.
 */
import { fileBytes, WhatsAppApp } from "@sealog/adapters/testing/WhatsAppApp"
import { generateWhatsApp } from "@sealog/adapters/testing/WhatsAppGenerator"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"

export interface Chats {
  /** Readable words of what is said. */
  readonly words: ReadonlyArray<string>
  /** Whether these words stand in any file or name of the store. */
  readonly contains: (words: string) => boolean
  /** How many messages ever were in it. */
  readonly everThere: () => number
  /** A message comes; its row. */
  readonly receive: (text: string) => number
  readonly edit: (row: number, text: string) => void
  readonly react: (row: number, emoji: string) => void
  readonly deleteForEveryone: (row: number) => void
  /** A message whose photo is not here yet; its row. */
  readonly receivePhoto: (caption: string) => number
  readonly photoComes: (row: number) => void
  /** As the backup calls a message. */
  readonly keyOf: (row: number) => string
  /** The app is closed. */
  readonly close: () => void
}

export interface MadeChats {
  readonly chats: Chats
  readonly messages: number
  readonly files: number
}

export interface ChatsOptions {
  readonly root: string
  /** How many invented messages it begins with. */
  readonly invented: number
}

const SEED = 21
/** Of the messages that have a file, how many have it here. */
const FILES_SHARE = 0.3
/** Large enough to become an object of its own. */
const PHOTO_BYTES = 300_000
const IDA = "12025550142@s.whatsapp.net"

export const makeChats = ({ invented, root }: ChatsOptions): MadeChats => {
  generateWhatsApp({ root, seed: SEED, messages: invented, files: FILES_SHARE }).app.close()
  const app = new WhatsAppApp({ root, seed: SEED + 1, now: Date.now })
  const chat = app.chat(IDA, "Ida from the allotment")
  const photos = new Map<number, Uint8Array>()
  let received = 0
  const add = (message: Omit<Parameters<WhatsAppApp["add"]>[0], "chat">): number => {
    received++
    return app.add({ chat, ...message })
  }
  const chats: Chats = {
    words: [BACK, MORE, HASTE, POND, "Ida from the allotment"],
    contains: (words) => filesIn(root).some((path) => path.includes(words) || fs.readFileSync(path).includes(words)),
    everThere: () => invented + received,
    receive: (text) => add({ text }),
    edit: (row, text) => app.edit(row, text),
    react: (row, emoji) => app.react(row, emoji),
    deleteForEveryone: (row) => app.revoke(row, IDA),
    receivePhoto: (caption) => {
      const bytes = fileBytes(app.random, PHOTO_BYTES)
      const row = add({ type: 1, text: caption, media: { mime: "image/jpeg", size: bytes.length } })
      photos.set(row, bytes)
      return row
    },
    photoComes: (row) => void app.download(row, photos.get(row)!),
    keyOf: (row) => app.keyOf(row),
    close: () => app.close()
  }
  return { chats, messages: invented, files: digestsOf(join(root, "Message")).size }
}

/** What Ida writes while the daemon watches. */
export const BACK = "The ducks are back"
export const MORE = "The ducks are back, all six of them"
export const HASTE = "I take back what I said about your leeks"
export const POND = "The pond, half an hour ago"

/** The digests of all files below a folder. */
export const digestsOf = (root: string): ReadonlySet<string> =>
  new Set(filesIn(root).map((path) => createHash("sha256").update(fs.readFileSync(path)).digest("hex")))

const filesIn = (root: string): ReadonlyArray<string> =>
  fs.readdirSync(root, { recursive: true, withFileTypes: true, encoding: "utf8" }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : []
  )
