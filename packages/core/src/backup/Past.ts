/**
 * Gives a source the events it told, out of the journal. Neighbours are mostly asked for one after the other, so the
 * block that was opened last is kept, and of its runs those that were unpacked.
 */
import { Effect, Option, Stream } from "effect"
import { attempt } from "../format/Binary.ts"
import type { Block } from "../format/Block.ts"
import { decodeEvent } from "../format/EventCodec.ts"
import { type Run, unpackRun } from "../format/Run.ts"
import type { JournalShape } from "./Journal.ts"
import type { Past } from "./Source.ts"

export const makePast = (journal: Pick<JournalShape, "blocks">): Past => {
  let last: Block | undefined
  const unpacked = new Map<Run, ReadonlyArray<Uint8Array>>()

  const blockOf = Effect.fnUntraced(function*(index: number) {
    if (last !== undefined && index >= last.first && index < last.first + last.count) return last
    const found = yield* Stream.runHead(journal.blocks({ from: index, to: index + 1 }))
    if (Option.isNone(found)) return undefined
    last = found.value
    unpacked.clear()
    return last
  })

  const event = Effect.fnUntraced(function*(index: number) {
    if (index < 0) return undefined
    const block = yield* blockOf(index)
    for (const run of block?.runs ?? []) {
      const place = placeIn(run.indices, index)
      if (place < 0) continue
      const events = unpacked.get(run) ?? (yield* unpackRun(run))
      unpacked.set(run, events)
      return yield* attempt(() => decodeEvent(events[place]!))
    }
    return undefined
  })

  // A journal that is damaged there is found by those who look after it; a source only tells a little more for it.
  return { event: (index) => Effect.orElseSucceed(event(index), () => undefined) }
}

/** Where an index stands among those of a run, ascending as they are; less than 0 where it does not. */
const placeIn = (indices: ReadonlyArray<number>, index: number): number => {
  let low = 0
  let high = indices.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const found = indices[middle]!
    if (found === index) return middle
    if (found < index) low = middle + 1
    else high = middle - 1
  }
  return -1
}
