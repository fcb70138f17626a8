/**
 * How soon a password would be guessed. Nothing outside the laptop throttles guesses at a vault, so a weak password is
 * refused when it is set, unless its owner insists. The dictionaries are big and loaded only when asked for.
 */
import { Effect, Redacted } from "effect"
import * as Limits from "../format/Limits.ts"
import { type Password, PasswordError } from "./Password.ts"

export interface PasswordStrength {
  /** From 0, guessed at once, to 4. */
  readonly score: 0 | 1 | 2 | 3 | 4
  /** What is wrong with it and what would help, in English; empty where nothing is. */
  readonly feedback: ReadonlyArray<string>
}

/** The least score that is set without `--allow-weak-password`. */
export const MIN_SCORE = 3

/** Scores a password. */
export const passwordStrength = Effect.fn("PasswordStrength.passwordStrength")(function*(password: Password) {
  const zxcvbn = yield* load
  const { feedback, score } = zxcvbn.check(Redacted.value(password).slice(0, Limits.PASSWORD_SCORED_CHARS))
  const words = [feedback.warning, ...feedback.suggestions].filter((text) => typeof text === "string" && text !== "")
  return { score, feedback: words as ReadonlyArray<string> } satisfies PasswordStrength
})

/** Scores a password that is to be set and refuses a weak one. */
export const requireStrength = Effect.fn("PasswordStrength.requireStrength")(function*(options: {
  readonly password: Password
  readonly allowWeak: boolean
}) {
  const strength = yield* passwordStrength(options.password)
  if (strength.score < MIN_SCORE && !options.allowWeak) {
    const detail = [`strength ${strength.score} of 4`, ...strength.feedback].join("; ")
    return yield* new PasswordError({ reason: "Weak", method: "requireStrength", detail })
  }
  return strength
})

/** Our own dependencies, pinned and bundled: they are there. */
const load = Effect.promise(async () => {
  const [core, common, english] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
    import("@zxcvbn-ts/language-en")
  ])
  return new core.ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations
  })
})
