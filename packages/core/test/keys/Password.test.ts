import { assert, describe, it } from "@effect/vitest"
import * as Limits from "@sealog/core/format/Limits"
import { makeNewPassword, makePassword, passwordBytes, passwordText } from "@sealog/core/keys/Password"
import { Either, Redacted } from "effect"

const utf8 = (text: string) => new TextEncoder().encode(text)
const reasonOf = (made: Either.Either<unknown, { readonly reason: string }>) =>
  Either.isLeft(made) ? made.left.reason : "made"

describe("Password", () => {
  /** Verifies: KEY-7 */
  it("is the same however its characters were composed", () => {
    for (
      const [one, other] of [["caf\u00e9", "cafe\u0301"], ["\ufb01x", "fix"], ["\u212b", "\u00c5"], ["１２", "12"]]
    ) {
      const bytes = [one, other].map((text) => Redacted.value(passwordBytes(Either.getOrThrow(makePassword(text!)))))
      assert.deepStrictEqual(bytes[0], bytes[1])
    }
  })

  /** Verifies: KEY-7 */
  it("drops one line break at the end of a file and nothing else", () => {
    const cases: ReadonlyArray<readonly [file: string, password: string]> = [
      ["secret", "secret"],
      ["secret\n", "secret"],
      ["secret\r\n", "secret"],
      ["secret\n\n", "secret\n"],
      ["secret\r", "secret\r"],
      [" secret \t\n", " secret \t"],
      ["\ufeffsecret\n", "\ufeffsecret"],
      ["one\ntwo\n", "one\ntwo"],
      ["\n", ""],
      ["", ""]
    ]
    for (const [file, password] of cases) {
      assert.strictEqual(Either.getOrThrow(passwordText(utf8(file))), password, JSON.stringify(file))
    }
  })

  it("refuses what is not text", () => {
    assert.strictEqual(reasonOf(passwordText(Uint8Array.of(0x73, 0xff, 0xfe))), "NotText")
    assert.strictEqual(reasonOf(makePassword("half\ud83d")), "NotText")
    assert.strictEqual(reasonOf(makePassword("whole\ud83d\ude00")), "made")
  })

  /** Verifies: KEY-10 */
  it("has eight characters or more when it is set, counted as people count", () => {
    assert.strictEqual(reasonOf(makeNewPassword("1234567")), "TooShort")
    assert.strictEqual(reasonOf(makeNewPassword("\ud83d\ude00".repeat(7))), "TooShort")
    assert.strictEqual(reasonOf(makeNewPassword("cafe\u0301cafe\u0301".slice(0, 8))), "TooShort")
    assert.strictEqual(reasonOf(makeNewPassword("12345678")), "made")
    assert.strictEqual(reasonOf(makePassword("1")), "made")
  })

  it("has its limit after normalisation, and does not normalise what is out of all proportion", () => {
    const most = Limits.PASSWORD_MAX_BYTES
    assert.strictEqual(reasonOf(makePassword("x".repeat(most))), "made")
    assert.strictEqual(reasonOf(makePassword("x".repeat(most + 1))), "TooLong")
    assert.strictEqual(reasonOf(makePassword("\ufdfa".repeat(most / 4))), "TooLong")
    assert.strictEqual(reasonOf(makePassword("x".repeat(most * 5))), "TooLong")
    assert.strictEqual(reasonOf(passwordText(new Uint8Array(most * 5))), "TooLong")
    assert.strictEqual(reasonOf(passwordText(new Uint8Array(most * 4))), "made")
    assert.strictEqual(reasonOf(passwordText(new Uint8Array(most * 4 + 1))), "TooLong")
  })

  it("says what to do next and never the password", () => {
    const refused = makeNewPassword("geheim")
    assert.isTrue(Either.isLeft(refused))
    if (Either.isLeft(refused)) {
      assert.strictEqual(refused.left.message, "a password has at least 8 characters; choose a longer one")
    }
    assert.notInclude(JSON.stringify(makePassword("geheim")), "geheim")
  })
})
