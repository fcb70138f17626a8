/**
 * Says what a run of `npm run mutants` came to, and with `--write` puts it into docs/mutants.md:
 *
 *   node .ci/ts.mjs packages/daemon/test/mutants/main.ts [--write] GROUP=REPORT.json...
 */
import * as fs from "node:fs"
import { parseArgs } from "node:util"
import { circumstances } from "../support/Ledger.ts"
import { explanations } from "./explanations.ts"
import { type Group, groups, writeGroups } from "./Scoreboard.ts"
import { mutantsOf, readReport, scoreOf } from "./Survivors.ts"

/** Of 100 mutants of a group so many must be noticed. */
const FLOOR = 85

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } }
})

const results = positionals.map((argument): Group => {
  const [row = "", path = ""] = argument.split("=")
  if (!groups.some(({ name }) => name === row)) throw new Error(`there is no group ${row}`)
  return { row, ...readReport(fs.readFileSync(path, "utf8")), ...circumstances() }
})

for (const { files, row, survivors } of results) {
  for (const survivor of survivors.filter((each) => !explanations.some(({ covers }) => covers(each)))) {
    console.log(`survived, not explained: ${survivor}`)
  }
  for (const file of files) console.log(`${scoreOf([file]).toFixed(1).padStart(5)}  ${file.file}`)
  console.log(`${scoreOf(files).toFixed(1).padStart(5)}  ${row}: ${mutantsOf(files)} mutants\n`)
}
if (values.write) writeGroups(results)
process.exitCode = results.some(({ files }) => scoreOf(files) < FLOOR) ? 1 : 0
