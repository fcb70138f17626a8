/**
 * Where the time of a first backup goes, and that of many chat messages: the program as built, with V8's sampling
 * profiler, in runs of their own that are not among those that are timed.
 */
import { Effect } from "effect"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { bundled } from "../../support/Bundled.ts"
import { program, run } from "../../support/Process.ts"
import { homeIn } from "../contenders/Sealog.ts"
import { freshFolder } from "../Folder.ts"
import { keptMailbox } from "../Mailbox.ts"
import { done } from "../Metered.ts"
import { profilesIn, sharesOf } from "../Profile.ts"
import type { Asked, Reading, Row, Scenario } from "../Row.ts"

/** Less than this is not worth a word. */
const LEAST_SHARE = 0.005

const measure = Effect.fn("bench.stages")(function*(asked: Asked, wanted: ReadonlySet<string>) {
  const place = yield* freshFolder(join(asked.folder, "work", "stages"))
  const readings = new Map<string, Reading>()
  if (wanted.has("first-stages")) {
    const { environment, initWords } = homeIn({
      folder: place,
      store: yield* keptMailbox(asked),
      kdfMemoryMiB: asked.kdfMemoryMiB
    })
    yield* done(initWords, run(initWords, { environment, folder: place }))
    readings.set("first-stages", yield* profiled([program, "sync"], { environment, folder: place }))
  }
  if (wanted.has("pipeline-stages")) {
    const folder = yield* freshFolder(join(place, "pipeline"))
    const script = yield* bundled("bench/processes/pipeline.ts")
    const words = [script, folder, String(asked.events), String(asked.seed), "0"]
    readings.set("pipeline-stages", yield* profiled(words, { environment: {}, folder }))
  }
  return readings
})

/** The share of the main thread's time in which it was at work; beside it that of each stage, workers' too. */
const profiled = Effect.fn("bench.profiled")(function*(
  script: ReadonlyArray<string>,
  options: { readonly environment: Readonly<Record<string, string>>; readonly folder: string }
) {
  const profiles = yield* freshFolder(join(options.folder, "profiles"))
  const threads = pathToFileURL(yield* bundled("bench/processes/profileThreads.ts")).href
  const words = [process.execPath, "--cpu-prof", `--cpu-prof-dir=${profiles}`, `--import=${threads}`, ...script]
  yield* done(words, run(words, { ...options, bare: true }))
  const { main, workers } = profilesIn(profiles)
  const { seconds, stages } = sharesOf(main)
  const all = new Map(stages)
  for (const worker of workers) {
    for (const [stage, taken] of sharesOf(worker).stages) {
      if (stage !== "idle") all.set(`workers: ${stage}`, (all.get(`workers: ${stage}`) ?? 0) + taken)
    }
  }
  const beside = Object.fromEntries(
    [...all].map(([stage, taken]) => [stage, taken / seconds] as const)
      .filter(([stage, share]) => stage !== "idle" && share >= LEAST_SHARE)
      .toSorted(([, a], [, b]) => b - a)
  )
  return { own: [1 - (stages.get("idle") ?? 0) / seconds], beside } satisfies Reading
})

const scenario: Scenario = {
  name: "stages",
  title: "Where the time goes",
  sizes: ["mails", "events"],
  measure
}

const how = "of the time it takes; by stage, as a sampling profiler sees it; the rest waits for threads of the pool, "
  + "workers and disks"

export const stageRows: ReadonlyArray<Row> = [
  {
    name: "first-stages",
    work: "Main thread at work during the first backup of the mailbox",
    how,
    unit: "share",
    bounds: { on: "figure" },
    scenario
  },
  {
    name: "pipeline-stages",
    work: "Main thread at work during a sync of a million chat messages",
    how,
    unit: "share",
    bounds: { on: "figure" },
    scenario
  }
]
