/**
 * The few header fields that an event of a mail names, taken from the first bytes of it: nothing is parsed on the way
 * in that a reader cannot parse from the exact bytes later, and a mail of any shape gets through.
 */
import { Buffer, isUtf8 } from "node:buffer"

export interface MailHeader {
  /** Milliseconds since 1970, of the Date field. */
  readonly at?: number
  readonly atQuality?: "second" | "minute" | "local"
  /** The address of the From field. */
  readonly author?: string
  /** Message-IDs without their angle brackets. */
  readonly messageId?: string
  readonly replyTo?: string
}

/** A header is looked for in this much of a mail, bytes. */
export const HEADER_SCAN_BYTES = 64 * 1024
/** The longest field that is looked at, characters: folded lists of References grow long. */
const FIELD_CHARS = 16 * 1024

export const scanHeader = (mail: Uint8Array): MailHeader => {
  const fields = wantedFields(headerText(mail))
  const date = fields.get("date")
  const time = date === undefined ? undefined : parseDate(date)
  const author = addressOf(fields.get("from") ?? "")
  const messageId = firstId(fields.get("message-id") ?? "")
  const replyTo = firstId(fields.get("in-reply-to") ?? "") ?? lastId(fields.get("references") ?? "")
  return {
    ...time,
    ...(author === undefined ? {} : { author }),
    ...(messageId === undefined ? {} : { messageId }),
    ...(replyTo === undefined ? {} : { replyTo })
  }
}

/** Most headers end within this, bytes. */
const FIRST_LOOK_BYTES = 4 * 1024

/** The text up to the first empty line, one character a byte. */
const headerText = (mail: Uint8Array): string => {
  const bytes = Buffer.from(mail.buffer, mail.byteOffset, Math.min(mail.length, HEADER_SCAN_BYTES))
  const first = bytes.toString("latin1", 0, FIRST_LOOK_BYTES)
  const end = headerEnd(first)
  if (end >= 0 || bytes.length <= FIRST_LOOK_BYTES) return end < 0 ? first : first.slice(0, end)
  const all = bytes.toString("latin1")
  const last = headerEnd(all)
  return last < 0 ? all : all.slice(0, last)
}

const headerEnd = (text: string): number => {
  const plain = text.indexOf("\n\n")
  const network = text.indexOf("\n\r\n")
  return plain < 0 ? network : network < 0 ? plain : Math.min(plain, network)
}

const FIELDS = /^(date|from|message-id|in-reply-to|references)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)/gim

/** The first of each wanted field, unfolded; bytes that are not UTF-8 read as Latin-1. */
const wantedFields = (header: string): Map<string, string> => {
  const fields = new Map<string, string>()
  const take = (name: string, value: string) => {
    const field = name.toLowerCase()
    if (!fields.has(field)) fields.set(field, textOf(value.slice(0, FIELD_CHARS)).replace(FOLDS, ""))
  }
  if (LONE_RETURN.test(header)) { for (const [, name = "", value = ""] of header.matchAll(FIELDS)) take(name, value) }
  else eachLine(header, take)
  return fields
}

/** Where a carriage return alone ends lines too, the pattern finds them; elsewhere a loop is three times as fast. */
const LONE_RETURN = /\r(?!\n)/

const eachLine = (header: string, take: (name: string, value: string) => void): void => {
  for (let at = 0; at < header.length;) {
    let end = lineEnd(header, at)
    const name = WANTED.find((each) => startsWith(header, at, each))
    if (name !== undefined) {
      const colon = colonAfter(header, at + name.length)
      if (colon >= 0) {
        while (isFold(header.charCodeAt(end + 1))) end = lineEnd(header, end + 1)
        take(name, header.slice(colon + 1, end))
      }
    }
    at = end + 1
  }
}

const WANTED = ["date", "from", "message-id", "in-reply-to", "references"]

const lineEnd = (text: string, from: number): number => {
  const end = text.indexOf("\n", from)
  return end < 0 ? text.length : end
}

/** Whether a name stands there, in letters of any case. */
const startsWith = (text: string, at: number, name: string): boolean => {
  for (let index = 0; index < name.length; index++) {
    const code = text.charCodeAt(at + index)
    const small = code >= 0x41 && code <= 0x5a ? code + 0x20 : code
    if (small !== name.charCodeAt(index)) return false
  }
  return true
}

const isFold = (code: number): boolean => code === 0x20 || code === 0x09

const colonAfter = (text: string, from: number): number => {
  let at = from
  while (isFold(text.charCodeAt(at))) at++
  return text.charCodeAt(at) === 0x3a ? at : -1
}

const FOLDS = /[\r\n]+/g
const ASCII = /^[\u0000-\u007f]*$/

const textOf = (value: string): string => {
  if (ASCII.test(value)) return value
  const bytes = Buffer.from(value, "latin1")
  return isUtf8(bytes) ? bytes.toString("utf8") : value
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
/** RFC 5322, section 4.3: the zones that had names. */
const ZONES: Readonly<Record<string, number>> = {
  ut: 0,
  utc: 0,
  gmt: 0,
  z: 0,
  est: -300,
  edt: -240,
  cst: -360,
  cdt: -300,
  mst: -420,
  mdt: -360,
  pst: -480,
  pdt: -420
}
const DATE =
  /^\s*(?:[a-z]{3,9}\s*(?:,\s*)?)?(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s-]+(\d{2,4})\s+(\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2}))?(?:\s*([+-]\d{4}|[a-z]{1,5})\b)?/i

/** RFC 5322, section 3.3, with the older forms of section 4.3; a time without a zone is taken as UTC and `local`. */
const parseDate = (value: string): Pick<MailHeader, "at" | "atQuality"> | undefined => {
  const found = DATE.exec(withoutComments(value))
  if (found === null) return undefined
  const [, day, monthName = "", yearText = "", hour, minute, second, zoneText] = found
  const month = MONTHS.indexOf(monthName.toLowerCase())
  const year = fullYear(Number(yearText), yearText.length)
  const clock = [Number(hour), Number(minute), Number(second ?? 0)] as const
  if (month < 0 || Number(day) < 1 || Number(day) > 31 || clock[0] > 23 || clock[1] > 59 || clock[2] > 60) {
    return undefined
  }
  const zone = zoneText === undefined ? undefined : zoneMinutes(zoneText.toLowerCase())
  const at = Date.UTC(year, month, Number(day), ...clock) - (zone ?? 0) * 60_000
  if (!Number.isSafeInteger(at)) return undefined
  return { at, atQuality: zone === undefined ? "local" : second === undefined ? "minute" : "second" }
}

const fullYear = (year: number, digits: number): number => {
  if (digits === 4) return year
  return digits === 3 || year >= 50 ? 1900 + year : 2000 + year
}

const zoneMinutes = (zone: string): number | undefined => {
  if (!/^[+-]/.test(zone)) return ZONES[zone]
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5))
  return zone.startsWith("-") ? -minutes : minutes
}

/** Nested comments and all: `Mon (really) …`. */
const withoutComments = (value: string): string => {
  if (!value.includes("(")) return value
  let depth = 0
  let quoted = false
  let out = ""
  for (let index = 0; index < value.length; index++) {
    const char = value[index]!
    if (char === "\\" && (quoted || depth > 0)) {
      if (depth === 0) out += char + (value[index + 1] ?? "")
      index++
    } else if (char === "\"" && depth === 0) {
      quoted = !quoted
      out += char
    } else if (char === "(" && !quoted) depth++
    else if (char === ")" && !quoted && depth > 0) depth--
    else if (depth === 0) out += char
  }
  return out
}

/** The first address: what stands in angle brackets outside quotes, else the first word with an `@`. */
const addressOf = (value: string): string | undefined => {
  const outside = withoutQuotes(withoutComments(value))
  // White space is taken off afterwards: a pattern that did it would try each way to divide it, for ever.
  const angle = /<([^<>]*)>/.exec(outside)?.[1]?.trim()
  const address = angle ?? outside.split(/[\s,;]+/).find((word) => word.includes("@"))
  return address === undefined || address === "" ? undefined : address.slice(0, ADDRESS_CHARS)
}

/** Names in quotes left out; a quoted local part, which an `@` follows, stays. */
const withoutQuotes = (value: string): string => {
  let out = ""
  let at = 0
  for (let open = value.indexOf("\""); open >= 0; open = value.indexOf("\"", at)) {
    const end = quoteEnd(value, open)
    if (end < 0) break
    out += value.slice(at, open) + (value[end + 1] === "@" ? value.slice(open, end + 1) : " ")
    at = end + 1
  }
  return out + value.slice(at)
}

/** Where the quote that opens there is closed; less than 0 where it is not. */
const quoteEnd = (value: string, open: number): number => {
  for (let at = open + 1; at < value.length; at++) {
    if (value[at] === "\\") at++
    else if (value[at] === "\"") return at
  }
  return -1
}

/** RFC 5321 allows 254; what is longer is a mistake or worse. */
const ADDRESS_CHARS = 998

const firstId = (value: string): string | undefined => ID.exec(value)?.[1] ?? bareId(value)

const lastId = (value: string): string | undefined => {
  const last = value.lastIndexOf("<")
  return last < 0 ? bareId(value) : ID.exec(value.slice(last))?.[1] ?? firstId(value)
}

const ID = /<\s*([^<>\s]+)\s*>/

/** Some programs leave the brackets out. */
const bareId = (value: string): string | undefined => {
  const bare = value.trim()
  return bare === "" || /[\s<>]/.test(bare) ? undefined : bare
}
