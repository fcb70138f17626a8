/**
 * Whether a log holds all that its store has, counted in two ways that know nothing of each other: the store counts
 * its own rows and names its attachments, and the log's events are counted as they are told. Where the two differ
 * something was missed, and the conversation is named; a ledger never says that all is there because nobody looked.
 */
import type { Event } from "../message/Event.ts"
import type { SourceState, SourceTable } from "./Source.ts"

export interface ConversationCount {
  readonly conversation: string
  readonly title?: string
  /** Messages that the store has now. */
  readonly inStore: number
  /** Messages that the log says the store has. */
  readonly inLog: number
  /** Absent where the store names none in it. */
  readonly attachments?: AttachmentCount
  /** Rows of it that are left out on purpose, or cannot be told; absent where there are none. */
  readonly skipped?: ReadonlyArray<Counted>
}

export interface Counted {
  readonly reason: string
  readonly count: number
}

/** What became of the attachments that the store names now: each of them is in one of the last three. */
export interface AttachmentCount {
  readonly referenced: number
  /** Whose content the log holds. */
  readonly stored: number
  /** Whose content it lacks, and the log or the owner's choice says why. */
  readonly missing: ReadonlyArray<Counted>
  /** Of which the log says nothing at all. */
  readonly unexplained: number
}

export interface Ledger {
  readonly conversations: ReadonlyArray<ConversationCount>
  readonly attachments: {
    /** That messages name. */
    readonly referenced: number
    /** Whose content the log holds, of messages that are gone as well. */
    readonly stored: number
    /** Whose content it lacks, by reason. */
    readonly missing: ReadonlyArray<Counted>
    /** That messages name, and of which the log says nothing at all. */
    readonly unexplained: number
  }
  /** Rows of the store that are left out on purpose, or cannot be told. */
  readonly skipped: ReadonlyArray<Counted>
}

/** Folds one event into the number of messages of its conversation, in what its source remembers. */
export const countMessage = (event: Event, table: SourceTable): void => {
  const change = CHANGES[event.kind]
  if (change === undefined) return
  const entry = COUNT + event.conversation
  const count = Number(table.get(entry) ?? 0) + change
  if (count === 0) table.delete(entry)
  else table.set(entry, String(count))
}

/** How many messages the log says each conversation has. */
export const countedIn = (state: SourceState): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const [entry, count] of state) if (entry.startsWith(COUNT)) counts.set(entry.slice(COUNT.length), Number(count))
  return counts
}

/** Both counts side by side; a conversation that only one of them knows is in it. */
export const compareCounts = (
  inStore: ReadonlyMap<string, number>,
  inLog: ReadonlyMap<string, number>,
  { attachments = new Map(), skipped = new Map(), titles = new Map() }: {
    readonly titles?: ReadonlyMap<string, string>
    readonly attachments?: ReadonlyMap<string, AttachmentCount>
    readonly skipped?: ReadonlyMap<string, ReadonlyArray<Counted>>
  } = {}
): ReadonlyArray<ConversationCount> =>
  [...new Set([...inStore.keys(), ...inLog.keys(), ...attachments.keys(), ...skipped.keys()])].toSorted().map(
    (conversation) => {
      const title = titles.get(conversation)
      const files = attachments.get(conversation)
      const left = skipped.get(conversation)
      return {
        conversation,
        ...(title === undefined ? {} : { title }),
        inStore: inStore.get(conversation) ?? 0,
        inLog: inLog.get(conversation) ?? 0,
        ...(files === undefined ? {} : { attachments: files }),
        ...(left === undefined ? {} : { skipped: left })
      }
    }
  )

export const mismatches = ({ conversations }: Ledger): ReadonlyArray<ConversationCount> =>
  conversations.filter(({ attachments, inLog, inStore }) =>
    inLog !== inStore || (attachments !== undefined && attachments.unexplained > 0)
  )

/** What the log says of one attachment: that it holds it, why it lacks it, or nothing. */
export type Fate = { readonly _tag: "stored" } | { readonly _tag: "missing"; readonly reason: string } | undefined

/** Counts attachments one by one, each in its conversation. */
export class AttachmentTally {
  private readonly tallies = new Map<string, Tally>()

  add(conversation: string, fate: Fate): void {
    let tally = this.tallies.get(conversation)
    if (tally === undefined) {
      tally = { referenced: 0, stored: 0, unexplained: 0, missing: new Map() }
      this.tallies.set(conversation, tally)
    }
    tally.referenced++
    if (fate === undefined) tally.unexplained++
    else if (fate._tag === "stored") tally.stored++
    else tally.missing.set(fate.reason, (tally.missing.get(fate.reason) ?? 0) + 1)
  }

  counts(): ReadonlyMap<string, AttachmentCount> {
    return new Map([...this.tallies].map(([conversation, { missing, ...rest }]) => [
      conversation,
      { ...rest, missing: countedOf(missing) }
    ]))
  }
}

interface Tally {
  referenced: number
  stored: number
  unexplained: number
  readonly missing: Map<string, number>
}

export const countedOf = (counts: ReadonlyMap<string, number>): ReadonlyArray<Counted> =>
  [...counts].map(([reason, count]) => ({ reason, count }))

const CHANGES: { readonly [K in Event["kind"]]?: number } = {
  "message.added": 1,
  "message.restored": 1,
  "message.removed": -1
}

/** No source's own key begins so. */
const COUNT = "sealog:in:"
