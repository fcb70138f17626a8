/**
 * Which reactions were told and are there, during a pass: batches may be asked for before earlier ones are taken, so
 * what these said of a message is kept here until what is remembered says it.
 */
import type { SourceState } from "@sealog/core/backup/Source"
import type { Fact } from "@sealog/core/message/Event"
import { foldReactions } from "./DatabaseRows.ts"
import { reactionsOf } from "./DatabaseTable.ts"
import type { Reaction, ReactionRow } from "./RowReader.ts"

interface About {
  readonly conversation: string
  readonly key: string
  readonly origin?: number
}

export interface Reactions {
  /** Only events are left of what was known: rows may have been told before. */
  readonly isReplay: boolean
  /** What a row says that is not so already. */
  readonly told: (row: ReactionRow, origin: { readonly origin?: number }) => ReadonlyArray<Fact>
  /** From what is there to what is wanted. */
  readonly difference: (about: About, wanted: ReadonlyArray<Reaction>) => ReadonlyArray<Fact>
  readonly fold: (rows: ReadonlyArray<ReactionRow>) => ReadonlyArray<Reaction>
  /** What was said from here on goes into another batch. */
  readonly nextBatch: () => void
}

/** More batches than are ever under way. */
const BATCHES = 16

export const makeReactions = (state: SourceState, isReplay: boolean): Reactions => {
  const batches: Array<Map<string, ReadonlyArray<Reaction>>> = [new Map()]
  const now = (key: string): ReadonlyArray<Reaction> =>
    batches.find((batch) => batch.has(key))?.get(key) ?? reactionsOf((name) => state.get(name), key)

  const difference = (about: About, wanted: ReadonlyArray<Reaction>): ReadonlyArray<Fact> => {
    const there = now(about.key)
    const gone = there.filter((one) => !wanted.some((other) => isSame(one, other)))
    const come = wanted.filter((one) => !there.some((other) => isSame(one, other)))
    if (gone.length === 0 && come.length === 0) return []
    batches[0]!.set(about.key, wanted)
    return [
      ...gone.map((one): Fact => ({ kind: "reaction.removed", ...about, ...plain(one) })),
      ...come.map((one): Fact => ({ kind: "reaction.added", ...about, ...plain(one) }))
    ]
  }

  return {
    isReplay,
    told: (row, origin) => {
      const { conversation, key } = row
      const others = now(key).filter(({ author, part }) => author !== row.author || part !== row.part)
      const wanted = row.removed ? others : [...others, row]
      return difference({ conversation, key, ...origin }, wanted)
    },
    difference,
    fold: foldReactions,
    nextBatch: () => {
      batches.unshift(new Map())
      batches.length = Math.min(batches.length, BATCHES)
    }
  }
}

const isSame = (a: Reaction, b: Reaction): boolean => a.part === b.part && a.author === b.author && a.emoji === b.emoji

const plain = ({ author, emoji, part, when }: Reaction): Reaction => ({
  author,
  emoji,
  ...(part === undefined ? {} : { part }),
  ...(when === undefined ? {} : { when })
})
