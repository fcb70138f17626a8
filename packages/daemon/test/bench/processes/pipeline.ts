/**
 * A sync of many events, through capture and journal to a disk, in a process of its own, so that its memory is its own;
 * then a few more events, again and again, to see what an increment costs at that size. Prints what was
 * measured as one line of JSON.
 *
 *   node --expose-gc pipeline FOLDER EVENTS SEED INCREMENTS
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { noPast } from "@sealog/core/backup/Source"
import * as Entropy from "@sealog/core/keys/Entropy"
import { sync } from "@sealog/daemon/engine/Pass"
import * as Progress from "@sealog/daemon/Progress"
import { Effect, Layer, Stream } from "effect"
import { openOnDisk, sessionOf } from "../Pipeline.ts"
import { peakBytes, setBack } from "../Resident.ts"
import { makeSynthetic } from "../Synthetic.ts"

export interface PipelineRun {
  readonly events: number
  /** Making the events and doing nothing with them. */
  readonly makingSeconds: number
  readonly syncSeconds: number
  readonly syncCpuSeconds: number
  readonly shippedBytes: number
  /** One sync of `INCREMENT_EVENTS` each. */
  readonly incrementSeconds: ReadonlyArray<number>
  readonly incrementCpuSeconds: ReadonlyArray<number>
  /** The most that was resident, without what was needed to make the words that events are made of. */
  readonly peakBytes: number
}

const INCREMENT_EVENTS = 100

const [folder, eventsText, seedText, incrementsText] = process.argv.slice(2) as [string, string, string, string]
const [events, seed, increments] = [Number(eventsText), Number(seedText), Number(incrementsText)]

const timed = <A, E, R>(work: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const from = performance.now()
    const cpu = process.cpuUsage()
    return Effect.map(work, (value) => {
      const { system, user } = process.cpuUsage(cpu)
      return { value, seconds: (performance.now() - from) / 1_000, cpuSeconds: (system + user) / 1e6 }
    })
  })

const main = Effect.gen(function*() {
  let count = events
  const source = makeSynthetic({ seed, count: () => count })
  // What that left behind is not the pipeline's.
  globalThis.gc?.()
  setBack()
  const session = yield* sessionOf(yield* openOnDisk(folder), source)
  const synced = yield* timed(sync(session, () => Effect.void))
  const more: Array<{ readonly seconds: number; readonly cpuSeconds: number }> = []
  for (let number = 0; number < increments; number++) {
    count += INCREMENT_EVENTS
    more.push(yield* timed(sync(session, () => Effect.void)))
  }
  const peak = peakBytes()
  // Last: V8 keeps what it once had for a million events, and it would count as the pipeline's.
  const alone = makeSynthetic({ seed, count: () => events })
  const making = yield* timed(Stream.runDrain(alone.changes(new Map(), noPast)))
  const run: PipelineRun = {
    events,
    makingSeconds: making.seconds,
    syncSeconds: synced.seconds,
    syncCpuSeconds: synced.cpuSeconds,
    shippedBytes: synced.value.targets.reduce((sum, { bytes }) => sum + bytes, 0),
    incrementSeconds: more.map(({ seconds }) => seconds),
    incrementCpuSeconds: more.map(({ cpuSeconds }) => cpuSeconds),
    peakBytes: peak
  }
  process.stdout.write(`${JSON.stringify(run)}\n`)
})

const services = Layer.mergeAll(NodeContext.layer, Entropy.layer, Progress.layerNone)

void Effect.runPromise(Effect.scoped(Effect.provide(main, services)))
