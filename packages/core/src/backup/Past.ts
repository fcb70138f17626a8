/**
 * Gives a source the events it told, out of the journal. Neighbours are mostly asked for one after the other, so the
 * block that was opened last is kept, and of its runs those that were unpacked.
 */
import { Effect, Option, Stream } from "effect"
import { attempt } from "../format/Binary.ts"
import type { Block } from "../format/Block.ts"
import { decodeEvent } from "../format/EventCodec.ts"
import { type Run, unpackRun } from "../format/Run.ts"
import { JournalError, type JournalShape } from "./Journal.ts"
import { type Past, SourceError } from "./Source.ts"

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

  return {
    event: (index) =>
      Effect.mapError(event(index), (error) => {
        const subject = `event ${index}`
        const cause = error._tag === "JournalError"
          ? error
          : new JournalError({ reason: "Corrupt", method: "past", subject, cause: error })
        return new SourceError({ reason: "Unreadable", method: "past", subject, cause })
      })
  }
}

/** A source that could not have its past fails for the journal's sake, and whoever mends journals has to hear of it. */
export const asJournals = (error: SourceError): SourceError | JournalError =>
  error.cause instanceof JournalError ? error.cause : error

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
