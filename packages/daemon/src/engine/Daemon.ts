/**
 * The daemon: a fiber for each source and for each target, and one for the schedule of drills, all in one scope. A
 * source wakes by its hints and, as nothing may be missed, by the clock; a target wakes when there is something for
 * it. Each that fails says so in `status` and tries again, later each time; only the journal failing ends it all.
 */
import type { JournalError } from "@sealog/core/backup/Journal"
import type { Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import { SEGMENT_CUT_BYTES } from "@sealog/core/format/Limits"
import { fingerprintOf, formatFingerprint } from "@sealog/core/log/Fingerprint"
import { Clock, Deferred, Effect, ExecutionStrategy, Exit, PubSub, Queue, Ref, Schedule, Scope, Stream } from "effect"
import type { Running, SyncOptions } from "../Engine.ts"
import { EngineFailure } from "../Engine.ts"
import type { KnownError } from "../Failure.ts"
import * as Reports from "../Reports.ts"
import type { PartServices } from "./Adapters.ts"
import { drill } from "./Drill.ts"
import { condemn, isDamage, refuseOlder } from "./Heal.ts"
import { logLines } from "./LogLines.ts"
import { captureCounted, meetAll, shipOne, sync } from "./Pass.ts"
import { history } from "./Receipts.ts"
import { scrubSlowly } from "./Scrub.ts"
import { openSession, type Session, type Unlocked } from "./Session.ts"
import * as StatusFile from "./StatusFile.ts"
import { addTarget, removeTarget } from "./Targets.ts"

/** How often a store is read though nothing hinted at a change. */
const RECONCILE = "60 seconds"
/** How long a burst of hints is gathered into one pass; no longer, however long the burst goes on, milliseconds. */
const GATHER_MILLIS = 20
/** While a burst goes on its passes begin this far apart: each costs as much for one mail as for ten, milliseconds. */
const APART_MILLIS = 100
/** How far apart passes renew the status at the most; each ship renews it too. */
const SAVED_APART = "500 millis"
/** A target that cannot be reached is tried again after 1, 2, 4, … seconds, at most every five minutes. */
const retrying = Schedule.exponential("1 second").pipe(
  Schedule.union(Schedule.spaced("5 minutes")),
  Schedule.jittered
)
const HOUR_MILLIS = 3_600_000

/** What wakes a target: something to ship, and so much of it that it should not wait for more. */
interface Bells {
  readonly some: Queue.Queue<void>
  readonly much: Queue.Queue<void>
}

interface Working {
  readonly session: Session
  readonly troubles: Ref.Ref<StatusFile.Troubles>
  readonly bells: ReadonlyMap<string, Bells>
  /** A pass has brought something that the status does not tell yet. */
  readonly news: Queue.Queue<void>
  /** Tells everybody who follows the log that there is more of it. */
  readonly followers: PubSub.PubSub<void>
  readonly failed: Deferred.Deferred<never, KnownError>
  /** The configuration is another one: this life ends, and the next one goes by that. */
  readonly changed: Deferred.Deferred<void>
  readonly options: SyncOptions
}

/**
 * Starts the daemon. A life of it ends when its journal is found damaged, which is healed then, or when its targets are
 * others: then another life begins, for which whoever asks meanwhile waits. Whatever else goes wrong ends the daemon.
 */
export const run = Effect.fn("Daemon.run")(function*(options: SyncOptions) {
  const scope = yield* Effect.scope
  const failed = yield* Deferred.make<never, KnownError>()
  let unlocked: Unlocked | undefined
  const begin = Effect.gen(function*() {
    const own = yield* Scope.fork(scope, ExecutionStrategy.sequential)
    const session = openSession({ mayHeal: true, ...(unlocked === undefined ? {} : { unlocked }) })
    const working = yield* session.pipe(
      Effect.tap((opened) => Effect.sync(() => void (unlocked = opened))),
      Effect.flatMap((opened) => live(options, opened)),
      Scope.extend(own),
      Effect.onError((cause) => Scope.close(own, Exit.failCause(cause)))
    )
    return { working, end: Scope.close(own, Exit.void) }
  })
  /** What is found at once, when targets are met, is healed at once. */
  const beginWhole = Effect.catchIf(begin, isMet, (error) => Effect.zipRight(condemn(error), begin))

  const first = yield* beginWhole
  const current = yield* Ref.make(yield* doneWith(first.working))
  const attend = Effect.fn("Daemon.attend")(function*() {
    let life = first
    while (true) {
      const { changed, failed: failedNow } = life.working
      const error = yield* Effect.raceFirst(Effect.flip(Deferred.await(failedNow)), Deferred.await(changed))
      if (error !== undefined && !isDamage(error)) return yield* Effect.fail(error)
      const next = yield* Deferred.make<Working, KnownError>()
      yield* Ref.set(current, next)
      yield* life.end
      if (error !== undefined) yield* condemn(error)
      life = yield* beginWhole.pipe(Effect.tapErrorCause((cause) => Deferred.failCause(next, cause)))
      yield* Deferred.succeed(next, life.working)
    }
  })
  yield* Effect.forkScoped(Effect.catchAllCause(attend(), (cause) => Deferred.failCause(failed, cause)))
  return yield* handlersOf({ failed, now: Effect.flatMap(Ref.get(current), Deferred.await) })
})

/** Damage that was found in a journal that had opened: another opening heals it. */
const isMet = (error: KnownError): error is JournalError =>
  isDamage(error) && error.method !== "heal" && error.method !== "open"

const doneWith = (working: Working) =>
  Effect.tap(Deferred.make<Working, KnownError>(), (done) => Deferred.succeed(done, working))

/** From an opening of the journal to the next. */
const live = Effect.fn("Daemon.live")(function*(options: SyncOptions, session: Session) {
  const bells = new Map<string, Bells>()
  for (const { name } of session.backup.targets) {
    bells.set(name, { some: yield* Queue.sliding<void>(1), much: yield* Queue.sliding<void>(1) })
  }
  const working: Working = {
    session,
    troubles: yield* Ref.make(StatusFile.noTroubles),
    bells,
    news: yield* Queue.sliding<void>(1),
    followers: yield* PubSub.sliding<void>(1),
    failed: yield* Deferred.make<never, KnownError>(),
    changed: yield* Deferred.make<void>(),
    options
  }
  yield* meetAll(session)
  yield* refuseOlder(session)
  yield* saveStatus(working)
  for (const source of session.backup.sources) yield* Effect.forkScoped(supervised(working, watch(working, source)))
  for (const target of session.backup.targets) {
    yield* Effect.forkScoped(supervised(working, shipWhenRung(working, target)))
  }
  yield* Effect.forkScoped(supervised(working, saveWhenNews(working)))
  yield* Effect.forkScoped(supervised(working, scrubSlowly(session)))
  if (session.config.drillEveryHours > 0) yield* Effect.forkScoped(supervised(working, drills(working)))
  yield* Effect.addFinalizer(() => Effect.ignore(saveStatus(working)))
  return working
})

/** A fiber that ends ends the daemon: it is never silently dead. */
const supervised = <R>(working: Working, work: Effect.Effect<void, KnownError, R>) =>
  work.pipe(
    Effect.zipRight(
      new EngineFailure({ reason: "Unreachable", method: "run", subject: "a fiber of the daemon ended" })
    ),
    Effect.catchAllCause((cause) => Deferred.failCause(working.failed, cause))
  )

/** Passes over one source, for ever. */
const watch = Effect.fn("Daemon.watch")(function*(working: Working, source: SourceShape) {
  const hints = source.hints.pipe(
    Stream.catchAll((error) =>
      Stream.execute(trouble(working, "sources", source.name, error)).pipe(Stream.concat(Stream.never))
    )
  )
  const ticks = Stream.concat(Stream.void, Stream.repeatEffect(Effect.sleep(RECONCILE)))
  const signs = yield* Queue.sliding<void>(1)
  yield* Effect.forkScoped(
    supervised(working, Stream.runForEach(Stream.merge(hints, ticks), () => signs.offer(undefined)))
  )
  let begun = Number.NEGATIVE_INFINITY
  return yield* Effect.forever(Effect.gen(function*() {
    yield* signs.take
    const now = yield* Clock.currentTimeMillis
    // Since it began: a clock that was put back must not hold up what comes.
    const apart = APART_MILLIS - Math.max(0, now - begun)
    yield* Effect.sleep(Math.max(GATHER_MILLIS, apart))
    begun = yield* Clock.currentTimeMillis
    yield* Queue.takeAll(signs)
    yield* pass(working, source)
  }))
})

const pass = Effect.fn("Daemon.pass")(function*(working: Working, source: SourceShape) {
  let gathered = 0
  const outcome = yield* captureCounted(working.session, source, {
    always: false,
    onTaken: ({ bytes }) => {
      gathered += bytes
      const much = gathered >= SEGMENT_CUT_BYTES
      if (much) gathered = 0
      return wake(working, much)
    }
  })
  const changed = yield* trouble(working, "sources", source.name, outcome.error)
  if (outcome.events > 0 || changed || outcome.counted) yield* working.news.offer(undefined)
})

/** Saves the status when a pass has brought news: in a burst of them now and then, since that costs more than a pass. */
const saveWhenNews = Effect.fn("Daemon.saveWhenNews")(function*(working: Working) {
  return yield* Effect.forever(Effect.zipRight(
    working.news.take,
    Effect.zipRight(saveStatus(working), Effect.sleep(SAVED_APART))
  ))
})

const wake = (working: Working, much: boolean): Effect.Effect<void> =>
  Effect.zipRight(
    working.followers.publish(undefined),
    Effect.forEach(working.bells.values(), (bells) =>
      Effect.zipRight(bells.some.offer(undefined), much ? bells.much.offer(undefined) : Effect.void), { discard: true })
  )

/** Ships to one target when its bell has rung and the delay is over, or there is much; and again until it worked. */
const shipWhenRung = Effect.fn("Daemon.shipWhenRung")(function*(working: Working, target: Target) {
  const { much, some } = working.bells.get(target.name)!
  const { queuedDelaySeconds, shipDelaySeconds } = working.options
  const isQueued = target.storage.capabilities.durability === "queued"
  const delaySeconds = isQueued ? queuedDelaySeconds ?? shipDelaySeconds : shipDelaySeconds
  const attempt = Effect.gen(function*() {
    // What was taken back from this one, or forked because of it, is news to all the others.
    const outcome = yield* shipOne(working.session, target, { onMet: wake(working, false) })
    yield* trouble(working, "targets", target.name, outcome.error)
    yield* saveStatus(working)
    if (outcome.error !== undefined) return yield* Effect.fail({ again: outcome.error })
  })
  yield* some.offer(undefined)
  return yield* Effect.forever(Effect.gen(function*() {
    yield* some.take
    yield* Effect.race(Effect.sleep(`${delaySeconds} seconds`), much.take)
    yield* Effect.zip(Queue.takeAll(some), Queue.takeAll(much))
    yield* attempt.pipe(
      Effect.retry({ schedule: retrying, while: (error) => "again" in error }),
      Effect.mapError((error) => "again" in error ? error.again : error)
    )
  }))
})

/**
 * A drill once so many hours have passed since the last one, by its receipt: a laptop that is off every night has its
 * drills too. One that could not be held leaves no receipt and is tried again at the next look.
 */
const drills = Effect.fn("Daemon.drills")(function*(working: Working) {
  const every = working.session.config.drillEveryHours * HOUR_MILLIS
  const failed = yield* Ref.make(false)
  const isDue = Effect.gen(function*() {
    const now = yield* Clock.currentTimeMillis
    // A receipt from a time to come: the clock was put back, which must not put off the next drill for as long.
    const last = (yield* history()).drills.find(({ at }) => Date.parse(at) <= now)
    return last === undefined || now - Date.parse(last.at) >= every || (yield* Ref.get(failed))
  })
  const hold = Ref.get(working.troubles).pipe(
    Effect.flatMap(({ targets }) => drill(working.session, { mode: "incremental" }, new Set(targets.keys()))),
    Effect.as(undefined),
    // What a drill could not do is told and tried again; but damage to the journal is not the drill's.
    Effect.catchIf((error) => !isDamage(error), (error) => Effect.succeed(error)),
    Effect.tap((error) => Ref.set(failed, error !== undefined)),
    Effect.flatMap((error) => trouble(working, "sources", "drill", error)),
    // It reads the stores: what it took goes to every target.
    Effect.zipRight(announce(working))
  )
  return yield* Effect.sleep(Math.min(every, HOUR_MILLIS)).pipe(
    Effect.zipRight(Effect.whenEffect(hold, isDue)),
    Effect.forever
  )
})

const handlersOf = Effect.fn("Daemon.handlers")(function*({ failed, now }: {
  readonly failed: Deferred.Deferred<never, KnownError>
  /** The life that there is, once it has begun. */
  readonly now: Effect.Effect<Working, KnownError>
}) {
  const services = yield* Effect.context<PartServices>()
  const answer = <A>(work: (working: Working) => Effect.Effect<A, KnownError, PartServices>) =>
    Effect.provide(Effect.flatMap(now, work), services)
  return {
    failed: Deferred.await(failed),
    handlers: {
      status: () =>
        answer(({ session, troubles }) =>
          Effect.flatMap(
            Ref.get(troubles),
            (known) => StatusFile.describe(session, known, { names: true, running: true })
          )
        ),
      sync: () =>
        answer((working) =>
          announced(
            working,
            sync(working.session, (kind, name, error) => trouble(working, kind, name, error))
          )
        ),
      // Listening first, then reading: what is recorded in between is told too.
      log: (params) =>
        Stream.unwrapScoped(
          Effect.flatMap(now, ({ followers, session }) =>
            Effect.map(followers.subscribe, (told) =>
              logLines(session, params, Stream.fromQueue(told))))
        ),
      drill: (params) => answer((working) => announced(working, Effect.scoped(drill(working.session, params)))),
      fingerprint: () => answer(({ session }) => fingerprint(session)),
      targetAdd: ({ target }) =>
        answer((working) => changing(working, Effect.scoped(addTarget(working.session, target)))),
      targetRemove: ({ name }) => answer((working) => changing(working, removeTarget(working.session, name)))
    }
  } satisfies Running
})

/** Work that reads the stores too: what it took, though it failed later on, is news to every target. */
const announced = <A, R>(working: Working, work: Effect.Effect<A, KnownError, R>) =>
  Effect.tapBoth(damageEnds(working, work), { onFailure: () => announce(working), onSuccess: () => announce(working) })

const announce = (working: Working) => Effect.zipRight(wake(working, false), saveStatus(working))

/** What changes the configuration begins another life. */
const changing = <A, R>(working: Working, work: Effect.Effect<A, KnownError, R>) =>
  Effect.uninterruptibleMask((restore) => Effect.tap(restore(work), () => Deferred.succeed(working.changed, undefined)))

/** Damage that is met while somebody is answered ends this life of the daemon too. */
const damageEnds = <A, R>(working: Working, work: Effect.Effect<A, KnownError, R>) =>
  Effect.tapError(work, (error) => isDamage(error) ? Deferred.fail(working.failed, error) : Effect.void)

export const fingerprint = Effect.fn("Daemon.fingerprint")(function*({ journal, ring }: Session) {
  const { writer } = yield* journal.identity
  const made = fingerprintOf({ vaultId: ring.vaultId, epoch: ring.newest, writer, head: yield* journal.head })
  return Reports.FingerprintReport.make({
    treeSize: made.size,
    words: made.words,
    fingerprint: formatFingerprint(made)
  })
})

const trouble = (
  working: Working,
  kind: keyof StatusFile.Troubles,
  name: string,
  error: KnownError | undefined
): Effect.Effect<boolean> => StatusFile.noteTrouble(working.troubles, kind, name, error)

const saveStatus = Effect.fn("Daemon.saveStatus")(function*({ session, troubles }: Working) {
  yield* StatusFile.save(yield* StatusFile.describe(session, yield* Ref.get(troubles), { names: false, running: true }))
})
