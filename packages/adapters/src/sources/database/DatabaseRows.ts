/** What the rows of a page say, read in one transaction, and how it differs from when they were last looked at. */
import { encodeEvent } from "@sealog/core/format/EventCodec"
import { EVENT_BYTES } from "@sealog/core/format/Limits"
import type { Message } from "@sealog/core/message/Event"
import { marksOf } from "./DatabaseScan.ts"
import { decodeLooks, firstOf, lastOf, type Looks, looksOf, strongIn, strongOf, type Told } from "./Pages.ts"
import type { MessageRow, Queries, ReactionRow, RowReader, StoreRow } from "./RowReader.ts"

/** A page that is not as it was. */
export interface PageSeen {
  readonly page: number
  readonly looks: Looks
  /** Rows that are new or may have changed. */
  readonly rows: ReadonlyArray<StoreRow>
  /** Rows that were there before. */
  readonly gone: ReadonlyArray<number>
  /** Rows that look as they did, and are read all the same. */
  readonly same: ReadonlySet<number>
  /** Messages whose reactions have to be compared as a whole, since a row about them changed or went. */
  readonly reacted: ReadonlySet<string>
  /** Of reaction rows: the row of the message each is about. */
  readonly targets: ReadonlyMap<string, number>
}

/** More rows than this are read as one range. */
const RANGE_ROWS = 16

/** `undefined`: the page is as it was. `told`: where its rows were told. */
export const seePage = (
  { queries, reader }: { readonly reader: RowReader; readonly queries: Queries },
  page: number,
  before: {
    readonly looks: string | undefined
    readonly told: ReadonlyMap<number, Told>
    /** Every row is read, however it looks. */
    readonly isReplay: boolean
  }
): PageSeen | undefined => {
  const marks = marksOf(queries, reader, page)
  const isSame = strongOf(marks) === strongIn(before.looks)
  if (isSame && !before.isReplay) return undefined
  if (marks.length === 0 && before.looks === undefined && before.told.size === 0) return undefined
  const known = decodeLooks(page, before.looks)
  const looks = looksOf(marks)
  const changed = [...looks.rows].flatMap(([row, look]) => known.rows.get(row) === look ? [] : [row])
  const gone = [...new Set([...known.rows.keys(), ...before.told.keys()])].filter((row) => !looks.rows.has(row))
  // Something changed, and the short digests do not say where.
  const isHidden = changed.length === 0 && gone.length === 0
  const rows = readRows(reader, page, isHidden || before.isReplay ? [...looks.rows.keys()] : changed)
  const differ = new Set(changed)
  const same = new Set(isSame || !isHidden ? [...looks.rows.keys()].filter((row) => !differ.has(row)) : [])
  return { page, ...aboutReactions(reader, { known, looks, rows, gone }), rows, gone, same }
}

const readRows = (reader: RowReader, page: number, wanted: ReadonlyArray<number>): ReadonlyArray<StoreRow> => {
  if (wanted.length <= RANGE_ROWS) return wanted.flatMap((row) => reader.rows(row, row))
  const rows = reader.rows(firstOf(page), lastOf(page))
  if (rows.length === wanted.length) return rows
  const numbers = new Set(wanted)
  return rows.filter(({ row }) => numbers.has(row))
}

const aboutReactions = (
  reader: RowReader,
  { gone, known, looks, rows }: Pick<PageSeen, "looks" | "rows" | "gone"> & { readonly known: Looks }
): Pick<PageSeen, "looks" | "reacted" | "targets"> => {
  const reacted = new Set<string>()
  const targets = new Map<string, number>()
  const byRow = new Map([...known.targets].filter(([row]) => looks.rows.has(row)))
  const was = (row: number) => {
    const target = known.targets.get(row)
    if (typeof target === "string") return void reacted.add(target)
    const [about] = target === undefined ? [] : reader.rows(target, target)
    if (about?._tag === "message") reacted.add(about.message.key)
  }
  for (const row of gone) was(row)
  for (const row of rows) {
    if (row._tag !== "reaction") continue
    const target = targets.get(row.key) ?? reader.find(row.key)
    if (known.rows.has(row.row)) {
      was(row.row)
      reacted.add(row.key)
    }
    if (target !== undefined) targets.set(row.key, target)
    byRow.set(row.row, target ?? row.key)
  }
  return { reacted, targets, looks: { ...looks, targets: byRow } }
}

/** A message as its event has it, with the number of its row; and what of it cannot be told. */
export const wholeOf = ({ gap, message, row }: MessageRow): { readonly message: Message; readonly gap?: string } => {
  const extra = typeof message.extra === "object" ? message.extra : {}
  const whole: Message = { ...message, extra: { ...extra, row } }
  const about = gap === undefined ? {} : { gap }
  if ((message.raw?.bytes.length ?? 0) < LONG_BYTES || fits(whole)) return { message: whole, ...about }
  const { raw, ...rest } = whole
  const size = raw!.bytes.length
  return {
    message: { ...rest, extra: { ...extra, row, rawBytes: size } },
    gap: gap ?? `${size} bytes of what the store keeps beside its text are more than an event holds`
  }
}

const LONG_BYTES = EVENT_BYTES / 2

const fits = (message: Message): boolean => {
  try {
    encodeEvent({ kind: "message.edited", conversation: "", message, recordedAt: 0, source: "" })
    return true
  } catch {
    return false
  }
}

/** About how long a message's event is, bytes. */
export const lengthOf = ({ attachments, history, parts, raw, text }: Message): number =>
  MESSAGE_BYTES + 2 * (text?.length ?? 0) + (raw?.bytes.length ?? 0)
  + MESSAGE_BYTES * ((attachments?.length ?? 0) + (parts?.length ?? 0)) + 2 * textIn(history)

const MESSAGE_BYTES = 250

const textIn = (history: Message["history"]): number =>
  history === undefined
    ? 0
    : JSON.stringify(history, (_, value: unknown) => typeof value === "bigint" ? 0 : value).length

/** One word of one author about one part of a message after another: what is there at the end. */
export const foldReactions = (rows: ReadonlyArray<ReactionRow>): ReadonlyArray<ReactionRow> => {
  const now = new Map<string, ReactionRow>()
  for (const row of rows) {
    const about = JSON.stringify([row.part ?? "", row.author])
    now.delete(about)
    if (!row.removed) now.set(about, row)
  }
  return [...now.values()]
}
