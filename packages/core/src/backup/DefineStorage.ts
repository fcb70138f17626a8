/**
 * How a place in a package of somebody else's becomes a target: its kind, its options as a Schema of texts, what it can
 * do, and how to open it. What every place has to refuse is refused in front of it (`StorageGuard`); the contract of
 * `testing/StorageContract` says whether the rest is right. docs/adapters.md is the way through.
 */
import { Data, Effect, ParseResult, type Redacted, Schema, type Scope } from "effect"
import type { Capabilities, StorageError, StorageShape } from "./Storage.ts"
import { guarded } from "./StorageGuard.ts"

/** What tells an adapter from anything else that a package may export, and of which kind of contract it is. */
export const STORAGE_ADAPTER = "storage/1"

/** Who opens a place, and with what. */
export interface StorageAccess {
  /** The target's name in the vault: what a message calls it. */
  readonly name: string
  /** What the owner gave to enter with, looked for when it is run; undefined where nothing was given. */
  readonly secret: Effect.Effect<StorageSecret | undefined, StorageError>
}

export interface StorageSecret {
  /** Absent where a token is all there is. */
  readonly user?: string
  readonly password: Redacted.Redacted<string>
}

export type StorageVerbs = Pick<StorageShape, "put" | "get" | "list" | "delete">

export interface StorageDefinition<Options, Given extends Readonly<Record<string, string | undefined>>> {
  /** One word of what it is: `s3`. */
  readonly kind: string
  /** From the texts of `package:NAME?option=text`. An option never holds a secret. */
  readonly options: Schema.Schema<Options, Given>
  readonly capabilities: Capabilities
  /** Opens the place; it need not be reachable yet. What is acquired here is released when the target is closed. */
  readonly make: (options: Options, access: StorageAccess) => Effect.Effect<StorageVerbs, StorageError, Scope.Scope>
  /** Makes the place ready for a new vault, where that takes something: a folder, a bucket. Idempotent. */
  readonly prepare?: (options: Options, access: StorageAccess) => Effect.Effect<void, StorageError, Scope.Scope>
}

/** What `package:NAME` looks for in a package's default export. */
export interface StorageAdapter {
  readonly sealog: typeof STORAGE_ADAPTER
  readonly kind: string
  readonly capabilities: Capabilities
  readonly open: (
    given: GivenOptions,
    access?: StorageAccess
  ) => Effect.Effect<StorageShape, StorageError | OptionsError, Scope.Scope>
  readonly prepare: (
    given: GivenOptions,
    access?: StorageAccess
  ) => Effect.Effect<void, StorageError | OptionsError, Scope.Scope>
}

export type GivenOptions = Readonly<Record<string, string>>

/** Options that an adapter does not take. */
export class OptionsError extends Data.TaggedError("OptionsError")<{
  readonly kind: string
  /** `folder: is missing`. */
  readonly detail: string
}> {
  override get message() {
    return `${this.kind}: ${this.detail}`
  }
}

export const defineStorage = <Options, Given extends Readonly<Record<string, string | undefined>>>(
  definition: StorageDefinition<Options, Given>
): StorageAdapter => {
  const { capabilities, kind, make, prepare } = definition
  const decode = Effect.fn("DefineStorage.decode")(function*(given: GivenOptions) {
    return yield* Schema.decodeUnknown(definition.options, { onExcessProperty: "error" })(given).pipe(
      Effect.mapError((error) => new OptionsError({ kind, detail: complaint(error) }))
    )
  })
  return {
    sealog: STORAGE_ADAPTER,
    kind,
    capabilities,
    open: Effect.fn("DefineStorage.open")(function*(given: GivenOptions, access: StorageAccess = nobody(kind)) {
      const verbs = yield* make(yield* decode(given), access)
      return guarded({ kind, capabilities, ...verbs })
    }),
    prepare: Effect.fn("DefineStorage.prepare")(function*(given: GivenOptions, access: StorageAccess = nobody(kind)) {
      const options = yield* decode(given)
      if (prepare !== undefined) yield* prepare(options, access)
    })
  }
}

const nobody = (name: string): StorageAccess => ({ name, secret: Effect.succeed(undefined) })

const complaint = (error: ParseResult.ParseError): string => {
  const issue = ParseResult.ArrayFormatter.formatErrorSync(error)[0]
  if (issue === undefined) return "its options are not valid"
  const field = issue.path.map(String).join(".")
  if (issue._tag === "Missing") return `${field}: is missing`
  if (issue._tag === "Unexpected") return `${field}: is no option of it`
  return `${field}: ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`
}
