/**
 * One message and everything that was ever said about it, kept as the latest word on each of its sides. Since every
 * side keeps the word with the greatest stamp, the order in which events come makes no difference: two writers' logs
 * can be read in any order, and changes before or after the message itself.
 */
import { compareUtf8 } from "../format/EventBytes.ts"
import { decodeEvent, encodeEvent } from "../format/EventCodec.ts"
import type { Attachment, EventOf, Message, Place, RemovalScope, Value } from "./Event.ts"
import { compareStamps, isLater, type Lineages, type Stamp } from "./Stamp.ts"

export interface Reaction {
  readonly part?: string
  readonly author: string
  readonly emoji: string
  readonly when?: number
}

export interface Receipt {
  readonly receipt: string
  readonly by?: string
  readonly when?: number
}

export interface Removal {
  readonly scope: typeof RemovalScope.Type
  readonly by?: string
  readonly when?: number
  /** When the removal was recorded. */
  readonly recordedAt: number
}

/** A message as it stands after all its changes. */
export interface MessageState {
  readonly source: string
  readonly conversation: string
  /** Its newest version with the flags, places, reactions and attachments of now. */
  readonly message: Message
  /** When that version was recorded, and where. */
  readonly stamp: Stamp
  /** Sorted by part, author and emoji. */
  readonly reactions: ReadonlyArray<Reaction>
  /** Where the store only counts. */
  readonly reactionCounts?: Value
  /** Sorted by receipt and by whom. */
  readonly receipts: ReadonlyArray<Receipt>
  /** Sorted by author. */
  readonly votes: ReadonlyArray<{ readonly author: string; readonly vote: Value }>
  /** Attachments whose content could not be had when it was last looked for, sorted. */
  readonly missing: ReadonlyArray<{ readonly attachment: string; readonly reason: string }>
  /** Present where the message was removed and not restored. */
  readonly removed?: Removal
}

interface At<A> {
  readonly stamp: Stamp
  readonly value: A
}

interface Mutable {
  readonly flags?: ReadonlyArray<string>
  readonly places?: ReadonlyArray<Place>
}

/** A version of the message; held as bytes of its own where many have to be kept. */
interface Version {
  readonly conversation: string
  readonly message: Message | Uint8Array
}

/** The latest word on each side of one message. */
export interface MessageEntry {
  version?: At<Version>
  mutable?: At<Mutable>
  restored?: Stamp
  /** The newest of each writer. */
  readonly added: Array<Stamp>
  readonly removed: Array<At<Removal>>
  reactions?: Map<string, At<Reaction & { readonly present: boolean }>>
  counts?: At<Value>
  receipts?: Map<string, At<Receipt>>
  votes?: Map<string, At<Value>>
  attachments?: Map<string, At<Attachment>>
  missing?: Map<string, At<string>>
}

export const makeEntry = (): MessageEntry => ({ added: [], removed: [] })

/** A full version: added or edited. */
export const putVersion = (
  entry: MessageEntry,
  event: EventOf<"message.added" | "message.edited">,
  stamp: Stamp,
  packed = false
): void => {
  if (!isLater(stamp, entry.version?.stamp)) return
  const message = packed ? encodeEvent(event) : event.message
  entry.version = { stamp, value: { conversation: event.conversation, message } }
}

export const putAdded = (entry: MessageEntry, stamp: Stamp): void => keepNewest(entry.added, stamp, (item) => item)

export const putRemoved = (entry: MessageEntry, event: EventOf<"message.removed">, stamp: Stamp): void => {
  const value: Removal = {
    scope: event.scope,
    ...(event.by === undefined ? {} : { by: event.by }),
    ...(event.when === undefined ? {} : { when: event.when }),
    recordedAt: event.recordedAt
  }
  keepNewest(entry.removed, { stamp, value }, (item) => item.stamp)
}

/** The mutable side, whole: what it does not have is not there. */
export const putMutable = (
  entry: MessageEntry,
  event: EventOf<"message.flags" | "message.restored">,
  stamp: Stamp
): void => {
  if (event.kind === "message.restored" && isLater(stamp, entry.restored)) entry.restored = stamp
  if (!isLater(stamp, entry.mutable?.stamp)) return
  const value: Mutable = {
    ...(event.flags === undefined ? {} : { flags: event.flags }),
    ...(event.places === undefined ? {} : { places: event.places })
  }
  entry.mutable = { stamp, value }
}

export const putReaction = (
  entry: MessageEntry,
  event: EventOf<"reaction.added" | "reaction.removed">,
  stamp: Stamp
): void => {
  const reaction = {
    ...(event.part === undefined ? {} : { part: event.part }),
    author: event.author,
    emoji: event.emoji,
    ...(event.when === undefined ? {} : { when: event.when }),
    present: event.kind === "reaction.added"
  }
  keepLater(entry.reactions ??= new Map(), reactionKey(reaction), stamp, reaction)
}

export const putCounts = (entry: MessageEntry, event: EventOf<"reaction.snapshot">, stamp: Stamp): void => {
  if (isLater(stamp, entry.counts?.stamp)) entry.counts = { stamp, value: event.reactions }
}

export const putReceipt = (entry: MessageEntry, event: EventOf<"receipt.changed">, stamp: Stamp): void => {
  const receipt: Receipt = {
    receipt: event.receipt,
    ...(event.by === undefined ? {} : { by: event.by }),
    ...(event.when === undefined ? {} : { when: event.when })
  }
  keepLater(entry.receipts ??= new Map(), receiptKey(receipt), stamp, receipt)
}

export const putVote = (entry: MessageEntry, event: EventOf<"poll.vote">, stamp: Stamp): void =>
  keepLater(entry.votes ??= new Map(), event.author, stamp, event.vote)

export const putAttachment = (entry: MessageEntry, event: EventOf<"attachment.seen">, stamp: Stamp): void =>
  keepLater(entry.attachments ??= new Map(), event.attachment.id, stamp, event.attachment)

export const putMissing = (entry: MessageEntry, event: EventOf<"attachment.missing">, stamp: Stamp): void =>
  keepLater(entry.missing ??= new Map(), event.attachment, stamp, event.reason)

/** A version that passes by and is not kept in the entry, with all additions that are known. */
export interface Passing {
  readonly event: EventOf<"message.added">
  readonly stamp: Stamp
  readonly added: ReadonlyArray<Stamp>
}

/** The message an entry comes to, removed or not; `undefined` where it was never added. */
export const stateOf = (
  source: string,
  entry: MessageEntry,
  lineages: Lineages,
  passing?: Passing
): MessageState | undefined => {
  const added = passing?.added ?? entry.added
  const kept = entry.version
  const passes = passing !== undefined && isLater(passing.stamp, kept?.stamp)
  const stamp = passes ? passing.stamp : kept?.stamp
  if (stamp === undefined || added.length === 0) return undefined
  const newest = passes ? passing.event.message : unpack(kept!.value.message)
  const reactions = reactionsOf(entry, newest, stamp)
  const removed = removalOf(entry, added, lineages)
  return {
    source,
    conversation: passes ? passing.event.conversation : kept!.value.conversation,
    message: messageOf(entry, newest, stamp, reactions),
    stamp,
    reactions: reactions ?? [],
    ...(entry.counts === undefined ? undefined : { reactionCounts: entry.counts.value }),
    receipts: sorted(entry.receipts).map(([, at]) => at.value),
    votes: sorted(entry.votes).map(([author, at]) => ({ author, vote: at.value })),
    missing: sorted(entry.missing).map(([attachment, at]) => ({ attachment, reason: at.value })),
    ...(removed === undefined ? undefined : { removed })
  }
}

/** The version with the flags, places, attachments and reactions of now. */
const messageOf = (
  entry: MessageEntry,
  newest: Message,
  stamp: Stamp,
  reactions: ReadonlyArray<Reaction> | undefined
): Message => {
  const message: { -readonly [K in keyof Message]: Message[K] } = { ...newest }
  const attachments = attachmentsOf(entry, newest, stamp)
  if (attachments !== undefined) message.attachments = attachments
  if (reactions !== undefined) message.reactions = reactions.map(({ author, emoji }) => ({ author, emoji }))
  const { mutable } = entry
  if (mutable !== undefined && isLater(mutable.stamp, stamp)) {
    const { flags, places } = mutable.value
    if (flags !== undefined) message.flags = flags
    else delete message.flags
    if (places !== undefined) message.places = places
    else delete message.places
  }
  return message
}

/**
 * A removal holds until a later `message.restored` of anyone, or a later `message.added` of the machine that recorded
 * it: that one knew what it had removed, while another may only be behind.
 */
const removalOf = (
  entry: MessageEntry,
  added: ReadonlyArray<Stamp>,
  lineages: Lineages
): Removal | undefined => {
  let holding: At<Removal> | undefined
  for (const removal of entry.removed) {
    if (entry.restored !== undefined && compareStamps(entry.restored, removal.stamp) > 0) continue
    const isBack = added.some((stamp) =>
      compareStamps(stamp, removal.stamp) > 0 && lineages.areOne(stamp.writer, removal.stamp.writer)
    )
    if (!isBack && isLater(removal.stamp, holding?.stamp)) holding = removal
  }
  return holding?.value
}

/** What the version lists, whole as of its time, and what was said since; without a list, all that was ever said. */
const reactionsOf = (entry: MessageEntry, newest: Message, since: Stamp): ReadonlyArray<Reaction> | undefined => {
  if (newest.reactions === undefined && entry.reactions === undefined) return undefined
  const all = new Map<string, Reaction>()
  for (const { author, emoji } of newest.reactions ?? []) all.set(reactionKey({ author, emoji }), { author, emoji })
  for (const [key, { stamp, value: { present, ...reaction } }] of entry.reactions ?? []) {
    if (newest.reactions !== undefined && !isLater(stamp, since)) continue
    if (present) all.set(key, reaction)
    else all.delete(key)
  }
  return [...all].toSorted(([left], [right]) => compareUtf8(left, right)).map(([, reaction]) => reaction)
}

/** The same for attachments; those seen later come after the listed ones, by their ids. */
const attachmentsOf = (entry: MessageEntry, newest: Message, since: Stamp): ReadonlyArray<Attachment> | undefined => {
  if (entry.attachments === undefined) return newest.attachments
  const all = new Map((newest.attachments ?? []).map((attachment) => [attachment.id, attachment]))
  for (const [id, { stamp, value }] of sorted(entry.attachments)) {
    if (newest.attachments === undefined || isLater(stamp, since)) all.set(id, value)
  }
  return [...all.values()]
}

const unpack = (message: Message | Uint8Array): Message => {
  if (!(message instanceof Uint8Array)) return message
  return (decodeEvent(message) as EventOf<"message.edited">).message
}

const reactionKey = (reaction: Reaction): string =>
  JSON.stringify([reaction.part ?? null, reaction.author, reaction.emoji])

const receiptKey = (receipt: Receipt): string => JSON.stringify([receipt.receipt, receipt.by ?? null])

const keepLater = <A>(map: Map<string, At<A>>, key: string, stamp: Stamp, value: A): void => {
  if (isLater(stamp, map.get(key)?.stamp)) map.set(key, { stamp, value })
}

/** Of each writer the newest. */
const keepNewest = <A>(items: Array<A>, item: A, stamp: (item: A) => Stamp): void => {
  const place = items.findIndex((other) => stamp(other).writer === stamp(item).writer)
  if (place < 0) items.push(item)
  else if (isLater(stamp(item), stamp(items[place]!))) items[place] = item
}

const sorted = <A>(map: ReadonlyMap<string, A> | undefined): ReadonlyArray<readonly [string, A]> =>
  map === undefined ? NOTHING : [...map].toSorted(([left], [right]) => compareUtf8(left, right))

const NOTHING: ReadonlyArray<never> = []
