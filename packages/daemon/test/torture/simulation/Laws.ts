/**
 * What must hold at every step of a simulation, whatever happened before. Each law has a name; what goes against one
 * is told once, in a sentence that begins with that name.
 */
import { noPast } from "@sealog/core/backup/Source"
import { Effect, Either, Option, Stream } from "effect"
import { Buffer } from "node:buffer"
import { Evidence, type KeptLog } from "./Evidence.ts"
import { SOURCE } from "./HomeState.ts"
import type { World } from "./Life.ts"
import type { Machine } from "./Machine.ts"
import { verified } from "./Restored.ts"
import type { Target } from "./Target.ts"

export type Law =
  /** Nothing that was acknowledged as journalled is lost or changed by a crash. */
  | "journalled is kept"
  /** Indices follow each other, and times never go back. */
  | "logs are in order"
  /** No event of a store is told twice. */
  | "told once"
  /** What a cursor says is shipped can be read at that target alone, blobs too. */
  | "shipped is provable"
  /** No name is put twice with different bytes. */
  | "names are final"
  /** No index of a writer has two events, unless a machine was cloned or turned back. */
  | "one event an index"
  /** A fork is found, and both histories are kept. */
  | "forks are found"
  /** No store and no target waits for another. */
  | "nobody waits"
  /** It makes progress once faults are over, or has ended with an error that has a name. */
  | "never silently dead"
  /** Objects at a target stay few. */
  | "few objects"
  /** What comes back is what is in the store. */
  | "restores to the store"
  /** A target that was damaged is named as that. */
  | "damage is named"

/** How long a start may wait for bad targets. */
const START_MILLIS = 70_000
/** How long a change in a store may take to be journalled: a start, the poll and a pass. */
const CAPTURE_MILLIS = START_MILLIS + 66_000
/** How long an event may take to a target that is well, beside the ship delay. */
const SHIP_MILLIS = 60_000
/** A target that was away is tried again after five minutes at the latest, jittered. */
const RETRY_MILLIS = 6.5 * 60_000

/** What a machine had shown of its log, for whoever looked. */
interface Shown {
  readonly log: KeptLog
  readonly size: number
}

interface Seen {
  readonly shown: Map<string, Shown>
  readonly checked: Map<string, { size: number; recordedAt: number }>
  /** Sizes of the log that grew, and when each was there. */
  readonly grown: Array<{ readonly at: number; readonly writer: string; readonly size: number }>
  life: unknown
  /** Since when a store at rest has had something to tell. */
  waitingSince: number | undefined
}

export class Laws {
  readonly evidence: Evidence
  readonly broken: Array<string> = []
  /** Whether one log may have two histories: a machine was cloned or turned back. */
  forking = false
  private readonly world: World
  private readonly seen = new Map<Machine, Seen>()
  private readonly looked = new Map<Target, number>()
  private readonly known = new Map<string, Array<string>>()

  constructor(world: World) {
    this.world = world
    this.evidence = new Evidence(world.ring)
  }

  breaks(law: Law, what: string): void {
    const sentence = `${law}: ${what}`
    if (!this.broken.includes(sentence)) this.broken.push(sentence)
  }

  /** Looks at everything once. */
  step(machines: ReadonlyArray<Machine>, targets: ReadonlyArray<Target>): void {
    for (const machine of machines) {
      const seen = this.seenOf(machine)
      const logs = this.evidence.logsOf(machine.home.disk)
      this.inOrder(machine, seen, logs)
      this.kept(machine, seen, logs)
      this.noteGrowth(seen, logs)
      this.captured(machine, seen)
      for (const target of targets) this.shipped(machine, seen, target)
    }
    for (const target of targets) {
      this.provable(machines, target)
      this.single(target)
    }
  }

  /** A machine's past was changed from outside: what was shown before does not count any more. */
  forget(machine: Machine): void {
    this.seen.delete(machine)
  }

  /** Why a target does not have what it is said to have; nothing where it has. */
  lacks(machine: Machine, target: Target, logs = this.evidence.logsOf(machine.home.disk)): string | undefined {
    const coverage = this.evidence.coverageOf(target)
    for (const { size, writer } of machine.cursorAt(target.name).logs) {
      const name = Buffer.from(writer).toString("hex")
      const log = logs.find((each) => each.writer === name)
      const there = coverage.get(name) ?? []
      for (let index = 0; index < size; index++) {
        const digest = log?.digests[index]
        // At a fork a log is left before its end: what was shipped of the rest is still there, and nobody's any more.
        if (digest === undefined ? isEmpty(there[index]) : there[index]?.has(digest) !== true) {
          return `event ${index} of ${size} of ${machine.name}'s log ${name}`
        }
      }
    }
    return undefined
  }

  private seenOf(machine: Machine): Seen {
    const known = this.seen.get(machine)
    if (known !== undefined) return known
    const seen: Seen = { shown: new Map(), checked: new Map(), grown: [], life: undefined, waitingSince: undefined }
    this.seen.set(machine, seen)
    return seen
  }

  private inOrder(machine: Machine, { checked }: Seen, logs: ReadonlyArray<KeptLog>): void {
    machine.home.disk.logs.forEach(({ entries }, at) => {
      const { events, writer } = logs[at]!
      const from = checked.get(writer) ?? { size: 0, recordedAt: 0 }
      checked.set(writer, from)
      // A log that was left at a fork is shorter than it was.
      if (from.size > events.length) Object.assign(from, { size: 0, recordedAt: 0 })
      if (from.size === events.length) return
      let next = 0
      for (const { block, head } of entries) {
        if (block.first !== next || head.size !== next + block.count) {
          this.breaks("logs are in order", `${machine.name} has a block at ${block.first} where ${next} is next`)
        }
        next += block.count
      }
      for (; from.size < events.length; from.size++) {
        const { recordedAt } = events[from.size]!
        if (recordedAt < from.recordedAt) {
          this.breaks("logs are in order", `${machine.name}'s event ${from.size} is recorded before the one before it`)
        }
        from.recordedAt = recordedAt
      }
    })
  }

  /** What a process had shown is there when the next one runs. */
  private kept(machine: Machine, seen: Seen, logs: ReadonlyArray<KeptLog>): void {
    const { life } = machine
    const writers = logs.map(({ writer }) => writer)
    if (life === undefined || life !== seen.life) {
      for (const [writer, { log, size }] of seen.shown) {
        // A log that was left at a fork goes on in another: what it had is there under other indices.
        if (writer !== writers.at(-1)) continue
        const now = logs.find((each) => each.writer === writer)!
        if (now.size < size) {
          this.breaks("journalled is kept", `${machine.name} had shown ${size} events and has ${now.size}`)
        }
        const changed = now.digests.findIndex((digest, at) => at < log.size && digest !== log.digests[at])
        if (changed >= 0) this.breaks("journalled is kept", `${machine.name}'s event ${changed} is another than it was`)
      }
      seen.shown.clear()
      seen.life = life
    }
    if (life === undefined || life.journal === undefined || life.dead) return
    const { writer } = Effect.runSync(life.journal.identity)
    const { size } = Effect.runSync(life.journal.head)
    const name = Buffer.from(writer).toString("hex")
    const log = logs.find((each) => each.writer === name)
    if (log !== undefined) seen.shown.set(name, { log, size })
  }

  private noteGrowth({ grown }: Seen, logs: ReadonlyArray<KeptLog>): void {
    const { size, writer } = logs.at(-1)!
    const last = grown.at(-1)
    if (last?.size === size && last.writer === writer) return
    grown.push({ at: this.world.timeline.now, writer, size })
  }

  /** A store that has been at rest for long enough has nothing to tell, or only what a fork has just made news again. */
  private captured(machine: Machine, seen: Seen): void {
    const { life, store } = machine
    const { now } = this.world.timeline
    if (life === undefined || life.ended !== undefined || store.away !== undefined) return
    if (now - Math.max(life.startedAt, machine.storeMoved) < CAPTURE_MILLIS || this.isCaptured(machine)) {
      seen.waitingSince = undefined
      return
    }
    seen.waitingSince ??= now
    if (now - Math.max(life.startedAt, seen.waitingSince) >= CAPTURE_MILLIS) {
      this.breaks("nobody waits", `${machine.name}'s store has waited for longer than a pass may take`)
    }
  }

  /** Whether a pass would find nothing. */
  isCaptured(machine: Machine): boolean {
    const state = machine.home.disk.states.get(SOURCE) ?? new Map<string, string>()
    return Option.isNone(Effect.runSync(Stream.runHead(machine.source.changes(state, noPast))))
  }

  /** Whether a machine says that a target has all its logs. */
  isShipped(machine: Machine, target: Target): boolean {
    const { logs } = machine.cursorAt(target.name)
    // Of a log that was left at a fork there may be more.
    return this.evidence.logsOf(machine.home.disk).every(({ size, writer }) =>
      size === 0 || logs.some((log) => Buffer.from(log.writer).toString("hex") === writer && log.size >= size)
    )
  }

  /** A target that is well has what was recorded long enough ago, whatever the others do. */
  private shipped(machine: Machine, { grown }: Seen, target: Target): void {
    const { life } = machine
    const { now } = this.world.timeline
    if (life === undefined || life.ended !== undefined || !target.isWell || target.damaged !== undefined) return
    const again = target.unwellUntil > life.startedAt ? RETRY_MILLIS : 0
    const since = Math.max(life.startedAt + START_MILLIS, target.unwellUntil + again)
    const before = now - SHIP_MILLIS - this.world.shipDelaySeconds * 1_000
    if (since > before) return
    const due = grown.findLast(({ at }) => at <= before)
    if (due === undefined) return
    const cursor = machine.cursorAt(target.name)
    const size = cursor.logs.find(({ writer }) => Buffer.from(writer).toString("hex") === due.writer)?.size ?? 0
    // A log that was left at a fork is shorter than it was.
    const kept = this.evidence.logsOf(machine.home.disk).find(({ writer }) => writer === due.writer)?.size ?? 0
    if (size < Math.min(due.size, kept)) {
      this.breaks("nobody waits", `${target.name} is well and has ${size} of ${due.size} events of ${machine.name}`)
    }
  }

  private provable(machines: ReadonlyArray<Machine>, target: Target): void {
    const lacking = machines.map((machine) => this.lacks(machine, target)).find((each) => each !== undefined)
    if (target.damaged !== undefined) {
      // Shipped again, or never mattered: it is as good as any other now.
      if (lacking === undefined && this.unreadable(target).length === 0) target.damaged = undefined
    } else if (lacking !== undefined) this.breaks("shipped is provable", `${target.name} lacks ${lacking}`)
  }

  /** A target that was just damaged: a check of it finds what is wrong, whoever asks. */
  named(machines: ReadonlyArray<Machine>, target: Target): void {
    for (const machine of machines) {
      const pinned = machine.pin(this.world.ring).targets[target.name]
      const writer = pinned === undefined ? "" : Buffer.from(pinned.writer).toString("hex")
      const events = this.evidence.coverageOf(target).get(writer) ?? []
      const lost = pinned === undefined
        ? -1
        : Array.from({ length: pinned.size }, (_, at) => events[at]).findIndex(isEmpty)
      const unreadable = this.unreadable(target)
      if (lost < 0 && unreadable.length === 0) continue
      const known = new Map(pinned === undefined ? [] : [[writer, [{ ...pinned, from: "pin" }]]])
      const found = Effect.runSync(
        Effect.either(Effect.flatMap(target.quiet, (storage) => verified(storage, this.world.ring, known)))
      )
      if (Either.isRight(found) && found.right.length === 0) {
        const what = lost < 0 ? `${unreadable[0]} does not open` : `event ${lost} is gone`
        this.breaks("damage is named", `${target.name} was ${target.damaged}, ${what}, and a check finds nothing`)
      }
    }
  }

  /** Objects that do not open. */
  unreadable(target: Target): ReadonlyArray<string> {
    return this.evidence.unreadableAt(target)
  }

  private single(target: Target): void {
    if (this.forking || this.looked.get(target) === target.version) return
    this.looked.set(target, target.version)
    for (const [writer, events] of this.evidence.coverageOf(target)) {
      const known = this.known.get(writer) ?? []
      this.known.set(writer, known)
      events.forEach((digests, index) => {
        for (const digest of digests) {
          known[index] ??= digest
          if (known[index] !== digest) {
            this.breaks("one event an index", `event ${index} of ${writer} at ${target.name}`)
          }
        }
      })
    }
  }
}

const isEmpty = (digests: ReadonlySet<string> | undefined): boolean => digests === undefined || digests.size === 0
