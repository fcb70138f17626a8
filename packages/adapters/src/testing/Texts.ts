/** Short texts as people write them in chats, cut out of prose that is made once: making one costs nearly nothing. */
import { Buffer } from "node:buffer"
import { makeRandom, prose, type Random } from "./MailGenerator.ts"

const MOST_WORDS = 200
const PROSE_CHARS = 4_000_000
const EMOJI_PROSE_CHARS = 200_000
const PIECE_CHARS = 100_000
const EMOJI_SHARE = 0.04

/** From 1 to 200 words, half of the time fewer than 13, or than 3 of short ones; now and then with emoji in them. */
export const makeTexts = ({ short = false } = {}): (random: Random) => string => {
  const [plain, emoji] = corpora()
  return (random) => cut(random, random() < EMOJI_SHARE ? emoji : plain, short)
}

/** The same for everybody, and made once: without emoji, so that most texts are a byte a character, and with some. */
const corpora = (): readonly [plain: Corpus, emoji: Corpus] => {
  const random = makeRandom(PROSE_SEED)
  made ??= [
    corpusOf(random, PROSE_CHARS, (text) => text.replaceAll(/[^\u0000-\u007f]+/g, "")),
    corpusOf(random, EMOJI_PROSE_CHARS, (text) => text)
  ]
  return made
}
const PROSE_SEED = 1
let made: readonly [plain: Corpus, emoji: Corpus] | undefined

interface Corpus {
  readonly text: string
  /** Where each word begins. */
  readonly words: Uint32Array
}

/** Made in pieces, so that the making takes little memory. */
const corpusOf = (random: Random, chars: number, plain: (text: string) => string): Corpus => {
  const pieces = Array.from(
    { length: chars / PIECE_CHARS },
    () => Buffer.from(plain(prose(random, PIECE_CHARS)).replaceAll(/\s+/g, " "))
  )
  const text = Buffer.concat(pieces).toString()
  const words = new Uint32Array(text.length)
  let count = 1
  for (let at = text.indexOf(" "); at >= 0; at = text.indexOf(" ", at + 1)) words[count++] = at + 1
  return { text, words: words.slice(0, count) }
}

const cut = (random: Random, { text, words }: Corpus, short: boolean): string => {
  const skew = random() ** (short ? 3 : 2)
  const length = 1 + Math.floor(MOST_WORDS * skew * skew)
  const from = Math.floor(random() * (words.length - length - 1))
  return text.slice(words[from], words[from + length]! - 1)
}
