/** Known answers, our own and other people's: each is met, and none that was changed. */
import { Effect } from "effect"
import { type KnownAnswer, knownAnswersOf, wrongAnswers } from "../KnownAnswers.ts"
import type { Row } from "../Row.ts"

export const knownAnswers: Row = {
  name: "known-answers",
  fault: "A cipher, a derivation or a form that is not what it should be",
  how: "the frozen vectors of docs/vectors, and where they are at hand Wycheproof's of XChaCha20-Poly1305 and HKDF and "
    + "BIP-39's: each is met, by the fast cipher and the reference",
  unit: "vectors",
  // More than there are: all of them, always.
  trials: { test: 200, release: 1_000_000 },
  testMillis: 60_000,
  run: ({ trials }) =>
    Effect.gen(function*() {
      const failures: Array<string> = []
      const measured: Record<string, number> = {}
      let done = 0
      for (const [whose, answers] of yield* knownAnswersOf) {
        measured[whose] = answers.length
        for (const answer of answers) {
          if (!(yield* isMet(answer))) failures.push(`${whose}: ${answer.name}`)
          done++
        }
      }
      for (const answer of wrongAnswers()) {
        if (yield* isMet(answer)) failures.push(`${answer.name}, changed, is met`)
      }
      if (done < Math.min(trials, LEAST)) failures.push(`only ${done} vectors were found`)
      return { trials: done, failures, measured }
    })
}

/** What the repository brings along, at least. */
const LEAST = 200

const isMet = ({ isMet: check }: KnownAnswer): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const met = check()
    return typeof met === "boolean" ? Effect.succeed(met) : met
  })
