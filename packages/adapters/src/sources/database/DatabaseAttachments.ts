/**
 * The files that came with messages, after the messages themselves: what the log lacks is looked for, a few at a time,
 * and whatever comes into the store meanwhile is told first. What is not finished is looked for each second for a
 * while, then less and less often. What cannot be had is told once, with its reason, and looked for again when its row
 * changes; else as often as a hundredth of a processor allows.
 */
import type { Batch, Draft, SourceError, SourceState } from "@sealog/core/backup/Source"
import { Clock, Deferred, Effect, Option, Stream } from "effect"
import type { AttachmentPolicy } from "../AttachmentPolicy.ts"
import { breathe } from "../Breath.ts"
import { draftOf, type FileRules, type Wanted } from "./AttachmentFile.ts"
import { entryOf, type Lacking, lackingIn } from "./AttachmentTable.ts"
import { toldOf } from "./DatabaseTable.ts"
import type { LiveDatabase } from "./LiveDatabase.ts"
import { pageOf } from "./Pages.ts"
import type { MessageRow, RowReader } from "./RowReader.ts"

export interface AttachmentOptions {
  readonly policy: AttachmentPolicy
  /** Folders that the store's files lie in. */
  readonly folders: ReadonlyArray<string>
}

export interface AttachmentLooks {
  /** Whether any is to be taken at all. */
  readonly wants: boolean
  /** What the log lacks and is to be looked for now. */
  readonly due: (state: SourceState) => Effect.Effect<ReadonlyArray<Lacking>>
  /** Looks for these, or the first of them: what there is to tell, and how many were looked for. */
  readonly look: (
    state: SourceState,
    some: ReadonlyArray<Lacking>
  ) => Effect.Effect<{ readonly batch: Batch; readonly looked: number }, SourceError>
  /** A message's row is another one: its files may be there now. */
  readonly changed: (row: MessageRow) => void
  /** When another look is due that may find something, milliseconds from now, if one is soon. */
  readonly again: (now: number) => number | undefined
}

/** When an attachment was looked for first, and last, milliseconds since 1970. */
interface Look {
  readonly first: number
  readonly last: number
}

export const makeAttachmentLooks = (
  database: LiveDatabase,
  { folders, policy }: AttachmentOptions
): AttachmentLooks => {
  const looks = new Map<string, Look>()
  /** Whose rows have changed: the one sign that a file which was missed has come. */
  const changed = new Set<string>()
  const allowed = makeAllowance()

  const lookFor = Effect.fnUntraced(function*(state: SourceState, some: ReadonlyArray<Lacking>) {
    const now = yield* Clock.currentTimeMillis
    const rules: FileRules = { folders, policy, now }
    const rows = yield* database.look((reader) => some.map(({ key }) => messageOf(reader, key)))
    const drafts: Array<Draft> = []
    const forgotten: Array<readonly [string, undefined]> = []
    let [bytes, looked] = [0, 0]
    for (; looked < some.length && bytes < BATCH_BYTES; looked++) {
      yield* breathe
      const lacking = some[looked]!
      const isExpected = changed.delete(lacking.entry) || lacking.reason === ""
      const wanted = wantedOf(state, lacking, rows[looked])
      if (wanted === undefined) {
        forgotten.push([lacking.entry, undefined])
        looks.delete(lacking.entry)
        continue
      }
      const first = looks.get(lacking.entry)?.first ?? (isExpected ? now : LONG_AGO)
      looks.set(lacking.entry, { first, last: now })
      const draft = yield* draftOf(wanted, rules)
      if (draft === undefined) continue
      if (draft.fact.kind === "attachment.content") looks.delete(lacking.entry)
      // Nobody waits for it, until its row changes.
      else looks.set(lacking.entry, { first: LONG_AGO, last: now })
      drafts.push(draft)
      bytes += draft.large === undefined ? inlineBytes(draft) : BATCH_BYTES
    }
    return { batch: { drafts, cursor: forgotten }, looked }
  })

  const dueNow = (state: SourceState, now: number): ReadonlyArray<Lacking> => {
    const hinted = new Set(changed)
    // Of most changed rows the log holds all.
    changed.clear()
    return [...lackingIn(state)].filter(({ entry, reason }) => {
      if (hinted.has(entry)) return changed.add(entry)
      const look = looks.get(entry)
      // What was told to be missing may be many, and stay so for years: it is looked for as time allows.
      return now >= nextOf(look) && (reason === "" || isAwaited(look) || allowed(now))
    })
  }

  return {
    wants: policy > 0,
    due: (state) => Effect.map(Clock.currentTimeMillis, (now) => dueNow(state, now)),
    look: lookFor,
    changed: ({ files = [], message }) => {
      for (const { attachment } of files) {
        const entry = entryOf(message.key, attachment)
        changed.add(entry)
        looks.delete(entry)
      }
    },
    again: (now) => {
      let next = Infinity
      for (const look of looks.values()) if (isAwaited(look)) next = Math.min(next, nextOf(look))
      return next === Infinity ? undefined : Math.max(FIRST_MILLIS, next - now)
    }
  }
}

/** What is due, a few at a time; rows that came into the table meanwhile go before the next few. */
export const tellAttachments = (files: AttachmentLooks, { database, rows, state }: {
  readonly database: LiveDatabase
  readonly state: SourceState
  /** What is new in the table. */
  readonly rows: Stream.Stream<Batch, SourceError>
}): Stream.Stream<Batch, SourceError> => {
  const telling = Effect.gen(function*() {
    const due = yield* files.due(state)
    let at = 0
    let seen = yield* database.version
    const next = Effect.gen(function*() {
      if (at >= due.length) return yield* Effect.fail(Option.none())
      const now = yield* Effect.mapError(database.version, Option.some)
      if (now !== seen) {
        seen = now
        return Stream.concat(rows, settled)
      }
      const { batch, looked } = yield* Effect.mapError(files.look(state, due.slice(at, at + BATCH_FILES)), Option.some)
      at += looked
      return batch.drafts.length + (batch.cursor?.length ?? 0) === 0 ? Stream.empty : Stream.succeed(batch)
    })
    return Stream.flatten(Stream.repeatEffectOption(next))
  })
  return files.wants ? Stream.concat(settled, Stream.unwrap(telling)) : Stream.empty
}

/** Waits until all that was told before is taken: only then `state` says what is lacking. */
const settled: Stream.Stream<Batch> = Stream.unwrap(Effect.map(Deferred.make<void>(), (taken) => {
  const last: Batch = { drafts: [], release: () => Deferred.unsafeDone(taken, Effect.void) }
  return Stream.concat(Stream.succeed(last), Stream.execute(Deferred.await(taken)))
}))

/** So many looks a second for what was told to be missing, a hundredth of a processor, and some more at the start. */
const makeAllowance = (): (now: number) => boolean => {
  let [left, since] = [FIRST_LOOKS, Number.NaN]
  return (now) => {
    if (now > since) left = Math.min(FIRST_LOOKS, left + (now - since) * LOOKS_PER_MILLI)
    since = now
    if (left < 1) return false
    left--
    return true
  }
}
const FIRST_LOOKS = 500
const LOOKS_PER_MILLI = 0.05

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
  state: SourceState,
  { attachment, key, reason }: Lacking,
  row: MessageRow | undefined
): Wanted | undefined => {
  if (row === undefined || row.removed !== undefined) return undefined
  if (row.message.attachments?.some(({ id }) => id === attachment) !== true) return undefined
  const file = row.files?.find((each) => each.attachment === attachment) ?? { attachment }
  const origin = toldOf((name) => state.get(name), pageOf(row.row)).get(row.row)?.added
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
