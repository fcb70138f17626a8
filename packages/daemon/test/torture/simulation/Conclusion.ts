/**
 * The end of a simulation: every fault is over, the owners rest, and after a bounded time everything has to be well.
 * What is in the stores is in the journals and comes back from every target that was not damaged; those that were are
 * named as that.
 */
import { COMPACT_SEGMENTS } from "@sealog/core/format/Limits"
import { LogBuilder } from "@sealog/core/log/MerkleLog"
import { RestoreError } from "@sealog/core/restore/Restore"
import { dumped, folded } from "@sealog/core/testing/SourceRecorder"
import { Effect, Either, Exit } from "effect"
import { Buffer } from "node:buffer"
import { statusOf } from "./Asks.ts"
import { resultOf } from "./Life.ts"
import type { Machine } from "./Machine.ts"
import { linesInStore, restored } from "./Restored.ts"
import type { Target } from "./Target.ts"
import type { Universe } from "./Universe.ts"

const OWNER_MILLIS = 4_000
/** The longest wait before another try, and a poll. */
const SETTLE_MILLIS = 9 * 60_000
const LOOK_MILLIS = 20_000
/** A drill that failed is held again within the hour; until then its failure is told. */
const DRILL_MILLIS = 3_700_000

export const conclude = (universe: Universe): void => {
  const { laws, machines, targets } = universe
  universe.say("all faults are over")
  // What the owners have begun, they end.
  universe.pass(OWNER_MILLIS)
  for (const target of targets) target.mood = "well"
  for (const machine of machines) calm(universe, machine)
  settle(universe)
  if (laws.forking && !universe.isBroken) {
    // Clones that both run meet each other's events when they next look: at their next start at the latest.
    universe.say("every machine starts once more")
    for (const machine of machines) {
      machine.kill(false)
      machine.startAt = universe.timeline.now + 1_000
      settle(universe)
    }
  }
  if (laws.broken.length > 0) return
  for (const machine of machines) settled(universe, machine)
  for (const machine of machines) ordered(universe, machine)
  for (const target of targets) {
    const isWhole = target.damaged === undefined && laws.unreadable(target).length === 0
    if (isWhole) whole(universe, target)
    else damaged(universe, target)
  }
}

/** Waits until every target has everything, for as long as that may take at most. */
const settle = (universe: Universe): void => {
  const { laws, machines, targets, timeline } = universe
  const end = timeline.now + SETTLE_MILLIS
  const isCurrent = () =>
    machines.every((machine) =>
      machine.life?.running !== undefined && laws.isCaptured(machine)
      && targets.every((target) => target.damaged !== undefined || laws.isShipped(machine, target))
    )
  do universe.pass(LOOK_MILLIS)
  while (timeline.now < end && !isCurrent() && laws.broken.length === 0)
}

const calm = ({ timeline }: Universe, machine: Machine): void => {
  const { store } = machine
  store.away = undefined
  for (const key of store.messages.keys()) store.change(key, () => ({ unreadable: false }))
  store.add(0, { key: `${machine.name} at the end` })
  store.hint()
  machine.storeMoved = timeline.now
  if (machine.life === undefined) return
  machine.life.fuse = undefined
  machine.life.journalTrouble = undefined
}

/** What a status may still say of what once was. */
const PAST = new Set(["TakenBack", "Forked", "TargetLost"])

/** The daemon runs, its targets are current, and it complains of nothing that is over. */
const settled = (universe: Universe, machine: Machine): void => {
  const { laws, targets } = universe
  let status = statusOf(machine, (millis) => universe.pass(millis))
  if (status?.warnings.some(({ reason }) => !PAST.has(reason)) === true) {
    universe.pass(DRILL_MILLIS)
    status = statusOf(machine, (millis) => universe.pass(millis))
  }
  if (status === undefined) {
    laws.breaks("never silently dead", `${machine.name}'s daemon does not answer at the end`)
    return
  }
  const damaged = new Set(targets.filter((target) => target.damaged !== undefined).map(({ name }) => name))
  for (const { behindEvents, name, state } of status.targets) {
    if (state !== "current" && !damaged.has(name)) {
      laws.breaks(
        "never silently dead",
        `${name} is ${state}, ${behindEvents} behind, for ${machine.name} at the end: ${
          JSON.stringify(status.warnings)
        }`
      )
    }
  }
  for (const { state } of status.sources) {
    if (state !== "current") laws.breaks("never silently dead", `${machine.name}'s store is ${state} at the end`)
  }
  const stale = status.warnings.filter(({ reason }) =>
    !PAST.has(reason) && !(laws.forking && reason === "JournalOlder")
  )
  if (stale.length > 0 && damaged.size === 0) {
    laws.breaks("never silently dead", `${machine.name}'s status still warns: ${JSON.stringify(stale)}`)
  }
}

/** The log is what its root says, and comes to what is in the store. */
const ordered = ({ laws }: Universe, machine: Machine): void => {
  const logs = laws.evidence.logsOf(machine.home.disk)
  for (const { encoded, root, size, writer } of logs) {
    const builder = LogBuilder.empty()
    builder.appendAll(encoded)
    if (builder.size !== size || Buffer.from(builder.head().root).toString("hex") !== root) {
      laws.breaks("logs are in order", `${machine.name}'s log ${writer} has another root than its events`)
    }
  }
  const events = logs.at(-1)!.events
  if (laws.forking) return
  const added = events.flatMap((event) => event.kind === "message.added" ? [event.message.key] : [])
  const twice = added.find((key, at) => added.indexOf(key) !== at)
  if (twice !== undefined) laws.breaks("told once", `${twice} was added twice`)
  const { source } = machine
  const fold = folded({ source, events: [...events], state: new Map() })
  const store = Effect.runSync(dumped(source))
  const difference = differenceOf(fold, store)
  if (difference !== undefined) laws.breaks("restores to the store", `the journal of ${machine.name}: ${difference}`)
}

/** From this target alone everything comes back. */
const whole = (universe: Universe, target: Target): void => {
  const { laws, machines, world: { ring } } = universe
  few(universe, target)
  const result = Effect.runSync(
    Effect.either(Effect.flatMap(target.quiet, (storage) => restored(storage, ring)))
  )
  // A history that nobody has any more nobody can mend: what was lost of it is named for ever.
  const isOrphaned = laws.forking && target.wasDamaged && Either.isLeft(result) && result.left instanceof RestoreError
  if (Either.isLeft(result) && !isOrphaned) {
    laws.breaks("restores to the store", `${target.name} is not restored: ${told(result.left)}`)
    return
  }
  if (Either.isRight(result) && !laws.forking) {
    const store = Effect.runSync(linesInStore(machines[0]!.source))
    const difference = differenceOf(result.right.lines, store)
    if (difference !== undefined) laws.breaks("restores to the store", `${target.name}: ${difference}`)
    return
  }
  kept(universe, target)
}

/** After a fork: every event that any machine has is there, under its index, and under that nothing else is. */
const kept = ({ laws, machines }: Universe, target: Target): void => {
  const coverage = laws.evidence.coverageOf(target)
  for (const machine of machines) {
    for (const { digests, writer } of laws.evidence.logsOf(machine.home.disk)) {
      const there = coverage.get(writer) ?? []
      const lost = digests.findIndex((digest, index) => there[index]?.has(digest) !== true)
      if (lost >= 0) {
        laws.breaks("forks are found", `event ${lost} of ${machine.name}'s log ${writer} is not at ${target.name}`)
      }
      // Whoever meets another history under its name leaves that log where they part.
      const twice = digests.findIndex((_, index) => (there[index]?.size ?? 0) > 1)
      if (twice >= 0) {
        laws.breaks("forks are found", `event ${twice} of ${machine.name}'s log ${writer} is two at ${target.name}`)
      }
    }
  }
}

/** Fifteen of a level may lie there, a group that is about to be merged, and what an interrupted merge left. */
const few = ({ laws }: Universe, target: Target): void => {
  const logs = new Map<string, Array<number>>()
  for (const { level, writer } of laws.evidence.segmentsAt(target)) {
    const levels = logs.get(writer) ?? []
    logs.set(writer, levels)
    levels[level] = (levels[level] ?? 0) + 1
  }
  for (const [writer, levels] of logs) {
    const most = Math.max(...levels.map((count) => count ?? 0))
    if (most > 3 * COMPACT_SEGMENTS) {
      laws.breaks("few objects", `${most} objects of one level of ${writer} lie at ${target.name}`)
    }
  }
}

/** A drill of every byte of it does not pass. */
const damaged = (universe: Universe, target: Target): void => {
  const { laws, machines } = universe
  laws.named(machines, target)
  const machine = machines[0]!
  const { life } = machine
  if (life?.running === undefined || laws.lacks(machine, target) === undefined) return
  const fiber = life.fork(life.running.handlers.drill({ mode: "full", target: target.name }))
  universe.pass(60_000)
  const exit = resultOf(fiber)
  // What the drill lacked it may have shipped again: then it said so.
  if (exit === undefined || (Exit.isSuccess(exit) && exit.value.findings.length === 0)) {
    laws.breaks("damage is named", `a drill of ${target.name}, which was ${target.damaged}, says nothing`)
  }
}

const told = (error: unknown): string =>
  error instanceof RestoreError
    ? `${error.message} ${
      JSON.stringify(error.findings.map(({ cause, first, last, reason }) => [reason, first, last, String(cause ?? "")]))
    }`
    : String(error)

const differenceOf = (actual: ReadonlyArray<string>, expected: ReadonlyArray<string>): string | undefined => {
  const extra = actual.find((line) => !expected.includes(line))
  const lacking = expected.find((line) => !actual.includes(line))
  if (extra !== undefined || lacking !== undefined) return `has ${extra} and lacks ${lacking}`
  return actual.length === expected.length ? undefined : `has ${actual.length} lines for ${expected.length}`
}
