/**
 * A SPEC is how a person names a store or a place: `kind:PATH`, `kind:URL`, with `NAME=` before it where the name
 * matters. Here it becomes a kind, a place and a name; whether anything is there is the adapter's to find out.
 */
import { Data, Either, Schema } from "effect"
import * as NodePath from "node:path"
import { type PlatformShape, variable } from "./Platform.ts"
import { type Role, sourceKinds, sources, targetKinds, targets } from "./Registry.ts"
import { TargetSettings } from "./TargetSettings.ts"

export const Spec = Schema.Struct({
  /** Unique in a vault, ignoring case: it names a folder of a restore. */
  name: Schema.String,
  kind: Schema.String,
  /** What stands after the kind: an absolute path, or a URL as given; nothing where this system has no such place. */
  place: Schema.String,
  /** The whole of it in full, without its name, as the configuration keeps it. */
  spec: Schema.String,
  /** Of a store, which attachments are taken: `all` where nothing is said, `none`, `under:20MB`. */
  attachments: Schema.optionalWith(Schema.String, { exact: true }),
  /** How a place on a network is entered, of what may be written down. */
  access: Schema.optionalWith(TargetSettings, { exact: true }),
  /** The mount point that a place on another disk than the home's lay below when it was made a target. */
  mount: Schema.optionalWith(Schema.String, { exact: true })
})
export type Spec = typeof Spec.Type

export type SpecReason =
  | "Malformed"
  | "UnknownKind"
  | "LaterKind"
  | "BadName"
  | "DuplicateName"
  /** No path is given, and this system has no place where such a store usually is. */
  | "NoUsualPlace"
  | "BadUrl"
  | "BadPackage"
  /** A password, or what may be one. It is never said again. */
  | "SecretInSpec"

export class SpecError extends Data.TaggedError("SpecError")<{
  readonly reason: SpecReason
  readonly role: Role
  /** The SPEC or the name, as given. */
  readonly subject: string
  /** The kinds there are. */
  readonly known: ReadonlyArray<string>
}> {
  override get message() {
    return `${this.role} ${this.subject}: ${this.reason}`
  }
}

/** Reads the SPECs of one role in order, and names them: `kind`, `kind-2`, …, beside the names that were given. */
export const parseAll = (
  role: Role,
  texts: ReadonlyArray<string>,
  platform: PlatformShape
): Either.Either<ReadonlyArray<Spec>, SpecError> => {
  const taken = new Set<string>()
  const parsed: Array<Parsed> = []
  for (const text of texts) {
    const one = parse(role, text, platform)
    if (Either.isLeft(one)) return Either.left(one.left)
    const { name } = one.right
    if (name !== undefined) {
      if (taken.has(fold(name))) return Either.left(failure("DuplicateName", role, name))
      taken.add(fold(name))
    }
    parsed.push(one.right)
  }
  return Either.right(parsed.map(({ name, ...rest }) => ({ name: name ?? free(rest.kind, taken), ...rest })))
}

/** One SPEC on its own; its name is its kind where none is given. */
export const parseOne = (role: Role, text: string, platform: PlatformShape): Either.Either<Spec, SpecError> =>
  Either.map(parse(role, text, platform), ({ name, ...rest }) => ({ name: name ?? rest.kind, ...rest }))

interface Parsed extends Omit<Spec, "name"> {
  readonly name: string | undefined
}

/** A letter or digit first and last: safe as a folder's name on every system. */
const NAME = /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M} ._-]{0,62}[\p{L}\p{N}\p{M}_-])?$/u
/** Names that Windows keeps for devices. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/iu

const parse = (role: Role, text: string, platform: PlatformShape): Either.Either<Parsed, SpecError> => {
  const kinds = role === "source" ? sourceKinds : targetKinds
  const named = /^([^:=/\\~]*)=(.*)$/su.exec(text)
  const name = named?.[1]
  if (name !== undefined && (!NAME.test(name) || DEVICE.test(name))) return Either.left(failure("BadName", role, name))
  const body = named?.[2] ?? text
  const split = /^([a-z][a-z0-9-]+)(?::(.*))?$/su.exec(body)
  const kind = split?.[1]
  if (kind === undefined || body.includes("\0")) return Either.left(failure("Malformed", role, text))
  const known = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined
  if (known === undefined) return Either.left(failure("UnknownKind", role, kind))
  if (known === "later") return Either.left(failure("LaterKind", role, kind))
  const place = split?.[2] ?? ""
  if (role === "target" && targets[kind]?.place === "icloud") {
    return Either.map(parseDrive(role, text, place, platform), (drive) => ({
      name: name?.normalize("NFC"),
      kind,
      ...drive
    }))
  }
  const usual = role === "source" && place === "" && split?.[2] === undefined ? sources[kind]?.usual : undefined
  if (usual !== undefined) {
    const found = usual.place(platform)
    return found === undefined
      ? Either.left(failure("NoUsualPlace", role, kind))
      : Either.right({ name: name?.normalize("NFC"), kind, place: found, spec: kind })
  }
  if (place === "") return Either.left(failure("Malformed", role, text))
  if (role === "target" && targets[kind]?.place === "url") {
    return Either.map(parseUrl(role, place), (url) => ({
      name: name?.normalize("NFC"),
      kind,
      place: url,
      spec: `${kind}:${url}`
    }))
  }
  if (role === "target" && targets[kind]?.place === "package") {
    return Either.map(parsePackage(role, kind, place), (whole) => ({
      name: name?.normalize("NFC"),
      kind,
      place: whole,
      spec: `${kind}:${whole}`
    }))
  }
  const absolute = absolutePath(place, platform)
  return Either.right({ name: name?.normalize("NFC"), kind, place: absolute, spec: `${kind}:${absolute}` })
}

/** Where macOS keeps iCloud Drive, below the user's own folder. */
const ICLOUD_DRIVE = ["Library", "Mobile Documents", "com~apple~CloudDocs"]
/** The folder of a vault there, where none is named. */
const ICLOUD_FOLDER = "sealog"

/** A folder of iCloud Drive; `SEALOG_ICLOUD_ROOT` says where that is, on systems that have none too. */
const parseDrive = (
  role: Role,
  text: string,
  folder: string,
  platform: PlatformShape
): Either.Either<Pick<Spec, "place" | "spec">, SpecError> => {
  const parts = (folder === "" ? ICLOUD_FOLDER : folder).replace(/\/$/u, "").split("/")
  if (parts.some((part) => part === "" || part === "." || part === ".." || part === "~")) {
    return Either.left(failure("Malformed", role, text))
  }
  const usual = platform.system === "macos" ? NodePath.posix.join(platform.userDir, ...ICLOUD_DRIVE) : undefined
  const root = variable(platform, "SEALOG_ICLOUD_ROOT") ?? usual
  return Either.right({
    place: root === undefined ? "" : absolutePath(NodePath.posix.join(root, ...parts), platform),
    spec: folder === "" ? "icloud" : `icloud:${parts.join("/")}`
  })
}

/** The URL of a folder: a user may be named in it, and nothing that is a secret or may hold one. */
const parseUrl = (role: Role, text: string): Either.Either<string, SpecError> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/u.test(url.protocol)) return Either.left(failure("BadUrl", role, text))
  if (url.password !== "" || url.search !== "") return Either.left(failure("SecretInSpec", role, text))
  if (url.hash !== "") return Either.left(failure("BadUrl", role, text))
  if (!url.pathname.endsWith("/")) url.pathname = `${url.pathname}/`
  return Either.right(url.href)
}

/** A name that npm gives to packages, with or without a scope. */
const PACKAGE = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/u
/** What an option is called that is a secret. */
const SECRET = /pass(?:word|wd|phrase)?$|secret|token|api[_-]?key|credential/iu

/** A package and its options, each once. */
const parsePackage = (role: Role, kind: string, text: string): Either.Either<string, SpecError> => {
  const [name = "", query = ""] = text.split(/\?(.*)/su, 2)
  if (!PACKAGE.test(name)) return Either.left(failure("BadPackage", role, `${kind}:${name}`))
  const options = new URLSearchParams(query)
  const keys = [...options.keys()]
  if (keys.some((key) => SECRET.test(key))) return Either.left(failure("SecretInSpec", role, `${kind}:${name}`))
  if (keys.includes("") || new Set(keys).size < keys.length) {
    return Either.left(failure("BadPackage", role, `${kind}:${name}`))
  }
  return Either.right(query === "" ? name : `${name}?${options.toString()}`)
}

/** What stands where a URL has its user, password and query, right or wrong, is left out of what is said. */
const withoutSecrets = (text: string): string =>
  text.replace(/\/\/.*@/su, "//…@").replace(/(:\/\/[^?#]*)[?#].*$/su, "$1")

/** `~` is the user's folder; what is relative starts from the current one. */
export const absolutePath = (path: string, platform: PlatformShape): string => {
  const { isAbsolute, join, resolve } = platform.system === "windows" ? NodePath.win32 : NodePath.posix
  if (path === "~") return platform.userDir
  if (/^~[/\\]/u.test(path)) return join(platform.userDir, path.slice(2))
  return isAbsolute(path) ? resolve(path) : resolve(platform.currentDir, path)
}

const failure = (reason: SpecReason, role: Role, subject: string) => {
  const kinds = role === "source" ? sourceKinds : targetKinds
  return new SpecError({
    reason,
    role,
    subject: withoutSecrets(subject),
    known: Object.keys(kinds).filter((kind) => kinds[kind] === "now")
  })
}

const free = (kind: string, taken: Set<string>): string => {
  let name = kind
  for (let n = 2; taken.has(fold(name)); n++) name = `${kind}-${n}`
  taken.add(fold(name))
  return name
}

const fold = (name: string) => name.normalize("NFC").toLowerCase()
