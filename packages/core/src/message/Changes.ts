/**
 * The fold for a restore of any size: first all changes are collected, then the messages pass by once, and each comes
 * out as it stands at the end. What is kept grows with the number of changed messages, not with the number of
 * messages, and holds on to none of the blocks that the events came in.
 *
 * 1. `add` every event of the control and changes classes, of every writer, in any order.
 * 2. `mark` every `message.added` beforehand, where one message may have been added twice: with more than one writer,
 *    or to see deleted messages too. In the log of one machine a second addition only ever follows a removal, which
 *    `resolve` sees by itself. Marks cost about 150 bytes a message.
 * 3. `resolve` each `message.added`, `directory.acceptFile` each `file.upsert`, as they pass by.
 */
import { decodeEvent, encodeEvent } from "../format/EventCodec.ts"
import { type Archive, Entries, fold } from "./Archive.ts"
import { Directory } from "./Directory.ts"
import type { Event, EventOf } from "./Event.ts"
import { makeEntry, type MessageState, stateOf } from "./MessageState.ts"
import { compareStamps, isLater, Lineages, type Position, type Stamp, stampOf } from "./Stamp.ts"

export interface Changes {
  /** Chats, folders, participants and the rest, complete once everything was added. */
  readonly directory: Directory
  /** Collects what an event says of messages; additions it leaves alone. */
  readonly add: (event: Event, position: Position) => void
  /** Notes that a message was added here: its key and its stamp, nothing else. */
  readonly mark: (event: EventOf<"message.added">, position: Position) => void
  /**
   * The message as it stands at the end; `undefined` where it was removed, unless `withDeleted`, and where a later
   * addition of the same message stands for it.
   */
  readonly resolve: (
    event: EventOf<"message.added">,
    position: Position,
    options?: { readonly withDeleted?: boolean }
  ) => MessageState | undefined
}

export const make = (): Changes => {
  const archive: Archive = {
    directory: new Directory(),
    lineages: new Lineages(),
    entries: new Entries(true),
    contents: new Map()
  }
  const marks = new Map<string, Map<string, Array<Stamp>>>()
  return {
    directory: archive.directory,
    add: (event, position) => {
      if (streamed.has(event.kind)) return
      fold(archive, ownsBytes(event) ? event : decodeEvent(encodeEvent(event)), stampOf(event, position))
    },
    mark: (event, position) => {
      let keys = marks.get(event.source)
      if (keys === undefined) marks.set(event.source, keys = new Map())
      const stamps = keys.get(event.message.key)
      if (stamps === undefined) keys.set(event.message.key, [stampOf(event, position)])
      else note(stamps, stampOf(event, position))
    },
    resolve: (event, position, options) => {
      const { message, source } = event
      const stamp = stampOf(event, position)
      const stamps = marks.get(source)?.get(message.key)
      if (stamps !== undefined && stamps.some((other) => compareStamps(other, stamp) > 0)) return undefined
      const known = archive.entries.get(source, message.key)
      if (known === undefined && message.reactions === undefined) return untouched(event, stamp)
      const passing = { event, stamp, added: stamps ?? [stamp] }
      const state = stateOf(source, known ?? makeEntry(), archive.lineages, passing)
      return state?.removed === undefined || options?.withDeleted === true ? state : undefined
    }
  }
}

/** Events that pass by and are not kept. */
const streamed: ReadonlySet<Event["kind"]> = new Set(["message.added", "attachment.content", "file.upsert"])

/** What a fold keeps of these holds no bytes of the block they came in; versions are packed by the fold itself. */
const ownsBytes = (event: Event): boolean => {
  switch (event.kind) {
    case "reaction.snapshot":
    case "poll.vote":
    case "attachment.seen":
    case "account.seen":
    case "participant.upsert":
    case "chat.upsert":
      return false
    default:
      return true
  }
}

const untouched = (event: EventOf<"message.added">, stamp: Stamp): MessageState => ({
  source: event.source,
  conversation: event.conversation,
  message: event.message,
  stamp,
  reactions: [],
  receipts: [],
  votes: [],
  missing: []
})

const note = (stamps: Array<Stamp>, stamp: Stamp): void => {
  const place = stamps.findIndex((other) => other.writer === stamp.writer)
  if (place < 0) stamps.push(stamp)
  else if (isLater(stamp, stamps[place])) stamps[place] = stamp
}
