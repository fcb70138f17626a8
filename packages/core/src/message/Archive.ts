/**
 * The fold: what all events of all logs come to. A state is the latest word on each side of each thing, so events may
 * come in any order and the result is the same. What each kind of event does to a message:
 *
 * | Event | never added | there | removed |
 * |---|---|---|---|
 * | `message.added` | it is there | a newer version | a newer version; back, if of the machine that removed it |
 * | `message.edited` | kept for when it is added | a newer version | a newer version, still removed |
 * | `message.removed` | kept | removed | the later removal is the one told |
 * | `message.restored` | kept | flags and places | back, with these flags and places |
 * | `message.flags` | kept | flags and places, whole | the same, still removed |
 * | `reaction.*`, `receipt.changed`, `poll.vote`, `attachment.*` | kept | the latest word on each | the same |
 *
 * "Newer" and "later" are by the time of recording, then the writer, then the index; an older word changes nothing.
 */
import { Directory } from "./Directory.ts"
import type { Content, Event, EventOf, Kind } from "./Event.ts"
import * as State from "./MessageState.ts"
import { isLater, Lineages, type Position, type Stamp, stampOf } from "./Stamp.ts"

/** The fold so far. `apply` grows the archive that it is given. */
export interface Archive {
  readonly directory: Directory
  readonly lineages: Lineages
  readonly entries: Entries
  /** Contents of attachments, by source, message and attachment. */
  readonly contents: Map<string, { readonly stamp: Stamp; readonly content: Content }>
}

export const empty = (): Archive => ({
  directory: new Directory(),
  lineages: new Lineages(),
  entries: new Entries(false),
  contents: new Map()
})

/** Folds one event in and gives the same archive back. An event that was folded already changes nothing. */
export const apply = (archive: Archive, event: Event, position: Position): Archive => {
  fold(archive, event, stampOf(event, position))
  return archive
}

/** Every message there is, in no order; with `withDeleted`, those too that were removed. */
export function* messages(
  archive: Archive,
  options: { readonly withDeleted?: boolean } = {}
): Generator<State.MessageState> {
  for (const [source, entry] of archive.entries.all()) {
    const state = State.stateOf(source, entry, archive.lineages)
    if (state !== undefined && (state.removed === undefined || options.withDeleted === true)) yield state
  }
}

/** One message, removed or not. */
export const message = (archive: Archive, source: string, key: string): State.MessageState | undefined => {
  const entry = archive.entries.get(source, key)
  return entry === undefined ? undefined : State.stateOf(source, entry, archive.lineages)
}

/** The content of an attachment, where it was had. */
export const contentOf = (archive: Archive, source: string, key: string, attachment: string): Content | undefined =>
  archive.contents.get(JSON.stringify([source, key, attachment]))?.content

/** What is known of each message, by source and key. */
export class Entries {
  private readonly sources = new Map<string, Map<string, State.MessageEntry>>()
  /** Whether versions are kept as bytes of their own: they then hold on to no block they came in. */
  readonly packed: boolean

  constructor(packed: boolean) {
    this.packed = packed
  }

  get(source: string, key: string): State.MessageEntry | undefined {
    return this.sources.get(source)?.get(key)
  }

  of(source: string, key: string): State.MessageEntry {
    let keys = this.sources.get(source)
    if (keys === undefined) this.sources.set(source, keys = new Map())
    let entry = keys.get(key)
    if (entry === undefined) keys.set(key, entry = State.makeEntry())
    return entry
  }

  *all(): Generator<readonly [source: string, entry: State.MessageEntry]> {
    for (const [source, keys] of this.sources) for (const entry of keys.values()) yield [source, entry]
  }
}

/** Folds an event into the parts of an archive. */
export const fold = (archive: Archive, event: Event, stamp: Stamp): void => {
  const decide = decisions[event.kind] as (archive: Archive, event: Event, stamp: Stamp) => void
  decide(archive, event, stamp)
}

type Decide<K extends Kind> = (archive: Archive, event: EventOf<K>, stamp: Stamp) => void

const none = (): void => undefined

/** A kind without a decision does not compile. */
const decisions: { readonly [K in Kind]: Decide<K> } = {
  "account.seen": ({ directory }, event, stamp) => directory.putAccount(event, stamp),
  "participant.upsert": ({ directory }, event, stamp) => directory.putParticipant(event, stamp),
  "chat.upsert": ({ directory }, event, stamp) => directory.putChat(event, stamp),
  "chat.members": ({ directory }, event, stamp) => directory.putMembers(event, stamp),
  "chat.removed": ({ directory }, event, stamp) => directory.removeChat(event, stamp),
  "message.added": ({ entries }, event, stamp) => {
    const entry = entries.of(event.source, event.message.key)
    State.putAdded(entry, stamp)
    State.putVersion(entry, event, stamp, entries.packed)
  },
  "message.edited": ({ entries }, event, stamp) =>
    State.putVersion(entries.of(event.source, event.message.key), event, stamp, entries.packed),
  "message.removed": ({ entries }, event, stamp) => State.putRemoved(entries.of(event.source, event.key), event, stamp),
  "message.restored": ({ entries }, event, stamp) =>
    State.putMutable(entries.of(event.source, event.key), event, stamp),
  "message.flags": ({ entries }, event, stamp) => State.putMutable(entries.of(event.source, event.key), event, stamp),
  "reaction.added": ({ entries }, event, stamp) => State.putReaction(entries.of(event.source, event.key), event, stamp),
  "reaction.removed": ({ entries }, event, stamp) =>
    State.putReaction(entries.of(event.source, event.key), event, stamp),
  "reaction.snapshot": ({ entries }, event, stamp) =>
    State.putCounts(entries.of(event.source, event.key), event, stamp),
  "receipt.changed": ({ entries }, event, stamp) => State.putReceipt(entries.of(event.source, event.key), event, stamp),
  "poll.vote": ({ entries }, event, stamp) => State.putVote(entries.of(event.source, event.key), event, stamp),
  "attachment.seen": ({ entries }, event, stamp) =>
    State.putAttachment(entries.of(event.source, event.key), event, stamp),
  "attachment.missing": ({ entries }, event, stamp) =>
    State.putMissing(entries.of(event.source, event.key), event, stamp),
  "attachment.content": ({ contents }, event, stamp) => {
    const key = JSON.stringify([event.source, event.key, event.attachment])
    if (isLater(stamp, contents.get(key)?.stamp)) contents.set(key, { stamp, content: event.content })
  },
  "file.upsert": ({ directory }, event, stamp) => directory.putFile(event, stamp),
  "file.removed": ({ directory }, event, stamp) => directory.removeFile(event, stamp),
  "source.gap": ({ directory }, event, stamp) => directory.putGap(event, stamp),
  "log.continues": ({ lineages }, event, stamp) => lineages.continues(stamp.writer, hex(event.writer)),
  // What follows says something about the log or the program, nothing about messages.
  "source.checkpoint": none,
  "source.schema": none,
  "witness": none,
  "keys.changed": none,
  "log.replaces": none
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
