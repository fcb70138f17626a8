/**
 * The log as it grows and what sources remember, ahead of the journal by what is being written: a batch is prepared
 * here, in the order of the log, while the one before it is still being compressed and made durable. All of it comes
 * from the journal and is forgotten when a write fails, since only the journal knows what is there then.
 *
 * One caller at a time; `Capture` sees to that.
 */
import { Clock, type Context, Effect, Either } from "effect"
import { Buffer } from "node:buffer"
import { attempt } from "../format/Binary.ts"
import { Compressor, type CompressorShape } from "../format/Compressor.ts"
import { encodeEvent } from "../format/EventCodec.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import type { LogBuilder } from "../log/MerkleLog.ts"
import type { Event, Fact } from "../message/Event.ts"
import { withContent } from "../message/EventContent.ts"
import { storeLarge } from "./Blobs.ts"
import { shareContents } from "./ContentSharing.ts"
import { finishEntry, loadLog, noExtras, type PreparedEntry, prepareEntry } from "./Entries.ts"
import type { JournalEntry, JournalShape, StateDelta } from "./Journal.ts"
import type { Batch, Draft, SourceShape, SourceState } from "./Source.ts"
import { applyDelta, foldEvents, recordingTable } from "./SourceTable.ts"
import type { StorageShape } from "./Storage.ts"

interface Recording {
  readonly journal: JournalShape
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  readonly local: StorageShape
  readonly compressor: CompressorShape
}

/** A batch that has its place in the log: what is left is to compress it and to write it. */
export interface Prepared {
  readonly source: string
  /** Absent where a source only remembers something else than before. */
  readonly entry?: PreparedEntry
  readonly delta: StateDelta
}

/** A fact and, where it is at hand, the SHA-256 of its inline content. */
interface Told {
  readonly fact: Fact
  readonly sha256?: Uint8Array
}

/** A checkpoint rides along with a pass that took at least this many events, or … */
const CHECKPOINT_EVENTS = 1_000
/** … when the last one of its source is this old, milliseconds: a live message should not cost two events. */
const CHECKPOINT_MILLIS = 10 * 60 * 1_000

export class Recorder {
  private readonly into: Recording
  private readonly tables = new Map<string, Map<string, string>>()
  /** Where contents of entries stand that the journal does not know yet, by SHA-256 in hex. */
  private readonly contents = new Map<string, number>()
  private log: LogBuilder | undefined
  private lastAt = 0
  /** Changes whenever all was forgotten: what was prepared before that has no place in the log. */
  generation = 0

  constructor(into: Recording) {
    this.into = into
  }

  readonly table = Effect.fn("Recorder.table")(function*(this: Recorder, source: string) {
    const known = this.tables.get(source)
    if (known !== undefined) return known
    const loaded = new Map(yield* this.into.journal.state(source))
    this.tables.set(source, loaded)
    return loaded
  }.bind(this))

  /** Prepares one batch, as one block. What no event can hold becomes a gap: it must not stop the rest. */
  readonly prepare = Effect.fn("Recorder.prepare")(function*(this: Recorder, source: SourceShape, batch: Batch) {
    const { blobs, told } = yield* this.store(batch.drafts)
    const cursor = batch.cursor ?? []
    return yield* this.place(source, { blobs, told, cursor }).pipe(
      Effect.catchIf(
        (error) => error._tag === "FormatError" && error.what === "event",
        () =>
          Effect.flatMap(this.table(source.name), (known) => {
            const held = holdable(told, known)
            return this.place(source, { blobs, told: held.told, cursor: [...cursor, ...held.noted] })
          })
      )
    )
  }.bind(this))

  private readonly place = Effect.fn("Recorder.place")(function*(this: Recorder, source: SourceShape, batch: {
    readonly told: ReadonlyArray<Told>
    readonly blobs: ReadonlyArray<string>
    readonly cursor: NonNullable<Batch["cursor"]>
  }) {
    const log = yield* this.loaded()
    const { contents, facts } = yield* shareContents(this.into.journal, batch.told, {
      first: log.size,
      pending: this.contents
    })
    const recordedAt = yield* this.now()
    // What is written out stands first: after a spread, V8 makes each event as a dictionary, twenty times as slowly.
    const events = facts.map((fact): Event => ({ recordedAt, source: source.name, ...withoutLostOrigin(fact) }))
    const known = yield* this.table(source.name)
    const { delta, table } = recordingTable(known)
    foldEvents(source, events, log.size, table)
    for (const [key, value] of batch.cursor) {
      if (value === undefined) table.delete(key)
      else table.set(key, value)
    }
    const changed = delta()
    const states = [{ source: source.name, delta: changed }]
    const entry = events.length === 0
      ? undefined
      : yield* prepareEntry(log, events, { blobs: batch.blobs, contents, states })
    this.lastAt = recordedAt
    applyDelta(known, changed)
    for (const [sha256, index] of contents) this.contents.set(sha256, index)
    return { source: source.name, delta: changed, ...(entry === undefined ? {} : { entry }) } satisfies Prepared
  }.bind(this))

  /** Notes in the log how much a source has told, now and then; nothing where that is not due. */
  readonly checkpoint = Effect.fn("Recorder.checkpoint")(function*(this: Recorder, source: string, events: number) {
    const log = yield* this.loaded()
    const recordedAt = yield* this.now()
    const known = yield* this.table(source)
    const due = Number(known.get(CHECKPOINT) ?? 0) + CHECKPOINT_MILLIS
    if (events < CHECKPOINT_EVENTS && recordedAt < due) return { source, delta: [] } satisfies Prepared
    const delta = [[CHECKPOINT, String(recordedAt)]] as const
    const counts = { remembered: known.size }
    const event: Event = { kind: "source.checkpoint", conversation: "", recordedAt, source, counts }
    const entry = yield* prepareEntry(log, [event], { ...noExtras, states: [{ source, delta }] })
    this.lastAt = recordedAt
    applyDelta(known, delta)
    return { source, delta, entry } satisfies Prepared
  }.bind(this))

  /** The entry as it is written, once its windows are compressed. */
  readonly finish = (prepared: Prepared): Effect.Effect<JournalEntry | undefined> =>
    prepared.entry === undefined
      ? Effect.succeed(undefined)
      : Effect.provideService(finishEntry(prepared.entry), Compressor, this.into.compressor)

  /** Makes it durable. */
  readonly write = Effect.fn("Recorder.write")(function*(
    this: Recorder,
    prepared: Prepared,
    entry: JournalEntry | undefined
  ) {
    const { delta, source } = prepared
    if (entry !== undefined) {
      yield* this.into.journal.append(entry)
      prepared.entry?.release()
      for (const [sha256] of entry.contents) this.contents.delete(sha256)
    } else if (delta.length > 0) yield* this.into.journal.remember(source, delta)
  }.bind(this))

  /** What was loaded may not be what is there any more: the journal knows better. */
  forget(): void {
    this.generation++
    this.log = undefined
    this.tables.clear()
    this.contents.clear()
  }

  private readonly loaded = Effect.fn("Recorder.loaded")(function*(this: Recorder) {
    if (this.log !== undefined) return this.log
    const { recordedAt } = yield* this.into.journal.head
    const log = yield* loadLog(this.into.journal)
    this.lastAt = recordedAt
    return this.log = log
  }.bind(this))

  /** Long content goes into blobs first, so that no event ever names what is not there. */
  private readonly store = Effect.fn("Recorder.store")(function*(this: Recorder, drafts: ReadonlyArray<Draft>) {
    const { writer } = yield* this.into.journal.identity
    const told: Array<Told> = []
    const blobs: Array<string> = []
    for (const draft of drafts) {
      if (draft.large === undefined) {
        told.push(draft)
        continue
      }
      const stored = yield* storeLarge({ ...this.into, writer }, draft.large)
      told.push({ fact: withContent(draft.fact, stored.content) })
      blobs.push(...stored.names)
    }
    return { told, blobs }
  }.bind(this))

  /** Times of a log are whole milliseconds and never go back, whatever the clock does. */
  private readonly now = Effect.fn("Recorder.now")(function*(this: Recorder) {
    return Math.max(Math.floor(yield* Clock.currentTimeMillis), this.lastAt)
  }.bind(this))
}

/** When a source had its last checkpoint, milliseconds; no source's own key begins so. */
const CHECKPOINT = "sealog:checkpoint"
/** Notes what was told of as a gap, so that it is told once; no source's own key begins so. */
const UNHELD = "sealog:unheld:"

/** The facts that an event can hold, and for each other one, once, that it is there. */
const holdable = (all: ReadonlyArray<Told>, known: SourceState) => {
  const noted: Array<readonly [key: string, reason: string]> = []
  const told = all.flatMap((one): ReadonlyArray<Told> => {
    const { fact } = one
    const encoded = attempt(() => encodeEvent({ ...withoutLostOrigin(fact), recordedAt: 0, source: "" }))
    if (Either.isRight(encoded)) return [one]
    const subject = text("key" in fact ? fact.key : "message" in fact ? fact.message.key : fact.kind)
    if (known.has(UNHELD + subject)) return []
    const reason = encoded.left.message
    noted.push([UNHELD + subject, reason])
    return [{ fact: { kind: "source.gap", conversation: text(fact.conversation), subject, reason } }]
  })
  return { told, noted }
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
