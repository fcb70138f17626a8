/**
 * What came of the rows, kept as JSON beside the document that shows it. The document is made from the JSON and from
 * nothing else, so nothing in it can be better than what was run.
 */
import { Schema } from "effect"
import * as fs from "node:fs"
import { cpus, totalmem } from "node:os"
import { fileURLToPath } from "node:url"
import type { Outcome, Row } from "./Row.ts"
import { rows } from "./rows.ts"

const docs = new URL("../../../../docs/", import.meta.url)
const resultsFile = fileURLToPath(new URL("reliability.json", docs))
export const documentFile = fileURLToPath(new URL("reliability.md", docs))

const Result = Schema.Struct({
  row: Schema.String,
  trials: Schema.Int,
  failed: Schema.Int,
  /** The first of them. */
  failures: Schema.Array(Schema.String),
  measured: Schema.Record({ key: Schema.String, value: Schema.Union(Schema.Number, Schema.String) }),
  seed: Schema.Int,
  seconds: Schema.Number,
  date: Schema.String,
  machine: Schema.String
})
export type Result = typeof Result.Type

const Results = Schema.parseJson(Schema.Array(Result), { space: 2 })

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
  date: new Date().toISOString().slice(0, 10),
  machine: machineOf()
})

export const readResults = (): ReadonlyArray<Result> =>
  fs.existsSync(resultsFile) ? Schema.decodeSync(Results)(fs.readFileSync(resultsFile, "utf8")) : []

/** Puts new results in the place of older ones of the same rows, and makes the document of all. */
export const writeResults = (fresh: ReadonlyArray<Result>): void => {
  const kept = readResults().filter(({ row }) => !fresh.some((each) => each.row === row))
  const order = rows.map(({ name }) => name)
  const all = [...kept, ...fresh].toSorted((a, b) => order.indexOf(a.row) - order.indexOf(b.row))
  fs.writeFileSync(resultsFile, `${Schema.encodeSync(Results)(all)}\n`)
  fs.writeFileSync(documentFile, documentOf(all))
}

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
    ...[...new Set(results.map(({ machine }) => machine))].map((machine) => `Run on ${machine}.`),
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
  return `| ${[`${row.fault} (\`${row.name}\`)`, row.how, ...cells].map(escape).join(" | ")} |`
}

const failuresOf = ({ failures, row }: Result): ReadonlyArray<string> => [
  `### ${row}`,
  "",
  ...failures.map((failure) => `- ${escape(failure)}`),
  ""
]

const escape = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")

const machineOf = (): string => {
  const gib = Math.round(totalmem() / 2 ** 30)
  return `${process.platform}, Node ${process.versions.node}, ${cpus().length} cores, ${gib} GiB`
}

/** Enough to begin with; the seed brings back the rest. */
export const FAILURES_KEPT = 20
