/**
 * One simulated world: machines, targets, time, and whoever starts daemons again. All of it comes from a seed; all
 * that happens in it is noted, so that two of one seed can be compared.
 */
import { Entropy, layerSeeded } from "@sealog/core/keys/Entropy"
import { Kdf, layerTest } from "@sealog/core/keys/Kdf"
import { generateKeyRing, generateVaultId } from "@sealog/core/keys/KeyRing"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { pick, randomOf } from "../../faults/Trials.ts"
import { Asks, statusOf } from "./Asks.ts"
import { makeHome } from "./HomeState.ts"
import { Laws } from "./Laws.ts"
import type { World } from "./Life.ts"
import { Machine } from "./Machine.ts"
import { count, type Counts, Target } from "./Target.ts"
import { Timeline } from "./Timeline.ts"
import type { Variant } from "./Variants.ts"

/** What every simulation draws first: how big it is, and how bad. */
export interface Character {
  readonly targets: number
  readonly shipDelaySeconds: number
  readonly drillEveryHours: number
  /** From calm to hostile: the share of steps that are faults. */
  readonly hostility: number
  /** How much a fiber does at a stretch. */
  readonly stretch: number
  readonly batch: number
  readonly readsAhead: boolean
  /** Its owner chats all day: objects become many. */
  readonly busy: boolean
  /** Whether machines are cloned and turned back. */
  readonly forks: boolean
  /** Whether what is stored at targets is damaged. */
  readonly harm: boolean
}

const drawCharacter = (random: () => number): Character => ({
  targets: pick(random, [1, 2, 2, 3]),
  shipDelaySeconds: pick(random, [0, 0, 2, 30]),
  drillEveryHours: pick(random, [0, 1, 24]),
  hostility: pick(random, [0.2, 0.4, 0.6]),
  stretch: pick(random, [2_048, 2_048, 200, 30]),
  batch: pick(random, [1, 3, 100]),
  readsAhead: random() < 0.5,
  busy: random() < 0.2,
  forks: random() < 0.35,
  harm: random() < 0.3
})

export interface UniverseOptions {
  readonly seed: number | string
  readonly variant?: Variant
  /** What is not left to chance. */
  readonly character?: Partial<Character>
}

const TRACE_KEPT = 60
const GRACE_MILLIS = 1_800

export class Universe {
  readonly random: () => number
  readonly timeline: Timeline
  readonly character: Character
  readonly counts: Counts = new Map()
  readonly world: World
  readonly laws: Laws
  readonly machines: Array<Machine>
  readonly targets: ReadonlyArray<Target>
  readonly asks: Asks
  private readonly trace: Array<string> = []
  private readonly hash = createHash("sha256")

  constructor({ character, seed, variant }: UniverseOptions) {
    const random = randomOf(`simulation ${seed}`)
    this.random = random
    this.character = { ...drawCharacter(random), ...character }
    const timeline = new Timeline(random, this.character.stretch)
    this.timeline = timeline
    const complain = (what: string) => this.laws.breaks("names are final", what)
    this.targets = Array.from(
      { length: this.character.targets },
      (_, at) => new Target({ name: `target-${at}`, random, timeline, counts: this.counts, complain })
    )
    const entropy = Effect.runSync(Effect.provide(Entropy, layerSeeded(`simulation ${seed}`)))
    const kdf = Effect.runSync(Effect.provide(Kdf, layerTest))
    const made = Effect.gen(this, function*() {
      const ring = yield* Effect.flatMap(generateVaultId, generateKeyRing)
      return { ring, home: yield* makeHome(ring, { ...this.character, targets: this.targets }) }
    })
    const { home, ring } = Effect.runSync(
      made.pipe(Effect.provideService(Entropy, entropy), Effect.provideService(Kdf, kdf))
    )
    this.world = {
      ...this.character,
      timeline,
      random,
      entropy,
      kdf,
      ring,
      counts: this.counts,
      targets: this.targets,
      variant: variant ?? {},
      note: (request) => void this.hash.update(`${timeline.now} ${request}\n`)
    }
    this.laws = new Laws(this.world)
    this.asks = new Asks(this.world, this.laws)
    this.machines = [new Machine(this.world, "a", home)]
    this.say(JSON.stringify(this.character))
  }

  get isBroken(): boolean {
    return this.laws.broken.length > 0
  }

  say(text: string): void {
    const line = `${this.timeline.now} ${text}`
    this.trace.push(line)
    this.hash.update(`${line}\n`)
  }

  /** Of everything that was done so far, in order. */
  digest(): { readonly hash: string; readonly trace: ReadonlyArray<string> } {
    return { hash: this.hash.copy().digest("hex"), trace: this.trace.slice(-TRACE_KEPT) }
  }

  /** Lets time pass, starts what is to be started, and looks at everything. */
  pass(millis: number): void {
    const end = this.timeline.now + millis
    while (this.timeline.now < end && !this.isBroken) {
      const starts = this.machines.flatMap(({ startAt }) => startAt === undefined ? [] : [startAt])
      this.timeline.advance(Math.max(1, Math.min(end, ...starts) - this.timeline.now))
      for (const machine of this.machines) this.attend(machine)
      this.asks.look()
      this.laws.step(this.machines, this.targets)
    }
  }

  /** The owner does something, not just now. */
  later(machine: Machine, millis: number): void {
    this.timeline.after(Math.floor(this.random() * millis), () => {
      this.say(`  ${machine.name}'s owner ${machine.store.act(this.random, machine.name)}`)
      machine.storeMoved = this.timeline.now
      if (this.random() < HINTED) machine.store.hint()
      else count(this.counts, "hint lost")
    })
  }

  /** It is told to stop, and killed where it does not within its grace. */
  stop(machine: Machine): void {
    const { life } = machine
    if (life === undefined) return
    life.stop()
    this.timeline.settle()
    if (life.ended === undefined) this.timeline.advance(GRACE_MILLIS)
    if (life.ended === undefined) {
      count(this.counts, "grace was over")
      machine.kill(false)
    } else count(this.counts, "stopped clean")
    machine.life = undefined
  }

  /** What the machines themselves say, where something was broken; and the end of them. */
  close(): void {
    for (const machine of this.isBroken ? this.machines : []) {
      const status = statusOf(machine, (millis) => this.timeline.advance(millis))
      const targets = status?.targets.map(({ behindEvents, name, state }) => `${name} ${state} ${behindEvents} behind`)
      this.say(`${machine.name} says: ${targets?.join(", ") ?? "nothing"} ${JSON.stringify(status?.warnings ?? [])}`)
    }
    for (const machine of this.machines) machine.kill(false)
  }

  /** What the service manager does. */
  private attend(machine: Machine): void {
    const { life } = machine
    if (life?.dead === true) {
      machine.kill(this.random() < 0.5)
      machine.startAt = this.timeline.now + Math.floor(this.random() * 5_000)
    } else if (life?.ended !== undefined) {
      this.asks.ended(machine, life.ended)
      machine.life = undefined
      machine.startAt = this.timeline.now + 1_000
    } else if (machine.startAt !== undefined && machine.startAt <= this.timeline.now) {
      machine.start()
      this.timeline.settle()
    }
  }
}

/** Hints are no promise. */
const HINTED = 0.9
