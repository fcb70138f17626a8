/**
 * Power cuts: what was written and not synced is lost, in part or whole. A life of a machine is recorded call by call;
 * from the record its disk is made again as a cut at some moment could have left it, and the machine starts from there.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Effect, FiberSet, Layer, Queue } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { pick, randomOf } from "../../faults/Trials.ts"
import { type Answering, startAnswering } from "../../support/Answering.ts"
import { bundled } from "../../support/Bundled.ts"
import { PASSWORD } from "../../support/Machine.ts"
import { eatMyData, lacksCalls, makeCalls } from "../calls/Calls.ts"
import { encodeQuestion } from "../power/Aftermath.ts"
import { copyShown, firstStanding, live, nextStanding, noteSaid, type Standing, unmade } from "../power/Lives.ts"
import { chooseLoss } from "../power/Loss.ts"
import { type Call, describe } from "../power/Recording.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

/** Cuts of one life. */
const CUTS = 150
/** Every so many cuts the target is compared with journal and store as a whole, else what the next pass brings there. */
const WHOLE_EVERY = 10
/** About so many calls after LevelDB began a log, a table of the one before is written. */
const LOG_CHANGE_CALLS = 60
/** Machines looked at side by side. */
const LANES = 2
/** Lives of one machine: each but the first begins with what a cut left. */
const LIVES = 2
/** Cuts of a life whose syncs did nothing, and how many of them must be found, at least. */
const CONTROL_CUTS = 20
const CONTROL_FOUND = 19

export const powerCut: Row = {
  name: "power-cut",
  fault: "Power cut",
  how:
    "the calls of a life of capture, shipping, blobs and compaction are recorded, and its disk is made again as a cut "
    + "at a random moment leaves it: unsynced bytes and names lost, in part or whole, also while it starts after a cut. "
    + "The journal opens, no acknowledged event is lost, there is no hole, the target is whole and has all that was said "
    + "to be there, and one pass completes it. Control: the same life with libeatmydata must fail at 19 of 20 cuts",
  unit: "cuts",
  trials: { test: 300, release: 3_000 },
  testMillis: 300_000,
  lacks: Effect.map(lacksCalls, (lacks) => lacks ?? (eatMyData() === undefined ? "libeatmydata" : undefined)),
  run: (trials) => Effect.provide(cutAll(trials), Layer.mergeAll(NodeContext.layer, Entropy.layer))
}

const cutAll = Effect.fn("PowerCut.run")(function*({ say, seed, trials }: Trials) {
  const random = randomOf(`power-cut ${seed}`)
  const draw = () => Math.floor(random() * 1e9)
  const tools: Tools = {
    library: yield* makeCalls,
    life: yield* bundled("torture/power/workload.ts"),
    check: yield* bundled("torture/power/aftermathOf.ts"),
    random
  }
  const failures: Array<string> = []
  const counted = { done: 0, lives: 0, calls: 0 }
  while (counted.done < trials) {
    yield* Effect.scoped(Effect.gen(function*() {
      let standing: Standing = yield* firstStanding({ library: tools.library, seed: draw() })
      for (let life = 0; life < LIVES && counted.done < trials; life++) {
        const calls = yield* live(standing, { script: tools.life, library: tools.library, seed: draw() })
        const cuts = yield* cutLife(tools, standing, calls, Math.min(CUTS, trials - counted.done))
        failures.push(...cuts.failures.map((failure) => `seed ${seed}, life ${counted.lives}: ${failure}`))
        counted.done += cuts.cuts
        counted.calls += calls.length
        counted.lives++
        standing = cuts.next
        say(`${counted.done} cuts, ${failures.length} failures`)
      }
    }))
  }
  const control = yield* Effect.scoped(Effect.gen(function*() {
    const standing = yield* firstStanding({ library: tools.library, seed: draw() })
    const unsynced = { library: tools.library, before: [eatMyData()!] }
    const calls = yield* live(standing, { ...unsynced, script: tools.life, seed: draw() })
    return yield* cutLife(tools, standing, calls, CONTROL_CUTS, latelyAcknowledged)
  }))
  const found = control.failures.length
  if (found < CONTROL_FOUND) {
    failures.push(`seed ${seed}: without syncs only ${found} of ${CONTROL_CUTS} cuts were found to lose something`)
  }
  return {
    trials: counted.done,
    failures,
    measured: {
      "lives recorded": counted.lives,
      "calls recorded": counted.calls,
      [`cuts found without syncs, of ${CONTROL_CUTS}`]: found
    }
  } satisfies Outcome
})

interface Tools {
  readonly library: string
  /** Bundled scripts. */
  readonly life: string
  readonly check: string
  readonly random: () => number
}

/** Cuts one life at so many moments. Gives back what one of the cuts left, for the next life. */
const cutLife = Effect.fn("PowerCut.cutLife")(function*(
  { check, random }: Tools,
  standing: Standing,
  calls: ReadonlyArray<Call>,
  cuts: number,
  momentIn = momentOf
) {
  const moments = Array.from({ length: cuts }, () => momentIn(calls, random)).toSorted((a, b) => a - b)
  const kept = Math.floor(random() * cuts)
  const shown = copyShown(standing.shown)
  const failures: Array<string> = []
  let next = standing
  let at = 0
  const lookers = yield* Queue.unbounded<Answering>()
  const words = [PASSWORD, standing.vault]
  for (let lane = 0; lane < LANES; lane++) yield* lookers.offer(yield* startAnswering({ script: check, words }))
  const looking = yield* FiberSet.make()
  for (const [cut, moment] of moments.entries()) {
    for (; at < moment; at++) {
      const call = calls[at]!
      standing.disk.follow(call)
      if (call.kind === "said") noteSaid(shown, call.text)
    }
    const { loss, name } = chooseLoss(random)
    const folder = fs.mkdtempSync(join(standing.folder, "cut "))
    const places = { home: join(folder, "home"), vault: join(folder, "vault"), mail: standing.mail }
    standing.disk.leave([[standing.home, places.home], [standing.vault, places.vault]], loss)
    if (cut === kept) next = nextStanding(standing, places, shown)
    const lost = unmade(standing, places)
    const question = encodeQuestion(places, shown, cut % WHOLE_EVERY === 0)
    const looker = yield* lookers.take
    const look = Effect.gen(function*() {
      const answer = yield* looker.ask(question)
      const seen = answer._tag === "said" ? (JSON.parse(answer.text) as ReadonlyArray<string>) : [answer.how]
      const found = [...lost, ...seen]
      const where = `cut ${about(calls, moment)}, ${name}`
      if (found.length > 0) failures.push(`${where}: ${found.join("; ")}`)
      fs.rmSync(folder, { recursive: true })
      yield* lookers.offer(looker)
    })
    yield* FiberSet.run(looking, look)
  }
  for (let lane = 0; lane < LANES; lane++) yield* lookers.take
  return { cuts, failures, next }
}, Effect.scoped)

/** Anywhere; or just behind an acknowledgement; or about where names change, which is seldom and matters most. */
const momentOf = (calls: ReadonlyArray<Call>, random: () => number): number => {
  const roll = random()
  const behind = (wanted: (call: Call) => boolean): number => {
    const places = calls.flatMap((call, at) => wanted(call) ? [at + 1] : [])
    return places.length === 0 ? calls.length : pick(random, places)
  }
  if (roll < 0.3) return behind(({ kind }) => kind === "said")
  if (roll < 0.5) return behind(({ kind }) => kind === "rename" || kind === "unlink" || kind === "link")
  // LevelDB goes on in a new log while what was in the old one is written to a table.
  if (roll < 0.7) {
    const begun = behind((call) => call.kind === "open" && call.create && call.path.endsWith(".log"))
    return Math.min(calls.length, begun + Math.floor(random() * LOG_CHANGE_CALLS))
  }
  return Math.floor(random() * (calls.length + 1))
}

/** Behind an acknowledgement when much had been acknowledged: something must be lost by then. */
const latelyAcknowledged = (calls: ReadonlyArray<Call>, random: () => number): number => {
  const places = calls.flatMap(({ kind }, at) => kind === "said" ? [at + 1] : [])
  return pick(random, places.slice(places.length >> 1))
}

const about = (calls: ReadonlyArray<Call>, moment: number): string => {
  const [before, after] = [calls[moment - 1], calls[moment]]
  return `at call ${moment} of ${calls.length}, behind ${
    before === undefined ? "nothing" : describe(before)
  } and before ${after === undefined ? "the end" : describe(after)}`
}
