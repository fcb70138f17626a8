/** What may happen in a simulated world, and how likely that is: ordinary days, and everything that goes wrong. */
import { pick } from "../../faults/Trials.ts"
import type { Machine } from "./Machine.ts"
import { count, type Mood, moods, type Target } from "./Target.ts"
import type { Universe } from "./Universe.ts"

interface Act {
  readonly name: string
  readonly weight: number
  /** Whether something goes wrong. */
  readonly fault: boolean
  readonly when?: (universe: Universe) => boolean
  /** Says more of it than its name. */
  readonly act: (universe: Universe, machine: Machine) => string | void
}

const HOUR_MILLIS = 3_600_000

/** Draws what happens next, lets it happen, and gives what is told of it. */
export const actSomehow = (universe: Universe): void => {
  const { character, counts, machines, random } = universe
  const isFault = random() < character.hostility
  const possible = acts.filter(({ fault, when }) => fault === isFault && (when === undefined || when(universe)))
  let left = random() * possible.reduce((sum, { weight }) => sum + weight, 0)
  const act = possible.find(({ weight }) => (left -= weight) < 0) ?? possible[0]!
  count(counts, `step ${act.name}`)
  const told = act.act(universe, pick(random, machines))
  universe.say(told === undefined ? act.name : `${act.name}: ${told}`)
}

const ordinary: ReadonlyArray<Act> = [
  {
    name: "owner",
    weight: 12,
    fault: false,
    act: (universe, machine) => {
      const acts = 1 + Math.floor(universe.random() * 4)
      for (let act = 0; act < acts; act++) universe.later(machine, 3_000)
      return `${machine.name}'s, ${acts} times`
    }
  },
  {
    name: "chat",
    weight: 4,
    fault: false,
    when: ({ character }) => character.busy,
    act: (universe, machine) => {
      const messages = 6 + Math.floor(universe.random() * 12)
      for (let message = 0; message < messages && !universe.isBroken; message++) {
        universe.later(machine, 100)
        universe.pass((universe.character.shipDelaySeconds + 0.4) * 1_000)
      }
      return `${machine.name}'s, ${messages} messages`
    }
  },
  { name: "rest", weight: 1, fault: false, act: (universe) => universe.pass(160_000) },
  { name: "an hour", weight: 0.1, fault: false, act: (universe) => universe.pass(HOUR_MILLIS) },
  { name: "ask", weight: 2, fault: false, act: ({ asks }, machine) => asks.ask(machine) },
  {
    name: "calm",
    weight: 3,
    fault: false,
    act: ({ machines, targets, timeline }) => {
      for (const target of targets) target.mood = "well"
      for (const { store } of machines) store.away = undefined
      for (const machine of machines) machine.storeMoved = timeline.now
    }
  },
  { name: "back up the machine", weight: 1, fault: false, act: (_, machine) => machine.backUp() },
  { name: "copy the target", weight: 1, fault: false, act: ({ random, targets }) => pick(random, targets).remember() },
  {
    name: "stop",
    weight: 1,
    fault: false,
    act: (universe, machine) => {
      universe.stop(machine)
      machine.startAt = universe.timeline.now + Math.floor(universe.random() * 120_000)
    }
  },
  {
    name: "sleep",
    weight: 2,
    fault: false,
    act: ({ counts, random, timeline }) => {
      const hours = 1 + Math.floor(random() * 12)
      count(counts, "laptop slept")
      timeline.setWall(hours * HOUR_MILLIS)
      return `${hours} h`
    }
  }
]

/** Something bad that becomes of a target, which whoever looks must be told of. */
const harming = (name: string, deed: (target: Target) => void): Act => ({
  name,
  weight: 2,
  fault: true,
  when: ({ character }) => character.harm,
  act: ({ laws, machines, random, targets }) => {
    const target = pick(random, targets)
    deed(target)
    laws.named(machines, target)
    return target.name
  }
})

const faults: ReadonlyArray<Act> = [
  {
    name: "mood",
    weight: 8,
    fault: true,
    act: ({ character, random, targets }) => {
      const target = pick(random, targets)
      const drawn: Mood = pick(random, moods)
      target.mood = drawn === "lying" && !character.harm ? "away" : drawn
      return `${target.name} is ${target.mood}`
    }
  },
  {
    name: "fuse",
    weight: 6,
    fault: true,
    act: ({ random }, { life }) => {
      const requests = 1 + Math.floor(random() ** 2 * 120)
      const done = random() < 0.5
      if (life !== undefined) life.fuse = { requests, done }
      return `${requests} requests${done ? ", the last one done" : ""}`
    }
  },
  {
    name: "kill",
    weight: 3,
    fault: true,
    act: ({ random, timeline }, machine) => {
      machine.kill(random() < 0.5)
      machine.startAt ??= timeline.now + Math.floor(random() * 20_000)
    }
  },
  {
    name: "clock set back",
    weight: 1,
    fault: true,
    act: ({ counts, random, timeline }) => {
      count(counts, "clock set back")
      timeline.setWall(-Math.floor(random() * 48 * HOUR_MILLIS))
    }
  },
  {
    name: "store away",
    weight: 2,
    fault: true,
    act: ({ counts, random }, { store }) => {
      store.away = pick(random, ["NotFound", "Denied", "Unreadable"] as const)
      count(counts, `store ${store.away}`)
      return store.away
    }
  },
  {
    name: "journal trouble",
    weight: 1,
    fault: true,
    act: ({ random }, { life }) => {
      const reason = pick(random, ["Full", "Io"] as const)
      if (life !== undefined) life.journalTrouble = { reason, times: 1 + Math.floor(random() * 3) }
      return reason
    }
  },
  harming("harm a target", (target) => target.harm()),
  harming("turn a target back", (target) => target.turnBack()),
  {
    name: "turn the machine back",
    weight: 2,
    fault: true,
    when: ({ character }) => character.forks,
    act: ({ counts, laws, timeline }, machine) => {
      machine.kill(true)
      machine.startAt ??= timeline.now + 1_000
      if (!machine.turnBack()) return "there is no backup"
      count(counts, "machine turned back")
      laws.forking = true
      laws.forget(machine)
    }
  },
  {
    name: "clone the machine",
    weight: 1,
    fault: true,
    when: ({ character, machines }) => character.forks && machines.length < 2,
    act: ({ counts, laws, machines, random, timeline }, machine) => {
      const clone = machine.clone("b")
      count(counts, "machine cloned")
      laws.forking = true
      clone.startAt = timeline.now + Math.floor(random() * 60_000)
      machines.push(clone)
    }
  }
]

const acts = [...ordinary, ...faults]
