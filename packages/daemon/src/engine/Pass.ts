/**
 * One pass: every source read, every target brought up to date. A source or target that fails holds up no other and
 * stands in the report with its reason.
 */
import type { PassReport } from "@sealog/core/backup/Capture"
import type { Finding } from "@sealog/core/backup/Reconcile"
import { readCursor, type ShipCursor, shippedOf, type Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import { SEGMENT_FINAL_BYTES } from "@sealog/core/format/Limits"
import { Clock, type Context, Effect, Either, Fiber, Mailbox, Ref, Stream } from "effect"
import { Buffer } from "node:buffer"
import { failureOf, type KnownError } from "../Failure.ts"
import { Progress } from "../Progress.ts"
import * as Reports from "../Reports.ts"
import { isDamage, refuseOlder } from "./Heal.ts"
import { addsUp, isCountDue, ledgerOf, warningsIn } from "./Ledgers.ts"
import { kindOf, type Session } from "./Session.ts"

/**
 * How long captures wait for targets to be met: one may know of events that this journal has lost. One that has not
 * answered by then holds up nothing, and is met before anything is shipped to it.
 */
const MEET_WAIT = "5 seconds"

/** A target's first meeting, which may still be going on. */
type Meeting = Fiber.Fiber<Either.Either<unknown, KnownError>>

/** Meets every target at once, and waits for those that answer; for all of them where events are known to be missing. */
export const meetAll = Effect.fn("Engine.meetAll")(function*({ backup }: Session) {
  const meetings: Array<Meeting> = []
  for (const target of backup.targets) {
    meetings.push(yield* Effect.forkScoped(Effect.either<unknown, KnownError, never>(backup.meet(target))))
  }
  const all = Effect.forEach(meetings, (meeting) => Fiber.await(meeting), { discard: true })
  yield* Effect.timeoutOption(all, MEET_WAIT)
  if ((yield* backup.missing) > 0) yield* all
  return meetings
})

export interface SourceOutcome {
  readonly source: SourceShape
  readonly events: number
  readonly gaps: number
  readonly error?: KnownError
}

export interface TargetOutcome {
  readonly target: Target
  readonly objects: number
  readonly bytes: number
  readonly behindEvents: number
  readonly error?: KnownError
}

/** What each source and target came to, as soon as that is known; without an error, all is well with it. */
type Note = (kind: "sources" | "targets", name: string, error: KnownError | undefined) => Effect.Effect<unknown>

export const sync = Effect.fn("Engine.sync")(function*(session: Session, note: Note) {
  const began = yield* Clock.currentTimeMillis
  const { backup, journal } = session
  const progress = yield* Progress
  // Before anything is appended: a target may know of events that this journal has lost.
  const meetings = yield* meetAll(session)
  yield* refuseOlder(session)
  const shippers = yield* Effect.forEach(backup.targets, (target, at) =>
    startShipping(session, target, {
      meeting: meetings[at]!,
      onShipped: (cursor) => shippedProgress(session, progress, target, cursor)
    }))
  const sources = yield* Effect.forEach(backup.sources, (source) => {
    let events = 0
    return captureCounted(session, source, {
      always: true,
      onTaken: (batch) => {
        events += batch.events
        return progress.report({ stage: `reading ${source.name}`, done: events, unit: "events" }).pipe(
          Effect.zipRight(Effect.forEach(shippers, ({ more }) => more(batch.bytes), { discard: true }))
        )
      }
    })
  })
  yield* Effect.forEach(sources, ({ error, source }) => note("sources", source.name, error))
  // All at once: each waits for a disk or a network of its own, and one that hangs for none of the others.
  const targets = yield* Effect.forEach(shippers, ({ finish }) => finish, { concurrency: Math.max(1, shippers.length) })
  yield* Effect.forEach(targets, ({ error, target }) => note("targets", target.name, error))
  yield* progress.clear
  const ledgers = yield* Ref.get(session.ledgers)
  const head = yield* journal.head
  const ended = yield* Clock.currentTimeMillis
  return Reports.SyncReport.make({
    captured: { events: sources.reduce((sum, { events }) => sum + events, 0) },
    sources: sources.map(({ error, events, gaps, source }) => ({
      name: source.name,
      kind: kindOf(session, "sources", source),
      events,
      gaps,
      ...ledgerOf(ledgers, source.name, true),
      ...(error === undefined ? {} : { error: problemOf(error) })
    })),
    targets: targets.map(({ behindEvents, bytes, error, objects, target }) => ({
      name: target.name,
      kind: kindOf(session, "targets", target),
      state: targetState(behindEvents, error),
      durability: target.storage.capabilities.durability,
      objects,
      bytes,
      behindEvents,
      ...(error === undefined ? {} : { error: problemOf(error) })
    })),
    treeSize: head.size,
    root: Buffer.from(head.root).toString("hex"),
    warnings: [...(yield* warningsOf(session)), ...warningsIn(ledgers, true)],
    seconds: (ended - began) / 1_000
  })
}, Effect.scoped)

/** What this machine found out about itself and its targets when they met, in words for its owner. */
export const warningsOf = Effect.fn("Engine.warnings")(function*({ backup, warnings }: Session) {
  const missing = yield* backup.missing
  const lost: ReadonlyArray<Reports.Problem> = missing === 0 ? [] : [{
    reason: "JournalOlder",
    message:
      `the journal was put back to an older state and went on: ${missing} events that it had are not in it as they were`,
    hint: "connect the targets that are away and run sealog sync: what any of them has is kept beside what is new"
  }]
  return [...(yield* warnings), ...lost].concat(backup.targets.flatMap((target) => {
    const finding = backup.findings(target)
    return [
      ...(finding === undefined ? [] : wordsFor(target.name, finding)),
      ...copiesAt(target),
      ...(backup.keysPutBack(target) ? [keysPutBack(target.name)] : [])
    ]
  }))
})

const copiesAt = ({ name, storage }: Target): ReadonlyArray<Reports.Problem> => {
  const copies = storage.conflictCopies?.() ?? []
  return copies.length === 0 ? [] : [{
    reason: "ConflictCopies",
    message:
      `at ${name} ${
        copies.length === 1 ? "lies a copy" : `lie ${copies.length} copies`
      } that the program which syncs it `
      + `has made, as ${copies[0]}; they are ignored`,
    hint: "remove them when the program is done; if they come again, look whether two machines use one home's vault"
  }]
}

const keysPutBack = (name: string): Reports.Problem => ({
  reason: "KeysPutBack",
  message: `${name} had lost its keys; they were put back`,
  hint: "if nobody emptied it, have a look at that place: it was tampered with or is losing files"
})

const wordsFor = (name: string, finding: Finding): ReadonlyArray<Reports.Problem> => {
  switch (finding._tag) {
    case "agrees":
      return []
    case "short":
      return [{
        reason: "TargetLost",
        message: `${name} had lost ${
          finding.shipped - finding.size
        } events that were there before; they were shipped again`,
        hint: "if nobody put an old copy of it back, have a look at that place: it was rolled back or is losing files"
      }]
    case "extended":
      return [{
        reason: "TakenBack",
        message: `${finding.size - finding.from} events that this machine had lost were taken back from ${name}`,
        hint: "if this machine was put back from a backup, all is well; else have a look at its disk"
      }]
    case "forked":
      return [{
        reason: "Forked",
        message: `a copy of this machine had gone on by itself at ${name}; this one goes on in a log of its own`,
        hint: "both histories are kept; give the other machine a home of its own, so that it does not happen again"
      }]
  }
}

/** One pass over a source; what goes wrong in the journal itself ends everything. */
export const captureOne = Effect.fn("Engine.captureOne")(function*(
  session: Session,
  source: SourceShape,
  onTaken?: (batch: PassReport) => Effect.Effect<void>
): Effect.fn.Return<SourceOutcome, KnownError> {
  // Counted batch by batch: what was taken before a source failed is taken.
  let events = 0
  const taken = yield* Effect.either(session.backup.capture(source, (batch) => {
    events += batch.events
    return onTaken === undefined ? Effect.void : onTaken(batch)
  }))
  if (Either.isLeft(taken) && taken.left._tag === "JournalError") return yield* taken.left
  const state = yield* session.capture.state(source.name)
  return {
    source,
    events: Either.match(taken, { onLeft: () => events, onRight: (whole) => whole.events }),
    gaps: source.gaps(state).length,
    ...(Either.isLeft(taken) ? { error: taken.left } : {})
  }
})

/**
 * The same, and counted, where that is due. A store goes on while it is counted: where it does not add up it is read and
 * counted once more, and what does not add up then is told.
 */
export const captureCounted = Effect.fn("Engine.captureCounted")(function*(
  session: Session,
  source: SourceShape,
  { always, onTaken }: {
    readonly always: boolean
    readonly onTaken: (batch: PassReport) => Effect.Effect<void>
  }
) {
  const first = yield* captureOne(session, source, onTaken)
  const isDue = first.error === undefined && (always || (yield* isCountDue(session, source)))
  if (!isDue || (yield* addsUp(session, source))) return { ...first, counted: isDue }
  const again = yield* captureOne(session, source, onTaken)
  if (again.error === undefined) yield* addsUp(session, source)
  return { ...again, events: first.events + again.events, counted: true }
})

const shippedProgress = (
  { journal }: Session,
  progress: Context.Tag.Service<typeof Progress>,
  target: Target,
  cursor: ShipCursor
) =>
  Effect.flatMap(journal.head, ({ size }) =>
    progress.report({
      stage: `shipping to ${target.name}`,
      done: cursor.logs.reduce((most, log) => Math.max(most, log.size), 0),
      total: size,
      unit: "events"
    }))

/** A target that is brought up to date while its sources are still being read. */
interface Shipping {
  /** So many bytes more are in the journal: what fills segments goes at once. */
  readonly more: (bytes: number) => Effect.Effect<void>
  /** The rest goes too; what became of it all. */
  readonly finish: Effect.Effect<TargetOutcome, KnownError>
}

const startShipping = Effect.fn("Engine.startShipping")(function*(
  session: Session,
  target: Target,
  { meeting, onShipped }: {
    readonly meeting: Meeting
    readonly onShipped: (cursor: ShipCursor) => Effect.Effect<void>
  }
) {
  const bell = yield* Mailbox.make<void>({ capacity: 1, strategy: "sliding" })
  let waiting = 0
  const shipped = Mailbox.toStream(bell).pipe(
    Stream.mapEffect(() => session.backup.shipTo(target, onShipped, "full")),
    Stream.runFold({ objects: 0, bytes: 0 }, (sum, { bytes, objects }) => ({
      objects: sum.objects + objects,
      bytes: sum.bytes + bytes
    }))
  )
  const early = yield* Fiber.join(meeting).pipe(
    Effect.flatMap((met): Effect.Effect<unknown, KnownError> => met),
    Effect.zipRight(shipped),
    Effect.either,
    Effect.forkScoped
  )
  const more = (bytes: number) =>
    Effect.suspend(() => {
      waiting += bytes
      if (waiting < SEGMENT_FINAL_BYTES) return Effect.void
      waiting = 0
      return Effect.asVoid(bell.offer(undefined))
    })
  const finish = Effect.gen(function*() {
    yield* bell.end
    const before = yield* Fiber.join(early)
    if (Either.isLeft(before)) return yield* behind(session, target, before.left)
    const rest = yield* shipOne(session, target, { onShipped })
    const { bytes, objects } = before.right
    return { ...rest, objects: rest.objects + objects, bytes: rest.bytes + bytes }
  })
  return { more, finish } satisfies Shipping
})

/** Brings one target up to date, as far as that goes. */
/** Brings a target up to date; `onMet` learns of a first look at it that found something, before anything is sent. */
export const shipOne = Effect.fn("Engine.shipOne")(function*(
  session: Session,
  target: Target,
  { onMet, onShipped }: {
    readonly onMet?: Effect.Effect<void>
    readonly onShipped?: (cursor: ShipCursor) => Effect.Effect<void>
  } = {}
): Effect.fn.Return<TargetOutcome, KnownError> {
  const { backup } = session
  const met = backup.findings(target)
  const looked = onMet === undefined ? Effect.void : Effect.zipRight(
    backup.meet(target),
    Effect.suspend(() => backup.findings(target) === met ? Effect.void : onMet)
  )
  const shipped = yield* Effect.either(Effect.zipRight(looked, backup.shipTo(target, onShipped)))
  if (Either.isLeft(shipped)) return yield* behind(session, target, shipped.left)
  return { target, ...shipped.right, behindEvents: yield* behindEvents(session, target) }
})

const behind = Effect.fn("Engine.behind")(function*(
  session: Session,
  target: Target,
  error: KnownError
): Effect.fn.Return<TargetOutcome, KnownError> {
  // No target is to blame for a journal that is not what was written.
  if (isDamage(error)) return yield* error
  return { target, objects: 0, bytes: 0, behindEvents: yield* behindEvents(session, target), error }
})

/** Events of all logs that a target does not have yet. */
export const behindEvents = Effect.fn("Engine.behindEvents")(function*({ journal }: Session, target: Target) {
  const cursor = yield* readCursor(journal, target.name)
  const logs = yield* journal.logs
  return logs.reduce((sum, log) => sum + Math.max(0, log.head.size - shippedOf(cursor, log.writer)), 0)
})

export const targetState = (events: number, error: KnownError | undefined): Reports.TargetState => {
  if (error?._tag === "StorageError") {
    if (error.reason === "Unreachable") return "unreachable"
    if (error.reason === "Full") return "full"
    if (error.reason === "Denied") return "denied"
  }
  return events > 0 || error !== undefined ? "behind" : "current"
}

export const problemOf = (error: KnownError): Reports.Problem => {
  const { hint, message, reason } = failureOf(error)
  return { reason, message, hint }
}
