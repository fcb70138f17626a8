/**
 * Deterministic simulation: a world from its seed, driven step by step and looked at after each, until all faults are
 * over and everything is found, or something is broken.
 */
import { pick } from "../../faults/Trials.ts"
import { actSomehow } from "./Acts.ts"
import { conclude } from "./Conclusion.ts"
import type { Counts } from "./Target.ts"
import { Universe, type UniverseOptions } from "./Universe.ts"

export interface SimulationOptions extends UniverseOptions {
  /** How much happens before the end. */
  readonly steps?: number
}

export interface Simulated {
  /** What went against a law; nothing where all holds. */
  readonly broken: ReadonlyArray<string>
  /** Of everything that was done, in order: the same for the same seed. */
  readonly hash: string
  /** The last of what was done. */
  readonly trace: ReadonlyArray<string>
  readonly counts: Counts
  /** Virtual time, milliseconds. */
  readonly millis: number
}

const STEPS = 24
/** How long a step takes: moments mostly, so that faults meet work that is under way. */
const PASSING_MILLIS = [5, 50, 500, 4_000, 30_000, 90_000]

export const simulate = (options: SimulationOptions): Simulated => {
  const universe = new Universe(options)
  const { random } = universe
  universe.machines[0]!.start()
  try {
    for (let step = 0; step < (options.steps ?? STEPS) && !universe.isBroken; step++) {
      actSomehow(universe)
      universe.pass(1 + Math.floor(random() * pick(random, PASSING_MILLIS)))
    }
    if (!universe.isBroken) conclude(universe)
  } finally {
    universe.close()
  }
  const { counts, laws, timeline } = universe
  return { broken: laws.broken, ...universe.digest(), counts, millis: timeline.now }
}
