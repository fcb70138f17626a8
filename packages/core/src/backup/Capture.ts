/**
 * From what changed in a store to durable events: gives facts their header, stores long content, finds content that
 * is there already, and appends events, what the source remembers and the log's new head in one write. When a pass
 * returns, all it saw is in the journal; if it fails in between, what was taken is there and the rest comes again.
 */
import { Clock, Context, Effect, Either, Layer, Stream } from "effect"
import { Buffer } from "node:buffer"
import { attempt } from "../format/Binary.ts"
import { encodeEvent } from "../format/EventCodec.ts"
import type { FormatError } from "../format/FormatError.ts"
import { Entropy } from "../keys/Entropy.ts"
import { KeyRing, type KeyRingShape } from "../keys/KeyRing.ts"
import type { LogBuilder } from "../log/MerkleLog.ts"
import type { Event, Fact } from "../message/Event.ts"
import { withContent } from "../message/EventContent.ts"
import { storeLarge } from "./Blobs.ts"
import { shareContents } from "./ContentSharing.ts"
import { type EntryExtras, loadLog, makeEntry, noExtras } from "./Entries.ts"
import { Journal, type JournalError, type JournalShape } from "./Journal.ts"
import type { Batch, Draft, SourceError, SourceShape, SourceState } from "./Source.ts"
import { applyDelta, foldEvents, recordingTable } from "./SourceTable.ts"
import type { StorageError, StorageShape } from "./Storage.ts"
import { LocalObjects } from "./Vault.ts"

export type CaptureError = SourceError | JournalError | StorageError | FormatError

/** What a pass over a source, or a batch of it, added to the log. */
export interface PassReport {
  readonly events: number
  /** As they went into the journal, compressed. */
  readonly bytes: number
}

export class Capture extends Context.Tag("@sealog/core/backup/Capture")<Capture, {
  /**
   * One pass over a source: when it returns, everything that differed from what it remembered is durable. `onTaken`
   * learns of each batch once it is.
   */
  readonly pass: (
    source: SourceShape,
    onTaken?: (batch: PassReport) => Effect.Effect<void>
  ) => Effect.Effect<PassReport, CaptureError>
  /** What a source remembers now. */
  readonly state: (source: string) => Effect.Effect<SourceState, JournalError>
  /** Runs alone with the log: no append happens meanwhile, and all that was loaded is loaded anew afterwards. */
  readonly exclusively: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}>() {}

/** A checkpoint rides along with a pass that took at least this many events, or … */
const CHECKPOINT_EVENTS = 1_000
/** … when the last one of its source is this old, milliseconds: a live message should not cost two events. */
const CHECKPOINT_MILLIS = 10 * 60 * 1_000

export const make = Effect.gen(function*() {
  const recorder = new Recorder({
    journal: yield* Journal,
    ring: yield* KeyRing,
    entropy: yield* Entropy,
    local: yield* LocalObjects
  })
  const turn = yield* Effect.makeSemaphore(1)
  // What is begun is ended: between a durable write and what is remembered of it here nothing may come.
  const alone = <A, E>(work: Effect.Effect<A, E>) =>
    turn.withPermits(1)(Effect.uninterruptible(Effect.onError(work, () => Effect.sync(() => recorder.forget()))))

  const passes = new Map<string, Effect.Semaphore>()
  /** Two passes of one source at once would both find the same news. */
  const inTurn = (source: string): Effect.Semaphore => {
    const mine = passes.get(source) ?? Effect.unsafeMakeSemaphore(1)
    passes.set(source, mine)
    return mine
  }

  const pass = Effect.fn("Capture.pass")(function*(
    source: SourceShape,
    onTaken: (batch: PassReport) => Effect.Effect<void> = () => Effect.void
  ) {
    const state = yield* alone(recorder.table(source.name))
    const taken = yield* source.changes(state).pipe(
      Stream.mapEffect((batch) => Effect.tap(alone(recorder.take(source, batch)), onTaken)),
      Stream.runFold(NOTHING, both)
    )
    return taken.events === 0 ? taken : both(taken, yield* alone(recorder.checkpoint(source.name, taken.events)))
  })

  return Capture.of({
    pass: (source, onTaken) => inTurn(source.name).withPermits(1)(pass(source, onTaken)),
    state: (source) => alone(recorder.table(source)),
    exclusively: (work) => turn.withPermits(1)(Effect.ensuring(work, Effect.sync(() => recorder.forget())))
  })
})

/** @public */
export const layer = Layer.effect(Capture, make)

interface Recording {
  readonly journal: JournalShape
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly local: StorageShape
}

/** The log as it grows and the tables of the sources, loaded once; one caller at a time. */
class Recorder {
  private readonly into: Recording
  private readonly tables = new Map<string, Map<string, string>>()
  private log: LogBuilder | undefined

  constructor(into: Recording) {
    this.into = into
  }

  readonly table = Effect.fn("Capture.table")(function*(this: Recorder, source: string) {
    const known = this.tables.get(source)
    if (known !== undefined) return known
    const loaded = new Map(yield* this.into.journal.state(source))
    this.tables.set(source, loaded)
    return loaded
  }.bind(this))

  /** Makes one batch durable, as one block. What no event can hold becomes a gap: it must not stop the rest. */
  readonly take = Effect.fn("Capture.take")(function*(this: Recorder, source: SourceShape, batch: Batch) {
    const { blobs, facts } = yield* this.store(batch.drafts)
    const cursor = batch.cursor ?? []
    return yield* this.record(source, { blobs, facts, cursor }).pipe(
      Effect.catchIf(
        (error) => error._tag === "FormatError" && error.what === "event",
        () =>
          Effect.flatMap(this.table(source.name), (known) => {
            const held = holdable(facts, known)
            return this.record(source, { blobs, facts: held.facts, cursor: [...cursor, ...held.told] })
          })
      )
    )
  }.bind(this))

  private readonly record = Effect.fn("Capture.record")(function*(this: Recorder, source: SourceShape, batch: {
    readonly facts: ReadonlyArray<Fact>
    readonly blobs: ReadonlyArray<string>
    readonly cursor: NonNullable<Batch["cursor"]>
  }) {
    const { journal } = this.into
    const { size } = yield* journal.head
    const { contents, facts } = yield* shareContents(journal, batch.facts, size)
    const recordedAt = yield* this.now()
    const events = facts.map((fact): Event => ({ ...withoutLostOrigin(fact), recordedAt, source: source.name }))
    const known = yield* this.table(source.name)
    const { delta, table } = recordingTable(known)
    foldEvents(source, events, size, table)
    for (const [key, value] of batch.cursor) {
      if (value === undefined) table.delete(key)
      else table.set(key, value)
    }
    const changed = delta()
    const states = [{ source: source.name, delta: changed }]
    const taken = events.length === 0 ? NOTHING : yield* this.append(events, { blobs: batch.blobs, contents, states })
    if (events.length === 0 && changed.length > 0) yield* journal.remember(source.name, changed)
    applyDelta(known, changed)
    return taken
  }.bind(this))

  /** Notes in the log how much a source has told, now and then. */
  readonly checkpoint = Effect.fn("Capture.checkpoint")(function*(this: Recorder, source: string, events: number) {
    const recordedAt = yield* this.now()
    const known = yield* this.table(source)
    const due = Number(known.get(CHECKPOINT) ?? 0) + CHECKPOINT_MILLIS
    if (events < CHECKPOINT_EVENTS && recordedAt < due) return NOTHING
    const delta = [[CHECKPOINT, String(recordedAt)]] as const
    const counts = { remembered: known.size }
    const event: Event = { kind: "source.checkpoint", conversation: "", recordedAt, source, counts }
    const taken = yield* this.append([event], { ...noExtras, states: [{ source, delta }] })
    applyDelta(known, delta)
    return taken
  }.bind(this))

  /** What was loaded may not be what is there any more: the journal knows better. */
  forget(): void {
    this.log = undefined
    this.tables.clear()
  }

  private readonly append = Effect.fn("Capture.append")(function*(
    this: Recorder,
    events: ReadonlyArray<Event>,
    extras: EntryExtras
  ) {
    const log = this.log ?? (yield* loadLog(this.into.journal))
    this.log = log
    const entry = yield* makeEntry(log, events, extras)
    yield* this.into.journal.append(entry)
    const bytes = entry.block.runs.reduce((sum, run) => sum + run.frame.length, 0)
    return { events: events.length, bytes } satisfies PassReport
  }.bind(this))

  /** Long content goes into blobs first, so that no event ever names what is not there. */
  private readonly store = Effect.fn("Capture.store")(function*(this: Recorder, drafts: ReadonlyArray<Draft>) {
    const { writer } = yield* this.into.journal.identity
    const facts: Array<Fact> = []
    const blobs: Array<string> = []
    for (const { fact, large } of drafts) {
      if (large === undefined) {
        facts.push(fact)
        continue
      }
      const stored = yield* storeLarge({ ...this.into, writer }, large)
      facts.push(withContent(fact, stored.content))
      blobs.push(...stored.names)
    }
    return { facts, blobs }
  }.bind(this))

  /** Times of a log never go back, whatever the clock does. */
  private readonly now = Effect.fn("Capture.now")(function*(this: Recorder) {
    const { recordedAt } = yield* this.into.journal.head
    return Math.max(yield* Clock.currentTimeMillis, recordedAt)
  }.bind(this))
}

const NOTHING: PassReport = { events: 0, bytes: 0 }

const both = (a: PassReport, b: PassReport): PassReport => ({ events: a.events + b.events, bytes: a.bytes + b.bytes })

/** When a source had its last checkpoint, milliseconds; no source's own key begins so. */
const CHECKPOINT = "sealog:checkpoint"
/** Notes what was told of as a gap, so that it is told once; no source's own key begins so. */
const UNHELD = "sealog:unheld:"

/** The facts that an event can hold, and for each other one, once, that it is there. */
const holdable = (facts: ReadonlyArray<Fact>, known: SourceState) => {
  const told: Array<readonly [key: string, reason: string]> = []
  const held = facts.flatMap((fact): ReadonlyArray<Fact> => {
    const encoded = attempt(() => encodeEvent({ ...withoutLostOrigin(fact), recordedAt: 0, source: "" }))
    if (Either.isRight(encoded)) return [fact]
    const subject = text("key" in fact ? fact.key : "message" in fact ? fact.message.key : fact.kind)
    if (known.has(UNHELD + subject)) return []
    const reason = encoded.left.message
    told.push([UNHELD + subject, reason])
    return [{ kind: "source.gap", conversation: text(fact.conversation), subject, reason }]
  })
  return { facts: held, told }
}

/** Text that can be written: whole characters, not too many. */
const text = (value: string): string => Buffer.from(value.slice(0, GAP_CHARS)).toString()
const GAP_CHARS = 1_000

/** A message that was added in a log left behind has no place in this one. */
const withoutLostOrigin = (fact: Fact): Fact => {
  if (!("origin" in fact) || fact.origin === undefined || fact.origin >= 0) return fact
  const { origin: _, ...rest } = fact
  return rest as Fact
}
