/**
 * Measures what sealog costs, beside its peers where they are installed, and says how that stands to its targets:
 *
 *   npm run bench                                  every row, as for a release
 *   npm run bench -- --row restore --runs 3        one row; --row may be given again
 *   npm run bench -- --mails 2000 --runs 1         little, to see that it runs; --help names every size
 *   npm run bench -- --write                       also puts the results into docs/performance.md
 *   npm run bench -- --redraw                      measures nothing: makes the document from the results that are kept
 *   npm run bench -- --json                        the results as JSON instead of the table
 *   npm run bench -- --folder /mnt/disk/bench      works on another disk
 */
import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { measureRows } from "./Measure.ts"
import { type Result, writeResults } from "./Performance.ts"
import type { Row } from "./Row.ts"
import { rows } from "./rows.ts"
import { flagOf, RELEASE, sizesOf } from "./Sizes.ts"
import { cellsOf, HEADINGS } from "./Table.ts"

const text = { type: "string" } as const
const sizeFlags = Object.fromEntries(Object.keys(RELEASE).map((field) => [flagOf(field), text] as const))

const { values } = parseArgs({
  options: {
    row: { type: "string", multiple: true },
    seed: { type: "string", default: "1" },
    folder: { type: "string", default: fileURLToPath(new URL("../../../../.cache/bench", import.meta.url)) },
    list: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    redraw: { type: "boolean", default: false },
    ...sizeFlags
  }
})

/** Beside the results, which alone are on stdout. */
const say = (line: string): void => void process.stderr.write(`  ${line}\n`)

const rowNamed = (name: string): Row => {
  const row = rows.find((each) => each.name === name)
  if (row === undefined) throw new Error(`there is no row ${name}; --list names them all`)
  return row
}

const printTable = (results: ReadonlyArray<Result>): void => {
  const lines = [HEADINGS, ...results.map((result) => cellsOf(rowNamed(result.row), result))]
  const widths = HEADINGS.map((_, at) => Math.max(...lines.map((cells) => [...cells[at]!].length)))
  for (const cells of lines) {
    console.log(cells.map((cell, at) => cell + " ".repeat(widths[at]! - [...cell].length)).join("  ").trimEnd())
  }
}

const measure = async (): Promise<void> => {
  const sizes = sizesOf((field) => (values as Readonly<Record<string, unknown>>)[field])
  const asked = { ...sizes, sizes, seed: Number(values.seed), folder: values.folder, say }
  const wanted = values.row === undefined ? rows : values.row.map(rowNamed)
  const results: Array<Result> = []
  await Effect.runPromise(measureRows(wanted, asked, (fresh) => {
    results.push(...fresh)
    // Part by part: what was measured counts, whatever becomes of the rest.
    if (values.write) writeResults(fresh)
  }))
  if (values.json) console.log(JSON.stringify(results, undefined, 2))
  else printTable(results)
}

if (values.list) {
  for (const { how, name, work } of rows) console.log(`${name.padEnd(20)} ${work}: ${how}`)
} else if (values.help) {
  for (const [field, size] of Object.entries(RELEASE)) console.log(`--${flagOf(field)} ${size}`)
} else if (values.redraw) writeResults([])
else await measure()
