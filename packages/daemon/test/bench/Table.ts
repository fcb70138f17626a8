/** The words for what a row came to: the same on the terminal and in the document. */
import type { Bounds, Reading, Row, Unit } from "./Row.ts"
import { type Verdict, verdictOf } from "./Verdict.ts"

export const HEADINGS = ["Work", "sealog", "Peers", "Must", "Goal", "Beside"] as const

/** One line of the table, a text for each heading. */
export const cellsOf = (row: Row, reading: Reading): ReadonlyArray<string> => {
  const verdict = verdictOf(row.bounds, reading)
  return [
    `${row.work} (\`${row.name}\`)`,
    figureText(verdict.own, row.unit),
    Object.entries(verdict.peers).map(([name, figure]) => `${name} ${figureText(figure, row.unit)}`).join(", "),
    boundText(row, verdict, "must"),
    boundText(row, verdict, "goal"),
    besideText(row, reading)
  ]
}

/** `1.0 ×, is 0.81 ×: met` */
const boundText = ({ bounds, unit }: Row, verdict: Verdict, which: "must" | "goal"): string => {
  const bound = bounds[which]
  const is = isText(bounds, verdict)
  if (bound === undefined) return which === "must" && is !== "" ? is : ""
  const wanted = bounds.on === "ratio" ? ratioText(bound) : figureText(bound, unit)
  if (verdict[which] === "unknown") return `${wanted}, nothing to compare with`
  return `${wanted}${is === "" ? "" : `, is ${is}`}: ${verdict[which] === "met" ? "met" : "**not met**"}`
}

/** How it stands to the better peer; a figure stands in its own column. */
const isText = ({ on }: Bounds, { ratio }: Verdict): string =>
  on === "ratio" && ratio !== undefined ? ratioText(ratio) : ""

const besideText = ({ unit }: Row, { beside = {}, own }: Reading): string => {
  const told = Object.entries(beside).map(([name, value]) =>
    `${name} ${typeof value === "number" ? figureText(value, unit) : value}`
  )
  const spread = own.length > 1
    ? [`${own.length} runs, ${figureText(Math.min(...own), unit)} to ${figureText(Math.max(...own), unit)}`]
    : []
  return [...spread, ...told].join("; ")
}

const ratioText = (ratio: number): string => `${significant(ratio)} ×`

const figureText = (figure: number, unit: Unit): string => {
  if (Number.isNaN(figure)) return "unknown"
  switch (unit) {
    case "seconds":
      return `${significant(figure)} s`
    case "milliseconds":
      return `${significant(figure)} ms`
    case "bytes":
      return figure >= 1e6
        ? `${significant(figure / 1e6)} MB`
        : figure >= 1e3
        ? `${significant(figure / 1e3)} kB`
        : `${figure} B`
    case "count":
      return Math.round(figure).toLocaleString("en")
    case "times":
      return `${significant(figure)} ×`
    case "share":
      return `${significant(figure * 100)} %`
  }
}

/** Three digits say all that a measurement on a shared machine knows. */
const significant = (value: number): string =>
  Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)))
