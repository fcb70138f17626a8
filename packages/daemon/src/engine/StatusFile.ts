/**
 * What is known without a key: counts, sizes and times, kept in `status.json` of the home and renewed with every pass
 * and ship. The daemon answers from the same facts.
 */
import { FileSystem } from "@effect/platform"
import { readCursor, shippedOf } from "@sealog/core/backup/Shipper"
import { countsOf } from "@sealog/core/backup/SourceTable"
import { eventsOf } from "@sealog/core/format/Block"
import { peekEvent } from "@sealog/core/format/EventCodec"
import { Clock, Effect, Option, Ref, Schema, Stream } from "effect"
import { Buffer } from "node:buffer"
import * as Config from "../Config.ts"
import type { KnownError } from "../Failure.ts"
import { Home, homeError, replaceFile } from "../Home.ts"
import * as Reports from "../Reports.ts"
import type { Spec } from "../Spec.ts"
import { ledgerOf, warningsIn } from "./Ledgers.ts"
import { behindEvents, problemOf, targetState, warningsOf } from "./Pass.ts"
import { lastDrillOf } from "./Receipts.ts"
import { kindOf, type Session } from "./Session.ts"

/** What went wrong last, by name; absent once it goes right again. */
export interface Troubles {
  readonly sources: ReadonlyMap<string, KnownError>
  readonly targets: ReadonlyMap<string, KnownError>
}

export const noTroubles: Troubles = { sources: new Map(), targets: new Map() }

/** Notes what is wrong, or that nothing is any more; tells whether that is news. */
export const noteTrouble = (
  troubles: Ref.Ref<Troubles>,
  kind: keyof Troubles,
  name: string,
  error: KnownError | undefined
): Effect.Effect<boolean> =>
  Ref.modify(troubles, (known): readonly [boolean, Troubles] => {
    const table = new Map(known[kind])
    const before = table.get(name)
    if (error === undefined) table.delete(name)
    else table.set(name, error)
    return [before?._tag !== error?._tag, { ...known, [kind]: table }]
  })

/** The state of everything, from the journal and the last attempts; with names of conversations for who has the key. */
export const describe = Effect.fn("StatusFile.describe")(
  function*(session: Session, troubles: Troubles, { names, running }: {
    readonly names: boolean
    readonly running: boolean
  }) {
    const { backup, capture, journal, ring } = session
    const ledgers = yield* Ref.get(session.ledgers)
    const head = yield* journal.head
    const now = yield* Clock.currentTimeMillis
    const sources = yield* Effect.forEach(
      backup.sources,
      Effect.fnUntraced(function*(source) {
        const state = yield* capture.state(source.name)
        const gaps = source.gaps(state).length
        const error = troubles.sources.get(source.name)
        const counts = countsOf(state)
        return {
          name: source.name,
          kind: kindOf(session, "sources", source),
          state: error !== undefined ? "failed" as const : gaps > 0 ? "gaps" as const : "current" as const,
          events: counts.events,
          lastEventAt: counts.lastAt === undefined ? null : Reports.time(counts.lastAt),
          gaps,
          ...ledgerOf(ledgers, source.name, names)
        }
      })
    )
    const targets = yield* Effect.forEach(
      backup.targets,
      Effect.fnUntraced(function*(target) {
        const cursor = yield* readCursor(journal, target.name)
        const behind = yield* behindEvents(session, target)
        const { writer } = yield* journal.identity
        const oldest = behind === 0 ? undefined : yield* oldestUnshipped(session, shippedOf(cursor, writer))
        return {
          name: target.name,
          kind: kindOf(session, "targets", target),
          state: targetState(behind, troubles.targets.get(target.name)),
          durability: target.storage.capabilities.durability,
          shippedTreeSize: shippedOf(cursor, writer),
          behindEvents: behind,
          behindSeconds: oldest === undefined ? 0 : Math.max(0, (now - oldest) / 1_000),
          objects: cursor.objects,
          bytes: cursor.bytes
        }
      })
    )
    const lastDrill = yield* lastDrillOf()
    return Reports.StatusReport.make({
      running,
      locked: false,
      vaultId: Buffer.from(ring.vaultId).toString("hex"),
      treeSize: head.size,
      root: Buffer.from(head.root).toString("hex"),
      sources,
      targets,
      rpoSeconds: exposureOf(targets),
      lastDrill: Option.getOrNull(lastDrill),
      warnings: [
        ...[...troubles.sources.values(), ...troubles.targets.values()].map(problemOf),
        ...(yield* warningsOf(session)),
        ...warningsIn(ledgers, names)
      ]
    })
  }
)

/** Nobody here knows when what is queued is uploaded. */
const exposureOf = (targets: Reports.StatusReport["targets"]): number | null => {
  const stored = targets.filter(({ durability }) => durability !== "queued")
  return stored.length === 0 ? null : Math.min(...stored.map(({ behindSeconds }) => behindSeconds))
}

const encode = Schema.encode(Schema.parseJson(Reports.StatusReport, { space: 2 }))
const decode = Schema.decode(Schema.parseJson(Reports.StatusReport))

/** Keeps it for those who ask when nothing runs. */
export const save = Effect.fn("StatusFile.save")(function*(report: Reports.StatusReport) {
  const home = yield* Home
  const text = yield* Effect.orDie(encode({ ...report, running: false }))
  yield* replaceFile(home.status, `${text}\n`)
})

/** What the last run left; before the first one, what the configuration says. */
export const load = Effect.fn("StatusFile.load")(function*() {
  const config = yield* Config.load()
  const home = yield* Home
  const fs = yield* FileSystem.FileSystem
  const there = yield* Effect.mapError(fs.exists(home.status), (cause) => homeError(cause, "status", home.status))
  const known = there
    ? yield* fs.readFileString(home.status).pipe(
      Effect.mapError((cause) => homeError(cause, "status", home.status)),
      Effect.flatMap((text) => Effect.option(decode(text)))
    )
    : Option.none()
  const lastDrill = Option.getOrNull(yield* lastDrillOf())
  return Option.match(known, {
    onNone: () => ({ ...unknown(config), lastDrill }),
    onSome: (report) => ({ ...report, targets: targetsNow(config, report), running: false, lastDrill })
  })
})

/** The targets of the configuration: one that has come since the last run has nothing yet. */
const targetsNow = ({ targets }: Config.Config, { targets: known, treeSize }: Reports.StatusReport) =>
  targets.map((target) =>
    known.find(({ kind, name }) => kind === target.kind && name === target.name)
      ?? { ...nothingAt(target), behindEvents: treeSize }
  )

const nothingAt = ({ kind, name }: Spec): Reports.StatusReport["targets"][number] => ({
  name,
  kind,
  state: "behind",
  shippedTreeSize: 0,
  behindEvents: 0,
  behindSeconds: 0,
  objects: 0,
  bytes: 0
})

const unknown = (config: Config.Config): Reports.StatusReport =>
  Reports.StatusReport.make({
    running: false,
    locked: true,
    vaultId: config.vaultId,
    treeSize: 0,
    root: "",
    sources: config.sources.map(({ kind, name }) => ({
      name,
      kind,
      state: "unknown",
      events: 0,
      lastEventAt: null,
      gaps: 0
    })),
    targets: config.targets.map(nothingAt),
    rpoSeconds: null,
    lastDrill: null,
    warnings: []
  })

/** When the oldest event that is not at a target was recorded. */
const oldestUnshipped = Effect.fn("StatusFile.oldestUnshipped")(function*({ journal }: Session, from: number) {
  const block = yield* journal.blocks({ from }).pipe(Stream.runHead)
  if (Option.isNone(block)) return undefined
  const events = yield* eventsOf(block.value)
  const event = events[Math.max(0, from - block.value.first)]
  return event === undefined ? undefined : peekEvent(event).recordedAt
})
