/**
 * The whole daemon in a world that is drawn from a seed: time, laptops, stores, homes and targets are simulated, and
 * everything that can go wrong does, alone and together. A seed that breaks a law breaks it again whenever it is run:
 *
 *   npm run torture -- simulation --trials 1 --seed 4711
 */
import { Effect } from "effect"
import { setImmediate } from "node:timers/promises"
import type { Outcome, Row } from "../Row.ts"
import { simulate } from "../simulation/Simulation.ts"

export const simulation: Row = {
  name: "simulation",
  fault: "Everything at once: crashes, power cuts, clocks, bad targets, changing stores, clones",
  how: "the daemon in virtual time on simulated adapters, twelve laws checked after every step, a seed decides all",
  unit: "worlds",
  // A world takes a third of a second and more: a thousand take six minutes.
  trials: { test: 60, gate: 1_000, release: 2_000 },
  testMillis: 2_400_000,
  run: Effect.fn("simulation")(function*({ say, seed, trials }) {
    const failures: Array<string> = []
    const done = new Map<string, number>()
    let millis = 0
    for (let trial = 0; trial < trials; trial++) {
      const made = yield* Effect.sync(() => simulate({ seed: seed + trial }))
      // Whoever else runs in this process has a turn between two worlds.
      yield* Effect.promise(() => setImmediate())
      millis += made.millis
      for (const [what, times] of made.counts) done.set(what, (done.get(what) ?? 0) + times)
      for (const broken of made.broken) {
        failures.push(`seed ${seed + trial}: ${broken}\n    ${made.trace.slice(-STEPS_TOLD).join("\n    ")}`)
      }
      if ((trial + 1) % SAY_EVERY === 0) say(`${trial + 1} worlds, ${failures.length} failures`)
    }
    return { trials, failures, measured: measuredOf(done, millis) } satisfies Outcome
  })
}

const STEPS_TOLD = 20
const SAY_EVERY = 100
const HOUR_MILLIS = 3_600_000

/** What was done to these worlds, in few words. */
const measuredOf = (done: ReadonlyMap<string, number>, millis: number): Readonly<Record<string, number>> => {
  const sum = (...beginnings: ReadonlyArray<string>) =>
    [...done].reduce((all, [what, times]) => beginnings.some((each) => what.startsWith(each)) ? all + times : all, 0)
  return {
    "hours simulated": Math.round(millis / HOUR_MILLIS),
    "processes killed, plugs pulled": sum("process killed", "power cut"),
    "… in the middle of a request": sum("killed before", "killed after"),
    "clocks set back, laptops asleep": sum("clock set back", "laptop slept"),
    "requests refused": sum("put fail", "get fail", "list fail", "delete fail"),
    "answers lost, requests hung": sum(
      "put lost",
      "get lost",
      "list lost",
      "delete lost",
      "request hung"
    ),
    "objects torn, lied about, harmed": sum("put torn", "damage lied", "damage lost", "damage flipped", "damage cut"),
    "stale listings, garbled reads, ignored deletes": sum("list stale", "get wrong", "get short", "delete ignored"),
    "targets and machines turned back, clones": sum("damage turned", "machine turned", "machine cloned"),
    "stores away, journals in trouble": sum("store ", "journal ")
  }
}
