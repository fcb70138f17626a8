/**
 * The way out, on one page: a source's pass becomes durable events (Capture), the log is compared with each target
 * once an opening (Reconcile), and what a target lacks is cut and shipped (Segmenter, Shipper). The daemon and the
 * one-shot command both do just this; they differ in when.
 */
import { Clock, type Context, Effect, Ref } from "effect"
import { Compressor } from "../format/Compressor.ts"
import { COMPACT_SEGMENTS } from "../format/Limits.ts"
import { Entropy } from "../keys/Entropy.ts"
import { KeyRing } from "../keys/KeyRing.ts"
import { Capture } from "./Capture.ts"
import { compact } from "./Compaction.ts"
import { HeadPin, type HeadPinShape, type PinError } from "./HeadPin.ts"
import { Journal, type JournalShape } from "./Journal.ts"
import { type Finding, reconcile, rootAt } from "./Reconcile.ts"
import {
  readCursor,
  type SealedCut,
  ship,
  type ShipCursor,
  type ShipError,
  type ShipExtent,
  shippedOf,
  type ShipReport,
  type Target
} from "./Shipper.ts"
import type { SourceShape } from "./Source.ts"
import { surveyOf } from "./Survey.ts"
import { requireKeys } from "./TargetKeys.ts"
import { LocalObjects } from "./Vault.ts"
import type { SealedObject } from "./VaultObjects.ts"

export interface BackupShape {
  readonly sources: ReadonlyArray<SourceShape>
  readonly targets: ReadonlyArray<Target>
  /**
   * Compares the log with a target unless that was done since the journal opened. To be tried for every target before
   * the first append; a target that is away then is compared before its first ship.
   */
  readonly meet: (target: Target, again?: "again") => Effect.Effect<Finding | undefined, ShipError | PinError>
  /** What that comparison found; nothing before it. */
  readonly findings: (target: Target) => Finding | undefined
  /** Whether keys that a target had lost were put back there since the journal opened. */
  readonly keysPutBack: (target: Target) => boolean
  /** One pass over a source. */
  readonly capture: Context.Tag.Service<typeof Capture>["pass"]
  /**
   * Brings one target up to the head of the journal, or as near to it as full segments go; `onShipped` learns of each
   * segment once it is there.
   */
  readonly shipTo: (
    target: Target,
    onShipped?: (cursor: ShipCursor) => Effect.Effect<void>,
    extent?: ShipExtent
  ) => Effect.Effect<ShipReport, ShipError | PinError>
  /**
   * How many events this machine is known to have had and has not, even after every target that answers was met: 0
   * where nothing is missing; all of them where it has others instead.
   */
  readonly missing: Effect.Effect<number, ShipError | PinError>
}

/** A target's keys are looked at anew before a ship when that was last done so long ago, milliseconds: each time. */
const KEYS_MILLIS = 0

/** What is kept of a target while the journal is open. */
interface Attended {
  readonly target: Target
  /** One thing at a time is done at a target. */
  readonly turn: Effect.Semaphore
  readonly pending: Ref.Ref<SealedCut | undefined>
  readonly merging: Ref.Ref<SealedObject | undefined>
  finding: Finding | undefined
  keysPutBack: boolean
  /** When its keys were last held against those this machine knows, milliseconds. */
  keysSeenAt: number
  /** Segments put since its last compaction; from the start on as many as that takes. */
  fresh: number
}

const attend = Effect.fn("Backup.attend")(function*(target: Target) {
  const turn = yield* Effect.makeSemaphore(1)
  const pending = yield* Ref.make<SealedCut | undefined>(undefined)
  const merging = yield* Ref.make<SealedObject | undefined>(undefined)
  return {
    target,
    turn,
    pending,
    merging,
    finding: undefined,
    keysPutBack: false,
    keysSeenAt: 0,
    fresh: COMPACT_SEGMENTS
  } satisfies Attended
})

/** Sixteen ships make a group that can be merged; a target that nothing is shipped to is left alone. */
const isCompactionDue = (at: Attended, { objects }: ShipReport): boolean => {
  at.fresh += objects
  if (objects === 0 || at.fresh < COMPACT_SEGMENTS) return false
  at.fresh = 0
  return true
}

export const makeBackup = Effect.fn("Backup.make")(function*(options: {
  readonly sources: ReadonlyArray<SourceShape>
  readonly targets: ReadonlyArray<Target>
}) {
  const journal = yield* Journal
  const ring = yield* KeyRing
  const entropy = yield* Entropy
  const local = yield* LocalObjects
  const capture = yield* Capture
  const pin = yield* HeadPin
  const compressor = yield* Compressor
  const attended = new Map<string, Attended>()
  for (const target of options.targets) attended.set(target.name, yield* attend(target))

  const requireTheirKeys = Effect.fn("Backup.requireKeys")(function*(at: Attended) {
    at.keysSeenAt = yield* Clock.currentTimeMillis
    const putBack = yield* requireKeys({ pin, ring, local, target: at.target })
    if (putBack.length > 0) at.keysPutBack = true
  })

  const meet = Effect.fn("Backup.meet")(function*(at: Attended) {
    if (at.finding !== undefined) return undefined
    const { target } = at
    yield* requireTheirKeys(at)
    const survey = yield* surveyOf({ journal, ring, target })
    at.finding = yield* capture.exclusively(
      reconcile({ journal, ring, entropy, sources: options.sources, local, target, survey })
    )
    yield* pinFound({ journal, pin }, target, at.finding)
    return at.finding
  })

  const shipTo = Effect.fn("Backup.shipTo")(
    function*(at: Attended, onShipped: (cursor: ShipCursor) => Effect.Effect<void>, extent: ShipExtent) {
      const { pending, target } = at
      // Now and then before a ship: whoever holds the place may have replaced its keys since.
      if ((yield* meet(at)) === undefined && (yield* areKeysDue(at, journal))) yield* requireTheirKeys(at)
      const report = yield* ship(
        { journal, ring, entropy, local, target, pending },
        (cursor) => Effect.zipRight(pinShipped({ journal, pin }, target, cursor), onShipped(cursor)),
        extent
      )
      if (isCompactionDue(at, report)) yield* compact({ journal, ring, entropy, target, pending: at.merging })
      return report
    },
    Effect.provideService(Compressor, compressor)
  )

  /** A target is one of those given; its turn comes when what is done there is done. */
  const inTurn = <A, E>(target: Target, work: (at: Attended) => Effect.Effect<A, E>): Effect.Effect<A, E> => {
    const at = attended.get(target.name)!
    return at.turn.withPermits(1)(work(at))
  }

  return {
    sources: options.sources,
    targets: options.targets,
    meet: (target: Target, again?: "again") =>
      inTurn(target, (at) => {
        if (again !== undefined) at.finding = undefined
        return meet(at)
      }),
    findings: (target) => attended.get(target.name)?.finding,
    keysPutBack: (target) => attended.get(target.name)?.keysPutBack ?? false,
    capture: capture.pass,
    shipTo: (target, onShipped = () => Effect.void, extent = "all") =>
      inTurn(target, (at) => shipTo(at, onShipped, extent)),
    missing: missingEvents({ journal, pin })
  } satisfies BackupShape
})

/** Whether a target's keys were last looked at a while ago and there is anything that it does not have. */
const areKeysDue = Effect.fn("Backup.areKeysDue")(function*({ keysSeenAt, target }: Attended, journal: JournalShape) {
  const now = yield* Clock.currentTimeMillis
  if (now - keysSeenAt < KEYS_MILLIS && now >= keysSeenAt) return false
  const cursor = yield* readCursor(journal, target.name)
  return (yield* journal.logs).some(({ head, writer }) => shippedOf(cursor, writer) < head.size)
})

interface Pinning {
  readonly journal: JournalShape
  readonly pin: HeadPinShape
}

/** What is shipped is pinned: from then on nobody can make it not have been. */
const pinShipped = Effect.fn("Backup.pinShipped")(function*(
  { journal, pin }: Pinning,
  target: Target,
  cursor: ShipCursor
) {
  const { writer } = yield* journal.identity
  const { root, size } = yield* journal.head
  const shipped = cursor.logs.find((log) => Buffer.compare(log.writer, writer) === 0)
  yield* pin.update((pinned) => ({
    ...pinned,
    journal: { writer, size, root },
    targets: { ...pinned.targets, ...(shipped === undefined ? {} : { [target.name]: shipped }) }
  }))
})

/** A kill between a put and its pin leaves the pin behind; what is found there is pinned then, and never less. */
const pinFound = Effect.fn("Backup.pinFound")(function*(pinning: Pinning, target: Target, finding: Finding) {
  if (finding._tag !== "agrees" && finding._tag !== "extended") return
  const { writer } = yield* pinning.journal.identity
  const cursor = yield* readCursor(pinning.journal, target.name)
  const pinned = (yield* pinning.pin.read).targets[target.name]
  const known = pinned !== undefined && Buffer.compare(pinned.writer, writer) === 0 ? pinned.size : 0
  if (shippedOf(cursor, writer) > known) yield* pinShipped(pinning, target, cursor)
})

const missingEvents = Effect.fn("Backup.missing")(function*({ journal, pin }: Pinning) {
  const { journal: pinned } = yield* pin.read
  const { writer } = yield* journal.identity
  if (Buffer.compare(pinned.writer, writer) !== 0) return 0
  const { size } = yield* journal.head
  if (size < pinned.size) return pinned.size - size
  // Long enough, and another history: it was put back to an older state and went on before it met a target.
  return Buffer.compare(yield* rootAt(journal, pinned.size), pinned.root) === 0 ? 0 : pinned.size
})
