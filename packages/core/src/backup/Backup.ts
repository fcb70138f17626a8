/**
 * The way out, on one page: a source's pass becomes durable events (Capture), the log is compared with each target
 * once an opening (Reconcile), and what a target lacks is cut and shipped (Segmenter, Shipper). The daemon and the
 * one-shot command both do just this; they differ in when.
 */
import { type Context, Effect } from "effect"
import { Entropy } from "../keys/Entropy.ts"
import { KeyRing } from "../keys/KeyRing.ts"
import { Capture } from "./Capture.ts"
import { HeadPin, type PinError } from "./HeadPin.ts"
import { Journal, JournalError } from "./Journal.ts"
import { type Finding, reconcile, rootAt } from "./Reconcile.ts"
import { ship, type ShipCursor, type ShipError, type ShipReport, type Target } from "./Shipper.ts"
import type { SourceShape } from "./Source.ts"
import { LocalObjects } from "./Vault.ts"

export interface BackupShape {
  readonly sources: ReadonlyArray<SourceShape>
  readonly targets: ReadonlyArray<Target>
  /**
   * Compares the log with a target unless that was done since the journal opened. To be tried for every target before
   * the first append; a target that is away then is compared before its first ship.
   */
  readonly meet: (target: Target) => Effect.Effect<Finding | undefined, ShipError | PinError>
  /** What that comparison found; nothing before it. */
  readonly findings: (target: Target) => Finding | undefined
  /** One pass over a source. */
  readonly capture: Context.Tag.Service<typeof Capture>["pass"]
  /** Brings one target up to the head of the journal; `onShipped` learns of each segment once it is there. */
  readonly shipTo: (
    target: Target,
    onShipped?: (cursor: ShipCursor) => Effect.Effect<void>
  ) => Effect.Effect<ShipReport, ShipError | PinError>
  /**
   * How many events this machine is known to have had and has not, even after every target that answers was met: 0
   * where nothing is missing. Corrupt, where those it has are not those it had.
   */
  readonly missing: Effect.Effect<number, ShipError | PinError>
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
  const met = new Map<string, Finding>()
  const turns = new Map<string, Effect.Semaphore>()
  for (const target of options.targets) turns.set(target.name, yield* Effect.makeSemaphore(1))

  const meet = Effect.fn("Backup.meet")(function*(target: Target) {
    if (met.has(target.name)) return undefined
    const finding = yield* capture.exclusively(
      reconcile({ journal, ring, entropy, sources: options.sources, target })
    )
    met.set(target.name, finding)
    return finding
  })

  const pinShipped = Effect.fn("Backup.pinShipped")(function*(target: Target, cursor: ShipCursor) {
    const { writer } = yield* journal.identity
    const head = yield* journal.head
    const shipped = cursor.logs.find((log) => Buffer.compare(log.writer, writer) === 0)
    yield* pin.update((pinned) => ({
      ...pinned,
      journal: { writer, size: head.size, root: head.root },
      targets: { ...pinned.targets, ...(shipped === undefined ? {} : { [target.name]: shipped }) }
    }))
  })

  return {
    sources: options.sources,
    targets: options.targets,
    meet: (target) => turns.get(target.name)!.withPermits(1)(meet(target)),
    findings: (target) => met.get(target.name),
    capture: capture.pass,
    shipTo: (target, onShipped = () => Effect.void) =>
      turns.get(target.name)!.withPermits(1)(Effect.gen(function*() {
        yield* meet(target)
        return yield* ship(
          { journal, ring, entropy, local, target },
          (cursor) => Effect.zipRight(pinShipped(target, cursor), onShipped(cursor))
        )
      })),
    missing: Effect.gen(function*() {
      const { journal: pinned } = yield* pin.read
      const { writer } = yield* journal.identity
      if (Buffer.compare(pinned.writer, writer) !== 0) return 0
      const { size } = yield* journal.head
      if (size < pinned.size) return pinned.size - size
      if (Buffer.compare(yield* rootAt(journal, pinned.size), pinned.root) === 0) return 0
      return yield* new JournalError({ reason: "Corrupt", method: "open", subject: `events 0 to ${pinned.size - 1}` })
    })
  } satisfies BackupShape
})
