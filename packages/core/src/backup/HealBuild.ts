/**
 * The logs of a healed journal as entries to be written: what was kept goes over as it is, what was taken from a target
 * is packed anew, and everything derived from events (heads, leaves, the places of contents, what sources remember) is
 * made from the events as they pass.
 */
import { type Context, Effect, Option, Stream } from "effect"
import { Buffer } from "node:buffer"
import { eventsOf } from "../format/Block.ts"
import type { FormatError } from "../format/FormatError.ts"
import { BLOCK_EVENTS } from "../format/Limits.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import { LogBuilder } from "../log/MerkleLog.ts"
import type { Event } from "../message/Event.ts"
import { contentOf, withContent } from "../message/EventContent.ts"
import { blobsOf } from "./Blobs.ts"
import { contentsIn } from "./ContentSharing.ts"
import { decodeAll, makeEntry } from "./Entries.ts"
import type { LogPlan, Piece } from "./HealPlan.ts"
import { type JournalEntry, JournalError } from "./Journal.ts"
import { REFOLD, takeBlob } from "./Reconcile.ts"
import type { NewJournal, SalvagedLog } from "./Salvage.ts"
import type { SourceShape } from "./Source.ts"
import { applyDelta, foldEvents, recordingTable } from "./SourceTable.ts"
import type { StorageError, StorageShape } from "./Storage.ts"

interface Building {
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly sources: ReadonlyArray<SourceShape>
  readonly local: StorageShape
}

type BuildError = JournalError | StorageError | FormatError

export const makeRebuilt = (building: Building, healed: {
  readonly plans: ReadonlyArray<LogPlan>
  /** Whether the last log goes on as it was. */
  readonly isWhole: boolean
  readonly sessions: ReadonlyArray<Uint8Array>
}): NewJournal<BuildError> => {
  const { isWhole, plans, sessions } = healed
  const tables = new Map(building.sources.map(({ name }) => [name, new Map<string, string>()]))
  const remember = (events: ReadonlyArray<Event>, first: number) => {
    for (const source of building.sources) {
      const table = tables.get(source.name)!
      // Not the map itself: a source may take the table's functions apart.
      const recorder = recordingTable(table)
      foldEvents(source, events, first, recorder.table)
      applyDelta(table, recorder.delta())
    }
  }
  const time = { last: 0 }
  const logs = plans.map((plan) => {
    const isLast = isWhole && plan === plans.at(-1)
    const note = (events: ReadonlyArray<Event>, first: number) => {
      time.last = events.at(-1)?.recordedAt ?? time.last
      // What a log that was left says of places has no meaning in the one that grows.
      remember(events, isLast ? first : -1)
    }
    return { writer: plan.writer, entries: entriesOf(building, plan, note) }
  })
  if (!isWhole) {
    const writer = building.entropy.bytes(plans.at(-1)!.writer.length)
    logs.push({ writer, entries: entriesOfIslands({ plans, writer, note: remember, time }) })
  }
  // As after any fork: what a target has of the log that was left is still to be met.
  const notes = new Map(isWhole ? [] : [[REFOLD, "due"]])
  return { logs, states: Effect.succeed(tables), sessions, notes }
}

type Note = (events: ReadonlyArray<Event>, first: number) => void

const entriesOf = (building: Building, { log, pieces }: LogPlan, note: Note): Stream.Stream<JournalEntry, BuildError> =>
  Stream.suspend(() => {
    const builder = LogBuilder.empty()
    return Stream.fromIterable(pieces).pipe(
      Stream.flatMap((piece) =>
        piece.taken === undefined
          ? keptEntries(log, builder, piece, note)
          : takenEntries(building, builder, piece, note)
      )
    )
  })

/** Blocks as they are. */
const keptEntries = (log: SalvagedLog, builder: LogBuilder, { from, to }: Piece, note: Note) =>
  Stream.unfoldEffect(
    from,
    Effect.fnUntraced(function*(first): Effect.fn.Return<Next, BuildError> {
      if (first >= to) return noMore
      const block = yield* blockAt(log, first)
      const bytes = yield* eventsOf(block)
      const events = yield* decodeAll(bytes)
      note(events, first)
      builder.appendAll(bytes)
      const head = { ...builder.head(), recordedAt: events.at(-1)!.recordedAt }
      const contents = contentsIn(events, first)
      return more({ block, head, leaves: builder.takeLeaves(), states: [], contents }, first + block.count)
    })
  )

/** Events of a segment, as blocks of their own; what they need comes with them. */
const takenEntries = (building: Building, builder: LogBuilder, piece: Piece, note: Note) =>
  Stream.unfoldEffect(
    piece.from,
    Effect.fnUntraced(function*(first): Effect.fn.Return<Next, BuildError> {
      const { info, place } = piece.taken!
      if (first >= piece.to) return noMore
      const segment = (yield* place.read(info)) ?? (yield* changed(first))
      const at = first - info.first
      const bytes = segment.events.slice(at, at + Math.min(BLOCK_EVENTS, piece.to - first))
      const events = yield* decodeAll(bytes)
      const blobs = blobsOf(building.ring, events)
      for (const blob of blobs) yield* haveBlob(place.target.storage, building.local, blob)
      note(events, first)
      const contents = contentsIn(events, first)
      return more(yield* makeEntry(builder, events, { blobs, contents, states: [] }), first + events.length)
    })
  )

/**
 * The log that goes on where the last one could not: the link, then every later event that can be read, at its own time.
 * An event whose content is in none of them is left out: the store is asked for it again.
 */
const entriesOfIslands = ({ note, plans, time, writer }: {
  readonly plans: ReadonlyArray<LogPlan>
  readonly writer: Uint8Array
  readonly note: Note
  /** When the newest event of the logs before was recorded. */
  readonly time: { readonly last: number }
}): Stream.Stream<JournalEntry, BuildError> =>
  Stream.suspend(() => {
    const builder = LogBuilder.empty()
    const last = plans.at(-1)!
    const moved = new Moved(plans, writer)
    let latest = Number.NEGATIVE_INFINITY
    const islands = plans.flatMap((plan) => plan.islands.map((start) => ({ plan, start })))

    const moveBlock = Effect.fnUntraced(function*({ plan, start }: (typeof islands)[number]) {
      const block = yield* blockAt(plan.log, start)
      const events = yield* decodeAll(yield* eventsOf(block))
      const kept: Array<Event> = []
      // The link has the first index; it is written with the first of them.
      const next = Math.max(1, builder.size)
      events.forEach((event, at) => {
        const rewritten = moved.rewrite(event, plan.writer)
        if (rewritten === undefined) return
        moved.note(plan.writer, block.first + at, next + kept.length)
        // Of two logs' events those of the older one come first; times never go back within one.
        latest = Math.max(latest, event.recordedAt)
        kept.push({ ...rewritten, recordedAt: latest })
      })
      return { kept, blobs: block.blobs }
    })

    const entry = Effect.fnUntraced(function*(events: ReadonlyArray<Event>, blobs: ReadonlyArray<string>) {
      const first = builder.size
      note(events, first)
      return yield* makeEntry(builder, events, { blobs, contents: contentsIn(events, first), states: [] })
    })

    const linkAt = (recordedAt: number): Event => ({
      kind: "log.continues",
      recordedAt,
      source: "",
      conversation: "",
      writer: last.writer,
      size: last.head.size,
      root: last.head.root
    })

    const rest = Stream.fromIterable(islands).pipe(
      Stream.mapEffect(Effect.fnUntraced(function*(island) {
        const { blobs, kept } = yield* moveBlock(island)
        if (kept.length === 0) return []
        const link = builder.size > 0 ? [] : [yield* entry([linkAt(kept[0]!.recordedAt)], [])]
        return [...link, yield* entry(kept, blobs)]
      })),
      Stream.flattenIterables
    )
    const alone = Stream.suspend(() =>
      builder.size > 0 ? Stream.empty : Stream.fromEffect(entry([linkAt(time.last)], []))
    )
    return Stream.concat(rest, alone)
  })

/** Where events went that were recorded anew. */
class Moved {
  private readonly plans: ReadonlyArray<LogPlan>
  private readonly writer: Uint8Array
  private readonly places = new Map<string, number>()

  constructor(plans: ReadonlyArray<LogPlan>, writer: Uint8Array) {
    this.plans = plans
    this.writer = writer
  }

  note(from: Uint8Array, index: number, place: number): void {
    this.places.set(placeKey(from, index), place)
  }

  /** The event as it is told in the new log; nothing where it names a content that is in no log any more. */
  rewrite(event: Event, from: Uint8Array): Event | undefined {
    const { origin, ...rest } = event as Event & { readonly origin?: number }
    const place = origin === undefined ? undefined : this.places.get(placeKey(from, origin))
    const renumbered = (place === undefined ? rest : { ...rest, origin: place }) as Event
    const content = contentOf(renumbered)
    if (content?._tag !== "same") return renumbered
    const plan = this.plans.find((each) => Buffer.compare(each.writer, content.writer) === 0)
    if (plan === undefined || content.index < plan.head.size) return renumbered
    const index = this.places.get(placeKey(content.writer, content.index))
    return index === undefined ? undefined : withContent(renumbered, { ...content, writer: this.writer, index })
  }
}

const placeKey = (writer: Uint8Array, index: number): string => `${Buffer.from(writer).toString("hex")} ${index}`

/** What an event needs beside the log: from this machine, else from where the event came from. */
const haveBlob = Effect.fn("HealBuild.haveBlob")(function*(from: StorageShape, local: StorageShape, object: string) {
  const isMissing = (error: StorageError) => error.reason === "NotFound"
  const isHere = yield* local.get(object, { offset: 0, length: 1 }).pipe(
    Effect.as(true),
    Effect.catchIf(isMissing, () => Effect.succeed(false))
  )
  // One that is nowhere is told by whoever checks the vault; the log is whole without it.
  if (!isHere) yield* Effect.catchIf(takeBlob(from, local, object), isMissing, () => Effect.void)
})

type Next = Option.Option<readonly [JournalEntry, number]>
const more = (entry: JournalEntry, next: number): Next => Option.some([entry, next] as const)
const noMore: Next = Option.none()

const blockAt = (log: SalvagedLog, first: number) =>
  Effect.flatMap(log.block(first), Option.match({ onNone: () => changed(first), onSome: Effect.succeed }))

/** It opened a moment ago. */
const changed = (first: number) =>
  new JournalError({ reason: "Corrupt", method: "heal", subject: `event ${first} could not be read a second time` })
