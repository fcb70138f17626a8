import { assert, describe, it } from "@effect/vitest"
import { makePassword } from "@sealog/core/keys/Password"
import { MIN_SCORE, passwordStrength, requireStrength } from "@sealog/core/keys/PasswordStrength"
import { Effect, Either } from "effect"

const password = (text: string) => Either.getOrThrow(makePassword(text))

describe("PasswordStrength", () => {
  it.effect("tells what would be guessed from what would not", () =>
    Effect.gen(function*() {
      const weak = ["password1", "qwertyuiop", "12345678", "letmein2020", "aaaaaaaaaaaa"]
      const strong = ["correct horse battery staple window", "t7#Kq9!vLp2$Xw", "drei Igel tanzen um Mitternacht"]
      for (const text of weak) assert.isBelow((yield* passwordStrength(password(text))).score, MIN_SCORE, text)
      for (const text of strong) assert.isAtLeast((yield* passwordStrength(password(text))).score, MIN_SCORE, text)
      assert.isNotEmpty((yield* passwordStrength(password("password1"))).feedback)
    }), 30_000)

  /** Verifies: KEY-10 */
  it.effect("refuses a weak one unless its owner insists, with the reason and not the password", () =>
    Effect.gen(function*() {
      const weak = password("password1")
      const allowed = yield* requireStrength({ password: weak, allowWeak: true })
      const refused = yield* Effect.flip(requireStrength({ password: weak, allowWeak: false }))
      assert.deepStrictEqual([refused._tag, refused.reason], ["PasswordError", "Weak"])
      assert.include(refused.message, "--allow-weak-password")
      assert.notInclude(refused.message, "password1")
      const { feedback, score } = yield* passwordStrength(weak)
      assert.strictEqual(refused.detail, [`strength ${score} of 4`, ...feedback].join("; "))
      assert.isTrue(feedback.every((text) => /^[A-Z].{10}/.test(text)), feedback.join("; "))
      assert.deepStrictEqual(allowed, { feedback, score })
      assert.isBelow(allowed.score, MIN_SCORE)
      assert.deepStrictEqual(
        yield* requireStrength({ password: password("correct horse battery staple window"), allowWeak: false }),
        { score: 4, feedback: [] }
      )
      // Just strong enough, and nothing to say about it.
      const enough = yield* requireStrength({ password: password("garden gate"), allowWeak: false })
      assert.deepStrictEqual(enough, { score: MIN_SCORE, feedback: [] })
    }))

  it.effect(
    "takes the longest password there can be",
    () => Effect.map(passwordStrength(password("Zq7!".repeat(1024))), ({ score }) => assert.isAtLeast(score, 0)),
    30_000
  )
})
