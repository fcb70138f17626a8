/**
 * What sources remember: a snapshot in parts, and the changes since. A write costs what has changed and no more; when
 * the changes outweigh the snapshot they are folded into a new one, at the next opening. How many there are of each
 * stands in the record that every write rewrites, so that none can be lost without notice.
 */
import { JournalError, type StateDelta } from "@sealog/core/backup/Journal"
import type { SourceState } from "@sealog/core/backup/Source"
import { Effect, Either } from "effect"
import type { Write } from "./LevelDatabase.ts"
import * as Keys from "./LevelKeys.ts"
import { applyDelta, encodeDelta, type StateRecord } from "./LevelRecords.ts"
import type { LevelSeal } from "./LevelSeal.ts"
import type { LevelStore } from "./LevelStore.ts"

/** Entries of one part of a snapshot. */
const PART_ENTRIES = 8_192
/** Changes under this are not worth a new snapshot, bytes. */
const FOLD_MIN_BYTES = 256 * 1024

/** New values of states beside the writes that make them so. */
export interface StateChange {
  readonly states: ReadonlyArray<StateRecord>
  readonly writes: ReadonlyArray<Write>
}

/** Adds changes to what sources remember. */
export const changeStates = (
  sealer: LevelSeal,
  states: ReadonlyArray<StateRecord>,
  deltas: ReadonlyArray<{ readonly source: string; readonly delta: StateDelta }>
): StateChange => {
  const next = [...states]
  const writes: Array<Write> = []
  for (const { delta, source } of deltas) {
    if (delta.length === 0) continue
    let place = next.findIndex((state) => state.name === source)
    if (place < 0) place = next.push(newState(next.length, source)) - 1
    const state = next[place]!
    const key = Keys.stateDelta(state.number, state.generation, state.deltas)
    const value = sealer.seal({ key }, encodeDelta(delta))
    writes.push([key, value])
    next[place] = { ...state, deltas: state.deltas + 1, deltaBytes: state.deltaBytes + value.length }
  }
  return { states: next, writes }
}

/** Puts a snapshot in the place of all that a source remembered. */
export const replaceState = (
  sealer: LevelSeal,
  states: ReadonlyArray<StateRecord>,
  source: string,
  table: SourceState
): StateChange => {
  const old = states.find((state) => state.name === source)
  const number = old?.number ?? states.length
  const generation = (old?.generation ?? -1) + 1
  const entries = [...table]
  const writes: Array<Write> = old === undefined ? [] : keysOf(old).map((key): Write => [key, undefined])
  let partBytes = 0
  let parts = 0
  for (let at = 0; at < entries.length; at += PART_ENTRIES) {
    const key = Keys.statePart(number, generation, parts++)
    const value = sealer.seal({ key }, encodeDelta(entries.slice(at, at + PART_ENTRIES)))
    partBytes += value.length
    writes.push([key, value])
  }
  const record = { number, name: source, generation, parts, partBytes, deltas: 0, deltaBytes: 0 }
  return {
    states: [...states.filter((state) => state !== old), record].toSorted((a, b) => a.number - b.number),
    writes
  }
}

/** Loads what a source remembers. */
export const loadState = Effect.fn("LevelState.load")(function*(
  store: LevelStore,
  sealer: LevelSeal,
  state: StateRecord | undefined
): Effect.fn.Return<Map<string, string>, JournalError> {
  const table = new Map<string, string>()
  if (state === undefined) return table
  const subject = `what ${state.name} remembers`
  const keys = keysOf(state)
  for (let at = 0; at < keys.length; at += READ_KEYS) {
    const some = keys.slice(at, at + READ_KEYS)
    const values = yield* store.read("state", (db) => db.getMany(some), subject)
    for (let n = 0; n < some.length; n++) {
      const value = values[n]
      const opened = value === undefined ? undefined : sealer.open({ key: some[n]! }, value)
      if (opened === undefined || Either.isLeft(opened) || Either.isLeft(applyDelta(opened.right, table))) {
        return yield* new JournalError({ reason: "Corrupt", method: "state", subject })
      }
    }
  }
  return table
})

/** Whether loading the changes has become the greater part of loading it all. */
export const shouldFold = (state: StateRecord): boolean => state.deltaBytes > Math.max(FOLD_MIN_BYTES, state.partBytes)

const READ_KEYS = 512

/** Parts first, then changes in their order: as they are to be played. */
const keysOf = ({ deltas, generation, number, parts }: StateRecord): ReadonlyArray<Keys.Key> => [
  ...Array.from({ length: parts }, (_, n) => Keys.statePart(number, generation, n)),
  ...Array.from({ length: deltas }, (_, n) => Keys.stateDelta(number, generation, n))
]

const newState = (number: number, name: string): StateRecord => ({
  number,
  name,
  generation: 0,
  parts: 0,
  partBytes: 0,
  deltas: 0,
  deltaBytes: 0
})
