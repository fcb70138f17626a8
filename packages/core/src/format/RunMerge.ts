/**
 * Fewer, fuller runs: what came in small ones, batch by batch, is put together on its way from the journal to a
 * segment. Nothing is taken apart for it: where one run ends before the next begins, their frames follow one another.
 */
import { Effect } from "effect"
import { attempt, ByteReader } from "./Binary.ts"
import { decompressSync } from "./Compression.ts"
import { EventSlab } from "./EventSlab.ts"
import { FormatError } from "./FormatError.ts"
import { BLOCK_EVENTS, EVENT_BYTES, FULL_RUN_BYTES, MERGE_BYTES, RUN_BYTES } from "./Limits.ts"
import { packRuns, type Run, splitEvents } from "./Run.ts"
import { Slab } from "./Slab.ts"
import { sameWindow, type Window } from "./Windows.ts"

/** One run of several of the same source, conversation and class, none of them alone, with its events by index. */
export const mergeRuns = (runs: ReadonlyArray<Run>): Effect.Effect<Run, FormatError> =>
  Effect.map(inSlab((slab) => mergeGroups([runs], slab)), ([merged]) => merged!)

/**
 * The same events in fewer runs: small ones of one source, conversation and class are merged until they are full; full
 * ones and those that stand alone are kept as they are.
 */
export const compactRuns = Effect.fn("RunMerge.compactRuns")(function*(
  runs: ReadonlyArray<Run>
): Effect.fn.Return<ReadonlyArray<Run>, FormatError> {
  const { groups, kept } = gather(runs)
  // While some are compressed, the next ones are put together.
  const merged = yield* Effect.forEach(
    portions(groups),
    (portion) => inSlab((slab) => mergeGroups(portion, slab)),
    { concurrency: 2 }
  )
  return [...kept, ...merged.flat()]
})

interface Gathered {
  readonly runs: Array<Run>
  bytes: number
  count: number
}

/** What becomes one run each, and what stays one. */
const gather = (runs: ReadonlyArray<Run>) => {
  const kept: Array<Run> = []
  const small: Array<Run> = []
  for (const run of runs) (run.alone || run.rawLength >= FULL_RUN_BYTES ? kept : small).push(run)
  small.sort((a, b) => a.indices[0]! - b.indices[0]!)
  const open = new Map<string, Array<Gathered>>()
  const groups: Array<Gathered> = []
  for (const run of small) {
    let candidates = open.get(run.conversation)
    if (candidates === undefined) open.set(run.conversation, candidates = [])
    const group = candidates.find(({ runs: [head] }) => sameWindow(head!, run))
    if (group !== undefined && group.bytes < FULL_RUN_BYTES && group.count + run.indices.length <= BLOCK_EVENTS) {
      group.runs.push(run)
      group.bytes += run.rawLength
      group.count += run.indices.length
      continue
    }
    const begun: Gathered = { runs: [run], bytes: run.rawLength, count: run.indices.length }
    groups.push(begun)
    if (group === undefined) candidates.push(begun)
    else candidates[candidates.indexOf(group)] = begun
  }
  const merging = groups.filter((group) => group.runs.length > 1)
  for (const group of groups) if (group.runs.length === 1) kept.push(group.runs[0]!)
  return { kept, groups: merging }
}

/** Groups that are merged at once, since a segment's would be tens of megabytes. */
const portions = (groups: ReadonlyArray<Gathered>): ReadonlyArray<ReadonlyArray<ReadonlyArray<Run>>> => {
  const all: Array<Array<ReadonlyArray<Run>>> = []
  let bytes = MERGE_BYTES
  for (const group of groups) {
    if (bytes >= MERGE_BYTES) {
      all.push([])
      bytes = 0
    }
    all.at(-1)!.push(group.runs)
    bytes += group.bytes
  }
  return all
}

/** A run of each group, in memory of its own. */
const mergeGroups = Effect.fn("RunMerge.mergeGroups")(
  function*(groups: ReadonlyArray<ReadonlyArray<Run>>, slab: EventSlab) {
    const runs = yield* packRuns(yield* attempt(() => groups.map((group) => joinRuns(slab, group))))
    const room = new Slab(runs.reduce((sum, { frame }) => sum + frame.length, 0))
    return runs.map((run): Run => ({ ...run, frame: room.keep(run.frame) }))
  }
)

/** The slab is given back whatever comes. */
const inSlab = <A, E>(work: (slab: EventSlab) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(Effect.sync(() => new EventSlab()), work, (slab) => Effect.sync(() => slab.release()))

/** The window that several runs make; throws a `FormatError` where they do not. */
const joinRuns = (slab: EventSlab, runs: ReadonlyArray<Run>): Window => {
  const [head] = runs
  if (head === undefined) throw mismatch("nothing to merge")
  const rawLength = runs.reduce((sum, run) => sum + run.rawLength, 0)
  const count = runs.reduce((sum, run) => sum + run.indices.length, 0)
  if (rawLength > RUN_BYTES || count > BLOCK_EVENTS) {
    throw new FormatError({ reason: "Limit", what: "run", detail: `${count} events of ${rawLength} bytes` })
  }
  if (!runs.every((run) => !run.alone && sameWindow(run, head))) throw mismatch("windows that must not be merged")
  const { alone, class: eventClass, conversation, source } = head
  const indices = follow(runs) ? joinInOrder(slab, runs) : joinByIndex(slab, runs)
  return { source, conversation, class: eventClass, alone, indices, raw: slab.close() }
}

/** Whether each run ends before the next one begins. */
const follow = (runs: ReadonlyArray<Run>): boolean =>
  runs.every(({ indices: [first] }, at) => at === 0 || runs[at - 1]!.indices.at(-1)! < first!)

const joinInOrder = (slab: EventSlab, runs: ReadonlyArray<Run>): ReadonlyArray<number> => {
  for (const run of runs) {
    const raw = decompressSync(run)
    checkFrame(raw, run.indices.length)
    slab.join(raw)
  }
  return runs.flatMap(({ indices }) => indices)
}

const joinByIndex = (slab: EventSlab, runs: ReadonlyArray<Run>): ReadonlyArray<number> => {
  const events = runs.flatMap((run) =>
    splitEvents(decompressSync(run), run.indices.length).map((bytes, at) => [run.indices[at]!, bytes] as const)
  )
  events.sort((a, b) => a[0] - b[0])
  if (events.some(([index], at) => at > 0 && events[at - 1]![0] === index)) {
    throw mismatch("an event that is in two runs")
  }
  for (const [, bytes] of events) slab.add(bytes)
  return events.map(([index]) => index)
}

/** Throws a `FormatError` unless there are so many events, and nothing else. */
const checkFrame = (raw: Uint8Array, count: number): void => {
  const reader = new ByteReader(raw, "run")
  for (let left = count; left > 0; left--) reader.skip(reader.count(EVENT_BYTES))
  reader.end()
}

const mismatch = (detail: string) => new FormatError({ reason: "Mismatch", what: "run", detail })
