/**
 * Compares this machine's log with what a target holds of it, once after each opening of the journal and before the
 * first ship. A laptop restored from an older backup finds its later events there and takes them in; a copy of this
 * machine that went on by itself is found out, and both histories are kept: ours goes on under a new writer id.
 *
 * | The target … | then |
 * |---|---|
 * | agrees, as far as it reaches | nothing |
 * | lacks what was shipped | report, ship again |
 * | extends our log | import the missing events, fold them into what the sources remember |
 * | contradicts our log | fork at the last head both agree on |
 */
import { type Context, Effect, Option, Stream } from "effect"
import { createHash } from "node:crypto"
import { eventsOf } from "../format/Block.ts"
import type { FormatError } from "../format/FormatError.ts"
import { BLOCK_EVENTS, LEAF_EVENTS } from "../format/Limits.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import { headAt, LogBuilder } from "../log/MerkleLog.ts"
import type { Event } from "../message/Event.ts"
import { contentOf, withContent } from "../message/EventContent.ts"
import { blobsOf } from "./Blobs.ts"
import { decodeAll, loadLog, makeEntry, openEvents } from "./Entries.ts"
import {
  type JournalEntry,
  JournalError,
  type JournalHead,
  type JournalLog,
  type JournalShape,
  type StateDelta
} from "./Journal.ts"
import { readCursor, shippedOf, type Target, withLog, writeCursor } from "./Shipper.ts"
import type { SourceShape } from "./Source.ts"
import { applyDelta, beforeRefold, foldEvents, isCount, recordingTable } from "./SourceTable.ts"
import type { StorageError, StorageShape } from "./Storage.ts"
import { reachingFurther, type Survey, suspectsOf } from "./Survey.ts"
import { readSegment, type SegmentInfo } from "./VaultObjects.ts"

/** What was found at a target, for `status` and the log. */
export type Finding =
  | { readonly _tag: "agrees"; readonly size: number }
  | { readonly _tag: "short"; readonly size: number; readonly shipped: number }
  | { readonly _tag: "extended"; readonly from: number; readonly size: number }
  | { readonly _tag: "forked"; readonly at: number; readonly writer: Uint8Array }

type ReconcileError = JournalError | StorageError | FormatError

interface Reconciling {
  readonly journal: JournalShape
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly sources: ReadonlyArray<SourceShape>
  /** The machine's own copy of blobs. */
  readonly local: StorageShape
  readonly target: Target
  /** What was found there, just before. */
  readonly survey: Survey
}

/** To be run alone with the log (`Capture.exclusively`), before the first append or ship of a session. */
export const reconcile = Effect.fn("Reconcile.reconcile")(function*(reconciling: Reconciling) {
  const { journal, survey: { segments } } = reconciling
  if ((yield* journal.readNote(REFOLD)) === "due") yield* refold(reconciling)
  const identity = yield* journal.identity
  const own = segments
    .filter((segment) => same(segment.writer, identity.writer))
    .toSorted((a, b) => a.first - b.first || b.last - a.last)
  const strange = yield* firstContradiction(reconciling, own)
  const finding = strange === undefined ? yield* extendOrAgree(reconciling, own) : yield* fork(reconciling, strange)
  yield* settleCursor(reconciling)
  return finding
})

/**
 * The first segment that ends inside our log at another root than ours. Only those that may be of another history are
 * looked at; unless one is, which may have begun in any of them: a machine that was put back to an older state knows
 * the session that had gone on then.
 */
const firstContradiction = Effect.fn("Reconcile.firstContradiction")(function*(
  reconciling: Reconciling,
  own: ReadonlyArray<SegmentInfo>
): Effect.fn.Return<SegmentInfo | undefined, ReconcileError> {
  const { journal } = reconciling
  const { sessions } = yield* journal.identity
  const { size } = yield* journal.head
  const strange = yield* firstStrange(reconciling, suspectsOf(own, { sessions, size }))
  return strange === undefined ? undefined : yield* firstStrange(reconciling, own)
})

const firstStrange = Effect.fn("Reconcile.firstStrange")(function*(
  { journal, survey }: Reconciling,
  segments: ReadonlyArray<SegmentInfo>
): Effect.fn.Return<SegmentInfo | undefined, ReconcileError> {
  const { size } = yield* journal.head
  for (const segment of segments) {
    if (segment.last >= size) continue
    const after = yield* survey.endOf(segment)
    if (!same(after.root, yield* rootAt(journal, after.size))) return segment
  }
  return undefined
})

const extendOrAgree = Effect.fn("Reconcile.extendOrAgree")(function*(
  reconciling: Reconciling,
  own: ReadonlyArray<SegmentInfo>
): Effect.fn.Return<Finding, ReconcileError> {
  const { journal, target } = reconciling
  const { size } = yield* journal.head
  const reach = reachOf(own)
  if (reach > size) {
    const strange = yield* extend(reconciling, own)
    if (strange === undefined) return { _tag: "extended", from: size, size: reach }
    // It may have parted from ours before.
    return yield* fork(reconciling, (yield* firstStrange(reconciling, own)) ?? strange)
  }
  const { writer } = yield* journal.identity
  const shipped = shippedOf(yield* readCursor(journal, target.name), writer)
  return reach < shipped ? { _tag: "short", size: reach, shipped } : { _tag: "agrees", size: reach }
})

/**
 * Takes in the events that are at the target and not here. Every segment is proven to continue our log before any
 * event of it is appended; the one that does not is returned.
 */
const extend = Effect.fn("Reconcile.extend")(function*(
  { journal, local, ring, sources, target }: Reconciling,
  own: ReadonlyArray<SegmentInfo>
): Effect.fn.Return<SegmentInfo | undefined, ReconcileError> {
  const log = yield* loadLog(journal)
  while (log.size < reachOf(own)) {
    const from = log.size
    const next = own.filter((segment) => segment.first <= from && segment.last >= from).reduce(
      reachingFurther,
      undefined
    )
    if (next === undefined) return undefined
    const { runs, trailer } = yield* readSegment(target.storage, ring, next)
    const all = yield* eventsOf({ first: next.first, count: next.last - next.first + 1, runs, blobs: [] })
    const missing = all.slice(from - next.first)
    const trial = log.clone()
    for (const bytes of missing) trial.append(bytes)
    if (!same(trial.head().root, trailer.after.root)) return next
    for (let at = 0; at < missing.length; at += BLOCK_EVENTS) {
      const events = yield* decodeAll(missing.slice(at, at + BLOCK_EVENTS))
      const states = yield* foldInto(journal, sources, events, log.size)
      const blobs = blobsOf(ring, events)
      for (const blob of blobs) yield* takeBlob(target.storage, local, blob)
      const entry = yield* makeEntry(log, events, { blobs, contents: [], states })
      yield* journal.append(entry)
    }
  }
  return undefined
})

/** Other targets are filled from here, so what an event needs comes here with it. */
export const takeBlob = Effect.fn("Reconcile.takeBlob")(
  function*(from: StorageShape, local: StorageShape, object: string) {
    const bytes = yield* from.get(object)
    yield* local.put(object, bytes).pipe(Effect.catchIf((error) => error.reason === "AlreadyExists", () => Effect.void))
  }
)

/** What the sources remember after these events, as changes to what they remember now. */
const foldInto = Effect.fn("Reconcile.foldInto")(function*(
  journal: JournalShape,
  sources: ReadonlyArray<SourceShape>,
  events: ReadonlyArray<Event>,
  first: number
) {
  const states: Array<{ source: string; delta: StateDelta }> = []
  for (const source of sources) {
    const known = yield* journal.state(source.name)
    const recorder = recordingTable(known)
    foldEvents(source, events, first, recorder.table)
    const delta = recorder.delta()
    if (delta.length > 0) states.push({ source: source.name, delta })
  }
  return states
})

/**
 * Leaves the log at the last block boundary both agree on, and goes on under a new writer id: first the link, then
 * our own events from there on, at their own times.
 */
const fork = Effect.fn("Reconcile.fork")(function*(
  reconciling: Reconciling,
  strange: SegmentInfo
): Effect.fn.Return<Finding, ReconcileError> {
  const { entropy, journal } = reconciling
  const old = yield* journal.identity
  const current = { writer: old.writer, head: yield* journal.head }
  const at = yield* boundaryBefore(journal, strange.first, current)
  const writer = entropy.bytes(old.writer.length)
  const link: Event = {
    kind: "log.continues",
    recordedAt: at.recordedAt,
    source: "",
    conversation: "",
    writer: old.writer,
    size: at.size,
    root: at.root
  }
  const log = LogBuilder.empty()
  const first = yield* makeEntry(log, [link], { blobs: [], contents: [], states: [] })
  const rest = journal.blocks({ from: at.size, to: current.head.size }).pipe(
    Stream.mapEffect(Effect.fnUntraced(function*(block) {
      const events = yield* decodeAll(yield* eventsOf(block))
      const moved = events.map((event) => rewritten(event, old.writer, writer, at.size))
      return yield* makeEntry(log, moved, { blobs: block.blobs, contents: [], states: [] })
    })),
    Stream.mapError((cause) =>
      cause._tag === "JournalError" ? cause : new JournalError({ reason: "Corrupt", method: "fork", cause })
    )
  )
  yield* journal.writeNote(REFOLD, "due")
  yield* journal.fork({ at, writer, entries: Stream.concat(Stream.succeed<JournalEntry>(first), rest) })
  yield* refold(reconciling)
  return { _tag: "forked", at: at.size, writer }
})

/** References into the part of the log that was re-recorded follow it; what is left behind has no index any more. */
const rewritten = (event: Event, from: Uint8Array, to: Uint8Array, at: number): Event => {
  const { origin, ...rest } = event as Event & { readonly origin?: number }
  const renumbered = (origin === undefined || origin < at ? rest : { ...rest, origin: origin - at + 1 }) as Event
  const content = contentOf(renumbered)
  return content?._tag === "same" && same(content.writer, from) && content.index >= at
    ? withContent(renumbered, { ...content, writer: to, index: content.index - at + 1 })
    : renumbered
}

/**
 * Folds what every source remembers anew from all logs: those left behind at index -1, which stands for "not here". What
 * the target has of these beyond where they were left, other histories of this machine have changed: of that the store is
 * asked again, for in the fold of all logs the later word holds.
 */
const refold = Effect.fn("Reconcile.refold")(function*(reconciling: Reconciling) {
  const { journal, sources } = reconciling
  const logs = yield* journal.logs
  const elsewhere = yield* Effect.forEach(logs.slice(0, -1), (log) => eventsBeyond(reconciling, log))
  for (const source of sources) {
    const table = beforeRefold(yield* journal.state(source.name))
    for (const log of logs) {
      const current = log === logs.at(-1)
      yield* journal.blocks({ from: 0, to: log.head.size, writer: log.writer }).pipe(
        Stream.runForEach(Effect.fnUntraced(function*(block) {
          // Not the map itself: a source may take the table's functions apart.
          const recorder = recordingTable(table)
          foldEvents(source, yield* decodeAll(yield* eventsOf(block)), current ? block.first : -1, recorder.table)
          applyDelta(table, recorder.delta())
        }))
      )
    }
    const touched = recordingTable(table)
    for (const events of elsewhere.flat()) foldEvents(source, events, -1, touched.table)
    for (const [key] of touched.delta()) if (!isCount(key)) table.delete(key)
    yield* journal.replaceState(source.name, table)
  }
  yield* journal.writeNote(REFOLD, "done")
})

/** What a target has of a log behind where it was left here. */
const eventsBeyond = Effect.fn("Reconcile.eventsBeyond")(function*(
  { ring, survey: { segments }, target }: Reconciling,
  { head, writer }: JournalLog
) {
  const beyond: Array<ReadonlyArray<Event>> = []
  let next = head.size
  for (const info of segments.toSorted((a, b) => a.first - b.first || b.last - a.last)) {
    if (!same(info.writer, writer) || info.last < next) continue
    const { runs } = yield* readSegment(target.storage, ring, info)
    const all = yield* eventsOf({ first: info.first, count: info.last - info.first + 1, runs, blobs: [] })
    beyond.push(yield* decodeAll(all.slice(Math.max(0, next - info.first))))
    next = info.last + 1
  }
  return beyond
})

/** Says that a fork was begun: what the sources remember may still name places in the log left behind. */
export const REFOLD = "refold"

/** The head at the last block boundary that is not past an index. */
const boundaryBefore = Effect.fn("Reconcile.boundaryBefore")(function*(
  journal: JournalShape,
  index: number,
  { head, writer }: JournalLog
): Effect.fn.Return<JournalHead, JournalError> {
  if (index >= head.size) return head
  const covering = yield* journal.blocks({ from: index, to: index + 1, writer }).pipe(Stream.runHead)
  const size = Option.match(covering, { onNone: () => 0, onSome: (block) => block.first })
  return size === 0 ? emptyHead : yield* journal.headAt({ size, writer })
})

/** Our root at any size, block boundary or not. */
export const rootAt = Effect.fn("Reconcile.rootAt")(function*(
  journal: JournalShape,
  size: number,
  writer?: Uint8Array
): Effect.fn.Return<Uint8Array, JournalError | FormatError> {
  const log = writer === undefined ? {} : { writer }
  const boundary = yield* journal.headAt({ size, ...log }).pipe(
    Effect.map(({ root }) => root),
    Effect.catchIf((error) => error.reason === "Missing", () => Effect.succeed(undefined))
  )
  if (boundary !== undefined) return boundary
  const leaves = yield* journal.leaves({ from: 0, to: Math.floor(size / LEAF_EVENTS), ...log })
  return headAt(size, leaves, yield* openEvents(journal, size, writer)).root
})

/** The cursor says what the listing says: what is not there was not shipped. */
const settleCursor = Effect.fn("Reconcile.settleCursor")(function*(
  { journal, survey: { blobs, segments }, target }: Reconciling
) {
  let cursor = yield* readCursor(journal, target.name)
  for (const log of yield* journal.logs) {
    const reach = reachOf(segments.filter((segment) => same(segment.writer, log.writer)))
    const head = yield* boundaryBefore(journal, Math.min(reach, log.head.size), log)
    cursor = withLog(cursor, { writer: log.writer, size: head.size, root: head.root })
  }
  yield* writeCursor(journal, target.name, {
    ...cursor,
    objects: segments.length + blobs.objects,
    bytes: segments.reduce((sum, segment) => sum + segment.bytes, blobs.bytes)
  })
})

const emptyHead: JournalHead = { size: 0, root: createHash("sha256").digest(), peaks: [], recordedAt: 0 }

/** How far a log's segments reach from its beginning without a gap. */
const reachOf = (segments: ReadonlyArray<SegmentInfo>): number => {
  let reach = 0
  for (const segment of segments.toSorted((a, b) => a.first - b.first)) {
    if (segment.first > reach) break
    reach = Math.max(reach, segment.last + 1)
  }
  return reach
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
