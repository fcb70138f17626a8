/**
 * The files that came with messages, after the messages themselves: what the log lacks is looked for, a few at a time,
 * and whatever comes into the store meanwhile is told first. What is not finished is looked for each second for a
 * while, then less and less often. What cannot be had is told once, with its reason, and looked for again when its row
 * changes; else as often as a hundredth of a processor allows.
 */
import type { Batch, Draft, SourceError, SourceState } from "@sealog/core/backup/Source"
import type { Event } from "@sealog/core/message/Event"
import { Clock, Effect, Stream } from "effect"
import type { AttachmentPolicy } from "../AttachmentPolicy.ts"
import { breathe } from "../Breath.ts"
import { draftOf, type FileRules, isLeftOut, leftOut, type Wanted } from "./AttachmentFile.ts"
import { entryOf, type Lacking, lackingIn, namesAttachments } from "./AttachmentTable.ts"
import { makeTold } from "./DatabaseTable.ts"
import type { LiveDatabase } from "./LiveDatabase.ts"
import { type Meanwhile, settled, tellBetween } from "./Meanwhile.ts"
import { pageOf } from "./Pages.ts"
import type { MessageRow, RowReader } from "./RowReader.ts"

export interface AttachmentOptions {
  readonly policy: AttachmentPolicy
  /** Folders that the store's files lie in. */
  readonly folders: ReadonlyArray<string>
}

/** When an attachment was looked for first, and last, milliseconds since 1970. */
interface Look {
  readonly first: number
  readonly last: number
}

/** What was looked for, and what is to be looked for when. */
export class AttachmentLooks {
  /** Whether any is to be taken at all. */
  readonly wanted: boolean
  private readonly database: LiveDatabase
  private readonly options: AttachmentOptions
  private readonly looks = new Map<string, Look>()
  /** Whose rows have changed: the one sign that a file which was missed has come. */
  private readonly changes = new Set<string>()
  private readonly allowed = makeAllowance()
  private readonly isRound = makeRounds()
  /** Whether attachments were named that may be new. */
  private isNoticed = true

  constructor(database: LiveDatabase, options: AttachmentOptions) {
    this.database = database
    this.options = options
    this.wanted = options.policy > 0
  }

  /** An event was folded. */
  noticed(event: Event): void {
    this.isNoticed ||= namesAttachments(event)
  }

  /** A message's row is another one: its files may be there now. */
  readonly changed = ({ files = [], message }: MessageRow): void => {
    for (const { attachment } of files) {
      const entry = entryOf(message.key, attachment)
      this.changes.add(entry)
      this.looks.delete(entry)
    }
  }

  /** What the log lacks and is to be looked for now. All that is remembered is looked through only where there is a reason. */
  due(state: SourceState, now: number): ReadonlyArray<Lacking> {
    const isRound = this.isRound(now)
    if (!isRound && this.changes.size === 0 && !this.isNoticed && now < this.next()) return []
    this.isNoticed = false
    const hinted = new Set(this.changes)
    // Of most changed rows the log holds all.
    this.changes.clear()
    const missed: Array<Lacking> = []
    const due = [...lackingIn(state)].filter((one) => {
      const { entry, reason } = one
      if (hinted.has(entry)) return this.changes.add(entry)
      if (isLeftOut(reason)) return reason !== leftOut(this.options.policy)
      const look = this.looks.get(entry)
      if (reason !== "" && !isAwaited(look)) {
        missed.push(one)
        return false
      }
      return now >= nextOf(look)
    })
    return isRound ? due.concat(this.someOf(missed, now)) : due
  }

  /**
   * Some of what was told to be missing, which may be much and stay so for years: as much as time allows, another part
   * each time.
   */
  private someOf(missed: ReadonlyArray<Lacking>, now: number): ReadonlyArray<Lacking> {
    const begin = missed.length === 0 ? 0 : Math.floor(now / ROUND_MILLIS) * ROUND_LOOKS % missed.length
    return [...missed.slice(begin), ...missed.slice(0, begin)].filter(({ entry }) =>
      now >= nextOf(this.looks.get(entry)) && this.allowed(now)
    )
  }

  /** When what may be on its way is to be looked for again, milliseconds since 1970. */
  private next(): number {
    let next = Infinity
    for (const look of this.looks.values()) if (isAwaited(look)) next = Math.min(next, nextOf(look))
    return next
  }

  /** When another look is due that may find something, milliseconds from now, if one is soon. */
  again(now: number): number | undefined {
    const next = this.next()
    return next === Infinity ? undefined : Math.max(FIRST_MILLIS, next - now)
  }

  /** Looks for these, or the first of them: what there is to tell, and how many were looked for. */
  readonly look = Effect.fn("Attachments.look")(function*(
    this: AttachmentLooks,
    state: SourceState,
    some: ReadonlyArray<Lacking>
  ) {
    const now = yield* Clock.currentTimeMillis
    const rules: FileRules = { ...this.options, now }
    const rows = yield* this.database.look((reader) => some.map(({ key }) => messageOf(reader, key)))
    const told = makeTold(state)
    const drafts: Array<Draft> = []
    const forgotten: Array<readonly [string, undefined]> = []
    let [bytes, looked] = [0, 0]
    for (; looked < some.length && bytes < BATCH_BYTES; looked++) {
      yield* breathe
      const { entry, reason } = some[looked]!
      const isExpected = this.changes.delete(entry) || reason === ""
      const wanted = wantedOf(told, some[looked]!, rows[looked])
      if (wanted === undefined) {
        forgotten.push([entry, undefined])
        this.looks.delete(entry)
        continue
      }
      this.looks.set(entry, { first: this.looks.get(entry)?.first ?? (isExpected ? now : LONG_AGO), last: now })
      const draft = yield* draftOf(wanted, rules)
      if (draft === undefined) continue
      if (draft.fact.kind === "attachment.content") this.looks.delete(entry)
      // Nobody waits for it, until its row changes.
      else this.looks.set(entry, { first: LONG_AGO, last: now })
      drafts.push(draft)
      bytes += draft.large === undefined ? inlineBytes(draft) : BATCH_BYTES
    }
    return { batch: { drafts, cursor: forgotten } satisfies Batch, looked }
  }.bind(this))
}

/** What is due, a few at a time; rows that came into the table meanwhile go before the next few. */
export const tellAttachments = (files: AttachmentLooks, { database, rows, state }: Meanwhile & {
  readonly state: SourceState
}): Stream.Stream<Batch, SourceError> => {
  const telling = Effect.gen(function*() {
    const due = files.due(state, yield* Clock.currentTimeMillis)
    let at = 0
    const next = Effect.gen(function*() {
      if (at >= due.length) return undefined
      const { batch, looked } = yield* files.look(state, due.slice(at, at + BATCH_FILES))
      at += looked
      return batch.drafts.length + (batch.cursor?.length ?? 0) === 0 ? Stream.empty : Stream.succeed(batch)
    })
    return tellBetween({ database, rows }, next)
  })
  return files.wanted ? Stream.concat(settled, Stream.unwrap(telling)) : Stream.empty
}

/** Whether it is time for another look at some of what was told to be missing. */
const makeRounds = (): (now: number) => boolean => {
  let last = -Infinity
  return (now) => {
    if (now - last < ROUND_MILLIS && now >= last) return false
    last = now
    return true
  }
}

/** So many looks in the time of a round for what was told to be missing: a hundredth of a processor. */
const makeAllowance = (): (now: number) => boolean => {
  let [left, since] = [ROUND_LOOKS, Number.NaN]
  return (now) => {
    if (now > since) left = Math.min(ROUND_LOOKS, left + (now - since) * ROUND_LOOKS / ROUND_MILLIS)
    since = now
    if (left < 1) return false
    left--
    return true
  }
}
const ROUND_MILLIS = 20_000
const ROUND_LOOKS = 1_000

const LONG_AGO = -Infinity

/** Whether it may be on its way. */
const isAwaited = (look: Look | undefined): boolean => look !== undefined && look.last - look.first < SOON_MILLIS

const nextOf = (look: Look | undefined): number => {
  if (look === undefined) return -Infinity
  const waited = look.last - look.first
  if (waited < EVERY_MILLIS) return look.last + FIRST_MILLIS
  return look.last + Math.min(LATER_MILLIS, LONGER * waited)
}

const messageOf = (reader: RowReader, key: string): MessageRow | undefined => {
  const row = reader.find(key)
  if (row === undefined) return undefined
  return reader.rows(row, row).find((each): each is MessageRow => each._tag === "message" && each.message.key === key)
}

/** Nothing where the message is gone, or has no such attachment any more. */
const wantedOf = (
  told: ReturnType<typeof makeTold>,
  { attachment, key, reason }: Lacking,
  row: MessageRow | undefined
): Wanted | undefined => {
  if (row === undefined || row.removed !== undefined) return undefined
  if (row.message.attachments?.some(({ id }) => id === attachment) !== true) return undefined
  const file = row.files?.find((each) => each.attachment === attachment) ?? { attachment }
  const origin = told(pageOf(row.row)).get(row.row)?.added
  return {
    conversation: row.conversation,
    key,
    file,
    told: reason,
    ...(origin === undefined || origin < 0 ? {} : { origin })
  }
}

const inlineBytes = ({ fact }: Draft): number =>
  fact.kind === "attachment.content" && fact.content._tag === "inline" ? fact.content.bytes.length : 0

/** Looked for at once; a long one ends a batch. */
const BATCH_FILES = 64
const BATCH_BYTES = 1024 * 1024
const FIRST_MILLIS = 1_000
/** So long it is looked for each second: as long as a file that has just been written waits, and a little more. */
const EVERY_MILLIS = 3_000
const LONGER = 3
/** After this nobody waits for a file any more … */
const SOON_MILLIS = 600_000
/** … and it is looked for once in this. */
const LATER_MILLIS = 600_000
