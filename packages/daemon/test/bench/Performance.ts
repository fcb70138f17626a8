/** The document of performance: what came of the rows, as JSON and as the tables made from it. */
import { Schema } from "effect"
import { loadavg } from "node:os"
import { Circumstances, circumstances, machinesOf, makeLedger, tableLine } from "../support/Ledger.ts"
import { causes } from "./causes.ts"
import type { Reading, Row } from "./Row.ts"
import { rows } from "./rows.ts"
import { notOfRelease, Sizes } from "./Sizes.ts"
import { cellsOf, HEADINGS } from "./Table.ts"
import { verdictOf } from "./Verdict.ts"

const Figures = Schema.Array(Schema.Number)

const Result = Schema.Struct({
  row: Schema.String,
  own: Figures,
  peers: Schema.Record({ key: Schema.String, value: Figures }),
  beside: Schema.Record({ key: Schema.String, value: Schema.Union(Schema.Number, Schema.String) }),
  sizes: Sizes,
  /** What else the machine had to do when it began: processes that wanted to run, in the minute before. */
  load: Schema.Number,
  ...Circumstances.fields
})
export type Result = typeof Result.Type

/** To be asked for before a measurement begins, which is load itself. */
export const loadNow = (): number => Math.round(loadavg()[0]! * 10) / 10

export const resultOf = (
  row: Row,
  { beside = {}, own, peers = {} }: Reading,
  run: { readonly sizes: Sizes; readonly load: number }
): Result => ({
  row: row.name,
  own: own.filter(Number.isFinite),
  peers: Object.fromEntries(
    Object.entries(peers).map(([name, figures]) => [name, figures.filter(Number.isFinite)] as const)
      .filter(([, figures]) => figures.length > 0)
  ),
  beside: Object.fromEntries(
    Object.entries(beside).filter(([, value]) => typeof value === "string" || Number.isFinite(value))
  ),
  ...run,
  ...circumstances()
})

export const documentOf = (results: ReadonlyArray<Result>): string =>
  [
    "# Performance",
    "",
    "What sealog costs, beside restic and borg where they do the same work. Made by `npm run bench -- --write` from what",
    "was measured, which is kept in [performance.json](performance.json); only why bounds are not kept is written by hand.",
    "One row is measured with `npm run bench -- --row ROW --runs N`. Figures are medians of the runs. A ratio, ×, is sealog's figure",
    "divided by that of the better peer in the same runs: on the same store and disk, with warm caches, in turns. Lower",
    "is better everywhere. MB are 10^6 bytes.",
    "",
    "A password is stretched with 256 MiB of memory for about half a second each time a vault is opened, on purpose. That",
    "memory counts in no row, and that time only where the row says so; what it was stands beside.",
    "",
    ...summaryOf(results),
    ...causesOf(results),
    ...machinesOf(results),
    loadOf(results),
    "",
    ...[...new Set(rows.map(({ scenario }) => scenario))].flatMap((scenario) => [
      `## ${scenario.title}`,
      "",
      ...tableOf(rows.filter((row) => row.scenario === scenario), results),
      ""
    ])
  ].join("\n")

/** How each result stands to what must be kept. */
const judge = (results: ReadonlyArray<Result>) =>
  results.flatMap((result) => {
    const row = rows.find(({ name }) => name === result.row)
    const { must } = row === undefined ? { must: "none" } : verdictOf(row.bounds, result)
    return must === "none" ? [] : [{ name: result.row, must }]
  })

/** The rows that have to be kept and are not. */
export const missedOf = (results: ReadonlyArray<Result>): ReadonlyArray<string> =>
  judge(results).filter(({ must }) => must === "not met").map(({ name }) => name)

const summaryOf = (results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const judged = judge(results)
  const missed = missedOf(results).map((name) => `\`${name}\``)
  const unknown = judged.filter(({ must }) => must === "unknown").map(({ name }) => `\`${name}\``)
  const met = judged.length - missed.length - unknown.length
  return [
    `Of ${judged.length} bounds that must be kept, ${met} are.`
    + (missed.length === 0 ? "" : ` Not kept: ${missed.join(", ")}.`)
    + (unknown.length === 0 ? "" : ` With nothing to compare: ${unknown.join(", ")}.`),
    ""
  ]
}

const causesOf = (results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const missed = missedOf(results)
  const told = causes.filter((cause) => cause.rows.some((row) => missed.includes(row)))
  return told.length === 0 ? [] : [
    "Why they are not:",
    "",
    ...told.map(({ rows: of, why }) =>
      `- ${of.filter((row) => missed.includes(row)).map((row) => `\`${row}\``).join(", ")}: ${why}`
    ),
    ""
  ]
}

const loadOf = (results: ReadonlyArray<Result>): string => {
  const loads = results.map(({ load }) => load)
  if (loads.length === 0) return "Nothing was run yet."
  return `Other load on it when the parts began: ${Math.min(...loads)} to ${Math.max(...loads)} processes.`
}

/** Without the columns that nothing of this part has anything for. */
const tableOf = (part: ReadonlyArray<Row>, results: ReadonlyArray<Result>): ReadonlyArray<string> => {
  const headings = [HEADINGS[0], "How", ...HEADINGS.slice(1), "Date"]
  const lines = part.map((row) => {
    const result = results.find(({ row: name }) => name === row.name)
    if (result === undefined) return [`${row.work} (\`${row.name}\`)`, row.how, "not run", "", "", "", "", ""]
    const [work, ...cells] = cellsOf(row, result)
    const beside = [...notOfRelease(result.sizes, row.scenario.sizes), cells.pop()!].filter((text) => text !== "").join(
      "; "
    )
    return [work!, row.how, ...cells, beside, result.date]
  })
  const filled = headings.map((_, at) => lines.some((cells) => cells[at] !== ""))
  const shown = (cells: ReadonlyArray<string>): string => tableLine(cells.filter((_, at) => filled[at]))
  return [shown(headings), shown(headings.map(() => "-")), ...lines.map(shown)]
}

export const { documentFile, read: readResults, write: writeResults } = makeLedger({
  name: "performance",
  result: Result,
  rows,
  documentOf
})
