/**
 * Whether a log holds all that its store has, counted in two ways that know nothing of each other: the store counts
 * its own rows, and the log's events are counted as they are told. Where the two differ something was missed, and the
 * conversation is named; a ledger never says that all is there because nobody looked.
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
}

export interface Counted {
  readonly reason: string
  readonly count: number
}

export interface Ledger {
  readonly conversations: ReadonlyArray<ConversationCount>
  readonly attachments: {
    /** That messages name. */
    readonly referenced: number
    /** Whose content the log holds. */
    readonly stored: number
    /** Whose content it lacks, by reason. */
    readonly missing: ReadonlyArray<Counted>
  }
  /** Rows of the store that are left out on purpose. */
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
  titles: ReadonlyMap<string, string> = new Map()
): ReadonlyArray<ConversationCount> =>
  [...new Set([...inStore.keys(), ...inLog.keys()])].toSorted().map((conversation) => {
    const title = titles.get(conversation)
    return {
      conversation,
      ...(title === undefined ? {} : { title }),
      inStore: inStore.get(conversation) ?? 0,
      inLog: inLog.get(conversation) ?? 0
    }
  })

export const mismatches = ({ conversations }: Ledger): ReadonlyArray<ConversationCount> =>
  conversations.filter(({ inLog, inStore }) => inLog !== inStore)

const CHANGES: { readonly [K in Event["kind"]]?: number } = {
  "message.added": 1,
  "message.restored": 1,
  "message.removed": -1
}

/** No source's own key begins so. */
const COUNT = "sealog:in:"
