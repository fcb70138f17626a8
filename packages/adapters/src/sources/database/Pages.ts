/**
 * What is remembered of a table of a million rows, packed by pages of neighbouring rows: for each row where in the
 * log its message was told (`Told`), and what it looked like when it was last looked at (`Looks`).
 */
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"

export const PAGE_ROWS = 256

export const pageOf = (row: number): number => Math.floor(row / PAGE_ROWS)
export const firstOf = (page: number): number => page * PAGE_ROWS
export const lastOf = (page: number): number => firstOf(page) + PAGE_ROWS - 1

/** Where in the log a row's message was told: its `message.added`, and the newest event with all of it. */
export interface Told {
  readonly added: number
  readonly newest: number
}

/**
 * One more event about a row of a page. The text is a list of `offset.count.index`, one for each stretch of
 * neighbouring rows whose messages were told by neighbouring events, and of `offset=newest.added` for those told
 * again, all in base 36; what comes later in it holds.
 */
export const withTold = (text: string | undefined, row: number, { added, newest }: Told): string => {
  const offset = row - firstOf(pageOf(row))
  if (added !== newest) return packed(`${text ?? ""} ${show(offset)}=${show(newest)}.${show(added)}`)
  if (text === undefined) return `${show(offset)}.1.${show(added)}`
  const at = text.lastIndexOf(" ") + 1
  const [from = "", count = "", index = ""] = text.slice(at).split(".")
  const length = parse(count)
  const goesOn = !from.includes("=") && added > 0 && parse(from) + length === offset
  if (goesOn && parse(index) >= 0 && parse(index) + length === added) {
    return `${text.slice(0, at)}${from}.${show(length + 1)}.${index}`
  }
  return packed(`${text} ${show(offset)}.1.${show(added)}`)
}

/** By row, in order. */
export const toldIn = (page: number, text: string | undefined): Map<number, Told> => {
  const found = new Map<number, Told>()
  for (const entry of text?.split(" ") ?? []) {
    const equals = entry.indexOf("=")
    if (equals >= 0) {
      const [newest = "", added = ""] = entry.slice(equals + 1).split(".")
      found.set(firstOf(page) + parse(entry.slice(0, equals)), { newest: parse(newest), added: parse(added) })
      continue
    }
    const [from = "", count = "", index = ""] = entry.split(".")
    const [first, begin] = [firstOf(page) + parse(from), parse(index)]
    // In a log that was left behind every event has the same index.
    const step = begin < 0 ? 0 : 1
    for (let n = 0; n < parse(count); n++) {
      found.set(first + n, { added: begin + n * step, newest: begin + n * step })
    }
  }
  return found
}

/** A page whose rows are told again and again is written anew, with the last word on each row. */
const packed = (text: string): string => {
  const trimmed = text.trimStart()
  if (trimmed.length < PACK_CHARS) return trimmed
  let anew: string | undefined
  const rows = [...toldIn(0, trimmed)].toSorted(([a], [b]) => a - b)
  for (const [row, told] of rows) anew = append(anew, row, told)
  return anew!.length * 2 < trimmed.length ? anew! : trimmed
}

/** As `withTold`, which packs; for rows in order. */
const append = (text: string | undefined, offset: number, { added, newest }: Told): string => {
  if (added === newest) {
    const [, from = "", count = "", index = ""] = /(\w+)\.(\w+)\.(-?\w+)$/.exec(text ?? "") ?? []
    const length = parse(count)
    const goesOn = from !== "" && parse(from) + length === offset
    if (goesOn && parse(index) >= 0 && parse(index) + length === added) {
      return `${text!.slice(0, text!.length - `${from}.${count}.${index}`.length)}${from}.${show(length + 1)}.${index}`
    }
  }
  const entry = added === newest ? `${show(offset)}.1.${show(added)}` : `${show(offset)}=${show(newest)}.${show(added)}`
  return text === undefined ? entry : `${text} ${entry}`
}

const PACK_CHARS = 4_096
const show = (value: number): string => value.toString(36)
const parse = (text: string): number => Number.parseInt(text, 36)

/** What the rows of a page look like. */
export interface Looks {
  /** Of the whole page: nobody finds two states of it with the same one. */
  readonly strong: string
  /** By row, 32 bits: where the page is another one, says which rows may be. */
  readonly rows: ReadonlyMap<number, number>
  /** Of reaction rows: the row of the message each is about, or its key where it has none. */
  readonly targets: ReadonlyMap<number, number | string>
}

const NO_LOOKS: Looks = { strong: "", rows: new Map(), targets: new Map() }

/** Bytes between the marks of two rows, and between a row's number and its mark. */
export const ROW_END = 0x1e
export const MARK_BEGIN = 0x1f

/** The digest of a page, of all its marks. */
export const strongOf = (marks: Uint8Array): string =>
  createHash("sha256").update(marks).digest("base64url").slice(0, STRONG_CHARS)

/** 132 bits. */
const STRONG_CHARS = 22

/** What a page looks like, by its marks: `number, MARK_BEGIN, mark`, with `ROW_END` between them. */
export const looksOf = (marks: Uint8Array): Looks => {
  const rows = new Map<number, number>()
  for (let from = 0; from < marks.length;) {
    const mark = marks.indexOf(MARK_BEGIN, from)
    const next = marks.indexOf(ROW_END, mark)
    const to = next < 0 ? marks.length : next
    const row = numberIn(marks, from, mark)
    // A row that is joined with several others has several marks, in no certain order.
    rows.set(row, ((rows.get(row) ?? 0) + fnv1a(marks, mark, to)) | 0)
    from = to + 1
  }
  return { strong: strongOf(marks), rows, targets: new Map() }
}

const numberIn = (bytes: Uint8Array, from: number, to: number): number => {
  let value = 0
  for (let at = bytes[from] === MINUS ? from + 1 : from; at < to; at++) value = value * 10 + bytes[at]! - ZERO
  return bytes[from] === MINUS ? -value : value
}

const MINUS = 0x2d
const ZERO = 0x30

/** FNV-1a, 32 bits. */
const fnv1a = (bytes: Uint8Array, from: number, to: number): number => {
  let hash = 0x811c9dc5
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash
}

/** `strong`, five bytes a row (its place in the page, its digest) in base64, and the targets. */
export const encodeLooks = (page: number, { rows, strong, targets }: Looks): string => {
  const bytes = Buffer.allocUnsafe(rows.size * ROW_BYTES)
  let at = 0
  for (const [row, look] of rows) {
    bytes[at] = row - firstOf(page)
    bytes.writeInt32LE(look, at + 1)
    at += ROW_BYTES
  }
  const about = [...targets].map(([row, target]) =>
    show(row - firstOf(page)) + (typeof target === "number" ? `.${show(target)}` : `=${encodeURIComponent(target)}`)
  )
  return [strong, bytes.toString("base64url"), ...about].join(" ")
}

export const decodeLooks = (page: number, text: string | undefined): Looks => {
  if (text === undefined) return NO_LOOKS
  const [strong = "", packedRows = "", ...about] = text.split(" ")
  const bytes = Buffer.from(packedRows, "base64url")
  const rows = new Map<number, number>()
  for (let at = 0; at < bytes.length; at += ROW_BYTES) rows.set(firstOf(page) + bytes[at]!, bytes.readInt32LE(at + 1))
  const targets = new Map(
    about.map((entry) => {
      const [, row = "", sign, target = ""] = /^(\w+)([.=])(.*)$/.exec(entry) ?? []
      return [firstOf(page) + parse(row), sign === "." ? parse(target) : decodeURIComponent(target)] as const
    })
  )
  return { strong, rows, targets }
}

/** The digest at the beginning of encoded looks. */
export const strongIn = (text: string | undefined): string | undefined => text?.slice(0, text.indexOf(" "))

const ROW_BYTES = 5
