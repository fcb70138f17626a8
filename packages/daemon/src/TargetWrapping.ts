/**
 * What a target may have in front of it, as it stands in the configuration and in the environment: one table of words,
 * from which the fields of `config.toml` (`timeout_seconds`) and the variables (`SEALOG_TARGET_NAME_TIMEOUT_SECONDS`) come.
 */
import type { Wrapping } from "@sealog/adapters/storage/wrappers/Wrap"
import { PREFIX } from "@sealog/core/backup/ObjectPath"
import { Either, ParseResult, Schema } from "effect"

const optional = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(schema, { exact: true })
const whole = (least: number, most: number) => Schema.Int.pipe(Schema.between(least, most))

/** Less than a chunk a second ships nothing in a day; and no limit is the way to say no limit. */
const LEAST_BYTES = 1_024
const MOST_BYTES = 2 ** 40

export const wrappingFields = {
  prefix: optional(
    Schema.String.pipe(Schema.pattern(PREFIX, { message: () => "expected 1 to 20 letters of a-z and digits of 2-6" }))
  ),
  timeoutSeconds: optional(whole(1, 86_400)),
  metrics: optional(Schema.Boolean),
  concurrency: optional(whole(1, 64)),
  uploadBytesPerSecond: optional(whole(LEAST_BYTES, MOST_BYTES)),
  downloadBytesPerSecond: optional(whole(LEAST_BYTES, MOST_BYTES)),
  retries: optional(whole(0, 100)),
  verifyAfterWrite: optional(Schema.Boolean),
  appendOnly: optional(Schema.Boolean)
} satisfies Record<keyof Wrapping, unknown>

/** The fields as a configuration names them. */
export const wrappingEntry = {
  prefix: wrappingFields.prefix,
  timeout_seconds: wrappingFields.timeoutSeconds,
  metrics: wrappingFields.metrics,
  concurrency: wrappingFields.concurrency,
  upload_bytes_per_second: wrappingFields.uploadBytesPerSecond,
  download_bytes_per_second: wrappingFields.downloadBytesPerSecond,
  retries: wrappingFields.retries,
  verify_after_write: wrappingFields.verifyAfterWrite,
  append_only: wrappingFields.appendOnly
}

const words: Record<keyof Wrapping, keyof typeof wrappingEntry> = {
  prefix: "prefix",
  timeoutSeconds: "timeout_seconds",
  metrics: "metrics",
  concurrency: "concurrency",
  uploadBytesPerSecond: "upload_bytes_per_second",
  downloadBytesPerSecond: "download_bytes_per_second",
  retries: "retries",
  verifyAfterWrite: "verify_after_write",
  appendOnly: "append_only"
}

type Entry = Schema.Struct.Type<typeof wrappingEntry>
const fields = Object.keys(words) as ReadonlyArray<keyof Wrapping>

/** Only what is there, of what a target has, under other names. */
const picked = <T extends object>(
  from: object,
  naming: (field: keyof Wrapping) => readonly [key: string, as: string]
): T =>
  Object.fromEntries(
    fields.map(naming).flatMap(([key, as]) => {
      const value = (from as Readonly<Record<string, unknown>>)[key]
      return value === undefined ? [] : [[as, value]]
    })
  ) as T

export const encodeWrapping = (wrapping: Wrapping): Entry => picked(wrapping, (field) => [field, words[field]])
export const decodeWrapping = (entry: Entry): Wrapping => picked(entry, (field) => [words[field], field])
export const onlyWrapping = (settings: Wrapping): Wrapping => picked(settings, (field) => [field, field])

export interface FromEnvironment {
  readonly wrapping: Wrapping
  /** The first variable that says something it may not, by its last words. */
  readonly wrong?: { readonly word: string; readonly complaint: string }
}

/** Reads what the environment says; `of` gives the text of a variable by its last words. */
export const wrappingFrom = (of: (word: string) => string | undefined): FromEnvironment => {
  let found: FromEnvironment = { wrapping: {} }
  for (const field of fields) {
    const word = words[field].toUpperCase()
    const text = of(word)
    if (text === undefined) continue
    const decoded = decode({ [field]: valueOf(field, text) })
    found = Either.match(decoded, {
      onRight: (one): FromEnvironment => ({ ...found, wrapping: { ...found.wrapping, ...one } }),
      onLeft: (error) => ({ wrong: { word, complaint: complaintOf(error) }, ...found })
    })
  }
  return found
}

const decode = Schema.decodeUnknownEither(Schema.Struct(wrappingFields))

/** A variable is text: it stands for what a configuration would have there. */
const valueOf = (field: keyof Wrapping, text: string): unknown => {
  if (field === "prefix") return text
  if (text === "true" || text === "false") return text === "true"
  return /^\d+$/u.test(text) ? Number(text) : text
}

const complaintOf = (error: ParseResult.ParseError): string => {
  const message = ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? "not valid"
  return message.charAt(0).toLowerCase() + message.slice(1)
}
