/**
 * Says what a run of `npm run mutants` came to, and with `--write` puts it into docs/mutants.md:
 *
 *   node .ci/ts.mjs packages/daemon/test/mutants/main.ts [--write] GROUP=REPORT.json...
 */
import * as fs from "node:fs"
import { parseArgs } from "node:util"
import { explanations } from "./explanations.ts"
import { type Group, groupNames, writeGroups } from "./Scoreboard.ts"
import { mutantsOf, readReport, scoreOf } from "./Survivors.ts"

/** Of 100 mutants of a group so many must be noticed. */
const FLOOR = 85

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean", default: false } }
})

const results = positionals.map((argument): Group => {
  const [name, path = ""] = argument.split("=")
  const group = groupNames.find((each) => each === name)
  if (group === undefined) throw new Error(`there is no group ${name}`)
  return { group, date: new Date().toISOString().slice(0, 10), ...readReport(fs.readFileSync(path, "utf8")) }
})

for (const { files, group, survivors } of results) {
  for (const survivor of survivors.filter((each) => !explanations.some(({ covers }) => covers(each)))) {
    const { file, mutated, mutator, original } = survivor
    console.log(`survived: ${file.split("/").at(-1)} | ${mutator} | ${original}  =>  ${mutated}`)
  }
  for (const file of files) console.log(`${scoreOf([file]).toFixed(1).padStart(5)}  ${file.file}`)
  console.log(`${scoreOf(files).toFixed(1).padStart(5)}  ${group}: ${mutantsOf(files)} mutants\n`)
}
if (values.write) writeGroups(results)
process.exitCode = results.some(({ files }) => scoreOf(files) < FLOOR) ? 1 : 0
