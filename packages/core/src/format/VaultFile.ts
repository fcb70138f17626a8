/**
 * `sealog.json`, the one readable object of a vault: that it is a vault, of which format, and which one. It is not
 * authenticated and nothing is believed on its word: a wrong vault id only means that no slot opens.
 */
import { Either, Schema } from "effect"
import { Buffer } from "node:buffer"
import { FormatError } from "./FormatError.ts"
import * as Limits from "./Limits.ts"

/** The format this program writes, and the newest it reads. */
export const FORMAT_VERSION = 1
export const VAULT_FILE = "sealog.json"

const VaultId = Schema.String.pipe(
  Schema.pattern(/^[0-9a-f]{64}$/),
  Schema.compose(Schema.Uint8ArrayFromHex)
)

/** Fields that this program does not know are refused: a later format says so by its number. */
export const VaultFile = Schema.Struct({
  magic: Schema.Literal("sealog"),
  format: Schema.Literal(FORMAT_VERSION),
  /** 32 random bytes; 64 hexadecimal digits outside. */
  vaultId: VaultId
}).annotations({ identifier: "VaultFile", parseOptions: { onExcessProperty: "error" } })
export type VaultFile = typeof VaultFile.Type

export const encodeVaultFile = (vault: { readonly vaultId: Uint8Array }): Uint8Array =>
  new TextEncoder().encode(`${encode({ magic: "sealog", format: FORMAT_VERSION, vaultId: vault.vaultId })}\n`)

/** Unknown where the format is newer; Malformed where it is no such file at all. */
export const decodeVaultFile = (bytes: Uint8Array): Either.Either<VaultFile, FormatError> => {
  const refuse = (reason: FormatError["reason"], detail: string) =>
    Either.left(new FormatError({ reason, what: VAULT_FILE, detail }))
  if (bytes.length > Limits.VAULT_FILE_BYTES) return refuse("Limit", `${bytes.length} bytes`)
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")
  const version = decodeVersion(text)
  if (Either.isLeft(version)) return refuse("Malformed", "not a vault's file")
  if (version.right.format > FORMAT_VERSION) return refuse("Unknown", `format ${version.right.format}`)
  return Either.mapLeft(
    decode(text),
    (cause) => new FormatError({ reason: "Malformed", what: VAULT_FILE, cause })
  )
}

/** What every format, also a later one, begins with. */
const Version = Schema.Struct({ magic: Schema.Literal("sealog"), format: Schema.Int.pipe(Schema.positive()) })

const encode = Schema.encodeSync(Schema.parseJson(VaultFile))
const decode = Schema.decodeEither(Schema.parseJson(VaultFile))
const decodeVersion = Schema.decodeUnknownEither(Schema.parseJson(Version))
