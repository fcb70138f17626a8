/**
 * What came of rows, kept as JSON in `docs/` beside the document that shows it. The document is made from the JSON and
 * from nothing else, so nothing in it can be better than what was run.
 */
import { Schema } from "effect"
import * as fs from "node:fs"
import { cpus, totalmem } from "node:os"
import { fileURLToPath } from "node:url"

const docs = new URL("../../../../docs/", import.meta.url)

export interface Ledger<A> {
  readonly documentFile: string
  /** What was kept so far. */
  readonly read: () => ReadonlyArray<A>
  /** Puts new results in the place of older ones of the same rows, and makes the document of all. */
  readonly write: (fresh: ReadonlyArray<A>) => void
}

/** When and where a row was run. */
export const Circumstances = Schema.Struct({ date: Schema.String, machine: Schema.String })

export const makeLedger = <A extends { readonly row: string }, I>(options: {
  /** `docs/NAME.json` and `docs/NAME.md`. */
  readonly name: string
  readonly result: Schema.Schema<A, I>
  /** Of all rows, in the order of the document. */
  readonly rows: ReadonlyArray<{ readonly name: string }>
  readonly documentOf: (results: ReadonlyArray<A>) => string
}): Ledger<A> => {
  const Results = Schema.parseJson(Schema.Array(options.result), { space: 2 })
  const resultsFile = fileURLToPath(new URL(`${options.name}.json`, docs))
  const documentFile = fileURLToPath(new URL(`${options.name}.md`, docs))
  const read = (): ReadonlyArray<A> =>
    fs.existsSync(resultsFile) ? Schema.decodeSync(Results)(fs.readFileSync(resultsFile, "utf8")) : []
  return {
    documentFile,
    read,
    write: (fresh) => {
      const kept = read().filter(({ row }) => !fresh.some((each) => each.row === row))
      const order = options.rows.map(({ name }) => name)
      const all = [...kept, ...fresh].toSorted((a, b) => order.indexOf(a.row) - order.indexOf(b.row))
      fs.writeFileSync(resultsFile, `${Schema.encodeSync(Results)(all)}\n`)
      fs.writeFileSync(documentFile, options.documentOf(all))
    }
  }
}

export const circumstances = (): typeof Circumstances.Type => {
  const gib = Math.round(totalmem() / 2 ** 30)
  const machine = `${process.platform}, Node ${process.versions.node}, ${cpus().length} cores, ${gib} GiB`
  return { date: new Date().toISOString().slice(0, 10), machine }
}

/** One line of a table of Markdown, as the formatter leaves it. */
export const tableLine = (cells: ReadonlyArray<string>): string =>
  `|${cells.map((cell) => cell === "" ? " " : ` ${escapeCell(cell)} `).join("|")}|`

export const escapeCell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")

/** On which machines, a line each. */
export const machinesOf = (results: ReadonlyArray<{ readonly machine: string }>): ReadonlyArray<string> =>
  [...new Set(results.map(({ machine }) => machine))].map((machine) => `Run on ${machine}.`)
