/**
 * Errors of the disk: calls that open, write, sync or name a file fail now and then, with EIO or for want of space.
 * What was acknowledged all the same must be on the disk, as a power cut shows; and when the errors have ended the
 * journal and the daemon go on by themselves.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Cause, Effect, Exit, Layer } from "effect"
import * as fs from "node:fs"
import { randomOf } from "../../faults/Trials.ts"
import { lacksCalls } from "../calls/Calls.ts"
import { errorsOf } from "../calls/Errors.ts"
import { type Odds, openFaults } from "../calls/Faults.ts"
import { cutLife, latelyAcknowledged, makeTools } from "../power/Cuts.ts"
import { firstStanding, live } from "../power/Lives.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

/** Power cuts of each life whose calls failed. */
const CUTS = 20
/** Rounds of errors that one machine's daemon lives through. */
const ROUNDS = 8

export const ioError: Row = {
  name: "io-error",
  fault: "Errors of the disk",
  how: "one in 20 to 200 calls of open, write, fsync, rename, link, unlink and mkdir below home and target fails, with "
    + "EIO or ENOSPC: recorded lives are cut right behind acknowledgements, of which none may be false, and the daemon "
    + "goes on, or ends in its own words and is started again; when the errors end, all is brought up to date by itself",
  unit: "failed calls",
  trials: { test: 40, release: 10_000 },
  testMillis: 600_000,
  lacks: lacksCalls,
  run: (trials) => Effect.provide(failAll(trials), Layer.mergeAll(NodeContext.layer, Entropy.layer))
}

const failAll = Effect.fn("IoError.run")(function*({ say, seed, trials }: Trials) {
  const random = randomOf(`io-error ${seed}`)
  const tools = yield* makeTools(random)
  const failures: Array<string> = []
  const failed: Record<keyof Odds, number> = { open: 0, write: 0, sync: 0, name: 0 }
  const counted = { lives: 0, cuts: 0, rounds: 0, restarts: 0 }
  const add = (more: Readonly<Record<keyof Odds, number>>) => {
    for (const kind of ["open", "write", "sync", "name"] as const) failed[kind] += more[kind]
  }
  const sum = () => failed.open + failed.write + failed.sync + failed.name

  /** A life whose calls fail, cut behind what it acknowledged. */
  const liveAndCut = Effect.gen(function*() {
    const draw = () => Math.floor(random() * 1e9)
    const standing = yield* firstStanding({ library: tools.library, seed: draw() })
    const file = `${standing.folder} faults`
    const faults = yield* Effect.acquireRelease(
      Effect.sync(() => openFaults(file)),
      (opened) =>
        Effect.sync(() => {
          opened.close()
          fs.rmSync(file)
        })
    )
    const where = `seed ${seed}, life ${counted.lives}`
    counted.lives++
    const options = { script: tools.life, library: tools.library, seed: draw(), faults: file }
    const lived = yield* Effect.exit(live(standing, options))
    add(faults.failed())
    if (Exit.isFailure(lived)) return [`${where}: ${Cause.prettyErrors(lived.cause).map(String).join("; ")}`]
    const cut = yield* cutLife(tools, standing, lived.value, CUTS, latelyAcknowledged)
    counted.cuts += cut.cuts
    return cut.failures.map((failure) => `${where}: ${failure}`)
  })

  /** A daemon whose calls fail. */
  const runDaemon = Effect.gen(function*() {
    const name = `io-error ${seed} ${counted.rounds}`
    const outcome = yield* errorsOf(name, tools.library, ROUNDS)
    add(outcome.failed)
    counted.rounds += outcome.rounds
    counted.restarts += outcome.restarts
    return outcome.failures.map((failure) => `machine ${name}: ${failure}`)
  })

  while (sum() < trials) {
    failures.push(...(yield* Effect.scoped(liveAndCut)), ...(yield* Effect.scoped(runDaemon)))
    say(`${sum()} calls failed, ${failures.length} failures`)
  }
  return {
    trials: sum(),
    failures,
    measured: {
      ...Object.fromEntries(Object.entries(failed).map(([kind, count]) => [`failed: ${kind}`, count])),
      "power cuts behind acknowledgements": counted.cuts,
      "rounds of the daemon": counted.rounds,
      "restarts it asked for": counted.restarts
    }
  } satisfies Outcome
})
