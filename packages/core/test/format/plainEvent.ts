/**
 * An event as the independent reader prints it: bytes as `hex:…`, integers beyond 2^53 as `int:…`, maps of structured
 * data as lists of entries.
 */
import { compareUtf8 } from "@sealog/core/format/EventBytes"
import type { Value } from "@sealog/core/format/Value"
import type { Event } from "@sealog/core/message/Event"

export const plainEvent = (event: Event): unknown => {
  if (event.kind === "reaction.snapshot") return { ...plainFields(event), reactions: plainValue(event.reactions) }
  return plainFields(event)
}

const hex = (bytes: Uint8Array): string => `hex:${Buffer.from(bytes).toString("hex")}`

/** Fields that hold structured data, or lists of it. */
const VALUES: ReadonlySet<string> = new Set(["extra", "vote", "counts", "parts", "history"])

const plainFields = (fields: object): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) =>
      name === "_tag" ? ["form", value] : [name, isStructured(fields, name) ? plainValue(value) : plain(value)]
    )
  )

/** The parts of a content are no structured data. */
const isStructured = (fields: object, name: string): boolean => VALUES.has(name) && !("sha256" in fields)

const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return hex(value)
  if (typeof value === "bigint") return `int:${value}`
  if (Array.isArray(value)) return value.map(plain)
  return typeof value === "object" && value !== null ? plainFields(value) : value
}

const plainValue = (value: Value): unknown => {
  if (value instanceof Uint8Array) return hex(value)
  if (typeof value === "bigint") return `int:${value}`
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : `float:${value}`
  if (Array.isArray(value)) return value.map(plainValue)
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value as { readonly [key: string]: Value })
  return { entries: entries.toSorted(([a], [b]) => compareUtf8(a, b)).map(([key, item]) => [key, plainValue(item)]) }
}
