/**
 * The first half of a replay: everything in a vault but the messages themselves. Only the runs of changes and control
 * events are fetched; of a log that was restored before, only the new ones, and older ones where something new is
 * about an old message.
 */
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { isDamage, type SegmentInfo } from "../backup/VaultObjects.ts"
import { attempt } from "../format/Binary.ts"
import { selectEvents } from "../format/Block.ts"
import { decodeEvent } from "../format/EventCodec.ts"
import * as Changes from "../message/Changes.ts"
import type { Event, EventClass, EventOf } from "../message/Event.ts"
import type { Position } from "../message/Stamp.ts"
import { type FetchError, type FetchShape, isGone, type WriterLog } from "./Fetch.ts"
import type { KnownHead, StartHead } from "./Open.ts"
import { type ReadingPlan, readingPlan } from "./Plan.ts"

/** How far an earlier restore had come, by writer in hex. */
export type Since = ReadonlyMap<string, StartHead>

/** A message of which something new is told. */
export interface Touched {
  readonly source: string
  readonly key: string
  /** Where it was added, where that is known. */
  readonly origin?: { readonly writer: Uint8Array; readonly index: number }
}

export interface Collected {
  /** As of the earlier restore. */
  readonly before: Changes.Changes
  readonly after: Changes.Changes
  readonly touched: ReadonlyMap<string, Touched>
  readonly removedFolders: ReadonlyArray<{ readonly source: string; readonly folder: string }>
  readonly removedFiles: ReadonlyArray<{ readonly source: string; readonly path: string }>
  /** Heads that events of one log tell of another. */
  readonly witnessed: ReadonlyArray<KnownHead & { readonly writer: string }>
}

export const collect = Effect.fn("Collect.collect")(function*(fetch: FetchShape, since: Since) {
  const state = {
    before: Changes.make(),
    after: Changes.make(),
    touched: new Map<string, Touched>(),
    removedFolders: new Array<{ source: string; folder: string }>(),
    removedFiles: new Array<{ source: string; path: string }>(),
    witnessed: new Array<KnownHead & { writer: string }>()
  }
  const read = Effect.fn("Collect.read")(function*(
    info: SegmentInfo,
    writer: string,
    wanted: ReadonlySet<EventClass>,
    take: (event: Event, index: number, writer: string) => void
  ) {
    const trailer = yield* fetch.trailer(info)
    const entries = trailer.runs.filter((entry) => wanted.has(entry.class))
    if (entries.length === 0) return
    const events = yield* selectEvents(yield* fetch.runs(info, entries))
    yield* attempt(() => {
      for (const { bytes, index } of events) take(decodeEvent(bytes), index, writer)
    })
  })

  const plans = plansOf(fetch)

  /** What is damaged is found and named when the log is opened; here it only has nothing to tell. */
  const readOnce = Effect.fn("Collect.readOnce")(function*(
    choose: (info: SegmentInfo, size: number) => boolean,
    wanted: ReadonlySet<EventClass>,
    take: (event: Event, index: number, writer: string) => void
  ) {
    let gone = false
    const lenient = (reading: Effect.Effect<void, FetchError>) =>
      Effect.catchIf(reading, isDamage, (error) => Effect.sync(() => void (gone ||= isGone(error))))
    for (const { branches, chain, writer } of yield* plans) {
      const size = since.get(writer)?.size ?? 0
      for (const info of chain) if (choose(info, size)) yield* lenient(read(info, writer, wanted, take))
      for (const info of branches) if (choose(info, size)) yield* lenient(read(info, branchOf(writer), wanted, take))
    }
    return gone
  })

  /** Where an object was merged into another meanwhile, all is read again: what was taken already changes nothing. */
  const readAll = Effect.fn("Collect.readAll")(function*(...reading: Parameters<typeof readOnce>) {
    for (let again = true; again;) again = (yield* readOnce(...reading)) && (yield* fetch.refresh)
  })

  // One machine never adds a message twice; two may, and of several histories each has its own.
  const planned = yield* plans
  const several = planned.length > 1 || planned.some(({ branches }) => branches.length > 0)
  const wanted = several ? everything : changesAndControl
  yield* readAll((info, size) => info.last >= size, wanted, (event, index, writer) => {
    const isNew = index >= (since.get(writer)?.size ?? 0)
    for (const changes of isNew ? [state.after] : [state.before, state.after]) {
      keep(changes, event, { writer, index })
    }
    if (isNew) note(state, event, writer)
  })
  if (since.size > 0 && (state.touched.size > 0 || several)) {
    yield* readAll((info, size) => info.last < size, wanted, (event, index, writer) => {
      for (const changes of [state.before, state.after]) keep(changes, event, { writer, index })
    })
  }
  return state satisfies Collected
})

/** How each log is read, as it was last listed; found out once a listing. */
const plansOf = (fetch: FetchShape): Effect.Effect<ReadonlyArray<ReadingPlan>, FetchError> => {
  const known = new Map<WriterLog, ReadingPlan>()
  const planOf = (log: WriterLog) => {
    const plan = known.get(log)
    return plan === undefined
      ? Effect.tap(readingPlan(fetch, log), (made) => Effect.sync(() => known.set(log, made)))
      : Effect.succeed(plan)
  }
  return Effect.suspend(() => Effect.forEach(fetch.writers, planOf))
}

const keep = (changes: Changes.Changes, event: Event, position: Position): void => {
  if (event.kind === "message.added") changes.mark(event, position)
  else changes.add(event, position)
}

/** The name that events of a second history of one writer go by. */
export const branchOf = (writer: string): string => `${writer}~`

export const touchedKey = (source: string, key: string): string => JSON.stringify([source, key])

const changesAndControl: ReadonlySet<EventClass> = new Set(["control", "changes"])
const everything: ReadonlySet<EventClass> = new Set(["control", "changes", "additions"])

const note = (
  state: {
    readonly touched: Map<string, Touched>
    readonly removedFolders: Array<{ source: string; folder: string }>
    readonly removedFiles: Array<{ source: string; path: string }>
    readonly witnessed: Array<KnownHead & { writer: string }>
  },
  event: Event,
  writer: string
): void => {
  const { source } = event
  if (event.kind === "chat.removed" && event.folder !== undefined) {
    state.removedFolders.push({ source, folder: event.folder })
  } else if (event.kind === "file.removed") state.removedFiles.push({ source, path: event.path })
  else if (event.kind === "witness" || event.kind === "log.continues") {
    state.witnessed.push({ writer: hex(event.writer), size: event.size, root: event.root, from: event.kind })
  }
  const key = keyOf(event)
  if (key === undefined) return
  const { origin } = event as Event & { readonly origin?: number }
  const known = state.touched.get(touchedKey(source, key))
  if (known?.origin !== undefined) return
  state.touched.set(touchedKey(source, key), {
    source,
    key,
    ...(origin === undefined
      ? {}
      : { origin: { writer: Buffer.from(writer.slice(0, WRITER_CHARS), "hex"), index: origin } })
  })
}

type WithKey = EventOf<"message.removed" | "message.flags" | "message.restored" | "reaction.added">

const keyOf = (event: Event): string | undefined => {
  if (event.kind === "message.edited") return event.message.key
  return "key" in event && event.kind !== "attachment.content" ? (event as WithKey).key : undefined
}

const WRITER_CHARS = 16

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
