/**
 * `config.toml`: which stores are backed up, where to, and how often a drill runs. Written by `init`, edited by hand,
 * decoded once here; an error says the line and the field.
 */
import { FileSystem } from "@effect/platform"
import { parseAttachmentPolicy } from "@sealog/adapters/sources/AttachmentPolicy"
import { Data, Effect, Either, ParseResult, Schema } from "effect"
import * as Toml from "smol-toml"
import { codeOf, Home, replaceFile } from "./Home.ts"
import { Platform, type PlatformShape } from "./Platform.ts"
import { parseAll, type Spec, type SpecError } from "./Spec.ts"
import { TargetSettings } from "./TargetSettings.ts"
import { decodeWrapping, encodeWrapping, wrappingEntry } from "./TargetWrapping.ts"

export type ConfigReason = "Missing" | "Unreadable" | "Syntax" | "Invalid" | "NewerVersion"

export class ConfigError extends Data.TaggedError("ConfigError")<{
  readonly reason: ConfigReason
  readonly method: string
  /** The file, with the line where one is to blame. */
  readonly subject: string
  /** What is wrong there, as `source 2, spec: is missing`. */
  readonly detail?: string
  readonly cause?: unknown
}> {
  override get message() {
    return `config ${this.method} ${this.subject}: ${this.reason}${
      this.detail === undefined ? "" : ` (${this.detail})`
    }`
  }
}

export interface Config {
  readonly vaultId: string
  readonly shipDelaySeconds: number
  /** Hours between drills; 0 means only when asked for. */
  readonly drillEveryHours: number
  readonly sources: ReadonlyArray<Spec>
  readonly targets: ReadonlyArray<Spec>
}

/** How long the daemon gathers events before it ships them, seconds. */
export const SHIP_DELAY_SECONDS = 2
export const DRILL_EVERY_HOURS = 24
const VERSION = 1
const DAY_SECONDS = 86_400
const YEAR_HOURS = 8_784

const Entry = Schema.Struct({ name: Schema.String, spec: Schema.String })

const SourceEntry = Schema.Struct({
  ...Entry.fields,
  attachments: Schema.optional(
    Schema.String.pipe(
      Schema.filter((text) => parseAttachmentPolicy(text) !== undefined, {
        message: () => "expected all, none, or under:SIZE as under:20MB"
      })
    )
  )
})

/** Where a target's secrets come from; they themselves stand in no configuration. */
const TargetEntry = Schema.Struct({
  ...Entry.fields,
  ...wrappingEntry,
  user: TargetSettings.fields.user,
  auth: TargetSettings.fields.auth,
  password_file: Schema.optional(Schema.String),
  password_command: Schema.optional(Schema.String),
  ca_file: Schema.optional(Schema.String),
  mount: Schema.optional(Schema.String.pipe(Schema.startsWith("/")))
})

const File = Schema.Struct({
  version: Schema.Literal(VERSION),
  vault: Schema.NonEmptyString,
  ship_delay_seconds: Schema.optionalWith(Schema.Number.pipe(Schema.between(0, DAY_SECONDS)), {
    default: () => SHIP_DELAY_SECONDS
  }),
  drill_every_hours: Schema.optionalWith(Schema.Number.pipe(Schema.between(0, YEAR_HOURS)), {
    default: () => DRILL_EVERY_HOURS
  }),
  source: Schema.Array(SourceEntry).pipe(Schema.minItems(1)),
  target: Schema.Array(TargetEntry).pipe(Schema.minItems(1))
})

/** The configuration of this home. */
export const load = Effect.fn("Config.load")(function*() {
  const fs = yield* FileSystem.FileSystem
  const { config: path } = yield* Home
  const platform = yield* Platform
  const text = yield* fs.readFileString(path).pipe(
    Effect.mapError((cause) => {
      const missing = cause._tag === "SystemError" && (cause.reason === "NotFound" || codeOf(cause.cause) === "ENOTDIR")
      return new ConfigError({ reason: missing ? "Missing" : "Unreadable", method: "load", subject: path, cause })
    })
  )
  return yield* decode(text, path, platform)
})

/** Replaces the configuration of this home as a whole. */
export const save = Effect.fn("Config.save")(function*(config: Config) {
  const { config: path } = yield* Home
  yield* replaceFile(path, encode(config))
})

/** Gives the configuration these targets, and leaves all else in it as its owner wrote it. */
export const saveTargets = Effect.fn("Config.saveTargets")(function*(config: Config, targets: ReadonlyArray<Spec>) {
  const fs = yield* FileSystem.FileSystem
  const { config: path } = yield* Home
  const platform = yield* Platform
  const text = yield* Effect.mapError(
    fs.readFileString(path),
    (cause) => new ConfigError({ reason: "Unreadable", method: "save", subject: path, cause })
  )
  const wanted = encode({ ...config, targets })
  const edited = withTargets(text, config.targets, targets)
  // Whatever the owner did to the file that this does not understand: then it is written as a whole.
  const isAsWanted = Either.match(decode(edited, path, platform), {
    onLeft: () => false,
    onRight: (read) => encode(read) === wanted
  })
  yield* replaceFile(path, isAsWanted ? edited : wanted)
})

const TARGET_HEAD = /^\s*\[\[\s*target\s*\]\]/u

/** Tables of targets that go are cut out, and those that come are written at the end. */
const withTargets = (text: string, before: ReadonlyArray<Spec>, after: ReadonlyArray<Spec>): string => {
  let table = -1
  let isKept = true
  const lines = text.split("\n").filter((line) => {
    if (/^\s*\[/u.test(line)) isKept = !TARGET_HEAD.test(line) || isNamed(after, before[++table])
    return isKept
  })
  const come = after.filter((target) => !isNamed(before, target))
  const written = come.map((target) => Toml.stringify({ target: [encodeTarget(target)] }).trim())
  return `${[lines.join("\n").trimEnd(), ...written].join("\n\n")}\n`
}

const isNamed = (targets: ReadonlyArray<Spec>, target: Spec | undefined) =>
  targets.some(({ name }) => name === target?.name)

export const encode = (config: Config): string =>
  `# What sealog backs up, and where to. Change it by hand; the next start reads it.\n${
    Toml.stringify({
      version: VERSION,
      vault: config.vaultId,
      ship_delay_seconds: config.shipDelaySeconds,
      drill_every_hours: config.drillEveryHours,
      source: config.sources.map(({ attachments, name, spec }) => ({ name, spec, ...present({ attachments }) })),
      target: config.targets.map(encodeTarget)
    })
  }`

export const decode = (
  text: string,
  path: string,
  platform: PlatformShape
): Either.Either<Config, ConfigError | SpecError> =>
  Either.gen(function*() {
    const raw = yield* parseToml(text, path)
    const version = raw["version"]
    if (typeof version === "number" && version > VERSION) {
      const subject = `${path}, line ${lineOf(text, ["version"])}`
      return yield* Either.left(new ConfigError({ reason: "NewerVersion", method: "decode", subject }))
    }
    const file = yield* Either.mapLeft(
      Schema.decodeUnknownEither(File, { onExcessProperty: "error" })(raw),
      (error) => invalid(error, text, path)
    )
    const specs = (entries: ReadonlyArray<typeof Entry.Type>) => entries.map(({ name, spec }) => `${name}=${spec}`)
    return {
      vaultId: file.vault,
      shipDelaySeconds: file.ship_delay_seconds,
      drillEveryHours: file.drill_every_hours,
      sources: (yield* parseAll("source", specs(file.source), platform)).map((spec, at) => ({
        ...spec,
        ...present({ attachments: file.source[at]!.attachments })
      })),
      targets: withSettings(yield* parseAll("target", specs(file.target), platform), file.target)
    }
  })

const encodeTarget = ({ access, mount, name, spec }: Spec) => ({
  name,
  spec,
  ...encodeAccess(access),
  ...present({ mount })
})

const encodeAccess = (access: TargetSettings = {}) => {
  const { auth, caFile, passwordCommand, passwordFile, user } = access
  const entered = present({
    user,
    auth,
    password_file: passwordFile,
    password_command: passwordCommand,
    ca_file: caFile
  })
  return { ...entered, ...encodeWrapping(access) }
}

const withSettings = (
  specs: ReadonlyArray<Spec>,
  entries: ReadonlyArray<typeof TargetEntry.Type>
): ReadonlyArray<Spec> =>
  specs.map((spec, at) => {
    const { auth, ca_file, mount, password_command, password_file, user } = entries[at]!
    const access = present({
      user,
      auth,
      passwordFile: password_file,
      passwordCommand: password_command,
      caFile: ca_file,
      ...decodeWrapping(entries[at]!)
    })
    return { ...spec, ...(Object.keys(access).length === 0 ? {} : { access }), ...present({ mount }) }
  })

const present = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }

const parseToml = (text: string, path: string): Either.Either<Record<string, unknown>, ConfigError> =>
  Either.try({
    try: () => Toml.parse(text),
    catch: (cause) => {
      const where = cause instanceof Toml.TomlError ? `${path}, line ${cause.line}, column ${cause.column}` : path
      const said = cause instanceof Error ? cause.message.split("\n")[0] ?? "" : String(cause)
      const detail = said.replace(/^Invalid TOML document: /u, "")
      return new ConfigError({ reason: "Syntax", method: "decode", subject: where, detail, cause })
    }
  })

const invalid = (error: ParseResult.ParseError, text: string, path: string): ConfigError => {
  const issue = ParseResult.ArrayFormatter.formatErrorSync(error)[0]
  const field = issue?.path ?? []
  const line = lineOf(text, field)
  return new ConfigError({
    reason: "Invalid",
    method: "decode",
    subject: line === undefined ? path : `${path}, line ${line}`,
    detail: `${readable(field)}: ${issue === undefined ? "not valid" : complaint(issue)}`,
    cause: error
  })
}

/** `["source", 1, "spec"]` as a person counts: `source 2, spec`. */
const readable = (field: ReadonlyArray<PropertyKey>): string =>
  field.length === 0
    ? "the file"
    : field.map((part, at) => typeof part === "number" ? ` ${part + 1}` : at === 0 ? String(part) : `, ${String(part)}`)
      .join("")

const complaint = (issue: ParseResult.ArrayFormatterIssue): string => {
  if (issue._tag === "Missing") return "is missing"
  if (issue._tag === "Unexpected") return "is not a field of this file"
  return issue.message.charAt(0).toLowerCase() + issue.message.slice(1)
}

/** The line of a field, or of the nearest part of the file around it that there is. */
const lineOf = (text: string, field: ReadonlyArray<PropertyKey>): number | undefined => {
  const lines = text.split("\n")
  const [top, index, inner] = field
  if (typeof index !== "number") {
    const at = lines.findIndex((line) => startsWithKey(line, String(top)))
    return at < 0 ? undefined : at + 1
  }
  const heads = lines.flatMap((line, at) => line.replaceAll(/\s/gu, "").startsWith(`[[${String(top)}]]`) ? [at] : [])
  const head = heads[index]
  if (head === undefined) return undefined
  const next = lines.findIndex((line, at) => at > head && /^\s*\[/u.test(line))
  const body = lines.slice(head + 1, next < 0 ? undefined : next)
  const found = inner === undefined ? -1 : body.findIndex((line) => startsWithKey(line, String(inner)))
  return head + 1 + found + 1
}

const startsWithKey = (line: string, key: string): boolean => {
  const trimmed = line.trimStart()
  return trimmed.startsWith(key) && /^\s*=/u.test(trimmed.slice(key.length))
}
