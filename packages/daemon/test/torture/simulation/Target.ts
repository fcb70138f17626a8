/**
 * A place that backups are shipped to, as bad as places are: slow, away, full, hung, forgetful, lying, torn apart,
 * turned back to yesterday. What it does is drawn from the seed, call by call, and counted.
 */
import { makeMemory } from "@sealog/adapters/storage/Memory"
import type { StorageShape } from "@sealog/core/backup/Storage"
import {
  type Call,
  type Fault,
  type FaultyStorage,
  makeFaulty,
  type Snapshot
} from "@sealog/core/testing/FaultyStorage"
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import { pick } from "../../faults/Trials.ts"
import type { Gate } from "./Files.ts"
import { killed, type Mortal, type Timeline, waitingOf } from "./Timeline.ts"

/** How a place is, until it is otherwise. */
export type Mood =
  | "well"
  /** Some requests fail, or are done and not answered. */
  | "flaky"
  | "away"
  | "full"
  | "denied"
  | "throttled"
  /** Requests are neither answered nor refused, ever. */
  | "hung"
  /** The same of puts alone. */
  | "stuck"
  | "slow"
  /** Puts leave the beginning of an object under its name, and fail. */
  | "tearing"
  /** Listings show what an earlier one showed. */
  | "stale"
  /** What is read comes back wrong or short. */
  | "garbling"
  /** Deletes are acknowledged and not done. */
  | "keeping"
  /** Puts are acknowledged and leave only the beginning. */
  | "lying"

export const moods: ReadonlyArray<Mood> = [
  "flaky",
  "away",
  "full",
  "denied",
  "throttled",
  "hung",
  "stuck",
  "slow",
  "tearing",
  "stale",
  "garbling",
  "keeping",
  "lying"
]

export type Counts = Map<string, number>

export const count = (counts: Counts, what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)

interface Hands {
  readonly name: string
  readonly random: () => number
  readonly timeline: Timeline
  readonly counts: Counts
  /** Says what went against a promise. */
  readonly complain: (what: string) => void
}

export class Target {
  readonly name: string
  readonly objects = new Map<string, Uint8Array>()
  /** Grows with each change of what is there. */
  version = 0
  /** When it last was anything but well, by the timers' clock. */
  unwellUntil = 0
  /** Whether the simulator changed what had been stored, and nobody has made it whole yet. */
  damaged: string | undefined
  /** Whether it ever did. */
  wasDamaged = false
  private current: Mood = "well"
  private readonly hands: Hands
  private readonly faulty: FaultyStorage
  /** What was put under each name, ever. */
  private readonly put = new Map<string, Uint8Array>()
  /** Names of what may be found to be damaged there, and come again once. */
  private readonly doubted = new Set<string>()
  private snapshots: Array<Snapshot> = []

  constructor(hands: Hands) {
    this.name = hands.name
    this.hands = hands
    this.faulty = Effect.runSync(
      Effect.flatMap(makeMemory({ objects: this.objects }), (behind) => makeFaulty(behind, (call) => this.fault(call)))
    )
  }

  get mood(): Mood {
    return this.current
  }

  set mood(mood: Mood) {
    if (this.current !== "well") this.unwellUntil = this.hands.timeline.now
    this.current = mood
    if (mood !== "well") count(this.hands.counts, `target ${mood}`)
  }

  get isWell(): boolean {
    return this.current === "well"
  }

  /** The place itself, without faults, for whoever looks. */
  get quiet(): Effect.Effect<StorageShape> {
    return makeMemory({ objects: this.objects })
  }

  /** The place as one process sees it. */
  through(gate: Gate, mortal: Mortal): StorageShape {
    const { storage } = this.faulty
    const request = <A, E>(verb: string, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.suspend(() => {
        if (this.current === "hung" || (this.current === "stuck" && verb === "put")) {
          count(this.hands.counts, "request hung")
          return Effect.zipRight(waitingOf(mortal, () => () => {}), killed)
        }
        return Effect.zipRight(
          this.delay(mortal),
          Effect.zipLeft(gate(verb, work), Effect.suspend(() => this.delay(mortal)))
        )
      })
    return {
      ...storage,
      put: (name, bytes) => request("put", Effect.ensuring(storage.put(name, bytes), this.noted(name))),
      get: (name, range) => request("get", storage.get(name, range)),
      list: (prefix) =>
        Stream.unwrap(Effect.map(request("list", Stream.runCollect(storage.list(prefix))), Stream.fromChunk)),
      delete: (name) => request("delete", Effect.zipRight(this.changed, storage.delete(name)))
    }
  }

  /** Keeps what is there now, to be turned back to. */
  remember(): void {
    this.snapshots.push(new Map(this.objects))
  }

  /** Its owner puts an old copy of it back. */
  turnBack(): void {
    const then = this.snapshots.length === 0 ? undefined : pick(this.hands.random, this.snapshots)
    if (then === undefined) return
    this.snapshots = this.snapshots.filter((each) => each === then)
    Effect.runSync(this.faulty.rollBack(then))
    this.damage("turned back")
  }

  /** One object is changed, or lost, behind everybody's back. */
  harm(): void {
    const names = [...this.objects.keys()].filter((name) => name.startsWith("log/") || name.startsWith("blobs/"))
    if (names.length === 0) return
    const name = pick(this.hands.random, names)
    const bytes = this.objects.get(name)!
    const at = Math.floor(this.hands.random() * bytes.length)
    const how = pick(this.hands.random, ["lost", "flipped", "cut"] as const)
    // What is found to be damaged is sealed anew, and comes under the same name in the same session.
    this.put.delete(name)
    if (how === "lost") this.objects.delete(name)
    else Effect.runSync(this.faulty.tamper(name, (whole) => how === "cut" ? whole.subarray(0, at) : flipped(whole, at)))
    this.damage(how)
  }

  private damage(how: string): void {
    count(this.hands.counts, `damage ${how}`)
    this.damaged = how
    this.wasDamaged = true
    this.version++
    // Whatever is gone may come again as it was sealed anew.
    if (how !== "lied about") { for (const name of this.put.keys()) if (!this.objects.has(name)) this.put.delete(name) }
  }

  private readonly changed = Effect.sync(() => void this.version++)

  /** No name ever stands for two different things; what is torn is only the beginning of one. */
  private noted(name: string): Effect.Effect<void> {
    return Effect.sync(() => {
      this.version++
      const bytes = this.objects.get(name)
      if (bytes === undefined || bytes === this.put.get(name)) return
      const before = this.put.get(name)
      this.put.set(name, bytes)
      const common = Math.min(before?.length ?? 0, bytes.length)
      const isSame = before === undefined || Buffer.compare(before.subarray(0, common), bytes.subarray(0, common)) === 0
      if (!isSame && !this.doubted.delete(name)) {
        this.hands.complain(`${name} was put at ${this.name} twice with different bytes`)
      }
    })
  }

  private delay(mortal: Mortal): Effect.Effect<void> {
    const { random, timeline } = this.hands
    if (this.current === "slow") return timeline.sleep(Math.floor(random() * SLOW_MILLIS), mortal)
    // Many answers in no time cost a simulation less; some have to come between others.
    return random() < QUICK_CHANCE ? timeline.sleep(Math.floor(random() * QUICK_MILLIS), mortal) : Effect.void
  }

  private fault({ name, verb }: Call): Fault | undefined {
    const fault = this.drawn(verb)
    if (fault === undefined) return undefined
    const reason = fault._tag === "fail" ? ` ${fault.reason}` : ""
    count(this.hands.counts, `${verb} ${fault._tag}${reason}`)
    if (fault._tag === "tornSilently") this.damage("lied about")
    // Nobody can tell a wrong answer from a damaged object, and what was torn is one: both are sealed anew (`harm`).
    if (DAMAGING.has(fault._tag)) this.doubted.add(name)
    return fault
  }

  private drawn(verb: Call["verb"]): Fault | undefined {
    const { random } = this.hands
    switch (this.current) {
      case "flaky":
        return random() < 0.3 ? pick(random, FLAKY) : undefined
      case "away":
        return { _tag: "fail", reason: "Unreachable" }
      case "full":
        return verb === "put" ? { _tag: "fail", reason: "Full" } : undefined
      case "denied":
        return { _tag: "fail", reason: "Denied" }
      case "throttled":
        return random() < 0.8 ? { _tag: "fail", reason: "Throttled" } : undefined
      case "tearing":
        return verb === "put" && random() < 0.5 ? { _tag: "torn", keepBytes: Math.floor(random() * 4_000) } : undefined
      case "lying":
        return verb === "put" && random() < 0.3
          ? { _tag: "tornSilently", keepBytes: Math.floor(random() * 4_000) }
          : undefined
      case "stale":
        return verb === "list" && random() < 0.6 ? { _tag: "staleList" } : undefined
      case "garbling":
        return verb === "get" && random() < 0.5 ? pick(random, GARBLED) : undefined
      case "keeping":
        return verb === "delete" && random() < 0.7 ? { _tag: "ignored" } : undefined
      default:
        return undefined
    }
  }
}

const QUICK_MILLIS = 20
const QUICK_CHANCE = 0.25
const SLOW_MILLIS = 2_000

const FLAKY: ReadonlyArray<Fault> = [
  { _tag: "fail", reason: "Unreachable" },
  { _tag: "fail", reason: "Throttled" },
  { _tag: "lostAcknowledgement" }
]

const DAMAGING: ReadonlySet<Fault["_tag"]> = new Set(["wrongBytes", "short", "tornSilently"])

const GARBLED: ReadonlyArray<Fault> = [{ _tag: "wrongBytes" }, { _tag: "short", keepBytes: 10 }]

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  bytes[at] = bytes[at]! ^ 1
  return bytes
}
