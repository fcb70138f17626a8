/**
 * A process of its own, from its start to its end, with what it took: time, processor, and memory at its most. Ours
 * say it themselves (`processes/meter.ts`); of others GNU time does, where it is installed.
 */
import { Data, Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Ended, type ProcessOptions, run } from "../support/Process.ts"
import type { Meter } from "./processes/meter.ts"

export interface Metered {
  /** From the start of the process to its end, key derivation and all. */
  readonly seconds: number
  /** User and system, of all its threads, without key derivation. */
  readonly cpuSeconds: number
  /** The most that was resident, key derivation left out. */
  readonly peakBytes: number
  /** What the derivation of keys took of these seconds; nothing where it is not known. */
  readonly derivation: { readonly seconds: number; readonly cpuSeconds: number; readonly peakBytes: number }
  readonly out: string
}

/** It did not do what was to be measured. */
export class NotDone
  extends Data.TaggedError("NotDone")<{ readonly words: ReadonlyArray<string>; readonly ended: Ended }>
{
  override get message() {
    const { code, err, out, signal } = this.ended
    return `${this.words.join(" ")} ended with ${code ?? signal}:\n${out}${err}`
  }
}

export const NO_DERIVATION = { seconds: 0, cpuSeconds: 0, peakBytes: 0 }
const GNU_TIME = "/usr/bin/time"

/** Runs the program, or another script of Node's, with what `meter.ts` was bundled to. */
export const meteredNode = Effect.fn("bench.meteredNode")(function*(
  words: ReadonlyArray<string>,
  { meter, ...options }: ProcessOptions & { readonly meter: string; readonly folder: string }
) {
  const file = join(options.folder, "meter.json")
  const environment = {
    ...options.environment,
    NODE_OPTIONS: `--import=${pathToFileURL(meter).href}`,
    SEALOG_BENCH_METER: file
  }
  const ended = yield* done(words, run(words, { ...options, environment }))
  const { cpuSeconds, derivations, peakBytes } = JSON.parse(fs.readFileSync(file, "utf8")) as Meter
  const derivation = derivations.reduce((sum, each) => ({
    seconds: sum.seconds + each.seconds,
    cpuSeconds: sum.cpuSeconds + each.cpuSeconds,
    peakBytes: Math.max(sum.peakBytes, each.peakBytes)
  }), NO_DERIVATION)
  return { seconds: ended.seconds, out: ended.out, cpuSeconds, peakBytes, derivation } satisfies Metered
})

/** Runs another program. */
export const meteredOther = Effect.fn("bench.meteredOther")(function*(
  words: ReadonlyArray<string>,
  options: ProcessOptions & { readonly folder: string; readonly figures: string }
) {
  const { figures } = options
  const timed = fs.existsSync(GNU_TIME)
  const through = timed ? [GNU_TIME, "-q", "-o", figures, "-f", "%U %S %M"] : []
  const ended = yield* done(words, run(words, { ...options, bare: true, through }))
  const [user, system, kib] = timed ? fs.readFileSync(figures, "utf8").trim().split(" ").map(Number) : []
  const used = { cpuSeconds: (user ?? Number.NaN) + (system ?? Number.NaN), peakBytes: (kib ?? Number.NaN) * 1024 }
  return { seconds: ended.seconds, out: ended.out, ...used, derivation: NO_DERIVATION } satisfies Metered
})

export const done = (words: ReadonlyArray<string>, running: Effect.Effect<Ended>): Effect.Effect<Ended, NotDone> =>
  Effect.filterOrFail(running, ({ code }) => code === 0, (ended) => new NotDone({ words, ended }))
