/**
 * From what changed in a store to durable events: gives facts their header, stores long content, finds content that
 * is there already, and appends events, what the source remembers and the log's new head in one write. When a pass
 * returns, all it saw is in the journal; if it fails in between, what was taken is there and the rest comes again.
 *
 * While one batch is compressed and written the next one is prepared, so that both the disk and the processor have
 * something to do; batches of one source and of several take their places in the log one after the other.
 */
import { type Cause, Context, Effect, Fiber, Layer, type Scope, Stream } from "effect"
import { Compressor } from "../format/Compressor.ts"
import type { FormatError } from "../format/FormatError.ts"
import { CAPTURE_QUEUE_BATCHES } from "../format/Limits.ts"
import { Entropy } from "../keys/Entropy.ts"
import { KeyRing } from "../keys/KeyRing.ts"
import { Journal, type JournalEntry, type JournalError } from "./Journal.ts"
import { asJournals, makePast } from "./Past.ts"
import { type Prepared, Recorder } from "./Recorder.ts"
import type { Batch, SourceError, SourceShape, SourceState } from "./Source.ts"
import type { StorageError } from "./Storage.ts"
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

export const make = Effect.gen(function*() {
  const journal = yield* Journal
  const recorder = new Recorder({
    journal,
    ring: yield* KeyRing,
    entropy: yield* Entropy,
    local: yield* LocalObjects,
    compressor: yield* Compressor
  })
  const queue = yield* makeQueue(recorder)
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
    // Closed at the end whatever comes: what is begun is written before anything else happens.
    const going: Going = { scope: yield* Effect.scope, failed: undefined }
    const state = yield* queue.alone(recorder.table(source.name))
    const begin = (batch: Batch) =>
      Effect.tap(queue.begin(going, recorder.prepare(source, batch)), () => Effect.sync(() => batch.release?.()))
    const told = Stream.mapError(source.changes(state, makePast(journal)), asJournals)
    const begun = source.readsAhead === true
      ? told.pipe(
        Stream.buffer({ capacity: CAPTURE_QUEUE_BATCHES }),
        Stream.mapEffect(begin),
        Stream.buffer({ capacity: 1 })
      )
      : Stream.mapEffect(told, (batch) => Effect.tap(begin(batch), ({ written }) => written))
    const taken = yield* begun.pipe(
      Stream.mapEffect(({ written }) => Effect.tap(written, onTaken)),
      Stream.runFold(NOTHING, both)
    )
    if (taken.events === 0) return taken
    const checkpoint = yield* queue.begin(going, recorder.checkpoint(source.name, taken.events))
    return both(taken, yield* Effect.tap(checkpoint.written, (also) => also.events === 0 ? Effect.void : onTaken(also)))
  }, Effect.scoped)

  return Capture.of({
    pass: (source, onTaken) => inTurn(source.name).withPermits(1)(pass(source, onTaken)),
    state: (source) => queue.alone(recorder.table(source)),
    exclusively: (work) => queue.alone(Effect.ensuring(work, Effect.sync(() => recorder.forget())))
  })
})

/** @public */
export const layer = Layer.effect(Capture, make)

/** A pass while it goes on. */
interface Going {
  readonly scope: Scope.Scope
  /** Once a batch of it could not be written nothing that it told later may be: it stood on that. */
  failed: Cause.Cause<CaptureError> | undefined
}

/**
 * The order of batches: each is prepared in its turn, and its place in the queue of writes is taken before the turn is
 * given on. So there are never more than two under way, one that is written and one that waits for it.
 */
const makeQueue = Effect.fn("Capture.makeQueue")(function*(recorder: Recorder) {
  const turn = yield* Effect.makeSemaphore(1)
  const writing = yield* Effect.makeSemaphore(1)

  /** The journal holds it when this returns; if it fails, nothing that was prepared has a place any more. */
  const write = Effect.fn("Capture.write")(
    function*(prepared: Prepared, compressing: Effect.Effect<JournalEntry | undefined>) {
      const entry = yield* compressing
      yield* recorder.write(prepared, entry)
      return entry === undefined ? NOTHING : {
        events: entry.block.count,
        bytes: entry.block.runs.reduce((sum, run) => sum + run.frame.length, 0)
      } satisfies PassReport
    }
  )

  /** What was prepared while a batch of another pass could not be written has to find its place anew, now alone. */
  const settle = Effect.fn("Capture.settle")(function*(
    going: Going,
    early: Prepared,
    generation: number,
    prepare: Effect.Effect<Prepared, CaptureError>
  ) {
    if (going.failed !== undefined) return yield* Effect.failCause(going.failed)
    if (recorder.generation === generation) return early
    recorder.forget()
    return yield* prepare
  })

  /** Takes the next place in the log; `written` waits until that is durable. */
  const begin = (going: Going, prepare: Effect.Effect<Prepared, CaptureError>) =>
    turn.withPermits(1)(Effect.uninterruptible(Effect.gen(function*() {
      const { generation } = recorder
      const early = yield* Effect.onError(prepare, () => writing.withPermits(1)(Effect.sync(() => recorder.forget())))
      const compressing = yield* Effect.forkIn(recorder.finish(early), going.scope)
      yield* writing.take(1)
      const abandon = (cause: Cause.Cause<CaptureError>) =>
        Effect.sync(() => {
          going.failed = cause
          recorder.forget()
        })
      const prepared = yield* settle(going, early, generation, prepare).pipe(
        Effect.onError((cause) => Effect.zipRight(abandon(cause), writing.release(1)))
      )
      const finished = prepared === early ? Fiber.join(compressing) : recorder.finish(prepared)
      const written = yield* write(prepared, finished).pipe(
        Effect.onError(abandon),
        Effect.ensuring(writing.release(1)),
        Effect.forkIn(going.scope)
      )
      return { written: Fiber.join(written) }
    })))

  /** Runs while nothing is being prepared or written. */
  const alone = <A, E, R>(work: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    turn.withPermits(1)(writing.withPermits(1)(work))

  return { begin, alone }
})

const NOTHING: PassReport = { events: 0, bytes: 0 }

const both = (a: PassReport, b: PassReport): PassReport => ({ events: a.events + b.events, bytes: a.bytes + b.bytes })
