/** Measures rows, scenario by scenario. */
import { Effect } from "effect"
import { loadNow, type Result, resultOf } from "./Performance.ts"
import type { Asked, Row, Scenario } from "./Row.ts"

/** What came of those of the rows that this machine can measure; told scenario by scenario. */
export const measureRows = Effect.fn("bench.measureRows")(function*(
  wanted: ReadonlyArray<Row>,
  asked: Asked,
  onMeasured: (results: ReadonlyArray<Result>) => void
) {
  for (const scenario of new Set(wanted.map((row) => row.scenario))) {
    const lacks = yield* scenario.lacks ?? Effect.succeed(undefined)
    if (lacks === undefined) {
      onMeasured(yield* measureScenario(scenario, wanted.filter((row) => row.scenario === scenario), asked))
    } else asked.say(`${scenario.name}: not measured, this machine lacks ${lacks}`)
  }
})

const measureScenario = Effect.fn("bench.measureScenario")(function*(
  scenario: Scenario,
  rows: ReadonlyArray<Row>,
  asked: Asked
) {
  asked.say(scenario.title)
  const load = loadNow()
  const readings = yield* scenario.measure(asked, new Set(rows.map(({ name }) => name)))
  return rows.flatMap((row) => {
    const reading = readings.get(row.name)
    return reading === undefined ? [] : [resultOf(row, reading, { sizes: asked.sizes, load })]
  })
}, Effect.scoped)
