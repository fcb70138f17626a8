/**
 * A Maildir as a mail server leaves it: the sample mails of the repository, invented ones for weight, a photo; and
 * what happens to it later, each in the way mail programs do it: delivered through `tmp`, flagged and moved by
 * renaming, deleted by unlinking.
 */
import { composeMail, type Mail, makeRandom } from "@sealog/adapters/testing/MailGenerator"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import * as fsp from "node:fs/promises"
import { basename, dirname, join, relative } from "node:path"
import { DemoError } from "./Signs.ts"

export interface Mailbox {
  /** Readable words of the samples: subjects, addresses, names of folders. */
  readonly words: ReadonlyArray<string>
  /** The sample mails still to come, in order. */
  readonly arriving: ReadonlyArray<Letter>
  /** Whether these words stand in any file or name of it. */
  readonly contains: (words: string) => boolean
  /** How many mails ever were in it. */
  readonly everThere: () => number
  /** Written in `tmp`, synced, renamed into `new`. */
  readonly deliver: (bytes: Uint8Array) => Promise<void>
  /** A mail is called by its base name. */
  readonly flag: (mail: string, flags: string) => void
  readonly move: (mail: string, folder: string) => void
  readonly remove: (mail: string) => void
}

interface Letter {
  readonly bytes: Buffer
  readonly subject: string
}

export interface Made {
  readonly mailbox: Mailbox
  readonly messages: number
  readonly folders: number
  readonly bytes: number
}

export interface MailboxOptions {
  readonly root: string
  /** `packages/daemon/samples`. */
  readonly samples: string
  /** How many invented mails stand beside those of the repository. */
  readonly invented: number
}

export const ARCHIVE = ".Archive für später 📦"

/** The samples have a semicolon before their flags, which any file name may have; mail programs write a colon. */
const INFO = process.platform === "win32" ? ";2," : ":2,"
const INVENTED_FOLDERS = ["", ".Sent", ARCHIVE, ".Work", ".Work.Projects"] as const
/** Large enough to become an object of its own, bytes before base64. */
const PHOTO_BYTES = 900_000
const SEED = 14
const BEGIN = Date.UTC(2023, 0, 1)
const STEP_MILLIS = 5 * 3_600_000

export const makeMailbox = ({ invented, root, samples }: MailboxOptions): Made => {
  const store = join(samples, "maildir")
  fs.mkdirSync(root, { recursive: true, mode: 0o700 })
  for (const path of filesIn(store)) copySample(join(store, path), join(root, path))
  for (const folder of INVENTED_FOLDERS) makeFolder(root, folder)
  // What a mail server keeps beside the mails comes back from a restore too.
  fs.writeFileSync(join(root, "dovecot-uidlist"), "3 V1679654400 N1 Gsample\n")
  const words = [...new Set(mailsIn(root).flatMap(wordsOf)), ARCHIVE, "Travel.Lisbon"]
  putMail(root, { folder: ARCHIVE, at: BEGIN, mark: "P2Q0", bytes: photo() })
  for (const mail of inventMails(invented)) putMail(root, mail)
  const mails = mailsIn(root)
  const arriving = filesIn(join(samples, "arriving")).toSorted().map((path) =>
    letterOf(join(samples, "arriving", path))
  )
  return {
    mailbox: { words, arriving, ...makeActions(root, mails.length) },
    messages: mails.length,
    folders: new Set(mails.map((path) => dirname(dirname(path)))).size,
    bytes: mails.reduce((sum, path) => sum + fs.statSync(path).size, 0)
  }
}

/** Mails without end, the same ones each time. */
export const inventedArrivals = function*(): Generator<Uint8Array> {
  const random = makeRandom(SEED + 1)
  for (let number = 0;; number++) yield composeMail(random, Date.now(), `arriving-${number}`).bytes
}

const makeActions = (root: string, atFirst: number) => {
  let delivered = 0
  const find = (mail: string) => {
    const path = mailsIn(root).find((each) => basename(each).split(INFO)[0] === mail)
    if (path === undefined) throw new DemoError(`no mail of the samples is called ${mail}`)
    return path
  }
  return {
    contains: (words: string) => contains(root, words),
    everThere: () => atFirst + delivered,
    deliver: async (bytes: Uint8Array) => {
      const now = Date.now()
      const name = `${Math.floor(now / 1_000)}.M${now % 1_000}P3Q${delivered}.sample`
      const draft = join(root, "tmp", name)
      const file = await fsp.open(draft, "wx", 0o600)
      try {
        await file.writeFile(bytes)
        await file.sync()
      } finally {
        await file.close()
      }
      await fsp.rename(draft, join(root, "new", name))
      delivered++
    },
    flag: (mail: string, flags: string) => {
      const path = find(mail)
      fs.renameSync(path, join(dirname(path), "../cur", `${mail}${INFO}${flags}`))
    },
    move: (mail: string, folder: string) => {
      const path = find(mail)
      fs.renameSync(path, join(root, folder, "cur", basename(path)))
    },
    remove: (mail: string) => fs.rmSync(find(mail))
  }
}

/** A sample lies in the repository without its time, which its name has, and its folders without being empty. */
const copySample = (from: string, to: string): void => {
  fs.mkdirSync(dirname(to), { recursive: true, mode: 0o700 })
  const name = basename(to)
  if (name === ".gitkeep") return
  const path = join(dirname(to), name.replace(/;2,(?=[a-zA-Z]*$)/u, INFO))
  fs.copyFileSync(from, path)
  const seconds = Number(/^(\d+)\./u.exec(name)?.[1] ?? BEGIN / 1_000)
  fs.utimesSync(path, seconds, seconds)
}

interface Placed {
  readonly folder: string
  readonly at: number
  readonly mark: string
  readonly bytes: Uint8Array
  readonly flags?: string
}

const putMail = (root: string, { at, bytes, flags = "S", folder, mark }: Placed): void => {
  const name = `${Math.floor(at / 1_000)}.M${at % 1_000}${mark}.sample,S=${bytes.length}${INFO}${flags}`
  const path = join(root, folder, "cur", name)
  fs.writeFileSync(path, bytes, { mode: 0o600, flag: "wx" })
  fs.utimesSync(path, at / 1_000, at / 1_000)
}

const inventMails = function*(count: number): Generator<Placed> {
  const random = makeRandom(SEED)
  const recent: Array<Mail> = []
  for (let number = 0; number < count; number++) {
    const at = BEGIN + number * STEP_MILLIS
    const answered = random() < 0.4 ? recent[Math.floor(random() * recent.length)] : undefined
    const mail = composeMail(random, at, `invented-${number}`, answered)
    recent[number % 50] = mail
    const folder = INVENTED_FOLDERS[Math.floor(random() ** 2 * INVENTED_FOLDERS.length)] ?? ""
    yield { folder, flags: random() < 0.3 ? "RS" : "S", at, mark: `P4Q${number}`, bytes: mail.bytes }
  }
}

const photo = (): Buffer => {
  const random = makeRandom(SEED + 2)
  const pixels = Buffer.from(Uint8Array.from({ length: PHOTO_BYTES }, () => Math.floor(random() * 256)))
  return Buffer.from([
    "Date: Sun, 01 Jan 2023 00:00:00 +0000",
    "From: Ida <ida@garden.example>",
    "To: Mara Linden <mara@sample.example>",
    "Subject: The pumpkin, in full size",
    "Message-ID: <pumpkin.1@garden.example>",
    "MIME-Version: 1.0",
    "Content-Type: image/jpeg; name=\"pumpkin.jpg\"",
    "Content-Transfer-Encoding: base64",
    "",
    pixels.toString("base64").replace(/.{76}/gu, "$&\n"),
    ""
  ].join("\n"))
}

const makeFolder = (root: string, folder: string): void => {
  for (const sub of ["cur", "new", "tmp"]) fs.mkdirSync(join(root, folder, sub), { recursive: true, mode: 0o700 })
}

const filesIn = (folder: string): ReadonlyArray<string> =>
  fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))

const mailsIn = (root: string): ReadonlyArray<string> =>
  filesIn(root).filter((path) => ["cur", "new"].includes(basename(dirname(path)))).map((path) => join(root, path))

const letterOf = (path: string): Letter => {
  const bytes = fs.readFileSync(path)
  return { bytes, subject: headerOf(bytes, "Subject") }
}

/** Long enough that chance does not write them into sealed bytes. */
const WORD_LETTERS = 6

const wordsOf = (path: string): ReadonlyArray<string> => {
  const bytes = fs.readFileSync(path)
  const address = /<(.*)>/u.exec(headerOf(bytes, "From"))?.[1] ?? ""
  return [headerOf(bytes, "Subject"), address].filter((word) => word.length >= WORD_LETTERS)
}

const headerOf = (bytes: Buffer, name: string): string =>
  new RegExp(`^${name}: (.*)$`, "mu").exec(bytes.toString("utf8"))?.[1]?.trimEnd() ?? ""

const contains = (root: string, words: string): boolean =>
  filesIn(root).some((path) => path.includes(words) || fs.readFileSync(join(root, path)).includes(words))
