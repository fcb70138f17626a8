/**
 * What the simulation found, each once more without chance: the shortest way to it, judged by the same laws. The seeds
 * are those it was found under, in the simulation as it was then.
 */
import { assert, describe, it } from "@effect/vitest"
import { Buffer } from "node:buffer"
import { conclude } from "./Conclusion.ts"
import { HOME } from "./HomeState.ts"
import type { Machine } from "./Machine.ts"
import type { Target } from "./Target.ts"
import { type Character, Universe } from "./Universe.ts"

interface Scene {
  readonly universe: Universe
  readonly machine: Machine
  readonly first: Target
  readonly second: Target
  /** Adds a message to a store and lets time pass. */
  readonly add: (machine: Machine, millis: number) => void
}

const plain: Character = {
  targets: 2,
  shipDelaySeconds: 0,
  drillEveryHours: 0,
  hostility: 0,
  stretch: 2_048,
  batch: 100,
  readsAhead: false,
  busy: false,
  forks: false,
  harm: false
}

/** Plays a scene from the start of one machine to the end of all faults, and expects all laws to hold. */
const play = (script: (scene: Scene) => void, character: Partial<Character> = {}) => () => {
  const universe = new Universe({ seed: "found", character: { ...plain, ...character } })
  const [first, second] = universe.targets
  const machine = universe.machines[0]!
  let count = 0
  const add = (to: Machine, millis: number) => {
    to.store.add(count++, { key: `${to.name}${count}` })
    to.storeMoved = universe.timeline.now
    to.store.hint()
    universe.pass(millis)
  }
  try {
    machine.start()
    universe.pass(1_000)
    script({ universe, machine, first: first!, second: second!, add })
    if (!universe.isBroken) conclude(universe)
  } finally {
    universe.close()
  }
  assert.deepStrictEqual(universe.laws.broken, [], universe.digest().trace.join("\n"))
}

const MINUTE_MILLIS = 60_000
/** Real time that a scene may take on a machine that is busy. */
const SCENE_MILLIS = 60_000
/** Longer than the longest wait before another try. */
const RETRIED_MILLIS = 7 * MINUTE_MILLIS

const restart = ({ universe }: Scene, machine: Machine) => {
  machine.kill(false)
  machine.startAt = universe.timeline.now + 1
}

/** The home is put back as it was when it was last backed up, and starts again. */
const turnBack = ({ universe }: Scene, machine: Machine) => {
  machine.kill(true)
  assert.isTrue(machine.turnBack())
  universe.laws.forget(machine)
  universe.laws.forking = true
  machine.startAt = universe.timeline.now + 1
}

/** Two machines that have met a target and then ship at once. */
const twoAtOnce = ({ add, first, machine, second, universe }: Scene): Machine => {
  for (let message = 0; message < 3; message++) add(machine, 2_000)
  const clone = machine.clone("b")
  universe.laws.forking = true
  universe.machines.push(clone)
  clone.startAt = universe.timeline.now + 1
  universe.pass(5_000)
  first.mood = "away"
  second.mood = "away"
  for (let message = 0; message < 6; message++) {
    add(machine, 1_000)
    if (message < 5) add(clone, 1_000)
  }
  first.mood = "well"
  second.mood = "well"
  universe.pass(RETRIED_MILLIS)
  return clone
}

describe("what the simulation found", () => {
  /** Seed 1. Verifies: FAULT-19 */
  it(
    "a target that never answers holds up no store and no other target",
    play((scene) => {
      const { add, first, machine, universe } = scene
      first.mood = "hung"
      add(machine, 3 * MINUTE_MILLIS)
      // A start asks every target before it reads a store.
      restart(scene, machine)
      add(machine, 4 * MINUTE_MILLIS)
      assert.isTrue(universe.laws.isCaptured(machine))
    }),
    SCENE_MILLIS
  )

  /** Seed 39. */
  it(
    "a checkpoint that comes after the ship of what it checks is shipped as well",
    play(({ add, first, machine, second, universe }) => {
      for (let pass = 0; pass < 4; pass++) {
        add(machine, 12 * MINUTE_MILLIS)
        assert.isTrue(universe.laws.isShipped(machine, first) && universe.laws.isShipped(machine, second))
      }
    }),
    SCENE_MILLIS
  )

  it(
    "a clock that was put back puts off no drill",
    play(({ add, machine, universe }) => {
      const receipts = () => [...machine.home.files.copy().keys()].filter((path) => path.startsWith(HOME.receipts))
      add(machine, 70 * MINUTE_MILLIS)
      assert.lengthOf(receipts(), 1)
      universe.timeline.setWall(-2 * 24 * 60 * MINUTE_MILLIS)
      universe.pass(60 * MINUTE_MILLIS)
      assert.lengthOf(receipts(), 2)
    }, { drillEveryHours: 1 }),
    SCENE_MILLIS
  )

  /** Seeds 9 and 50. Verifies: FAULT-18 */
  it(
    "an object that was torn on its way is put again, also by another process",
    play((scene) => {
      const { add, first, machine, universe } = scene
      machine.store.add(1, { key: "long", content: Buffer.alloc(2_000, "long") })
      for (let again = 0; again < 6; again++) {
        first.mood = "tearing"
        add(machine, 900)
        restart(scene, machine)
        universe.pass(2_000)
        first.mood = "well"
        add(machine, RETRIED_MILLIS)
      }
    }),
    SCENE_MILLIS
  )

  /** Brings about that a fork will be found at the first target, while the second one has what was recorded since. */
  const untilFork = (scene: Scene) => {
    const { add, first, machine, second, universe } = scene
    second.mood = "away"
    add(machine, 2_000)
    machine.backUp()
    add(machine, 2_000)
    first.mood = "away"
    turnBack(scene, machine)
    add(machine, 2_000)
    second.mood = "well"
    universe.pass(RETRIED_MILLIS)
  }

  /** Seeds 10 and 12. */
  it(
    "a fork at one target is news to all the others",
    play((scene) => {
      const { first, machine, second, universe } = scene
      untilFork(scene)
      first.mood = "well"
      universe.pass(2 * RETRIED_MILLIS)
      assert.isTrue(universe.laws.isShipped(machine, second))
    }),
    SCENE_MILLIS
  )

  /** Seed 157. Verifies: FAULT-19 */
  it(
    "a fork at a target that then takes nothing is news to the others at once",
    play((scene) => {
      const { first, machine, second, universe } = scene
      untilFork(scene)
      first.mood = "stuck"
      const end = universe.timeline.now + RETRIED_MILLIS
      while (machine.home.disk.logs.length < 2 && universe.timeline.now < end) universe.pass(1_000)
      universe.pass(10_000)
      assert.isTrue(machine.home.disk.logs.length === 2 && universe.laws.isShipped(machine, second))
    }),
    SCENE_MILLIS
  )

  /** Seed 47. Verifies: SHIP-3 */
  it(
    "a machine that was put back into the session it was in leaves its log where the histories part, not later",
    play((scene) => {
      const { add, first, machine, second, universe } = scene
      for (let message = 0; message < 3; message++) add(machine, 2_000)
      machine.backUp()
      for (let message = 0; message < 3; message++) add(machine, 2_000)
      first.mood = "away"
      second.mood = "away"
      turnBack(scene, machine)
      for (let message = 0; message < 8; message++) add(machine, 2_000)
      first.mood = "well"
      second.mood = "well"
      universe.pass(RETRIED_MILLIS)
    }),
    SCENE_MILLIS
  )

  /** Seed 82. Verifies: RST-13 */
  it(
    "a second history that reaches further than the first is restored as one",
    play((scene) => {
      const clone = twoAtOnce(scene)
      for (let message = 0; message < 4; message++) scene.add(clone, 2_000)
    }),
    SCENE_MILLIS
  )

  /** Seed 4 with many messages. Verifies: SHIP-14 */
  it(
    "segments of a session that was cloned are no hindrance to merging, and are kept",
    play((scene) => {
      const clone = twoAtOnce(scene)
      for (let message = 0; message < 20; message++) {
        scene.add(clone, 500)
        scene.add(scene.machine, 500)
      }
    }),
    SCENE_MILLIS
  )
})
