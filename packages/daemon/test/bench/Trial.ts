/**
 * One run of everything that is done to a mailbox, by all contenders side by side: the same store, the same disk, the
 * same steps in turns, with whoever goes first changing from run to run. Between two measured processes the disk is
 * given time to finish, so that nobody pays for what another wrote.
 */
import { Data, Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { run } from "../support/Process.ts"
import type { Arena, Contender, Entrant } from "./contenders/Contender.ts"
import { freshFolder } from "./Folder.ts"
import type { KeptStore } from "./KeptStore.ts"
import { bytesOf, differenceIn, filesOf } from "./Mailbox.ts"
import type { Metered } from "./Metered.ts"

/** The one who restores messages; the others bring back the files. */
const OURS = "sealog"

/** In their order; each stands on what the ones before it left. */
export const STEPS = ["first", "restore", "rehearsal", "arrivals", "nothing", "check", "live"] as const
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
  readonly store: KeptStore
  readonly arrivals: number
  readonly kdfMemoryMiB?: number | undefined
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
  const { arrivals, entrants, kdfMemoryMiB, run: number, say, steps, store } = options
  const order = entrants.map((_, at) => entrants[(at + number) % entrants.length]!)
  const contenders: Array<Contending> = []
  for (const { enter, name } of order) {
    const folder = yield* freshFolder(join(options.folder, `run-${number}-${name}`))
    contenders.push({ ...(yield* enter({ folder, store, kdfMemoryMiB })), folder, store, arrivals, run: number })
  }
  yield* Effect.addFinalizer(() => Effect.sync(store.takeBack))
  readAll(store.path)
  const trial = new Map<Step, ReadonlyMap<string, Measured>>()
  for (const step of STEPS) {
    if (!isDone(step, steps)) continue
    if (step === "arrivals") yield* store.deliver({ count: arrivals, seed: seedOf(step, number) })
    const measured = new Map<string, Measured>()
    for (const contender of contenders) {
      const work = workOf(contender, step)
      if (work === undefined) continue
      measured.set(contender.name, yield* measure(contender, work))
      say(`${step}, ${contender.name}: ${measured.get(contender.name)!.seconds.toFixed(2)} s`)
    }
    trial.set(step, measured)
  }
  return trial satisfies Trial
}, Effect.scoped)

type Contending = Contender & Arena & { readonly arrivals: number; readonly run: number }

/** A check is one after mails arrived, and of those that go on from one another not the first. */
const isDone = (step: Step, steps: ReadonlySet<Step>): boolean =>
  step === "first" || steps.has(step) || (steps.has("check") && (step === "rehearsal" || step === "arrivals"))

/** No two deliveries have the same names. */
const seedOf = (step: Step, number: number): number => (1 + STEPS.indexOf(step)) * 1_000_000 + number

/** What a contender does in a step, if it does anything. */
const workOf = (contender: Contending, step: Step): Effect.Effect<Metered, unknown> | undefined => {
  const { arrivals, run: number, store } = contender
  switch (step) {
    case "first":
    case "arrivals":
    case "nothing":
      return contender.backup
    case "restore":
      return restoreProven(contender)
    case "rehearsal":
      return contender.rehearse
    case "check":
      return contender.check
    case "live":
      return contender.live?.(
        Effect.as(store.deliver({ count: arrivals, seed: seedOf(step, number) }), arrivals)
      )
  }
}

const measure = Effect.fn("bench.measure")(function*(
  { vault }: Contender,
  work: Effect.Effect<Metered, unknown>
) {
  yield* run(["sync"], { bare: true })
  const before = filesOf(vault)
  const done = yield* work
  const after = filesOf(vault)
  const changed = [...after].filter(([path, { bytes, mtimeMs }]) => {
    const old = before.get(path)
    return old?.bytes !== bytes || old.mtimeMs !== mtimeMs
  })
  return { ...done, vaultBytes: bytesOf(after), shippedBytes: bytesOf(new Map(changed)) } satisfies Measured
})

const restoreProven = Effect.fn("bench.restoreProven")(function*({ folder, name, restore, store }: Contending) {
  const to = join(folder, "restored")
  const done = yield* restore(to)
  const flaw = name === OURS ? store.flaw(done.restored) : differenceIn(store.path, done.restored)
  if (flaw !== undefined) return yield* new RestoredWrong({ name, detail: flaw })
  fs.rmSync(to, { recursive: true })
  return done
})

/** Reads every file once, so that nobody is the one who has to wait for the disk. */
const readAll = (root: string): void => {
  for (const path of filesOf(root).keys()) fs.readFileSync(join(root, path))
}
