/**
 * A mailbox of 50,000 mails, against restic and borg: the first backup, a hundred mails more, a restore, a drill. All
 * rows come out of the same runs, in which everybody does every step in turns (`Trial.ts`).
 */
import { Effect } from "effect"
import { join } from "node:path"
import { borg } from "../contenders/Borg.ts"
import type { Entrant } from "../contenders/Contender.ts"
import { restic } from "../contenders/Restic.ts"
import { sealog } from "../contenders/Sealog.ts"
import { keptMailbox } from "../Mailbox.ts"
import type { Asked, Reading, Row, Scenario } from "../Row.ts"
import { type Measured, runTrial, type Step, type Trial } from "../Trial.ts"
import { medianOf } from "../Verdict.ts"

interface MailRow extends Omit<Row, "scenario"> {
  readonly step: Step
  /** Where the peers do the same in another step. */
  readonly peersStep?: Step
  readonly figure: (measured: Measured) => number
  /** The derivation of a key, where the figure is without it: it is told beside. */
  readonly derivation?: keyof Measured["derivation"]
}

const measure = Effect.fn("bench.mailbox")(function*(asked: Asked, wanted: ReadonlySet<string>) {
  const { arrivals, folder, mails, runs, say, seed } = asked
  const store = yield* keptMailbox({ folder, mails, say, seed })
  const { entrants, versions } = yield* present(say)
  const wantedRows = mailRows.filter(({ name }) => wanted.has(name))
  const steps = new Set(
    wantedRows.flatMap(({ peersStep, step }) => peersStep === undefined ? [step] : [step, peersStep])
  )
  const trials: Array<Trial> = []
  for (let run = 0; run < runs; run++) {
    say(`run ${run + 1} of ${runs}`)
    const options = { arrivals, entrants, kdfMemoryMiB: asked.kdfMemoryMiB, steps, store, run, say }
    trials.push(yield* runTrial({ ...options, folder: join(folder, "work") }))
  }
  return new Map(wantedRows.map((row) => [row.name, readingOf(row, trials, versions)] as const))
})

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
  { derivation, figure, peersStep, step }: MailRow,
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

const time = ({ seconds }: Measured): number => seconds
const withoutDerivation = ({ derivation, seconds }: Measured): number => seconds - derivation.seconds
const processor = ({ cpuSeconds }: Measured): number => cpuSeconds
const peak = ({ peakBytes }: Measured): number => peakBytes

const memory = { on: "figure", must: 250e6, goal: 150e6 } as const

const mailRows: ReadonlyArray<MailRow> = [
  {
    name: "first-backup",
    step: "first",
    work: "First backup of the mailbox",
    how: "`sealog sync`, key derivation and all, against `restic backup` and `borg create`",
    unit: "seconds",
    bounds: { on: "ratio", must: 1, goal: 0.7 },
    derivation: "seconds",
    figure: time
  },
  {
    name: "restore",
    step: "restore",
    work: "Restore of all of it",
    how: "`sealog restore --format maildir`, key derivation and all, against `restic restore` and `borg extract`",
    unit: "seconds",
    bounds: { on: "ratio", must: 1, goal: 0.8 },
    derivation: "seconds",
    figure: time
  },
  {
    name: "hundred-new",
    step: "arrivals",
    work: "100 new mails",
    how: "one `sealog sync` without its key derivation, against one more backup of each",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.7, goal: 0.3 },
    derivation: "seconds",
    figure: withoutDerivation
  },
  {
    name: "nothing-new",
    step: "nothing",
    work: "Nothing new",
    how: "one more `sealog sync` without its key derivation, against one more backup of each",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.7, goal: 0.3 },
    derivation: "seconds",
    figure: withoutDerivation
  },
  {
    name: "first-drill",
    step: "rehearsal",
    work: "First drill",
    how: "`sealog drill`, key derivation and all: reads everything; the peers' checks stand in the next row",
    unit: "seconds",
    bounds: { on: "figure" },
    derivation: "seconds",
    figure: time
  },
  {
    name: "drill",
    step: "check",
    work: "Proof that it can be restored, after 100 new mails",
    how: "`sealog drill` without its key derivation, against `restic check --read-data` and `borg check --verify-data`",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.1, goal: 0.02 },
    derivation: "seconds",
    figure: withoutDerivation
  },
  {
    name: "vault-size",
    step: "first",
    work: "Size of the vault",
    how: "all files at the target after the first backup",
    unit: "bytes",
    bounds: { on: "ratio", must: 1, goal: 0.6 },
    figure: ({ vaultBytes }) => vaultBytes
  },
  {
    name: "hundred-shipped",
    step: "arrivals",
    work: "Bytes shipped for 100 new mails",
    how: "all files at the target that are new or changed",
    unit: "bytes",
    bounds: { on: "ratio", must: 1, goal: 0.5 },
    figure: ({ shippedBytes }) => shippedBytes
  },
  {
    name: "first-memory",
    step: "first",
    work: "Memory of the first backup",
    how: "the most that was resident, without key derivation",
    unit: "bytes",
    bounds: memory,
    derivation: "peakBytes",
    figure: peak
  },
  {
    name: "restore-memory",
    step: "restore",
    work: "Memory of the restore",
    how: "the most that was resident, without key derivation",
    unit: "bytes",
    bounds: memory,
    derivation: "peakBytes",
    figure: peak
  },
  {
    name: "hundred-memory",
    step: "arrivals",
    work: "Memory for 100 new mails",
    how: "the most that was resident, without key derivation",
    unit: "bytes",
    bounds: memory,
    derivation: "peakBytes",
    figure: peak
  },
  {
    name: "live-memory",
    step: "live",
    peersStep: "arrivals",
    work: "Memory of the daemon while 100 mails arrive",
    how: "the most that was resident, once the key is derived",
    unit: "bytes",
    bounds: memory,
    figure: peak
  },
  {
    name: "live-cpu",
    step: "live",
    peersStep: "arrivals",
    work: "Processor of the daemon for 100 new mails",
    how:
      "user and system seconds of all threads, from the first delivery to the last ship, with the default ship delay",
    unit: "seconds",
    bounds: { on: "ratio", must: 0.05, goal: 0.01 },
    figure: processor
  },
  {
    name: "first-cpu",
    step: "first",
    work: "Processor for the first backup",
    how: "user and system seconds of all threads, without key derivation",
    unit: "seconds",
    bounds: { on: "ratio" },
    derivation: "cpuSeconds",
    figure: processor
  },
  {
    name: "restore-cpu",
    step: "restore",
    work: "Processor for the restore",
    how: "user and system seconds of all threads, without key derivation",
    unit: "seconds",
    bounds: { on: "ratio" },
    derivation: "cpuSeconds",
    figure: processor
  },
  {
    name: "hundred-cpu",
    step: "arrivals",
    work: "Processor for 100 new mails",
    how: "user and system seconds of all threads, without key derivation",
    unit: "seconds",
    bounds: { on: "ratio" },
    derivation: "cpuSeconds",
    figure: processor
  }
]

const scenario: Scenario = {
  name: "mailbox",
  title: "A mailbox of 50,000 mails",
  sizes: ["runs", "mails", "arrivals"],
  measure
}

export const mailboxRows: ReadonlyArray<Row> = mailRows.map((
  { derivation: _derivation, figure: _figure, step: _step, ...row }
) => ({ ...row, scenario }))
