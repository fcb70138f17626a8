/**
 * A drill of one target: catches up first, so that journal and store can be compared at one point, rehearses the
 * restore, measures, and keeps a receipt.
 */
import { decodeAll } from "@sealog/core/backup/Entries"
import type { Finding } from "@sealog/core/backup/Reconcile"
import type { Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import { eventsOf } from "@sealog/core/format/Block"
import { FormatError } from "@sealog/core/format/FormatError"
import { fingerprintOf, formatFingerprint } from "@sealog/core/log/Fingerprint"
import { drill as drillVault, type DrillMode, type DrillProgress } from "@sealog/core/restore/Drill"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { Clock, Effect, Schema, Stream } from "effect"
import { Buffer } from "node:buffer"
import { type DrillOptions, EngineFailure } from "../Engine.ts"
import * as Reports from "../Reports.ts"
import { findingOf } from "./Findings.ts"
import { captureOne, shipOne } from "./Pass.ts"
import { openTarget } from "./Places.ts"
import { history, keepReceipt } from "./Receipts.ts"
import { kindOf, type Session } from "./Session.ts"

const Progress = Schema.parseJson(Schema.Struct({
  sizes: Schema.Record({ key: Schema.String, value: Schema.Int }),
  round: Schema.Int
}))

export const drill = Effect.fn("Engine.drill")(function*(
  session: Session,
  options: DrillOptions,
  /** Targets that are in trouble: where none is asked for, another one is drilled, if there is any. */
  troubled: ReadonlySet<string> = new Set()
) {
  const { backup, config, journal, ring } = session
  const target = yield* targetOf(session, options, troubled)
  yield* Effect.forEach(backup.sources, (source) => captureOne(session, source))
  const configured = config.targets.some(({ name }) => name === target.name)
  // The owner lists at each drill: what was lost since the journal was opened is found, told, and shipped again.
  const met = configured ? yield* backup.meet(target, "again") : undefined
  if (configured) yield* raise(shipOne(session, target))
  const began = yield* Clock.currentTimeMillis
  const fetch = yield* makeFetch([target], ring)
  const rolled = lostThere(target, met)
  const before = yield* readProgress(session, target)
  const mode = modeOf(options)
  const done = yield* drillVault({
    fetch,
    journal,
    sources: backup.sources,
    mode,
    progress: before,
    isCurrent: configured,
    settle: (source, since) => settle(session, source, since)
  })
  const ended = yield* Clock.currentTimeMillis
  const seconds = (ended - began) / 1_000
  const findings = [...rolled, ...done.findings.map((finding) => findingOf(finding, target.name))]
  if (done.findings.length === 0) yield* writeProgress(session, target, done.progress)
  const { bytes: bytesRead, objects: objectsRead } = fetch.counts()
  const total = fetch.writers.flatMap((log) => log.segments).reduce((sum, { bytes }) => sum + bytes, 0)
  const { writer } = yield* journal.identity
  const head = yield* journal.head
  return yield* keepReceipt(
    ring,
    Reports.DrillReport.make({
      at: Reports.time(began),
      outcome: findings.length === 0 ? "passed" : "failed",
      mode: typeof mode === "string" ? mode : "sample",
      target: { name: target.name, kind: configured ? kindOf(session, "targets", target) : options.from?.kind ?? "" },
      vaultId: hex(ring.vaultId),
      treeSize: done.head.size,
      root: hex(done.head.root),
      messages: done.messages,
      objectsRead,
      bytesRead,
      compared: done.compared,
      findings,
      freshness: {
        state: rolled.length > 0 ? "behind" : configured ? "proven" : "unknown",
        by: configured ? ["pin"] : [],
        newestEventAt: done.newestAt === undefined ? null : Reports.time(done.newestAt)
      },
      openedWith: session.openedWith,
      rpoSeconds: 0,
      rtoSeconds: bytesRead === 0 ? null : (total / bytesRead) * seconds,
      seconds,
      fingerprint: formatFingerprint(fingerprintOf({ vaultId: ring.vaultId, epoch: ring.newest, writer, head }))
    })
  )
})

/** The target that is asked for, else the one whose last drill is longest ago. */
const targetOf = Effect.fn("Engine.drillTarget")(function*(
  { backup, config }: Session,
  { from, target }: DrillOptions,
  troubled: ReadonlySet<string>
) {
  if (from !== undefined) {
    // A place that is configured is that target, by whatever name; any other goes by its SPEC.
    const own = config.targets.find(({ spec }) => spec === from.spec)
    const known = backup.targets.find(({ name }) => name === own?.name)
    return known ?? ({ name: from.spec, storage: yield* openTarget(from) } satisfies Target)
  }
  const { drills } = yield* history()
  const drilledAt = (name: string) => drills.find((drilled) => drilled.target === name)?.at ?? ""
  const found = target === undefined
    ? backup.targets.toSorted((a, b) =>
      Number(troubled.has(a.name)) - Number(troubled.has(b.name)) || (drilledAt(a.name) < drilledAt(b.name) ? -1 : 1)
    )[0]
    : backup.targets.find(({ name }) => name === target)
  if (found === undefined) {
    return yield* new EngineFailure({ reason: "UnknownTarget", method: "drill", subject: target ?? "" })
  }
  return found
})

/** A drill of a target that cannot be reached or shipped to has nothing to say. */
const raise = Effect.fn("Engine.raise")(function*(shipped: ReturnType<typeof shipOne>) {
  const { error } = yield* shipped
  if (error !== undefined) return yield* Effect.fail(error)
})

/** What had been shipped there and was gone when the target was met for this drill. */
const lostThere = ({ name }: Target, met: Finding | undefined): ReadonlyArray<Reports.Finding> =>
  met?._tag !== "short" ? [] : [{
    reason: "RolledBack",
    message: `events ${met.size} to ${met.shipped - 1} had been shipped there and were gone; they were shipped again`,
    target: name
  }]

/** Takes in what a store did meanwhile and tells which messages that was about. */
const settle = Effect.fn("Engine.settle")(function*(session: Session, source: SourceShape, since: number) {
  yield* Effect.ignore(session.backup.capture(source))
  const keys = new Set<string>()
  yield* session.journal.blocks({ from: since }).pipe(
    Stream.mapEffect((block) => Effect.flatMap(eventsOf(block), decodeAll)),
    Stream.runForEach((events) =>
      Effect.sync(() => {
        for (const event of events) {
          if (event.source !== source.name) continue
          if ("key" in event) keys.add(event.key)
          else if ("message" in event) keys.add(event.message.key)
        }
      })
    ),
    Effect.catchIf((error) => error instanceof FormatError, () => Effect.void)
  )
  return keys
})

const readProgress = Effect.fn("Engine.drillProgress")(function*({ journal }: Session, target: Target) {
  const text = yield* journal.readNote(noteName(target))
  const none: DrillProgress = { sizes: {}, round: 0 }
  if (text === undefined) return none
  return yield* Schema.decode(Progress)(text).pipe(
    Effect.mapError((cause) => new FormatError({ reason: "Malformed", what: noteName(target), cause }))
  )
})

const writeProgress = Effect.fn("Engine.keepDrillProgress")(function*(
  { journal }: Session,
  target: Pick<Target, "name">,
  progress: DrillProgress
) {
  const text = yield* Effect.mapError(
    Schema.encode(Progress)(progress),
    (cause) => new FormatError({ reason: "Malformed", what: noteName(target), cause })
  )
  yield* journal.writeNote(noteName(target), text)
})

const noteName = ({ name }: Pick<Target, "name">): string => `drill:${name}`

/** The next drill of a target of that name begins anew. */
export const forgetDrills = Effect.fn("Engine.forgetDrills")(function*(session: Session, name: string) {
  yield* writeProgress(session, { name }, { sizes: {}, round: 0 })
})

const modeOf = ({ mode }: DrillOptions): DrillMode =>
  typeof mode === "string" ? mode : { share: mode.samplePercent / 100 }

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
