/**
 * How a target on a network is entered: user, password or token, certificates. Of secrets only where they come from is
 * ever written down, never they themselves; each is looked for when the place is first used, so that one that cannot be
 * had holds up no other target.
 */
import type { FileSystem } from "@effect/platform"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { Credentials } from "@sealog/adapters/storage/WebDavAuth"
import type { WebDavAccess } from "@sealog/adapters/storage/WebDavClient"
import type { Wrapping } from "@sealog/adapters/storage/wrappers/Wrap"
import { StorageError } from "@sealog/core/backup/Storage"
import { Effect, Either, Redacted, Schema } from "effect"
import { Buffer } from "node:buffer"
import { Platform, type PlatformShape, variable } from "./Platform.ts"
import { readSecretBytes, secretCommandOutput, secretText } from "./Secret.ts"
import { absolutePath } from "./Spec.ts"
import type { TargetSettings } from "./TargetSettings.ts"
import { onlyWrapping, wrappingFrom } from "./TargetWrapping.ts"
import { UsageError } from "./Usage.ts"

export interface AccessSpec {
  readonly name: string
  readonly spec: string
  readonly access?: TargetSettings
}

/** As much of the environment as may stand in a configuration, over what stands there. */
export const accessFrom = (
  name: string,
  platform: PlatformShape,
  configured: TargetSettings = {}
): TargetSettings => {
  const of = (word: string) => variable(platform, variableName(name, word))
  const pathOf = (word: string) => {
    const path = of(word)
    return path === undefined ? undefined : absolutePath(path, platform)
  }
  const auth = of("AUTH")
  const fields = {
    user: of("USER"),
    auth: isAuth(auth) ? auth : undefined,
    passwordFile: pathOf("PASSWORD_FILE"),
    passwordCommand: of("PASSWORD_COMMAND"),
    caFile: pathOf("CA_FILE"),
    ...wrappingFrom(of).wrapping
  }
  // A source of the password that the environment names replaces the other one too.
  const { passwordCommand: _command, passwordFile: _file, ...rest } = configured
  const base = fields.passwordFile ?? fields.passwordCommand ? rest : configured
  return { ...base, ...Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) }
}

const isAuth = Schema.is(Schema.Literal("basic", "digest", "bearer"))

/** What stands in front of a place, by the environment over the configuration; a word of it that is no value is told. */
export const wrappingOf = (target: AccessSpec, platform: PlatformShape): Either.Either<Wrapping, UsageError> => {
  const { wrapping, wrong } = wrappingFrom((word) => variable(platform, variableName(target.name, word)))
  if (wrong !== undefined) {
    const variableNamed = variableName(target.name, wrong.word)
    return Either.left(
      new UsageError(
        `${variableNamed} is not what it may be: ${wrong.complaint}`,
        "give it another value, or none; docs/operating.md lists what each may be"
      )
    )
  }
  return Either.right({ ...onlyWrapping(target.access ?? {}), ...wrapping })
}

/** `SEALOG_TARGET_MY_NAS_USER` of `my nas`. */
const variableName = (name: string, word: string) =>
  `SEALOG_TARGET_${name.normalize("NFC").toUpperCase().replaceAll(/[^\p{L}\p{N}]/gu, "_")}_${word}`

/** Finds everything a place asks for, when it is run. What cannot be found is the place's being closed to us. */
export const makeAccess = Effect.fn("TargetAccess.make")(function*(target: AccessSpec, url?: URL) {
  const platform = yield* Platform
  const context = yield* Effect.context<FileSystem.FileSystem | CommandExecutor>()
  const settings = accessFrom(target.name, platform, target.access)
  const named = url?.username ?? ""
  const user = settings.user ?? (named === "" ? undefined : decodeURIComponent(named))
  const denied = (code: string, cause?: unknown) =>
    new StorageError({
      reason: "Denied",
      method: "open",
      subject: target.spec,
      retryable: false,
      cause: Object.assign(new Error(code, { cause }), { code })
    })
  const find = Effect.gen(function*() {
    const ca = settings.caFile === undefined ? undefined : yield* readSecretBytes(settings.caFile, platform)
    const secret = yield* findSecret(target.name, settings, platform)
    if (secret === undefined && user !== undefined) return yield* denied(`no password for ${user} was given`)
    if (secret !== undefined && user === undefined && settings.auth !== "bearer") {
      return yield* denied("a password without a user was given")
    }
    return {
      ...(secret === undefined ? {} : { credentials: credentialsOf(settings, user, secret) }),
      ...(ca === undefined ? {} : { ca: Buffer.from(ca).toString("latin1") })
    } satisfies WebDavAccess
  }).pipe(
    Effect.catchTags({
      SecretError: (error) => Effect.fail(denied(`${error.reason} ${error.subject}`, error)),
      PasswordError: (error) => Effect.fail(denied(error.message, error))
    }),
    Effect.provide(context)
  )
  const auth = variable(platform, variableName(target.name, "AUTH"))
  if (auth !== undefined && !isAuth(auth)) {
    return { access: denied(`${variableName(target.name, "AUTH")} is not basic, digest or bearer`) }
  }
  return { access: find }
})

const credentialsOf = (
  { auth = "asked" as const }: { readonly auth?: TargetSettings["auth"] | "asked" },
  user: string | undefined,
  secret: Redacted.Redacted<string>
): Credentials =>
  auth === "bearer" || user === undefined
    ? { scheme: "bearer", token: secret }
    : { scheme: auth, user, password: secret }

const findSecret = Effect.fn("TargetAccess.findSecret")(function*(
  name: string,
  { passwordCommand, passwordFile }: TargetSettings,
  platform: PlatformShape
) {
  const plain = variable(platform, variableName(name, "PASSWORD"))
  if (plain !== undefined) return Redacted.make(plain)
  if (passwordFile !== undefined) {
    return yield* secretText(yield* readSecretBytes(passwordFile, platform), passwordFile)
  }
  if (passwordCommand === undefined) return undefined
  return yield* secretText(yield* secretCommandOutput(passwordCommand, platform), passwordCommand)
})
