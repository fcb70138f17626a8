/**
 * One run of everything that is done to a mailbox, by all contenders side by side: the same store, the same disk, the
 * same steps in turns, with whoever goes first changing from run to run. Between two measured processes the disk is
 * given time to finish, so that nobody pays for what another wrote.
 */
import { Data, Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { run } from "../support/Process.ts"
import type { Contender, Entrant } from "./contenders/Contender.ts"
import { freshFolder } from "./Folder.ts"
import { arrive, bytesOf, filesOf } from "./Mailbox.ts"
import type { Metered } from "./Metered.ts"

/** In their order; each stands on what the ones before it left. */
export const STEPS = ["first", "restore", "rehearsal", "arrivals", "nothing", "check"] as const
export type Step = (typeof STEPS)[number]

export interface Measured extends Metered {
  /** All that is at the target when the step is done. */
  readonly vaultBytes: number
  /** What the step wrote to the target: files that are new there or changed. */
  readonly shippedBytes: number
}

/** By step and contender. */
export type Trial = ReadonlyMap<Step, ReadonlyMap<string, Measured>>

export interface TrialOptions {
  readonly entrants: ReadonlyArray<Entrant>
  /** A backup is always made first. */
  readonly steps: ReadonlySet<Step>
  readonly folder: string
  readonly store: string
  readonly arrivals: number
  /** Counted from 0. */
  readonly run: number
  readonly say: (line: string) => void
}

/** What came back is not what was in the store. */
class RestoredWrong extends Data.TaggedError("RestoredWrong")<{ readonly name: string; readonly detail: string }> {
  override get message() {
    return `${this.name} restored something else than the store: ${this.detail}`
  }
}

export const runTrial = Effect.fn("bench.runTrial")(function*(options: TrialOptions) {
  const { entrants, run: number, say, steps, store } = options
  const order = entrants.map((_, at) => entrants[(at + number) % entrants.length]!)
  const contenders: Array<Contender & { readonly folder: string }> = []
  for (const { enter, name } of order) {
    const folder = yield* freshFolder(join(options.folder, `run-${number}-${name}`))
    contenders.push({ ...(yield* enter({ folder, store })), folder })
  }
  readAll(store)
  const trial = new Map<Step, ReadonlyMap<string, Measured>>()
  for (const step of STEPS) {
    if (!isDone(step, steps)) continue
    if (step === "arrivals") yield* arrive(store, { count: options.arrivals, seed: 1_000 + number })
    const measured = new Map<string, Measured>()
    for (const contender of contenders) {
      if (step === "rehearsal" && !contender.rehearses) continue
      yield* run(["sync"], { bare: true })
      const before = filesOf(contender.vault)
      const done = yield* take(contender, step, store)
      const after = filesOf(contender.vault)
      const changed = [...after].filter(([path, { bytes, mtimeMs }]) => {
        const old = before.get(path)
        return old?.bytes !== bytes || old.mtimeMs !== mtimeMs
      })
      measured.set(contender.name, { ...done, vaultBytes: bytesOf(after), shippedBytes: bytesOf(new Map(changed)) })
      say(`${step}, ${contender.name}: ${done.seconds.toFixed(2)} s`)
    }
    trial.set(step, measured)
  }
  return trial satisfies Trial
}, Effect.scoped)

/** A check is one after mails arrived, and of those that follow on each other not the first. */
const isDone = (step: Step, steps: ReadonlySet<Step>): boolean =>
  step === "first" || steps.has(step) || (steps.has("check") && (step === "rehearsal" || step === "arrivals"))

const take = Effect.fn("bench.take")(function*(
  contender: Contender & { readonly folder: string },
  step: Step,
  store: string
) {
  switch (step) {
    case "first":
    case "arrivals":
    case "nothing":
      return yield* contender.backup
    case "check":
    case "rehearsal":
      return yield* contender.check
    case "restore": {
      const done = yield* contender.restore(join(contender.folder, "restored"))
      yield* proveRestored(contender.name, store, done.restored)
      fs.rmSync(join(contender.folder, "restored"), { recursive: true })
      return done
    }
  }
})

/** Names and sizes: that bytes come back is what other tests are about. */
const proveRestored = Effect.fn("bench.proveRestored")(function*(name: string, store: string, restored: string) {
  const [wanted, there] = [filesOf(store), filesOf(restored)]
  const wrong = [...wanted].find(([path, { bytes }]) => there.get(path)?.bytes !== bytes)
  if (wrong !== undefined) return yield* new RestoredWrong({ name, detail: wrong[0] })
  if (there.size !== wanted.size) {
    return yield* new RestoredWrong({ name, detail: `${there.size} files instead of ${wanted.size}` })
  }
})

/** Reads every file once, so that nobody is the one who has to wait for the disk. */
const readAll = (root: string): void => {
  for (const path of filesOf(root).keys()) fs.readFileSync(join(root, path))
}
