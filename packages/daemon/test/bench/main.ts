/**
 * Measures what sealog costs, beside its peers where they are installed, and says how that stands to its targets:
 *
 *   npm run bench                                  every row, as for a release
 *   npm run bench -- --row restore --runs 3        one row; --row may be given again
 *   npm run bench -- --mails 2000 --events 10000 --runs 1
 *   npm run bench -- --list
 *   npm run bench -- --json                        JSON on stdout instead of the table
 */
import { Effect } from "effect"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import type { Asked, Reading, Row } from "./Row.ts"
import { rows } from "./rows.ts"
import { cellsOf, HEADINGS } from "./Table.ts"

const { values } = parseArgs({
  options: {
    row: { type: "string", multiple: true },
    runs: { type: "string", default: "5" },
    mails: { type: "string", default: "50000" },
    ships: { type: "string", default: "10000" },
    deliveries: { type: "string", default: "200" },
    "idle-seconds": { type: "string", default: "60" },
    events: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    folder: { type: "string", default: fileURLToPath(new URL("../../../../.cache/bench", import.meta.url)) },
    list: { type: "boolean", default: false },
    json: { type: "boolean", default: false }
  }
})

const say = (line: string): void => void process.stderr.write(`  ${line}\n`)

const asked: Asked = {
  runs: Number(values.runs),
  mails: Number(values.mails),
  arrivals: 100,
  events: Number(values.events),
  ships: Number(values.ships),
  deliveries: Number(values.deliveries),
  idleSeconds: Number(values["idle-seconds"]),
  seed: Number(values.seed),
  folder: values.folder,
  say
}

const wanted = values.row === undefined ? rows : values.row.map((name) => {
  const row = rows.find((each) => each.name === name)
  if (row === undefined) throw new Error(`there is no row ${name}; --list names them all`)
  return row
})

const measureAll = Effect.gen(function*() {
  const readings = new Map<string, Reading>()
  for (const scenario of new Set(wanted.map((row) => row.scenario))) {
    const lacks = yield* scenario.lacks ?? Effect.succeed(undefined)
    if (lacks !== undefined) {
      say(`${scenario.name}: not measured, this machine lacks ${lacks}`)
      continue
    }
    say(scenario.name)
    const names = wanted.filter((row) => row.scenario === scenario).map(({ name }) => name)
    for (const [name, reading] of yield* Effect.scoped(scenario.measure(asked, new Set(names)))) {
      readings.set(name, reading)
    }
  }
  return readings
})

const printTable = (measured: ReadonlyArray<readonly [Row, Reading]>): void => {
  const lines = [HEADINGS, ...measured.map(([row, reading]) => cellsOf(row, reading))]
  const widths = HEADINGS.map((_, at) => Math.max(...lines.map((cells) => [...cells[at]!].length)))
  for (const cells of lines) {
    console.log(cells.map((cell, at) => cell + " ".repeat(widths[at]! - [...cell].length)).join("  ").trimEnd())
  }
}

if (values.list) {
  for (const { how, name, work } of rows) console.log(`${name.padEnd(20)} ${work}: ${how}`)
} else {
  const readings = await Effect.runPromise(measureAll)
  const measured = wanted.flatMap((row) => {
    const reading = readings.get(row.name)
    return reading === undefined ? [] : [[row, reading] as const]
  })
  if (values.json) console.log(JSON.stringify(Object.fromEntries(readings), undefined, 2))
  else printTable(measured)
}
