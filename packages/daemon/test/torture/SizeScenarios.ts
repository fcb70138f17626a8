/** Where a secret may be, and where somebody may guess it, who sees nothing but sizes. */
import type { Draft } from "@sealog/core/backup/Source"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"

/** Six digits each. */
export interface Codes {
  /** In place of the secret, where nothing of it is to be known. */
  readonly dummy: string
  readonly guesses: ReadonlyArray<string>
  /** Each is one of the guesses. */
  readonly secrets: ReadonlyArray<string>
}

export interface Scenario {
  readonly name: string
  /** What was recorded and shipped beforehand. */
  readonly before: (secret: string) => ReadonlyArray<Draft>
  /** What comes with a guess, by the passes that record it; with so many bytes of the attacker's noise. */
  readonly ship: (secret: string, guess: string, noise: number) => ReadonlyArray<ReadonlyArray<Draft>>
  /** Whether secret and guess share a window, or a content, by design: then it is measured what that gives away. */
  readonly shares: boolean
}

const sentence = (code: string) => `Your verification code is ${code}. Do not share it with anyone.`

const chat = (conversation: string, author: string, code: string): Draft => ({
  fact: {
    kind: "message.added",
    conversation,
    message: { key: `message in ${conversation}`, type: "text", author, text: sentence(code) }
  }
})

const mail = (from: string, code: string, more = ""): Draft => {
  const text = `From: ${from}\r\nTo: ada@home.example\r\nSubject: Your code\r\nMessage-ID: <${from}>\r\n\r\n${
    sentence(code)
  }\r\n${more}`
  return {
    fact: {
      kind: "message.added",
      conversation: "INBOX",
      message: {
        key: `1700000000.M1P1.host:${from}`,
        type: "mail",
        author: from,
        flags: [],
        content: { _tag: "inline", bytes: new Uint8Array(Buffer.from(text)) }
      }
    }
  }
}

/** In a chat of the attacker's own, and of bytes that do not compress: so that each byte more is a byte more. */
const noise = (bytes: number): ReadonlyArray<Draft> =>
  bytes === 0 ? [] : [{
    fact: {
      kind: "message.added",
      conversation: "noise",
      message: { key: "noise", type: "text", raw: { format: "noise", bytes: noiseBytes(bytes) } }
    }
  }]

const noiseBytes = (length: number): Uint8Array =>
  new Uint8Array(
    Buffer.concat(
      Array.from({ length: Math.ceil(length / 64) }, (_, at) => createHash("sha512").update(`noise ${at}`).digest())
    ).subarray(0, length)
  )

const BANK = "service@bank.example"
const MALLORY = "mallory@evil.example"

/** What every mail of the bank has, so that it is long enough for its bytes to be shared with a later one of the same. */
const FOOTER = "This mail was sent automatically; please do not answer it. ".repeat(10)

/** Everything that somebody can send who has a chat and an address to write to. */
const guessed = (guess: string, bytes: number) => [
  mail(MALLORY, guess),
  chat("mallory", MALLORY, guess),
  ...noise(bytes)
]

const told = (code: string) => [mail(BANK, code), chat("bank", BANK, code)]

export const scenarios: ReadonlyArray<Scenario> = [
  {
    name: "in mails and chats of his own, the code shipped before",
    before: told,
    ship: (_, guess, bytes) => [guessed(guess, bytes)],
    shares: false
  },
  {
    name: "in mails and chats of his own, the code in the same block",
    before: () => told("none"),
    ship: (secret, guess, bytes) => [[...told(secret), ...guessed(guess, bytes)]],
    shares: false
  },
  {
    name: "in mails and chats of his own, the code in the same segment",
    before: () => told("none"),
    ship: (secret, guess, bytes) => [told(secret), guessed(guess, bytes)],
    shares: false
  },
  {
    name: "in a chat that the code is told in, in the same block",
    before: () => [chat("group", BANK, "none")],
    ship: (secret, guess, bytes) => [[chat("group", BANK, secret), chat("group", MALLORY, guess), ...noise(bytes)]],
    shares: true
  },
  {
    name: "in a chat that the code is told in, in the same segment",
    before: () => [chat("group", BANK, "none")],
    ship: (secret, guess, bytes) => [[chat("group", BANK, secret)], [chat("group", MALLORY, guess), ...noise(bytes)]],
    shares: true
  },
  {
    name: "by a mail that is the code's own to the byte",
    before: (secret) => [mail(BANK, secret, FOOTER)],
    ship: (_, guess, bytes) => [[mail(BANK, guess, FOOTER), ...noise(bytes)]],
    shares: true
  }
]
