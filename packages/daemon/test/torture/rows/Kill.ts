/**
 * Kills of the real program with SIGKILL at signs of what it is doing: in its first import, while mails arrive, while
 * it ships. After each kill it starts at once, what it had shown is there, and nothing is there twice.
 *
 * Verifies: FAULT-1, FAULT-2, FAULT-3, FAULT-4
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { Cause, Effect, Exit } from "effect"
import type { Killed } from "../kill/Killing.ts"
import { phases } from "../kill/Phases.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

/** Machines at once of one phase, where one is not enough; the phases go on side by side. */
const LANES = 2
/** What a start after a kill may cost more than a first one, seconds of work; both derive a key. */
const START_CPU_SECONDS = 2
/** How much longer it may take, seconds and times: others may be at work on this machine. */
const START_SECONDS = 2
const START_TIMES = 3

export const kill: Row = {
  name: "kill",
  fault: "Process killed",
  how: "SIGKILL to the program at signs of what it does, in its first import, while mails arrive, while it ships: it "
    + "starts at once, everything that status and log had shown is there and the same, no message is there twice, and "
    + "what was said to be at the target is proven from there after every kill",
  unit: "kills",
  trials: { test: 30, release: 3_000 },
  testMillis: 600_000,
  run: (trials) => Effect.provide(killAll(trials), NodeContext.layer)
}

const killAll = Effect.fn("Kill.run")(function*({ say, seed, trials }: Trials) {
  const each = Math.ceil(trials / phases.length)
  const outcomes = yield* Effect.forEach(
    phases,
    (phase) => killPhase(phase, each, seed, say),
    { concurrency: "unbounded" }
  )
  return {
    trials: outcomes.reduce((sum, { kills }) => sum + kills, 0),
    failures: outcomes.flatMap(({ failures }) => failures),
    measured: Object.assign({}, ...outcomes.map(({ measured }) => measured))
  } satisfies Outcome
})

/** At least so many kills within a phase, over as many machines as that takes. */
const killPhase = Effect.fn("Kill.phase")(function*(
  { most, one, phase }: (typeof phases)[number],
  wanted: number,
  seed: number,
  say: (line: string) => void
) {
  const failures: Array<string> = []
  const killed: Array<Killed> = []
  let kills = 0
  let hits = 0
  for (let round = 0; hits < wanted; round++) {
    const batch = Math.min(most, wanted - hits)
    const lanes = Array.from({ length: Math.min(LANES, Math.ceil((wanted - hits) / batch)) }, (_, lane) => lane)
    const ends = yield* Effect.forEach(
      lanes,
      (lane) => Effect.exit(Effect.scoped(one(`${phase} ${seed} ${round}.${lane}`, batch))),
      { concurrency: LANES }
    )
    for (const [lane, end] of ends.entries()) {
      if (Exit.isSuccess(end)) {
        killed.push(end.value)
        kills += end.value.starts.length - 1
        hits += end.value.hits
      } else {
        const what = Cause.prettyErrors(end.cause).map(String).join("; ")
        failures.push(`seed ${seed}, ${phase} machine ${round}.${lane}: ${what}`)
        hits += batch
      }
    }
    // A phase that is never hit must not be looked for for ever.
    if (round > wanted) {
      failures.push(`seed ${seed}, ${phase}: only ${hits} of ${kills} kills fell into it`)
      break
    }
    say(`${phase}: ${hits} kills in it, ${failures.length} failures`)
  }
  const { measured, slow } = startsOf(phase, killed)
  return { kills, failures: [...failures, ...slow.map((each) => `seed ${seed}, ${each}`)], measured }
})

/** How starts after a kill compare with first ones. */
const startsOf = (phase: string, killed: ReadonlyArray<Killed>) => {
  const first = killed.map(({ starts }) => starts[0]!)
  const later = killed.flatMap(({ starts }) => starts.slice(1))
  if (later.length === 0) return { measured: {}, slow: [] }
  const clean = Math.min(...first.map(({ seconds }) => seconds))
  const seconds = later.map((start) => start.seconds).toSorted((a, b) => a - b)
  const [median, worst] = [seconds[seconds.length >> 1]!, seconds.at(-1)!]
  const cleanCpu = Math.min(...first.map(({ cpuSeconds }) => cpuSeconds ?? 0))
  const cpu = Math.max(...later.map(({ cpuSeconds }) => cpuSeconds ?? 0))
  const slow: Array<string> = []
  if (cpu - cleanCpu >= START_CPU_SECONDS) {
    slow.push(`${phase}: a start after a kill took ${cpu - cleanCpu} s more work`)
  }
  if (median >= clean * START_TIMES + START_SECONDS) {
    slow.push(
      `${phase}: starts after a kill took ${median.toFixed(2)} s, ${clean.toFixed(2)} s where nothing was killed`
    )
  }
  return {
    measured: {
      [`${phase}: ready after, s (none killed, median, worst)`]: [clean, median, worst].map((s) => s.toFixed(2)).join(
        ", "
      )
    },
    slow
  }
}
