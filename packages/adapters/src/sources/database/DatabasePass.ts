/**
 * From pages that are not as they were to batches of facts: what is new is told, what changed is compared with the
 * event that told it last, so that nothing is told that was told before, and what went is told to be gone.
 */
import type { Batch, Draft, Past, SourceError, SourceState } from "@sealog/core/backup/Source"
import { encodeEvent } from "@sealog/core/format/EventCodec"
import type { Attachment, Event, EventOf, Fact, Message } from "@sealog/core/message/Event"
import { Effect, Either, Sink, Stream } from "effect"
import { Buffer } from "node:buffer"
import { breathe } from "../Breath.ts"
import { fateOf } from "./AttachmentTable.ts"
import { isCorrupt } from "./DatabaseError.ts"
import { lengthOf, type PageSeen, seePage, wholeOf } from "./DatabaseRows.ts"
import { NEWEST, removedIn } from "./DatabaseTable.ts"
import type { KnownKeys } from "./KnownKeys.ts"
import type { LiveDatabase } from "./LiveDatabase.ts"
import { encodeLooks, firstOf, lastOf, pageOf, type Told } from "./Pages.ts"
import type { Reactions } from "./Reactions.ts"
import type { MessageRow } from "./RowReader.ts"

export interface Pass {
  readonly database: LiveDatabase
  readonly state: SourceState
  readonly past: Past
  /** Where the rows of a page were told. */
  readonly told: (page: number) => ReadonlyMap<number, Told>
  readonly reactions: Reactions
  /** Where messages may have come to other rows than they had: which are known. */
  readonly keys: KnownKeys
  /** A row is not as it was. */
  readonly changed: (row: MessageRow) => void
  /** Everything is compared: rows may have been told, or not, whatever they looked like. */
  readonly isReplay: boolean
  /** Whether anything at all could not be read when the pass began. */
  readonly hasGaps: boolean
  /** Learns how long looking took, milliseconds. */
  readonly spent: (millis: number) => void
}

/** Pages that are looked at in one transaction. */
const LOOK_PAGES = 8
/** A batch ends at about this many bytes, or … */
const BATCH_BYTES = 4 * 1024 * 1024
/** … at this many facts. */
const BATCH_FACTS = 4_096

/** Looks at pages, in order. */
export const lookAt = (pass: Pass, pages: Iterable<number>): Stream.Stream<Batch, SourceError> =>
  Stream.fromIterable(pages).pipe(
    Stream.rechunk(LOOK_PAGES),
    Stream.chunks,
    Stream.mapEffect((some) => Effect.zipLeft(look(pass, [...some]), breathe)),
    Stream.mapConcatEffect((seen) => Effect.forEach(seen, (page) => tellPage(pass, page))),
    Stream.transduce(fillingABatch),
    Stream.mapConcat(inBatches),
    Stream.tap(() => Effect.sync(() => pass.reactions.nextBatch()))
  )

type Seen = PageSeen | { readonly page: number; readonly unreadable: string }

/** A part of the file that is damaged hides no other. */
const look = Effect.fnUntraced(
  function*({ database, isReplay, spent, state, told }: Pass, pages: ReadonlyArray<number>) {
    const before = pages.map((page) => ({
      page,
      isReplay,
      looks: state.get(`d:${page}`),
      told: told(page)
    }))
    const see = (some: typeof before) =>
      database.look((reader, queries) => {
        const from = performance.now()
        const seen = some.flatMap((one): ReadonlyArray<Seen> => {
          const page = seePage({ reader, queries }, one.page, one)
          return page === undefined ? [] : [page]
        })
        spent(performance.now() - from)
        return seen
      })
    const all = yield* Effect.either(see(before))
    if (Either.isRight(all)) return all.right
    if (!isCorrupt(all.left.cause)) return yield* all.left
    return (yield* Effect.forEach(before, (one) =>
      see([one]).pipe(
        Effect.catchIf(
          ({ cause }) => isCorrupt(cause),
          ({ cause }) => Effect.succeed<ReadonlyArray<Seen>>([{ page: one.page, unreadable: String(cause) }])
        )
      ))).flat()
  }
)

/** Facts, and what to remember once they are told. */
interface Telling {
  readonly drafts: ReadonlyArray<Draft>
  readonly cursor: NonNullable<Batch["cursor"]>
}

/** Pages whose facts go into one batch, or that of one page into several. */
const fillingABatch = Sink.foldWeighted<ReadonlyArray<Telling>, Telling>({
  initial: [],
  maxCost: 1,
  cost: (_, { drafts }) => Math.max(drafts.length / BATCH_FACTS, bytesIn(drafts) / BATCH_BYTES),
  body: (tellings, telling) => [...tellings, telling]
})

const tellPage = Effect.fnUntraced(function*(pass: Pass, seen: Seen) {
  const facts: Array<Fact> = []
  gap(pass, facts, pageSubject, seen.page, "unreadable" in seen ? seen.unreadable : undefined)
  if ("unreadable" in seen) return { drafts: toDrafts(facts), cursor: [] } satisfies Telling
  const told = pass.told(seen.page)
  for (const row of seen.rows) {
    gap(pass, facts, rowSubject, row.row, row._tag === "gap" ? row.reason : undefined)
    if (row._tag === "message") {
      const where = told.get(row.row)
      // Most rows are new, and cost no effect.
      if (where === undefined && !pass.keys.inDoubt()) tellMessage(pass, facts, newVersion(pass, facts, row))
      else {
        pass.changed(row)
        yield* tellKnown(pass, facts, { row, told: where, looksSame: seen.same.has(row.row) })
      }
    } else if (row._tag === "reaction" && !seen.reacted.has(row.key)) {
      if (pass.reactions.isReplay) yield* compareReactions(pass, facts, row.key)
      else facts.push(...pass.reactions.told(row, originOf(pass, seen.targets.get(row.key))))
    }
  }
  for (const row of seen.gone) {
    gap(pass, facts, rowSubject, row, undefined)
    const where = told.get(row)
    const event = where === undefined ? undefined : versionOf(yield* pass.past.event(where.newest))
    if (event !== undefined) yield* tellDeparture(pass, facts, event, where!)
  }
  for (const key of seen.reacted) yield* compareReactions(pass, facts, key)
  const isNewest = seen.page > Number(pass.state.get(NEWEST) ?? Number.NEGATIVE_INFINITY)
  const cursor: Telling["cursor"] = [
    [`d:${seen.page}`, encodeLooks(seen.page, seen.looks)],
    ...(isNewest ? [[NEWEST, String(seen.page)] as const] : [])
  ]
  return { drafts: toDrafts(facts), cursor } satisfies Telling
})

const newVersion = (pass: Pass, facts: Array<Fact>, row: MessageRow): Version => {
  const { gap: reason, message } = wholeOf(row)
  gap(pass, facts, messageSubject, message.key, reason)
  return { row, message, known: undefined, event: undefined }
}

/** A row that was told, or whose message may have been told of another row. */
const tellKnown = Effect.fnUntraced(function*(
  pass: Pass,
  facts: Array<Fact>,
  { looksSame, row, told }: { readonly row: MessageRow; readonly told: Told | undefined; readonly looksSame: boolean }
) {
  const version = newVersion(pass, facts, row)
  const { key } = version.message
  const event = told === undefined ? undefined : versionOf(yield* pass.past.event(told.newest))
  if (told !== undefined && (event === undefined || event.message.key === key)) {
    // What stands in a log that was left cannot be had; a row that looks as it did then says what it said.
    const before = event ?? (looksSame ? { ...row, message: version.message } : undefined)
    return tellMessage(pass, facts, { ...version, known: told, event: before })
  }
  // Another message had this row: the file is another one, and both may be elsewhere or nowhere in it.
  if (event !== undefined) yield* tellDeparture(pass, facts, event, told!)
  const elsewhere = yield* pass.keys.look(key)
  const there = elsewhere === undefined ? undefined : versionOf(yield* pass.past.event(elsewhere.newest))
  if (there?.message.key !== key) return tellMessage(pass, facts, version)
  tellMessage(pass, facts, { ...version, known: elsewhere, event: there })
})

interface Version {
  readonly row: MessageRow
  readonly message: Message
  /** Where it was told, if it was. */
  readonly known: Told | undefined
  readonly event: { readonly conversation: string; readonly message: Message } | undefined
}

const tellMessage = ({ reactions, state }: Pass, facts: Array<Fact>, { event, known, message, row }: Version): void => {
  const { conversation, reactions: wanted, removed } = row
  const { key } = message
  const get = (name: string) => state.get(name)
  const gone = removedIn(get, key)
  const origin = originFact(known?.added ?? gone?.origin)
  const about = { conversation, key, ...origin }
  if (known === undefined && gone === undefined) facts.push({ kind: "message.added", conversation, message })
  // What a store leaves of a message that was removed is no version of it: the last one stands.
  else if (removed === undefined && (event === undefined || !same(event, { conversation, message }))) {
    facts.push({ kind: "message.edited", conversation, message, ...origin })
  }
  if (removed !== undefined && gone?.scope !== removed.scope) {
    facts.push({ kind: "message.removed", ...about, ...removed })
  } else if (removed === undefined && gone !== undefined) {
    facts.push({ kind: "message.restored", ...about })
    facts.push(
      ...forgottenOf(state, message).map((attachment) => ({
        kind: "attachment.seen" as const,
        ...about,
        attachment
      }))
    )
  }
  if (wanted !== undefined) facts.push(...reactions.difference(about, wanted))
}

/** Attachments that were not looked for any more since their message was gone. */
const forgottenOf = (state: SourceState, { attachments = [], key }: Message): ReadonlyArray<Attachment> =>
  attachments.filter(({ id }) => fateOf(state, key, id) === undefined)

/** A message whose row is gone: unless it is in another one now, or is known to be gone. */
const tellDeparture = Effect.fnUntraced(function*(
  pass: Pass,
  facts: Array<Fact>,
  { conversation, message }: EventOf<"message.added" | "message.edited">,
  { added }: Told
) {
  const { key } = message
  const gone = removedIn((name) => pass.state.get(name), key)
  // One that could be got back until now is gone for good.
  if (gone !== undefined && gone.scope !== "recoverable") return
  const { removal, row } = yield* pass.database.look((reader) => ({
    row: reader.find(key),
    removal: reader.removalOf?.(key) ?? { scope: "vanished" as const }
  }))
  if (row !== undefined) return
  gap(pass, facts, messageSubject, key, undefined)
  facts.push({ kind: "message.removed", conversation, key, ...removal, ...originFact(added) })
})

const compareReactions = Effect.fnUntraced(function*(pass: Pass, facts: Array<Fact>, key: string) {
  const { conversation, row, wanted } = yield* pass.database.look((reader) => {
    const rows = reader.reactions?.(key) ?? []
    const at = reader.find(key)
    const [target] = at === undefined ? [] : reader.rows(at, at)
    const where = target?._tag === "message" ? target.conversation : rows[0]?.conversation ?? ""
    return { row: at, conversation: where, wanted: pass.reactions.fold(rows) }
  })
  facts.push(...pass.reactions.difference({ conversation, key, ...originOf(pass, row) }, wanted))
})

/** After a replay: every message whose reactions are remembered. */
export const compareAllReactions = (pass: Pass, keys: Iterable<string>): Stream.Stream<Batch, SourceError> =>
  Stream.fromIterable(keys).pipe(
    Stream.mapEffect((key) =>
      Effect.gen(function*() {
        const facts: Array<Fact> = []
        yield* compareReactions(pass, facts, key)
        return toDrafts(facts)
      })
    ),
    Stream.flattenIterables,
    Stream.rechunk(BATCH_FACTS),
    Stream.chunks,
    Stream.map((drafts): Batch => ({ drafts: [...drafts] }))
  )

const originOf = ({ told }: Pass, row: number | undefined): { readonly origin?: number } =>
  row === undefined ? {} : originFact(told(pageOf(row)).get(row)?.added)

const originFact = (origin: number | undefined): { readonly origin?: number } =>
  origin === undefined || origin < 0 ? {} : { origin }

const pageSubject = (page: string | number): string => `rows ${firstOf(Number(page))} to ${lastOf(Number(page))}`
const rowSubject = (row: string | number): string => `row ${row}`
const messageSubject = (key: string | number): string => `message ${key}`

/** Tells of what could not be read, where that is new, and that it could, where it could not. */
const gap = (
  { hasGaps, state }: Pass,
  facts: Array<Fact>,
  subject: (of: string | number) => string,
  of: string | number,
  reason: string | undefined
): void => {
  // As nearly always, and it costs nothing then.
  if (reason === undefined && !hasGaps) return
  const about = subject(of)
  const known = state.get(`g:${about}`)
  if (known === reason) return
  if (reason !== undefined) facts.push({ kind: "source.gap", conversation: "", subject: about, reason })
  else facts.push({ kind: "source.gap", conversation: "", subject: about, reason: known!, closed: true })
}

const versionOf = (event: Event | undefined): EventOf<"message.added" | "message.edited"> | undefined =>
  event?.kind === "message.added" || event?.kind === "message.edited" ? event : undefined

const same = (
  told: { readonly conversation: string; readonly message: Message },
  now: { readonly conversation: string; readonly message: Message }
): boolean => told.conversation === now.conversation && bytesOf(told.message).equals(bytesOf(now.message))

const bytesOf = (message: Message): Buffer => {
  const event = { kind: "message.edited", conversation: "", message, recordedAt: 0, source: "" } as const
  return Buffer.from(encodeEvent(event))
}

const toDrafts = (facts: ReadonlyArray<Fact>): ReadonlyArray<Draft> => facts.map((fact) => ({ fact }))

const bytesOfDraft = ({ fact }: Draft): number => "message" in fact ? lengthOf(fact.message) : 0

const bytesIn = (drafts: ReadonlyArray<Draft>): number => drafts.reduce((sum, draft) => sum + bytesOfDraft(draft), 0)

/** Tellings in as few batches as may be; what is to be remembered goes with the last of its facts. */
const inBatches = (tellings: ReadonlyArray<Telling>): ReadonlyArray<Batch> => {
  const batches: Array<Batch> = []
  let drafts: Array<Draft> = []
  let cursor: Array<NonNullable<Batch["cursor"]>[number]> = []
  let bytes = 0
  const end = () => {
    if (drafts.length > 0 || cursor.length > 0) batches.push({ drafts, cursor })
    drafts = []
    cursor = []
    bytes = 0
  }
  for (const telling of tellings) {
    for (const draft of telling.drafts) {
      const length = bytesOfDraft(draft)
      if (bytes + length > BATCH_BYTES || drafts.length >= BATCH_FACTS) end()
      drafts.push(draft)
      bytes += length
    }
    cursor.push(...telling.cursor)
  }
  end()
  return batches
}
