/**
 * Passwords as people type them and as files hold them, brought to the one form that is stretched: NFKC, so that the
 * same password typed on another keyboard or system is the same bytes.
 */
import { Data, Either, Redacted } from "effect"
import * as Limits from "../format/Limits.ts"

/** A password in NFKC, within its limits. */
export type Password = Redacted.Redacted<string>

export type PasswordReason =
  /** Too few characters for a new one. */
  | "TooShort"
  | "TooLong"
  /** Not UTF-8, or half a character. */
  | "NotText"
  /** Guessed too soon. */
  | "Weak"

export class PasswordError extends Data.TaggedError("PasswordError")<{
  readonly reason: PasswordReason
  readonly method: string
  /** What makes it weak, in words for its owner; never the password. */
  readonly detail?: string
  readonly cause?: unknown
}> {
  override get message() {
    return this.detail === undefined ? explain[this.reason] : `${explain[this.reason]} (${this.detail})`
  }
}

/** A password to open something with. */
export const makePassword = (text: string): Either.Either<Password, PasswordError> => {
  const refuse = (reason: PasswordReason) => Either.left(new PasswordError({ reason, method: "makePassword" }))
  if (LONE_SURROGATE.test(text)) return refuse("NotText")
  if (text.length > Limits.PASSWORD_MAX_BYTES * RAW_FACTOR) return refuse("TooLong")
  const normal = text.normalize("NFKC")
  if (utf8(normal).length > Limits.PASSWORD_MAX_BYTES) return refuse("TooLong")
  return Either.right(Redacted.make(normal))
}

/** A password to be set: at least `Limits.PASSWORD_MIN_CHARS` characters. Its strength is `PasswordStrength`'s matter. */
export const makeNewPassword = (text: string): Either.Either<Password, PasswordError> =>
  Either.filterOrLeft(
    makePassword(text),
    (password) => [...Redacted.value(password)].length >= Limits.PASSWORD_MIN_CHARS,
    () => new PasswordError({ reason: "TooShort", method: "makeNewPassword" })
  )

/** What a password file or a password command gave: one line break at its end is dropped and nothing else. */
export const passwordText = (bytes: Uint8Array): Either.Either<string, PasswordError> => {
  if (bytes.length > Limits.PASSWORD_MAX_BYTES * RAW_FACTOR) {
    return Either.left(new PasswordError({ reason: "TooLong", method: "passwordText" }))
  }
  return Either.try({
    try: () => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, ""),
    catch: () => new PasswordError({ reason: "NotText", method: "passwordText" })
  })
}

/** The bytes that are stretched. */
export const passwordBytes = (password: Password): Redacted.Redacted<Uint8Array> =>
  Redacted.make(utf8(Redacted.value(password).normalize("NFKC")))

const explain: Record<PasswordReason, string> = {
  TooShort: `a password has at least ${Limits.PASSWORD_MIN_CHARS} characters; choose a longer one`,
  TooLong: `a password has at most ${Limits.PASSWORD_MAX_BYTES} bytes; choose a shorter one`,
  NotText: "the password is not UTF-8 text; check the file or command that it came from",
  Weak: "this password would be guessed; choose a longer one, or say --allow-weak-password"
}

/** How much longer a text may be before NFKC than after: enough for any that a person or a generator makes. */
const RAW_FACTOR = 4
const LONE_SURROGATE = /\p{Surrogate}/u

const utf8 = (text: string) => new TextEncoder().encode(text)
