/**
 * Mailboxes out of nothing, the same for the same seed: for benchmarks, the demo and tests that need many mails that
 * look like mails. Sizes are log-normal with a median of about 2 KB, words repeat as words do, mails answer each
 * other, some carry attachments, some have names that no careful program would choose.
 *
 * Writes tens of thousands of files, so it stands on `node:fs` and its synchronous calls.
 */
import { SourceError } from "@sealog/core/backup/Source"
import { Effect } from "effect"
import * as fs from "node:fs"
import { clearImmediate, setImmediate } from "node:timers"
import { composeMail, type Mail, makeRandom, type Random } from "./MailGenerator.ts"

export interface MailboxOptions {
  /** Made if it is not there. */
  readonly root: string
  readonly count: number
  readonly seed: number
  /** Names with spaces, emoji, line breaks and bytes that are no UTF-8; not every file system takes them. */
  readonly oddNames?: boolean
}

export interface Delivery {
  readonly root: string
  /** A folder of the Maildir, as `.Work`; empty for the top. */
  readonly folder?: string
  readonly seed: number
  readonly count?: number
}

export interface Generated {
  readonly messages: number
  readonly bytes: number
}

/** Folders by weight. */
const FOLDERS = [
  ["", 40],
  [".Archive", 25],
  [".Work", 12],
  [".Work.Projects", 6],
  [".Lists.Garden", 8],
  [".Sent", 7],
  [".Größe & Länge", 2]
] as const
/** One mail a quarter of an hour or so, from January 2019 on, milliseconds. */
const BEGIN = 1_546_300_800_000
const STEP = 15 * 60_000
const ODD_EVERY = 500
const BREATH_FILES = 500

/** Fills a Maildir with `count` mails: about a second for 10,000. */
export const generateMaildir = Effect.fn("MailboxGenerator.generateMaildir")(function*(options: MailboxOptions) {
  const random = makeRandom(options.seed)
  yield* write(options.root, () => {
    for (const [folder] of FOLDERS) makeFolder(options.root, folder)
  })
  const recent: Array<Mail> = []
  let bytes = 0
  for (let from = 0; from < options.count; from += BREATH_FILES) {
    const to = Math.min(from + BREATH_FILES, options.count)
    bytes += yield* write(options.root, () => {
      let written = 0
      for (let number = from; number < to; number++) written += putMail(options, random, recent, number)
      return written
    })
    yield* breathe
  }
  const generated: Generated = { messages: options.count, bytes }
  return generated
})

/** Delivers mails as a mail server does: written in `tmp`, synced, moved to `new`. Gives their file names. */
export const deliver = Effect.fn("MailboxGenerator.deliver")(function*(delivery: Delivery) {
  const { count = 1, folder = "", root, seed } = delivery
  const random = makeRandom(seed)
  const names: Array<string> = []
  yield* write(root, () => makeFolder(root, folder))
  for (let number = 0; number < count; number++) {
    const mail = composeMail(random, BEGIN + Math.floor(random() * 1e6) * STEP, `${seed}.${number}`)
    const name = `${Math.floor(mail.at / 1000)}.M${seed}P${number}.sample`
    yield* write(root, () => {
      const draft = `${root}/${folder}/tmp/${name}`
      const fd = fs.openSync(draft, "wx", 0o600)
      try {
        fs.writeFileSync(fd, mail.bytes)
        fs.fsyncSync(fd)
      } finally {
        fs.closeSync(fd)
      }
      fs.renameSync(draft, `${root}/${folder}/new/${name}`)
    })
    names.push(name)
  }
  return names
})

const makeFolder = (root: string, folder: string): void => {
  for (const sub of ["cur", "new", "tmp"]) fs.mkdirSync(`${root}/${folder}/${sub}`, { recursive: true, mode: 0o700 })
}

/** Mails that may still be answered. */
const RECENT = 64

const putMail = (options: MailboxOptions, random: Random, recent: Array<Mail>, number: number): number => {
  const at = BEGIN + number * STEP + Math.floor(random() * STEP)
  const answered = random() < 0.4 ? recent[Math.floor(random() * recent.length)] : undefined
  const mail = composeMail(random, at, String(number), answered)
  if (recent.length < RECENT) recent.push(mail)
  else recent[number % RECENT] = mail
  const folder = pickFolder(random)
  const isNew = number > options.count * 0.99
  const odd = options.oddNames !== false && number % ODD_EVERY === ODD_EVERY - 1 ? oddName(number) : ""
  const base = `${Math.floor(at / 1000)}.M${at % 1000}P${number}.sample,S=${mail.bytes.length}${odd}`
  const name = isNew ? `new/${base}` : `cur/${base}:2,${pickFlags(random)}`
  const path = Buffer.concat([Buffer.from(`${options.root}/${folder}/`), Buffer.from(name, "latin1")])
  fs.writeFileSync(path, mail.bytes, { mode: 0o600 })
  fs.utimesSync(path, at / 1000, at / 1000)
  return mail.bytes.length
}

const TOTAL = FOLDERS.reduce((sum, [, weight]) => sum + weight, 0)

const pickFolder = (random: Random): string => {
  let left = random() * TOTAL
  for (const [folder, weight] of FOLDERS) {
    left -= weight
    if (left < 0) return folder
  }
  return ""
}

const pickFlags = (random: Random): string => {
  const roll = random()
  return roll < 0.1 ? "" : roll < 0.7 ? "S" : roll < 0.85 ? "RS" : roll < 0.93 ? "FS" : roll < 0.97 ? "Sab" : "ST"
}

/** Bytes, one character each. */
const ODD_NAMES = [" with spaces", "\xf0\x9f\x93\xac", "\xff\xfe", "line\nbreak", "100%FF", "'\"`$(x)"]
const oddName = (number: number): string => ODD_NAMES[Math.floor(number / ODD_EVERY) % ODD_NAMES.length]!

const write = <A>(root: string, work: () => A): Effect.Effect<A, SourceError> =>
  Effect.try({
    try: work,
    catch: (cause) => new SourceError({ reason: "Denied", method: "generate", subject: root, cause })
  })

const breathe = Effect.async<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})
