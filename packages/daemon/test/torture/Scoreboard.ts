/**
 * The scoreboard: what came of the rows, as JSON and as the document made from it.
 */
import { Schema } from "effect"
import { Circumstances, circumstances, escapeCell, machinesOf, makeLedger, tableLine } from "../support/Ledger.ts"
import type { Outcome, Row } from "./Row.ts"
import { rows } from "./rows.ts"

const Result = Schema.Struct({
  row: Schema.String,
  trials: Schema.Int,
  failed: Schema.Int,
  /** The first of them. */
  failures: Schema.Array(Schema.String),
  measured: Schema.Record({ key: Schema.String, value: Schema.Union(Schema.Number, Schema.String) }),
  seed: Schema.Int,
  seconds: Schema.Number,
  ...Circumstances.fields
})
export type Result = typeof Result.Type

export const resultOf = (
  row: Row,
  outcome: Outcome,
  run: { readonly seed: number; readonly seconds: number }
): Result => ({
  row: row.name,
  trials: outcome.trials,
  failed: outcome.failures.length,
  failures: outcome.failures.slice(0, FAILURES_KEPT),
  measured: outcome.measured ?? {},
  ...run,
  ...circumstances()
})

export const documentOf = (results: ReadonlyArray<Result>): string => {
  const table = rows.map((row) => lineOf(row, results.find((result) => result.row === row.name)))
  const failing = results.filter(({ failed }) => failed > 0)
  return [
    "# Reliability",
    "",
    "What sealog survives, and how often that was tried. Made by `npm run torture -- --write` from what its harnesses",
    "counted, which is kept in [reliability.json](reliability.json); nothing here is written by hand. One row is run with",
    "`npm run torture -- ROW --trials N --seed N`, and every row a few times by `npm test`. With no failure in n trials,",
    "fewer than 3 in n can be expected to fail (19 times in 20).",
    "",
    "| Attack or fault | How, and what must hold | Trials | Failures | Measured | Date |",
    "| - | - | - | - | - | - |",
    ...table,
    "",
    ...machinesOf(results),
    "",
    ...(failing.length === 0 ? [] : ["## What failed", "", ...failing.flatMap(failuresOf)])
  ].join("\n")
}

const lineOf = (row: Row, result: Result | undefined): string => {
  const cells = result === undefined
    ? ["not run", "", "", ""]
    : [
      `${result.trials.toLocaleString("en")} ${row.unit}`,
      result.failed === 0 ? "0" : `**${result.failed}**`,
      Object.entries(result.measured).map(([name, value]) => `${name}: ${value.toLocaleString("en")}`).join("; "),
      result.date
    ]
  return tableLine([`${row.fault} (\`${row.name}\`)`, row.how, ...cells])
}

const failuresOf = ({ failures, row }: Result): ReadonlyArray<string> => [
  `### ${row}`,
  "",
  ...failures.map((failure) => `- ${escapeCell(failure)}`),
  ""
]

/** Enough to begin with; the seed brings back the rest. */
export const FAILURES_KEPT = 20

export const { documentFile, read: readResults, write: writeResults } = makeLedger({
  name: "reliability",
  result: Result,
  rows,
  documentOf
})
