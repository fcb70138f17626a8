/**
 * One mail out of a stream of random numbers: people who write to each other, subjects, words that repeat as words
 * do, quotes of what is answered, an attachment now and then.
 */
import { Buffer } from "node:buffer"

/** From 0 up to 1. */
export type Random = () => number

export interface Mail {
  readonly bytes: Uint8Array
  readonly id: string
  readonly subject: string
  readonly from: string
  readonly text: string
  /** Milliseconds since 1970. */
  readonly at: number
}

/** Mulberry32: small, quick, and the same everywhere. */
export const makeRandom = (seed: number): Random => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Characters of text: half of the mails have less than this. */
const MEDIAN_CHARS = 1_500
const SPREAD = 0.85
const MAX_CHARS = 90_000
const ATTACHMENT_SHARE = 0.012
/** Bytes before base64. */
const ATTACHMENT_MIN = 4_000
const ATTACHMENT_MAX = 85_000

export const composeMail = (random: Random, at: number, mark: string, answered?: Mail): Mail => {
  const from = pick(random, PEOPLE)
  const to = pick(random, PEOPLE)
  const id = `${mark}.${Math.floor(random() * 2 ** 32).toString(36)}@sample.example`
  const subject = answered === undefined ? title(random) : `Re: ${answered.subject.replace(/^(Re: )+/, "")}`
  const text = prose(random, Math.min(MAX_CHARS, Math.round(MEDIAN_CHARS * Math.exp(SPREAD * normal(random)))))
  const quoted = answered === undefined ? "" : quote(answered)
  const header = [
    `Return-Path: <${addressOf(from)}>`,
    `Received: from mail.sample.example (mail.sample.example [192.0.2.${Math.floor(random() * 250)}])`,
    `\tby mx.sample.example with ESMTPS id ${id.slice(0, 12)}; ${rfcDate(at + 2_000)}`,
    `Date: ${rfcDate(at)}`,
    `From: ${from}`,
    `To: ${to}`,
    `Subject: ${encodeWord(subject)}`,
    `Message-ID: <${id}>`,
    ...(answered === undefined ? [] : [`In-Reply-To: <${answered.id}>`, `References: <${answered.id}>`]),
    "MIME-Version: 1.0"
  ]
  const body =
    `Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n${text}\n${quoted}\n-- \n${from}\n`
  const whole = random() < ATTACHMENT_SHARE
    ? withAttachment(random, header, body, mark)
    : `${header.join("\n")}\n${body}`
  return { bytes: Buffer.from(whole, "utf8"), id, subject, from, text, at }
}

const withAttachment = (random: Random, header: ReadonlyArray<string>, body: string, mark: string): string => {
  const boundary = `=_sample_${mark}`
  const bytes = Buffer.alloc(ATTACHMENT_MIN + Math.floor(random() ** 2 * ATTACHMENT_MAX))
  for (let at = 0; at + 4 <= bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(random() * 2 ** 32), at)
  return [
    ...header,
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "",
    `--${boundary}`,
    body,
    `--${boundary}`,
    `Content-Type: application/octet-stream; name="sample-${mark}.bin"`,
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment; filename="sample-${mark}.bin"`,
    "",
    bytes.toString("base64").replace(/.{76}/g, "$&\n"),
    `--${boundary}--`,
    ""
  ].join("\n")
}

const quote = (answered: Mail): string =>
  `\n${answered.from} wrote:\n${answered.text.slice(0, 400).split("\n").map((line) => `> ${line}`).join("\n")}\n`

const SYLLABLES = "ba be da de fi ga ho ja ka la le li lo ma me mi na no pa ra re ri ro sa se so ta te ti to va we"
  .split(" ")
const COMMON =
  ("the of and to a in is you that it he was for on are as with his they I at be this have from or one had "
    + "by word but not what all were we when your can said there use an each which she do how their if will up other "
    + "about out many then them these so some her would make like him into time has look two more write go see no way "
    + "could people my than first water been call who oil its now find long down day did get come made may part").split(
      " "
    )
const PEOPLE = [
  "Ada Quill <ada@sample.example>",
  "Björn Åkesson <bjorn@sample.example>",
  "\"Chen, Lu\" <lu.chen@sample.example>",
  "Dora Finch <dora@garden.example>",
  "Emeka Obi <emeka@sample.example>",
  "Farid N. <farid@work.example>",
  "Grace Hall <grace@work.example>",
  "list@garden.example"
]
const EMOJI = ["🌱", "🎉", "☕", "📎"]
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]

const pick = <A>(random: Random, all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)]!

const addressOf = (person: string): string => /<(.*)>/.exec(person)?.[1] ?? person

/** Common words often, and a long tail of rare ones. */
const word = (random: Random): string => {
  if (random() < 0.6) return COMMON[Math.floor(random() ** 2 * COMMON.length)]!
  let made = ""
  // The fewer numbers a rare word is made of, the more often it comes again.
  let choice = Math.floor(random() ** 3 * 40_000)
  do {
    made += SYLLABLES[choice % SYLLABLES.length]!
    choice = Math.floor(choice / SYLLABLES.length)
  } while (choice > 0)
  return made
}

/** Lines of words of at least so many characters. */
export const prose = (random: Random, chars: number): string => {
  const lines: Array<string> = []
  let line = ""
  let written = 0
  while (written + line.length < chars) {
    const roll = random()
    line += roll < 0.08 ? `${word(random)}. ` : roll < 0.0805 ? `${pick(random, EMOJI)} ` : `${word(random)} `
    if (line.length > 70) {
      lines.push(line.trimEnd())
      if (random() < 0.1) lines.push("")
      written += line.length
      line = ""
    }
  }
  return [...lines, line.trimEnd()].join("\n")
}

const title = (random: Random): string => {
  const words = Array.from({ length: 2 + Math.floor(random() * 5) }, () => word(random)).join(" ")
  return random() < 0.05 ? `${words} ${pick(random, EMOJI)}` : words
}

const encodeWord = (subject: string): string =>
  /^[\u0000-\u007f]*$/.test(subject) ? subject : `=?utf-8?B?${Buffer.from(subject).toString("base64")}?=`

/** Box and Muller. */
const normal = (random: Random): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())

const rfcDate = (at: number): string => {
  const date = new Date(at)
  const clock = date.toISOString().slice(11, 19)
  return `${DAYS[date.getUTCDay()]}, ${date.getUTCDate()} ${
    MONTHS[date.getUTCMonth()]
  } ${date.getUTCFullYear()} ${clock} +0000`
}
