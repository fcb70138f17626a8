/**
 * What a source remembers, while events are folded into it: the source's own fold, and beside it how many events it
 * has told and when the last one was, in the same table and so in the same write.
 */
import type { Event } from "../message/Event.ts"
import type { StateDelta } from "./Journal.ts"
import type { SourceShape, SourceState, SourceTable } from "./Source.ts"

/** No source's own key begins so. */
const COUNTS = "sealog:events"

export interface SourceCounts {
  readonly events: number
  /** When the last one was recorded, milliseconds. */
  readonly lastAt?: number
}

/** Folds those of the events that are the source's, the first of which has index `first`; `-1`: in a log left behind. */
export const foldEvents = (
  source: SourceShape,
  events: ReadonlyArray<Event>,
  first: number,
  table: SourceTable
): void => {
  let { events: count, lastAt } = countsIn(table.get(COUNTS))
  events.forEach((event, position) => {
    // A checkpoint is told about a source, and not by it.
    if (event.source !== source.name || event.kind === "source.checkpoint") return
    source.remember(event, first < 0 ? first : first + position, table)
    count++
    lastAt = event.recordedAt
  })
  if (lastAt !== undefined) table.set(COUNTS, `${count} ${lastAt}`)
}

/** A table to fold all events into again, from the first on: what no event says is kept. */
export const beforeRefold = (known: SourceState): Map<string, string> => {
  const table = new Map(known)
  table.delete(COUNTS)
  return table
}

/** Whether a key is that of the counts, which no source wrote. */
export const isCount = (key: string): boolean => key === COUNTS

export const countsOf = (state: SourceState): SourceCounts => countsIn(state.get(COUNTS))

/** A table over one that is known: `known` is left as it is, `delta` says what is different. */
export const recordingTable = (
  known: SourceState
): { readonly table: SourceTable; readonly delta: () => StateDelta } => {
  const changed = new Map<string, string | undefined>()
  return {
    table: {
      get: (key) => changed.has(key) ? changed.get(key) : known.get(key),
      set: (key, value) => void changed.set(key, value),
      delete: (key) => void changed.set(key, undefined)
    },
    delta: () => [...changed]
  }
}

/** Applies a delta to a table in place. */
export const applyDelta = (table: Map<string, string>, delta: StateDelta): void => {
  for (const [key, value] of delta) {
    if (value === undefined) table.delete(key)
    else table.set(key, value)
  }
}

const countsIn = (text: string | undefined): SourceCounts => {
  if (text === undefined) return { events: 0 }
  const [events = "0", lastAt = "0"] = text.split(" ")
  return { events: Number(events), lastAt: Number(lastAt) }
}
