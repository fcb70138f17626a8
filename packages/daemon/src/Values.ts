/**
 * The values that flags take, read strictly: what is not one is refused before anything happens.
 */
import { parseAttachmentPolicy } from "@sealog/adapters/sources/AttachmentPolicy"
import { KDF_CEILING, KDF_FLOOR } from "@sealog/core/format/Limits"
import { InvalidArgumentError } from "commander"

/** A duration in seconds: `2`, `0.5`. */
export const seconds = (value: string): number => number(value, 0, 86_400, "seconds, from 0 to 86400")

/** A share in percent: `10`, `2.5%`. */
export const percent = (value: string): number => {
  const share = number(value.replace(/\s*%$/u, ""), 0, 100, "a percentage above 0, up to 100")
  if (share === 0) throw new InvalidArgumentError("It must be a percentage above 0, up to 100.")
  return share
}

/** Which attachments are taken: `all`, `none`, `under:20MB`. */
export const attachmentPolicy = (value: string): string => {
  if (parseAttachmentPolicy(value) !== undefined) return value
  throw new InvalidArgumentError("It must be all, none, or under: and a size, as under:20MB.")
}

/** What a package of somebody's own may be called after `sealog-adapter-`. */
export const packageName = (value: string): string => {
  if (/^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$/u.test(value)) return value
  throw new InvalidArgumentError("It must be small letters, digits and dashes, 50 at most, as my-cloud.")
}

/** Memory for deriving a key from a password, MiB. */
export const kdfMemory = (value: string): number => {
  const [least, most] = [KDF_FLOOR.memoryKiB / 1024, KDF_CEILING.memoryKiB / 1024]
  const wanted = `a whole number of MiB, from ${least} to ${most}`
  const memory = number(value, least, most, wanted)
  if (!Number.isInteger(memory)) throw new InvalidArgumentError(`It must be ${wanted}.`)
  return memory
}

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/u
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/u

/** Milliseconds since 1970 of an RFC 3339 time, or of the first moment of a date where this machine is. */
export const time = (value: string): number => {
  const date = DATE.exec(value)
  if (date !== null) {
    const [year, month, day] = [Number(date[1]), Number(date[2]), Number(date[3])]
    const local = new Date(year, month - 1, day)
    if (local.getMonth() === month - 1 && local.getDate() === day) return local.getTime()
  }
  const parts = RFC_3339.exec(value)
  if (parts !== null && isCalendarDay(parts)) {
    const millis = Date.parse(value.replace(" ", "T").toUpperCase())
    if (!Number.isNaN(millis)) return millis
  }
  throw new InvalidArgumentError("It must be a date as 2024-03-31 or a time as 2024-03-31T18:00:00Z.")
}

/** `SIZE w1 … w8`, one space apart. */
export const fingerprint = (value: string): string => {
  const normal = value.trim().toLowerCase().split(/\s+/u).join(" ")
  if (/^\d{1,15}(?: [a-z]+){8}$/u.test(normal)) return normal
  throw new InvalidArgumentError("It must be a number and eight words, as sealog fingerprint prints them.")
}

/** Any text but none. */
export const text = (value: string): string => {
  if (value === "") throw new InvalidArgumentError("It must not be empty.")
  return value
}

/** One more of a flag that is repeated. */
export const repeated = (value: string, before: ReadonlyArray<string> | undefined): ReadonlyArray<string> => [
  ...(before ?? []),
  text(value)
]

const number = (value: string, least: number, most: number, wanted: string): number => {
  const parsed = /^\d+(?:\.\d+)?$/u.test(value) ? Number(value) : Number.NaN
  if (parsed >= least && parsed <= most) return parsed
  throw new InvalidArgumentError(`It must be ${wanted}.`)
}

/** `Date.parse` takes the 31st of February for a day in March. */
const isCalendarDay = (parts: RegExpExecArray): boolean => {
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])]
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate()
}
