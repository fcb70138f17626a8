/**
 * From what changed in a store to durable events: gives facts their header, stores long content, finds content that
 * is there already, and appends events, what the source remembers and the log's new head in one write. When a pass
 * returns, all it saw is in the journal; if it fails in between, what was taken is there and the rest comes again.
 */
import { createHash } from "node:crypto"
import { Clock, Context, Effect, Layer, Stream } from "effect"
import { CONTENT_INDEX_BYTES } from "../format/Limits.ts"
import { Entropy } from "../keys/Entropy.ts"
import { KeyRing } from "../keys/KeyRing.ts"
import type { Event, Fact } from "../message/Event.ts"
import { contentOf, withContent } from "../message/EventContent.ts"
import type { LogBuilder } from "../log/MerkleLog.ts"
import { storeLarge } from "./Blobs.ts"
import { type EntryExtras, loadLog, makeEntry } from "./Entries.ts"
import type { FormatError } from "../format/FormatError.ts"
import { type ContentEntry, Journal, type JournalError } from "./Journal.ts"
import type { Batch, SourceError, SourceShape, SourceState } from "./Source.ts"
import { applyDelta, foldEvents, recordingTable } from "./SourceTable.ts"
import type { StorageError } from "./Storage.ts"
import { LocalObjects } from "./Vault.ts"

export type CaptureError = SourceError | JournalError | StorageError | FormatError

/** What one pass over a source added to the log. */
export interface PassReport {
  readonly events: number
}

export class Capture extends Context.Tag("@sealog/core/backup/Capture")<Capture, {
  /** One pass over a source: when it returns, everything that differed from what it remembered is durable. */
  readonly pass: (source: SourceShape) => Effect.Effect<PassReport, CaptureError>
  /** What a source remembers now. */
  readonly state: (source: string) => Effect.Effect<SourceState, JournalError>
  /** Appends facts of the log itself (witnesses, keys). */
  readonly record: (facts: ReadonlyArray<Fact>) => Effect.Effect<void, CaptureError>
  /** Runs alone with the log: no append happens meanwhile, and all that was loaded is loaded anew afterwards. */
  readonly exclusively: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}>() {}

/** A checkpoint rides along with a pass that took at least this many events, or … */
const CHECKPOINT_EVENTS = 1_000
/** … when the last one of its source is this old, milliseconds: a live message should not cost two events. */
const CHECKPOINT_MILLIS = 10 * 60 * 1_000

export const make = Effect.gen(function*() {
  const journal = yield* Journal
  const ring = yield* KeyRing
  const entropy = yield* Entropy
  const local = yield* LocalObjects
  const turn = yield* Effect.makeSemaphore(1)
  const tables = new Map<string, Map<string, string>>()
  const checkpoints = new Map<string, number>()
  let log: LogBuilder | undefined

  const table = Effect.fn("Capture.table")(function*(source: string) {
    const known = tables.get(source)
    if (known !== undefined) return known
    const loaded = new Map(yield* journal.state(source))
    tables.set(source, loaded)
    return loaded
  })

  const now = Effect.gen(function*() {
    const head = yield* journal.head
    return Math.max(yield* Clock.currentTimeMillis, head.recordedAt)
  })

  /** Appends or, where that fails, forgets what it had loaded: the journal knows better what is there. */
  const append = Effect.fn("Capture.append")(function*(events: ReadonlyArray<Event>, extras: EntryExtras) {
    log ??= yield* loadLog(journal)
    const entry = yield* makeEntry(log, events, extras)
    yield* journal.append(entry)
  }, Effect.onError(() => Effect.sync(forget)))

  const forget = () => {
    log = undefined
    tables.clear()
  }

  const take = Effect.fn("Capture.take")(function*(source: SourceShape, batch: Batch) {
    if (batch.drafts.length === 0 && batch.cursor === undefined) return 0
    const recordedAt = yield* now
    const { writer } = yield* journal.identity
    const blobs: Array<string> = []
    const facts: Array<Fact> = []
    for (const draft of batch.drafts) {
      if (draft.large === undefined) {
        facts.push(draft.fact)
        continue
      }
      const stored = yield* storeLarge({ ring, entropy, local, writer }, draft.large)
      blobs.push(...stored.names)
      facts.push(withContent(draft.fact, stored.content))
    }
    const { size } = yield* journal.head
    const { contents, facts: shared } = yield* shareContents(facts, size, writer)
    const events = shared.map((fact): Event => ({ ...withOrigin(fact), recordedAt, source: source.name }))
    const known = yield* table(source.name)
    const recorder = recordingTable(known)
    foldEvents(source, events, size, recorder.table)
    for (const [key, value] of batch.cursor ?? []) {
      if (value === undefined) recorder.table.delete(key)
      else recorder.table.set(key, value)
    }
    const delta = recorder.delta()
    if (events.length > 0) yield* append(events, { blobs, contents, states: [{ source: source.name, delta }] })
    else if (delta.length > 0) yield* journal.remember(source.name, delta)
    applyDelta(known, delta)
    return events.length
  }, Effect.onError(() => Effect.sync(forget)))

  /** Inline content that the log holds already is named, not repeated. */
  const shareContents = Effect.fn("Capture.shareContents")(function*(
    facts: ReadonlyArray<Fact>,
    first: number,
    writer: Uint8Array
  ) {
    const digests = facts.map((fact) => {
      const content = contentOf(fact)
      return content?._tag === "inline" && content.bytes.length >= CONTENT_INDEX_BYTES
        ? createHash("sha256").update(content.bytes).digest()
        : undefined
    })
    const wanted = digests.filter((digest) => digest !== undefined).map((digest) => digest.toString("hex"))
    const found = wanted.length === 0 ? [] : yield* journal.contents(wanted)
    const index = new Map<string, number>()
    wanted.forEach((hex, position) => {
      const at = found[position]
      if (at !== undefined) index.set(hex, at)
    })
    const contents: Array<ContentEntry> = []
    const shared = facts.map((fact, position) => {
      const sha256 = digests[position]
      if (sha256 === undefined) return fact
      const hex = sha256.toString("hex")
      const at = index.get(hex)
      if (at === undefined) {
        index.set(hex, first + position)
        contents.push([hex, first + position])
        return fact
      }
      return withContent(fact, { _tag: "same", sha256, size: inlineSize(fact), writer, index: at })
    })
    return { facts: shared, contents }
  })

  const checkpoint = Effect.fn("Capture.checkpoint")(function*(source: SourceShape, events: number) {
    const recordedAt = yield* now
    const due = (checkpoints.get(source.name) ?? 0) + CHECKPOINT_MILLIS
    if (events < CHECKPOINT_EVENTS && recordedAt < due) return 0
    checkpoints.set(source.name, recordedAt)
    const { size } = yield* table(source.name)
    yield* append(
      [{ kind: "source.checkpoint", conversation: "", recordedAt, source: source.name, counts: { remembered: size } }],
      { blobs: [], contents: [], states: [] }
    )
    return 1
  })

  const pass = Effect.fn("Capture.pass")(function*(source: SourceShape) {
    const state = yield* turn.withPermits(1)(table(source.name))
    const events = yield* source.changes(state).pipe(
      Stream.mapEffect((batch) => turn.withPermits(1)(Effect.uninterruptible(take(source, batch)))),
      Stream.runSum
    )
    const extra = events === 0 ? 0 : yield* turn.withPermits(1)(Effect.uninterruptible(checkpoint(source, events)))
    return { events: events + extra }
  })

  return Capture.of({
    pass,
    state: (source) => turn.withPermits(1)(table(source)),
    record: Effect.fn("Capture.record")(function*(facts) {
      if (facts.length === 0) return
      const recordedAt = yield* now
      yield* append(facts.map((fact): Event => ({ ...fact, recordedAt, source: "" })), {
        blobs: [],
        contents: [],
        states: []
      })
    }, turn.withPermits(1)),
    exclusively: (work) => turn.withPermits(1)(work.pipe(Effect.ensuring(Effect.sync(forget))))
  })
})

export const layer = Layer.effect(Capture, make)

/** A message that was added in a log left behind has no place in this one. */
const withOrigin = (fact: Fact): Fact => {
  if (!("origin" in fact) || fact.origin === undefined || fact.origin >= 0) return fact
  const { origin: _, ...rest } = fact
  return rest as Fact
}

const inlineSize = (fact: Fact): number => {
  const content = contentOf(fact)
  return content?._tag === "inline" ? content.bytes.length : 0
}
