import { assert, describe, it } from "@effect/vitest"
import { wordlist } from "@scure/bip39/wordlists/english.js"
import { PASSWORD_MAX_BYTES } from "@sealog/core/format/Limits"
import * as Entropy from "@sealog/core/keys/Entropy"
import {
  confirmWords,
  generateRecoveryCode,
  parseRecoveryCode,
  pickWords,
  recoveryKey
} from "@sealog/core/keys/RecoveryCode"
import { Effect, Either, Redacted } from "effect"
import { haveCorpora, hexOf, readCorpus, readCorpusJson } from "../Corpora.ts"

const ZEROS = `${"abandon ".repeat(23)}art`
const keyOf = (text: string) => Redacted.value(recoveryKey(Either.getOrThrow(parseRecoveryCode(text)))!)
const refusal = (text: string) => {
  const parsed = parseRecoveryCode(text)
  return Either.isLeft(parsed) ? parsed.left : undefined
}

describe("RecoveryCode", () => {
  /** Verifies: KEY-6 */
  it.effect("is 24 words for 256 bits, which come back from it", () =>
    Effect.gen(function*() {
      const [code, expected] = yield* Effect.all([generateRecoveryCode, generateRecoveryCode])
      for (const one of [code, expected]) {
        assert.lengthOf(Redacted.value(one).split(" "), 24)
        assert.lengthOf(Redacted.value(recoveryKey(one)!), 32)
      }
      assert.notStrictEqual(Redacted.value(code), Redacted.value(expected))
      assert.notInclude(String(code) + JSON.stringify(code), Redacted.value(code).split(" ")[0]!)
    }).pipe(Effect.provide(Entropy.layerSeeded(3))))

  /** Verifies: KEY-6 */
  it("is read in any case and with any white space", () => {
    const written = ZEROS.split(" ").map((word, index) => index % 2 === 0 ? word.toUpperCase() : word)
    // As some keyboards give them, and as long as a text may be.
    const wide = [...ZEROS].map((letter) =>
      letter === " " ? "\u3000" : String.fromCharCode(letter.charCodeAt(0) + 0xfee0)
    )
      .join("")
    const padded = ZEROS.padEnd(PASSWORD_MAX_BYTES)
    assert.strictEqual(refusal(`${padded} `)?.reason, "WordCount")
    for (
      const text of [written.join("\n"), `\t ${written.join("  ")}\r\n`, written.join("\u00a0"), ZEROS, wide, padded]
    ) {
      assert.deepStrictEqual(keyOf(text), new Uint8Array(32))
    }
  })

  /** Verifies: KEY-6 */
  it("says which word is in no list, how many words there are, or that the checksum is wrong", () => {
    const words = ZEROS.split(" ")
    const unknown = refusal(words.with(4, "abandn").join(" "))
    assert.deepStrictEqual([unknown?.reason, unknown?.detail], ["UnknownWord", "word 5, “abandn”"])
    assert.strictEqual(unknown?._tag, "RecoveryCodeError")
    assert.strictEqual(refusal(words.with(0, "abandn").join(" "))?.detail, "word 1, “abandn”")
    const short = refusal(words.slice(1).join(" "))
    assert.deepStrictEqual([short?.reason, short?.detail], ["WordCount", "23"])
    assert.strictEqual(refusal("")?.reason, "WordCount")
    assert.strictEqual(refusal("abandon ".repeat(10_000))?.reason, "WordCount")
    assert.strictEqual(refusal(words.with(23, "zoo").join(" "))?.reason, "Checksum")
    for (const error of [unknown, short, refusal(words.with(23, "zoo").join(" "))]) {
      assert.include(error?.message, "check")
    }
  })

  it("refuses seven of eight codes with one word replaced and every second order", () => {
    // Eight bits of checksum: of the 2047 other words, about eight fit.
    const words = ZEROS.split(" ")
    const accepted = wordlist.filter((word) => refusal(words.with(7, word).join(" ")) === undefined)
    assert.include(accepted, "abandon")
    assert.isBelow(accepted.length, 32)
  })

  it("is no key where it is no code", () => {
    assert.isUndefined(recoveryKey(Redacted.make("correct horse battery staple")))
    assert.isUndefined(recoveryKey(Redacted.make("")))
  })

  it.effect("is confirmed by two different words of it", () =>
    Effect.gen(function*() {
      const code = yield* generateRecoveryCode
      const words = Redacted.value(code).split(" ")
      const seen = new Set<number>()
      for (let round = 0; round < 500; round++) {
        const places = yield* pickWords
        assert.isTrue(places[0] >= 1 && places[0] < places[1] && places[1] <= 24)
        for (const place of places) seen.add(place)
        const answers = places.map((place) => ({ place, word: ` ${words[place - 1]!.toUpperCase()}\n` }))
        assert.isTrue(confirmWords(code, answers))
        assert.isFalse(confirmWords(code, [answers[0]!, { place: places[1], word: "" }]))
      }
      assert.lengthOf([...seen], 24)
      assert.isFalse(confirmWords(code, []))
      assert.isFalse(confirmWords(code, [{ place: 25, word: "undefined" }]))
    }).pipe(Effect.provide(Entropy.layerSeeded(4))))

  /** Verifies: KEY-6 */
  it.skipIf(!haveCorpora)("agrees with the vectors of BIP-39, and has its word list", () => {
    const { english } = readCorpusJson<{ english: ReadonlyArray<readonly [entropy: string, words: string]> }>(
      "vectors/bip39/vectors.json"
    )
    const long = english.filter(([, words]) => words.split(" ").length === 24)
    assert.isAtLeast(long.length, 8)
    for (const [entropy, words] of long) assert.strictEqual(hexOf(keyOf(words)), entropy)
    for (const [, words] of english.filter((vector) => !long.includes(vector))) {
      assert.strictEqual(refusal(words)?.reason, "WordCount")
    }
    const list = new TextDecoder().decode(readCorpus("vectors/bip39/english.txt")).trim().split("\n")
    assert.deepStrictEqual([...wordlist], list)
  })
})
