/**
 * Where the time of a first backup goes: the program as built, with V8's sampling profiler, in a run of its own that
 * is not one of those that are timed.
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { program, run } from "../../support/Process.ts"
import { homeIn } from "../contenders/Sealog.ts"
import { freshFolder } from "../Folder.ts"
import { keptMailbox } from "../Mailbox.ts"
import { done } from "../Metered.ts"
import { profilesIn, sharesOf } from "../Profile.ts"
import type { Asked, Reading, Row, Scenario } from "../Row.ts"

/** Less than this is not worth a word. */
const LEAST_SHARE = 0.005

const measure = Effect.fn("bench.stages")(function*(asked: Asked) {
  const store = yield* keptMailbox(asked)
  const place = yield* freshFolder(join(asked.folder, "work", "stages"))
  const { environment, initWords } = homeIn({ folder: place, store, kdfMemoryMiB: asked.kdfMemoryMiB })
  yield* done(initWords, run(initWords, { environment, folder: place }))
  const profiles = join(place, "profiles")
  fs.mkdirSync(profiles)
  const words = [process.execPath, "--cpu-prof", `--cpu-prof-dir=${profiles}`, program, "sync"]
  yield* done(words, run(words, { environment, folder: place, bare: true }))
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
  return new Map<string, Reading>([["first-stages", { own: [1 - (stages.get("idle") ?? 0) / seconds], beside }]])
})

const scenario: Scenario = { name: "stages", title: "Where the time of a first backup goes", sizes: ["mails"], measure }

export const stageRows: ReadonlyArray<Row> = [{
  name: "first-stages",
  work: "Main thread at work during the first backup",
  how: "of the time it takes; by stage, as a sampling profiler sees it; the rest waits for threads of the pool, "
    + "workers and disks",
  unit: "share",
  bounds: { on: "figure" },
  scenario
}]
