/** What every command costs before it does anything. */
import { Effect } from "effect"
import { run } from "../../support/Process.ts"
import { done } from "../Metered.ts"
import type { Asked, Reading, Row, Scenario } from "../Row.ts"

/** It takes so little that more of them cost nothing. */
const STARTS_A_RUN = 4

const measure = Effect.fn("bench.start")(function*({ runs }: Asked) {
  const own: Array<number> = []
  for (let turn = 0; turn < STARTS_A_RUN * runs; turn++) {
    own.push((yield* done(["--version"], run(["--version"]))).seconds)
  }
  return new Map<string, Reading>([["start", { own }]])
})

const scenario: Scenario = { name: "start", title: "The command line", sizes: ["runs"], measure }

export const startRows: ReadonlyArray<Row> = [{
  name: "start",
  work: "Start of the command line",
  how: "`sealog --version`, from the start of its process to its end",
  unit: "seconds",
  bounds: { on: "figure", must: 0.4, goal: 0.2 },
  scenario
}]
