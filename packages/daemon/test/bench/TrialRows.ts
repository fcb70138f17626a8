/**
 * Rows that come out of trials: a store, and restic and borg beside us, in which everybody does every step in turns
 * (`Trial.ts`).
 */
import { Effect } from "effect"
import { join } from "node:path"
import { borg } from "./contenders/Borg.ts"
import type { Entrant } from "./contenders/Contender.ts"
import { restic } from "./contenders/Restic.ts"
import { sealog } from "./contenders/Sealog.ts"
import type { KeptStore } from "./KeptStore.ts"
import type { Asked, Reading, Row, Scenario } from "./Row.ts"
import { type Measured, runTrial, type Step, type Trial } from "./Trial.ts"
import { medianOf } from "./Verdict.ts"

export interface TrialRow extends Omit<Row, "scenario"> {
  readonly step: Step
  /** Where the peers do the same in another step. */
  readonly peersStep?: Step
  readonly figure: (measured: Measured) => number
  /** The derivation of a key, where the figure is without it: it is told beside. */
  readonly derivation?: keyof Measured["derivation"]
}

/** The rows of a store, with the scenario that measures them all. */
export const trialRows = <E>(
  rows: ReadonlyArray<TrialRow>,
  { keptStore, ...about }: Omit<Scenario, "measure"> & {
    readonly keptStore: (asked: Asked) => Effect.Effect<KeptStore, E>
  }
): ReadonlyArray<Row> => {
  const measure = Effect.fn("bench.trials")(function*(asked: Asked, wanted: ReadonlySet<string>) {
    const { arrivals, folder, kdfMemoryMiB, runs, say } = asked
    const store = yield* keptStore(asked)
    const { entrants, versions } = yield* present(say)
    const wantedRows = rows.filter(({ name }) => wanted.has(name))
    const steps = new Set(
      wantedRows.flatMap(({ peersStep, step }) => peersStep === undefined ? [step] : [step, peersStep])
    )
    const trials: Array<Trial> = []
    for (let run = 0; run < runs; run++) {
      say(`run ${run + 1} of ${runs}`)
      const options = { arrivals, entrants, kdfMemoryMiB, steps, store, run, say }
      trials.push(yield* runTrial({ ...options, folder: join(folder, "work") }))
    }
    return new Map(wantedRows.map((row) => [row.name, readingOf(row, trials, versions)] as const))
  })
  const scenario: Scenario = { ...about, measure }
  return rows.map(({ derivation: _derivation, figure: _figure, step: _step, ...row }) => ({ ...row, scenario }))
}

/** Who is installed; ours has to be. */
const present = Effect.fn("bench.present")(function*(say: (line: string) => void) {
  const entrants: Array<Entrant> = []
  const versions: Array<string> = []
  for (const entrant of [sealog, restic, borg]) {
    const version = yield* entrant.version
    if (version === undefined) say(`${entrant.name} is not installed: nothing is compared with it`)
    else entrants.push(entrant)
    if (version !== undefined && entrant !== sealog) versions.push(version)
  }
  return { entrants, versions }
})

const readingOf = (
  { derivation, figure, peersStep, step }: TrialRow,
  trials: ReadonlyArray<Trial>,
  versions: ReadonlyArray<string>
): Reading => {
  const figuresOf = (name: string, of: (measured: Measured) => number): ReadonlyArray<number> =>
    trials.flatMap((trial) => {
      const measured = trial.get(name === sealog.name ? step : peersStep ?? step)?.get(name)
      return measured === undefined ? [] : [of(measured)]
    })
  const names = [...(trials[0]?.get(peersStep ?? step)?.keys() ?? [])].filter((name) => name !== sealog.name)
  return {
    own: figuresOf(sealog.name, figure),
    peers: Object.fromEntries(names.toSorted().map((name) => [name, figuresOf(name, figure)] as const)),
    beside: {
      ...(derivation === undefined
        ? {}
        : { "key derivation": medianOf(figuresOf(sealog.name, (measured) => measured.derivation[derivation])) }),
      ...(versions.length === 0 ? {} : { peers: versions.join(", ") })
    }
  }
}

export const time = ({ seconds }: Measured): number => seconds
export const withoutDerivation = ({ derivation, seconds }: Measured): number => seconds - derivation.seconds
export const processor = ({ cpuSeconds }: Measured): number => cpuSeconds
export const peak = ({ peakBytes }: Measured): number => peakBytes
