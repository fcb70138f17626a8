/**
 * A Maildir as a mail server leaves it: the sample mails of the repository, invented ones for weight, a photo; and
 * what happens to it later, each in the way mail programs do it: delivered through `tmp`, flagged and moved by
 * renaming, deleted by unlinking.
 */
import { composeMail, type Mail, makeRandom } from "@sealog/adapters/testing/MailGenerator"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import * as fsp from "node:fs/promises"
import { basename, dirname, join } from "node:path"

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
  readonly flag: (sample: string, flags: string) => void
  readonly move: (sample: string, folder: string) => void
  readonly remove: (sample: string) => void
}

export interface Letter {
  readonly bytes: Buffer
  readonly subject: string
  readonly from: string
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

/** A colon cannot stand in a file name of Windows; readers of a Maildir take a semicolon there. */
const INFO = process.platform === "win32" ? ";2," : ":2,"
const FOLDERS = ["", ".Sent", ".Archive", ".Lists.Hillside Gärten 🌱", ".Work", ".Work.Projects"] as const
const EMPTY_FOLDER = ".Drafts"
/** Large enough to leave the log and become an object of its own, bytes before base64. */
const PHOTO_BYTES = 900_000
const SEED = 14
const BEGIN = Date.UTC(2023, 0, 1)
const STEP_MILLIS = 5 * 3_600_000

export const makeMailbox = ({ invented, root, samples }: MailboxOptions): Made => {
  for (const folder of [...FOLDERS, EMPTY_FOLDER]) makeFolder(root, folder)
  // What a mail server keeps beside the mails comes back from a restore too.
  fs.writeFileSync(join(root, "dovecot-uidlist"), "3 V1679654400 N1 Gsample\n")
  fs.writeFileSync(join(root, "subscriptions"), "Archive\nLists.Hillside Gärten 🌱\n")
  const letters = readLetters(join(samples, "mailbox"))
  const arriving = [...readLetters(join(samples, "arriving")).values()]
  const paths = new Map<string, string>()
  let bytes = 0
  const put = (mail: Placed) => {
    bytes += mail.bytes.length
    return putMail(root, mail)
  }
  for (const { flags, folder, mail } of readIndex(samples)) {
    const letter = letters.get(mail)
    if (letter === undefined) throw new Error(`samples/mailbox.json names ${mail}, which is not there`)
    paths.set(mail, put({ folder, flags, at: dateOf(letter.bytes), mark: `P1Q${paths.size}`, bytes: letter.bytes }))
  }
  put({ folder: ".Archive", flags: "S", at: BEGIN, mark: "P2Q0", bytes: photo() })
  for (const mail of inventMails(invented)) put(mail)
  const messages = paths.size + 1 + invented
  const words = wordsOf([...letters.values(), ...arriving])
  return {
    mailbox: { words, arriving, ...makeActions(root, paths, messages) },
    messages,
    folders: FOLDERS.length + 1,
    bytes
  }
}

/** Mails without end, the same ones each time. */
export const inventedArrivals = function*(): Generator<Buffer> {
  const random = makeRandom(SEED + 1)
  for (let number = 0;; number++) {
    yield Buffer.from(composeMail(random, Date.now(), `arriving-${number}`).bytes)
  }
}

const makeActions = (root: string, paths: Map<string, string>, atFirst: number) => {
  let delivered = 0
  const find = (sample: string) => {
    const path = paths.get(sample)
    if (path === undefined) throw new Error(`no mail of the samples is called ${sample}`)
    return path
  }
  const rename = (sample: string, to: string) => {
    fs.renameSync(find(sample), to)
    paths.set(sample, to)
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
    flag: (sample: string, flags: string) => {
      const path = find(sample)
      rename(sample, join(dirname(path), "../cur", `${baseOf(path)}${INFO}${flags}`))
    },
    move: (sample: string, folder: string) => rename(sample, join(root, folder, "cur", basename(find(sample)))),
    remove: (sample: string) => fs.rmSync(find(sample))
  }
}

const contains = (root: string, words: string): boolean =>
  fs.readdirSync(root, { recursive: true, withFileTypes: true }).some((entry) =>
    entry.name.includes(words) ||
    (entry.isFile() && fs.readFileSync(join(entry.parentPath, entry.name)).includes(words))
  )

interface Placed {
  readonly folder: string
  /** Null for a mail nobody has looked at. */
  readonly flags: string | null
  readonly at: number
  readonly mark: string
  readonly bytes: Uint8Array
}

const putMail = (root: string, { at, bytes, flags, folder, mark }: Placed): string => {
  const base = `${Math.floor(at / 1_000)}.M${at % 1_000}${mark}.sample,S=${bytes.length}`
  const path = flags === null
    ? join(root, folder, "new", base)
    : join(root, folder, "cur", `${base}${INFO}${flags}`)
  fs.writeFileSync(path, bytes, { mode: 0o600, flag: "wx" })
  fs.utimesSync(path, at / 1_000, at / 1_000)
  return path
}

const inventMails = function*(count: number): Generator<Placed> {
  const random = makeRandom(SEED)
  const recent: Array<Mail> = []
  for (let number = 0; number < count; number++) {
    const at = BEGIN + number * STEP_MILLIS
    const answered = random() < 0.4 ? recent[Math.floor(random() * recent.length)] : undefined
    const mail = composeMail(random, at, `invented-${number}`, answered)
    recent[number % 50] = mail
    const folder = FOLDERS[Math.floor(random() ** 2 * FOLDERS.length)] ?? ""
    yield { folder, flags: random() < 0.3 ? "RS" : "S", at, mark: `P4Q${number}`, bytes: mail.bytes }
  }
}

const photo = (): Buffer => {
  const random = makeRandom(SEED + 2)
  const pixels = Buffer.from(Uint8Array.from({ length: PHOTO_BYTES }, () => Math.floor(random() * 256)))
  return Buffer.from([
    "Date: Sun, 01 Jan 2023 12:00:00 +0000",
    "From: Dora Finch <dora@garden.example>",
    "To: Ada Quill <ada@sample.example>",
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

interface IndexEntry {
  readonly mail: string
  readonly folder: string
  readonly flags: string | null
}

const readIndex = (samples: string): ReadonlyArray<IndexEntry> =>
  JSON.parse(fs.readFileSync(join(samples, "mailbox.json"), "utf8")) as ReadonlyArray<IndexEntry>

const readLetters = (folder: string): ReadonlyMap<string, Letter> =>
  new Map(
    fs.readdirSync(folder).toSorted().map((name) => {
      const bytes = fs.readFileSync(join(folder, name))
      return [name, { bytes, subject: headerOf(bytes, "Subject"), from: headerOf(bytes, "From") }]
    })
  )

const headerOf = (bytes: Buffer, name: string): string =>
  new RegExp(`^${name}: (.*)$`, "mu").exec(bytes.toString("utf8"))?.[1]?.trimEnd() ?? ""

const dateOf = (bytes: Buffer): number => Date.parse(headerOf(bytes, "Date"))

const baseOf = (path: string): string => basename(path).split(INFO)[0] ?? ""

/** Long enough that chance does not write them: none is under six letters. */
const wordsOf = (letters: ReadonlyArray<Letter>): ReadonlyArray<string> => {
  const addresses = letters.flatMap(({ from }) => /<(.*)>/u.exec(from)?.slice(1) ?? [])
  const all = [...letters.map(({ subject }) => subject), ...addresses, ...FOLDERS]
  return [...new Set(all)].filter((word) => word.length >= WORD_LETTERS)
}
const WORD_LETTERS = 6
