/**
 * A run of many events through capture, journal and a ship to a disk, in a process of its own, so that its memory is
 * its own; then a few more events, again and again, to see what an increment costs at that size. Prints what was
 * measured as one line of JSON.
 *
 *   node --expose-gc pipeline FOLDER EVENTS SEED INCREMENTS
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Effect, Layer, Stream } from "effect"
import { backupOf, openOnDisk } from "../Pipeline.ts"
import { peakBytes, setBack } from "../Resident.ts"
import { makeSynthetic } from "../Synthetic.ts"

export interface PipelineRun {
  readonly events: number
  /** Making the events and doing nothing with them. */
  readonly makingSeconds: number
  readonly captureSeconds: number
  readonly shipSeconds: number
  /** As they went into the journal, and to the target, bytes. */
  readonly journalBytes: number
  readonly shippedBytes: number
  /** One capture and ship of `INCREMENT_EVENTS` each. */
  readonly incrementSeconds: ReadonlyArray<number>
  readonly incrementCpuSeconds: ReadonlyArray<number>
  /** The most that was resident, without what was needed to make the first events. */
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
  const alone = makeSynthetic({ seed, count: () => events })
  const making = yield* timed(Stream.runDrain(alone.changes(new Map())))

  // What that left behind is not the pipeline's.
  globalThis.gc!()
  setBack()

  let count = events
  const source = makeSynthetic({ seed, count: () => count })
  const parts = yield* openOnDisk(folder)
  const backup = yield* backupOf(parts, source)
  const capture = yield* timed(backup.capture(source))
  const ship = yield* timed(backup.shipTo(parts.target))
  const more: Array<{ readonly seconds: number; readonly cpuSeconds: number }> = []
  for (let number = 0; number < increments; number++) {
    count += INCREMENT_EVENTS
    more.push(yield* timed(Effect.zipRight(backup.capture(source), backup.shipTo(parts.target))))
  }
  const run: PipelineRun = {
    events,
    makingSeconds: making.seconds,
    captureSeconds: capture.seconds,
    shipSeconds: ship.seconds,
    journalBytes: capture.value.bytes,
    shippedBytes: ship.value.bytes,
    incrementSeconds: more.map(({ seconds }) => seconds),
    incrementCpuSeconds: more.map(({ cpuSeconds }) => cpuSeconds),
    peakBytes: peakBytes()
  }
  process.stdout.write(`${JSON.stringify(run)}\n`)
})

void Effect.runPromise(Effect.scoped(Effect.provide(main, Layer.mergeAll(NodeContext.layer, Entropy.layer))))
