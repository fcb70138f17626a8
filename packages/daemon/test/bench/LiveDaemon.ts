/** The daemon as a process of its own, over a home that is initialised: what it takes while it runs, and how far it is. */
import { Effect, Schedule } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { start } from "../support/Process.ts"
import { peakBytes, setBack } from "./Resident.ts"

export interface LiveDaemon {
  /** User and system so far, of all its threads. */
  readonly cpuSeconds: Effect.Effect<number>
  /** The most that was resident since it was last set back, bytes. */
  readonly peakBytes: Effect.Effect<number>
  readonly setBack: Effect.Effect<void>
  /** Waits until it has nothing left to do. */
  readonly quiet: Effect.Effect<void>
  /** Waits until so many events are recorded, and all there are at the target; gives how many that is. */
  readonly shipped: (atLeast: number) => Effect.Effect<number>
  /** Ends it as a service manager does. */
  readonly stop: Effect.Effect<void>
}

export interface LiveOptions {
  readonly folder: string
  readonly environment: { readonly SEALOG_HOME: string } & Readonly<Record<string, string>>
  readonly words?: ReadonlyArray<string>
}

/** Of a pass over a large store or of a ship there is more than this, seconds of the processor in one second. */
const QUIET_SHARE = 0.03
/** What `/proc` counts in, on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Starts it and waits until it watches. */
export const startDaemon = Effect.fn("bench.startDaemon")(function*({ environment, folder, words = [] }: LiveOptions) {
  const daemon = yield* start(["run", ...words], { environment, folder })
  yield* daemon.says(/ready/)
  const cpuSeconds = Effect.sync(() => {
    const stat = fs.readFileSync(`/proc/${daemon.pid}/stat`, "utf8")
    // Behind the name, which may hold anything: utime and stime are the fields 14 and 15.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  })
  const lastSecond = Effect.zipWith(cpuSeconds, Effect.delay(cpuSeconds, "1 second"), (from, to) => to - from)
  const live: LiveDaemon = {
    cpuSeconds,
    peakBytes: Effect.sync(() => peakBytes(daemon.pid)),
    setBack: Effect.sync(() => setBack(daemon.pid)),
    quiet: Effect.asVoid(Effect.repeat(lastSecond, { until: (share) => share < QUIET_SHARE })),
    shipped: (atLeast) =>
      Effect.repeat(Effect.sync(() => shippedEvents(environment.SEALOG_HOME)), {
        schedule: Schedule.spaced("20 millis"),
        until: (events) => events >= atLeast
      }).pipe(Effect.map(() => shippedEvents(environment.SEALOG_HOME))),
    stop: Effect.asVoid(daemon.kill("SIGTERM"))
  }
  return live
})

/** By its own `status.json`; nothing counts while a target lacks some of it. */
const shippedEvents = (home: string): number => {
  const status = JSON.parse(fs.readFileSync(join(home, "status.json"), "utf8")) as {
    readonly sources: ReadonlyArray<{ readonly events: number }>
    readonly targets: ReadonlyArray<{ readonly behindEvents: number }>
  }
  return status.targets.every(({ behindEvents }) => behindEvents === 0) ? status.sources[0]?.events ?? 0 : 0
}
