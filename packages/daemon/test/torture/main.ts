/**
 * Runs rows of the scoreboard as often as asked and says what came of each:
 *
 *   npm run torture                              every row, as often as for a release
 *   npm run torture -- power-cut --trials 3000 --seed 7
 *   npm run torture -- --list
 *   npm run torture -- --write                   also puts the results into docs/reliability.md
 *   npm run torture -- --redraw                  runs nothing: makes the document from the results that are kept
 */
import { Console, Effect } from "effect"
import { parseArgs } from "node:util"
import type { Row } from "./Row.ts"
import { rows } from "./rows.ts"
import { FAILURES_KEPT, type Result, resultOf, writeResults } from "./Scoreboard.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    trials: { type: "string" },
    seed: { type: "string", default: "1" },
    list: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    redraw: { type: "boolean", default: false }
  }
})

const runRow = (row: Row, seed: number) =>
  Effect.gen(function*() {
    const lacks = yield* row.lacks ?? Effect.succeed(undefined)
    if (lacks !== undefined) {
      yield* Console.log(`${row.name}: not run, this machine lacks ${lacks}`)
      return undefined
    }
    const trials = values.trials === undefined ? row.trials.release : Number(values.trials)
    yield* Console.log(`${row.name}: ${row.fault}; ${trials} ${row.unit}, seed ${seed}`)
    const from = performance.now()
    const outcome = yield* row.run({ trials, seed, say: (line) => process.stdout.write(`  ${line}\n`) })
    const seconds = Math.round((performance.now() - from) / 100) / 10
    for (const failure of outcome.failures.slice(0, FAILURES_KEPT)) yield* Console.log(`  FAILED ${failure}`)
    for (const [name, value] of Object.entries(outcome.measured ?? {})) yield* Console.log(`  ${name}: ${value}`)
    yield* Console.log(`${row.name}: ${outcome.trials} trials, ${outcome.failures.length} failures, ${seconds} s\n`)
    return resultOf(row, outcome, { seed, seconds })
  }).pipe(Effect.scoped)

const wanted = positionals.length === 0 ? rows : positionals.map((name) => {
  const row = rows.find((each) => each.name === name)
  if (row === undefined) throw new Error(`there is no row ${name}; --list names them all`)
  return row
})

if (values.list) {
  for (const { fault, name, trials } of rows) console.log(`${name.padEnd(24)} ${trials.release}\t${fault}`)
} else if (values.redraw) writeResults([])
else {
  const results: Array<Result> = []
  for (const row of wanted) {
    const result = await Effect.runPromise(runRow(row, Number(values.seed)))
    if (result !== undefined) results.push(result)
    // Row by row: what was run counts, whatever becomes of the rest.
    if (values.write) writeResults(results)
  }
  process.exitCode = results.some(({ failures }) => failures.length > 0) ? 1 : 0
}
