/**
 * Power cuts: what was written and not synced is lost, in part or whole. A life of a machine is recorded call by call;
 * from the record its disk is made again as a cut at some moment could have left it, and the machine starts from there.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Effect, Layer } from "effect"
import { randomOf } from "../../faults/Trials.ts"
import { eatMyData, lacksCalls } from "../calls/Calls.ts"
import { cutLife, latelyAcknowledged, makeTools } from "../power/Cuts.ts"
import { firstStanding, live, type Standing } from "../power/Lives.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

/** Cuts of one life. */
const CUTS = 150
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
  testMillis: 600_000,
  lacks: Effect.map(lacksCalls, (lacks) => lacks ?? (eatMyData() === undefined ? "libeatmydata" : undefined)),
  run: (trials) => Effect.provide(cutAll(trials), Layer.mergeAll(NodeContext.layer, Entropy.layer))
}

const cutAll = Effect.fn("PowerCut.run")(function*({ say, seed, trials }: Trials) {
  const random = randomOf(`power-cut ${seed}`)
  const draw = () => Math.floor(random() * 1e9)
  const tools = yield* makeTools(random)
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
