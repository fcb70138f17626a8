/**
 * From events to journal entries: encodes them once, hashes them into the log, groups them into runs and compresses
 * these. Everything per event is a tight loop; an Effect wraps a whole block.
 */
import { Effect, Either, Stream } from "effect"
import { attempt } from "../format/Binary.ts"
import { selectEvents } from "../format/Block.ts"
import { decodeEvent } from "../format/EventCodec.ts"
import { EventSlab } from "../format/EventSlab.ts"
import type { FormatError } from "../format/FormatError.ts"
import { LEAF_EVENTS } from "../format/Limits.ts"
import { packRuns } from "../format/Run.ts"
import { groupEvents, type Window, type Writing } from "../format/Windows.ts"
import { LogBuilder } from "../log/MerkleLog.ts"
import { classOf, type Event, standsAlone } from "../message/Event.ts"
import type { ContentEntry, JournalEntry, JournalHead, JournalShape, StateDelta } from "./Journal.ts"

/** What goes into the journal beside the events. */
export interface EntryExtras {
  readonly blobs: ReadonlyArray<string>
  readonly states: ReadonlyArray<{ readonly source: string; readonly delta: StateDelta }>
  readonly contents: ReadonlyArray<ContentEntry>
}

export const noExtras: EntryExtras = { blobs: [], states: [], contents: [] }

/** The log as the journal has it, ready to grow: its compact range and the events of its open leaf. */
export const loadLog = Effect.fn("Entries.loadLog")(function*(journal: JournalShape) {
  const head = yield* journal.head
  return LogBuilder.make(head, yield* openEvents(journal, head.size))
})

/** The events of the leaf that is not full at a size. */
export const openEvents = Effect.fn("Entries.openEvents")(function*(
  journal: JournalShape,
  size: number,
  writer?: Uint8Array
) {
  const from = size - (size % LEAF_EVENTS)
  if (from === size) return []
  const blocks = yield* journal.blocks({ from, to: size, ...(writer === undefined ? {} : { writer }) }).pipe(
    Stream.runCollect
  )
  const events: Array<Uint8Array> = []
  for (const block of blocks) {
    // Of a long block the last few runs, mostly.
    const there = yield* selectEvents(block.runs.filter(({ indices }) => indices.at(-1)! >= from))
    for (const { bytes, index } of there) if (index >= from && index < size) events.push(bytes)
  }
  return events
})

/** An entry of which the windows are still to be compressed: all that depends on what came before it is settled. */
export interface PreparedEntry extends Omit<JournalEntry, "block"> {
  readonly first: number
  readonly count: number
  readonly windows: ReadonlyArray<Window>
  readonly blobs: ReadonlyArray<string>
  /** Gives back the memory of its events; not before the finished entry is written, which may refer to it. */
  readonly release: () => void
}

/** Encodes events, hashes them into `log`, which is advanced over them, and groups them. */
export const prepareEntry = (
  log: LogBuilder,
  events: ReadonlyArray<Event>,
  extras: EntryExtras
): Either.Either<PreparedEntry, FormatError> =>
  Either.map(encodeAll(log.size, events), ({ encoded, release, windows }) => {
    const first = log.size
    log.appendAll(encoded)
    return {
      first,
      count: events.length,
      windows,
      blobs: extras.blobs,
      head: headOf(log, events.at(-1)!.recordedAt),
      leaves: log.takeLeaves(),
      states: extras.states,
      contents: extras.contents,
      release
    }
  })

/** The entry itself. */
export const finishEntry = Effect.fn("Entries.finish")(function*(prepared: PreparedEntry) {
  const { blobs, contents, count, first, head, leaves, states, windows } = prepared
  const block = { first, count, runs: yield* packRuns(windows), blobs }
  return { block, head, leaves, states, contents } satisfies JournalEntry
})

/** The entry that appends these events; `log` is advanced over them. */
export const makeEntry = Effect.fn("Entries.make")(function*(
  log: LogBuilder,
  events: ReadonlyArray<Event>,
  extras: EntryExtras
) {
  return yield* finishEntry(yield* prepareEntry(log, events, extras))
})

/** The events of a block, decoded. */
export const decodeAll = (events: ReadonlyArray<Uint8Array>): Either.Either<ReadonlyArray<Event>, FormatError> =>
  attempt(() => events.map(decodeEvent))

const encodeAll = (first: number, events: ReadonlyArray<Event>) => {
  const slab = new EventSlab()
  return attempt(() => ({ ...groupEvents(first, events, encoding, slab), release: () => slab.release() }))
}

const encoding: Writing<Event> = {
  placeOf: (event) => ({
    source: event.source,
    conversation: event.conversation,
    class: classOf(event.kind),
    alone: standsAlone(event)
  }),
  write: (event, slab) => slab.encode(event)
}

const headOf = (log: LogBuilder, recordedAt: number): JournalHead => ({ ...log.head(), recordedAt })
