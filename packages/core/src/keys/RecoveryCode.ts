/**
 * The recovery code: 24 English words (BIP-39) that stand for 256 random bits and a checksum. It opens the vault when
 * the password is gone; being random, it is not stretched.
 */
import { entropyToMnemonic, mnemonicToEntropy } from "@scure/bip39"
import { wordlist } from "@scure/bip39/wordlists/english.js"
import { Data, Effect, Either, Redacted } from "effect"
import * as Limits from "../format/Limits.ts"
import { Entropy } from "./Entropy.ts"

/** Its words in lower case with one space between them, checked. */
export type RecoveryCode = Redacted.Redacted<string>

const WORDS = 24
const ENTROPY_BYTES = 32

export class RecoveryCodeError extends Data.TaggedError("RecoveryCodeError")<{
  readonly reason: "WordCount" | "UnknownWord" | "Checksum"
  readonly method: string
  /** How many words there were; or the first that is in no list, with its place from 1. */
  readonly detail?: string
}> {
  override get message() {
    return this.detail === undefined ? explain[this.reason] : `${explain[this.reason]}: ${this.detail}`
  }
}

/** A new one. */
export const generateRecoveryCode: Effect.Effect<RecoveryCode, never, Entropy> = Effect.map(
  Entropy,
  (entropy) => Redacted.make(entropyToMnemonic(entropy.bytes(ENTROPY_BYTES), wordlist))
)

/** Reads one as people write it down: any case, any white space, also line breaks. */
export const parseRecoveryCode = (text: string): Either.Either<RecoveryCode, RecoveryCodeError> => {
  const refuse = (reason: RecoveryCodeError["reason"], detail?: string) =>
    Either.left(
      new RecoveryCodeError({ reason, method: "parseRecoveryCode", ...(detail === undefined ? {} : { detail }) })
    )
  if (text.length > Limits.PASSWORD_MAX_BYTES) return refuse("WordCount")
  const words = text.normalize("NFKC").toLowerCase().split(/\s+/u).filter((word) => word !== "")
  const unknown = words.findIndex((word) => !WORD_SET.has(word))
  if (unknown >= 0) return refuse("UnknownWord", `word ${unknown + 1}, “${words[unknown]}”`)
  if (words.length !== WORDS) return refuse("WordCount", `${words.length}`)
  const code = words.join(" ")
  return entropyOf(code) === undefined ? refuse("Checksum") : Either.right(Redacted.make(code))
}

/** The 256 bits it stands for; `undefined` for a text that is no recovery code. */
export const recoveryKey = (code: RecoveryCode): Redacted.Redacted<Uint8Array> | undefined => {
  const parsed = parseRecoveryCode(Redacted.value(code))
  const bytes = Either.isRight(parsed) ? entropyOf(Redacted.value(parsed.right)) : undefined
  return bytes === undefined ? undefined : Redacted.make(bytes)
}

/** Two different words to ask for, by their places from 1, ascending: whether the code was really written down. */
export const pickWords: Effect.Effect<readonly [number, number], never, Entropy> = Effect.map(Entropy, (entropy) => {
  const [a = 0, b = 0] = entropy.bytes(2)
  const first = a % WORDS
  const second = (first + 1 + (b % (WORDS - 1))) % WORDS
  return [Math.min(first, second) + 1, Math.max(first, second) + 1]
})

/** Whether every answer is the word of the code at that place; white space and case do not count. */
export const confirmWords = (
  code: RecoveryCode,
  answers: ReadonlyArray<{ readonly place: number; readonly word: string }>
): boolean => {
  const words = Redacted.value(code).split(" ")
  return answers.length > 0 && answers.every(({ place, word }) => words[place - 1] === word.trim().toLowerCase())
}

const explain: Record<RecoveryCodeError["reason"], string> = {
  WordCount: `a recovery code has ${WORDS} words; check that none is missing`,
  UnknownWord: "this word is in no recovery code; check its spelling",
  Checksum: "these words are not a recovery code; check their order and each of them"
}

const WORD_SET: ReadonlySet<string> = new Set(wordlist)

/** Of 24 words of the list, only the checksum can still be wrong. */
const entropyOf = (code: string): Uint8Array | undefined => {
  try {
    return mnemonicToEntropy(code, wordlist)
  } catch {
    return undefined
  }
}
