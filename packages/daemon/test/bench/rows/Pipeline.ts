/**
 * Chat messages by the million, without the cost of a source: from capture through a journal on LevelDB to a disk.
 * What it takes, whether its memory stays where it is, and whether a small increment costs the same after a long
 * history as after a short one.
 */
import { Effect } from "effect"
import { join } from "node:path"
import { bundled } from "../../support/Bundled.ts"
import { run } from "../../support/Process.ts"
import { freshFolder } from "../Folder.ts"
import { done } from "../Metered.ts"
import type { PipelineRun } from "../processes/pipeline.ts"
import type { Asked, Reading, Row, Scenario } from "../Row.ts"
import { medianOf } from "../Verdict.ts"

/** Of the longest run. */
const SHARES = { long: 1, half: 0.5, short: 0.1 } as const
type Length = keyof typeof SHARES

type Runs = Readonly<Partial<Record<Length, ReadonlyArray<PipelineRun>>>>

interface PipelineRow extends Omit<Row, "scenario"> {
  readonly lengths: ReadonlyArray<Length>
  readonly reading: (runs: Runs) => Reading
}

const measure = Effect.fn("bench.pipeline")(function*(asked: Asked, wanted: ReadonlySet<string>) {
  const wantedRows = pipelineTable.filter(({ name }) => wanted.has(name))
  const lengths = new Set(wantedRows.flatMap((row) => row.lengths))
  const script = yield* bundled("bench/processes/pipeline.ts")
  const runs: Partial<Record<Length, Array<PipelineRun>>> = {}
  for (let turn = 0; turn < asked.runs; turn++) {
    for (const length of lengths) {
      const events = Math.round(asked.events * SHARES[length])
      const measured = yield* runOnce(asked, events, script)
      asked.say(
        `${events.toLocaleString("en")} events: ${measured.syncSeconds.toFixed(2)} s, `
          + `making them ${measured.makingSeconds.toFixed(2)} s`
      )
      runs[length] = [...(runs[length] ?? []), measured]
    }
  }
  return new Map(wantedRows.map((row) => [row.name, row.reading(runs)] as const))
})

const runOnce = Effect.fn("bench.pipelineRun")(
  function*({ folder, increments, seed }: Asked, events: number, script: string) {
    const place = yield* freshFolder(join(folder, "work", "pipeline"))
    const words = ["--expose-gc", script, place, String(events), String(seed), String(increments)]
    const { out } = yield* done(words, run([process.execPath, ...words], { bare: true }))
    return JSON.parse(out) as PipelineRun
  },
  Effect.scoped
)

const figures = (runs: Runs, length: Length, of: (measured: PipelineRun) => number): ReadonlyArray<number> =>
  (runs[length] ?? []).map(of)

/** One figure of the longer run for one of the shorter, run by run. */
const growth = (
  runs: Runs,
  lengths: readonly [longer: Length, shorter: Length],
  of: (measured: PipelineRun) => number
) => {
  const shorter = figures(runs, lengths[1], of)
  return figures(runs, lengths[0], of).map((figure, turn) => figure / shorter[turn]!)
}

const net = ({ makingSeconds, syncSeconds }: PipelineRun): number => syncSeconds - makingSeconds
const increment = ({ incrementCpuSeconds }: PipelineRun): number => medianOf(incrementCpuSeconds)
const megabytes = (bytes: ReadonlyArray<number>): string => `${Math.round(medianOf(bytes) / 1e6)} MB`
const milliseconds = (seconds: ReadonlyArray<number>): string => `${(medianOf(seconds) * 1_000).toFixed(1)} ms`
const events = (runs: Runs, length: Length): string => (runs[length]?.[0]?.events ?? 0).toLocaleString("en")

const pipelineTable: ReadonlyArray<PipelineRow> = [
  {
    name: "pipeline",
    lengths: ["long"],
    work: "A million chat messages without a source",
    how: "one sync through capture and journal to a disk, less what making the messages takes by itself",
    unit: "seconds",
    bounds: { on: "figure", must: 3 },
    reading: (runs) => ({
      own: figures(runs, "long", net),
      beside: {
        events: events(runs, "long"),
        processor: medianOf(figures(runs, "long", ({ syncCpuSeconds }) => syncCpuSeconds)),
        "with making them": medianOf(figures(runs, "long", ({ syncSeconds }) => syncSeconds)),
        "making them": medianOf(figures(runs, "long", ({ makingSeconds }) => makingSeconds)),
        shipped: megabytes(figures(runs, "long", ({ shippedBytes }) => shippedBytes))
      }
    })
  },
  {
    name: "pipeline-memory",
    lengths: ["half"],
    work: "Memory for 500,000 chat messages",
    how: "the most that was resident in the whole run",
    unit: "bytes",
    bounds: { on: "figure", must: 250e6, goal: 150e6 },
    reading: (runs) => ({
      own: figures(runs, "half", ({ peakBytes }) => peakBytes),
      beside: { events: events(runs, "half") }
    })
  },
  {
    name: "memory-growth",
    lengths: ["half", "short"],
    work: "Memory with five times the messages",
    how: "the most that was resident in a run of 500,000 messages, for one of 100,000",
    unit: "times",
    bounds: { on: "figure", must: 1.1, goal: 1 },
    reading: (runs) => ({
      own: growth(runs, ["half", "short"], ({ peakBytes }) => peakBytes),
      beside: {
        [events(runs, "short")]: megabytes(figures(runs, "short", ({ peakBytes }) => peakBytes)),
        [events(runs, "half")]: megabytes(figures(runs, "half", ({ peakBytes }) => peakBytes))
      }
    })
  },
  {
    name: "increment-growth",
    lengths: ["long", "short"],
    work: "An increment after ten times the history",
    how: "processor for a sync of 100 messages after 1,000,000, for one after 100,000",
    unit: "times",
    bounds: { on: "figure", must: 1.1, goal: 1 },
    reading: (runs) => ({
      own: growth(runs, ["long", "short"], increment),
      beside: {
        [events(runs, "short")]: milliseconds(figures(runs, "short", increment)),
        [events(runs, "long")]: milliseconds(figures(runs, "long", increment))
      }
    })
  }
]

const scenario: Scenario = {
  name: "pipeline",
  title: "Chat messages, without the cost of a source",
  sizes: ["runs", "events", "increments"],
  measure
}

export const pipelineRows: ReadonlyArray<Row> = pipelineTable.map((
  { lengths: _lengths, reading: _reading, ...row }
) => ({ ...row, scenario }))
