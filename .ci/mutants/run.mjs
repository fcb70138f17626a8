/**
 * Puts faults into the code, one at a time, and counts those that a test notices:
 *
 *   npm run mutants                    every group, one after the other; about an hour on two cores
 *   npm run mutants -- log keys        these groups
 *   npm run mutants -- log --force     anew, also what was not changed since
 *   npm run mutants -- log --mutate packages/core/src/log/MerkleLog.ts:80-120
 *   npm run mutants -- --write         also puts the results into docs/mutants.md
 *
 * Works in copies under `.cache/mutants`; the checkout itself is not touched. Fails where a group is under its floor.
 */
import { spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "../lock.mjs"
import { groups } from "./groups.mjs"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    force: { type: "boolean", default: false },
    mutate: { type: "string" },
    write: { type: "boolean", default: false }
  }
})
const names = positionals.length === 0 ? Object.keys(groups) : positionals
const unknown = names.find((name) => !(name in groups))
if (unknown !== undefined) throw new Error(`there is no group ${unknown}: ${Object.keys(groups).join(", ")}`)
if (values.mutate !== undefined && values.write) throw new Error("a part of a group is no result: leave out --write")

process.chdir(root)
const failed = names.find((name) => mutate(name) !== 0)
if (failed !== undefined) {
  console.error(`mutants: ${failed} could not be run; what went wrong is above`)
  process.exit(1)
}
const reports = names.map((name) => `${name}=.cache/mutants/${name}.json`)
process.exitCode = run([
  ".ci/ts.mjs",
  "packages/daemon/test/mutants/main.ts",
  ...(values.write ? ["--write"] : []),
  ...reports
])

function mutate(name) {
  const stryker = dirname(createRequire(import.meta.url).resolve("@stryker-mutator/core/package.json"))
  const flags = [
    ...(values.force ? ["--force"] : []),
    ...(values.mutate === undefined ? [] : ["--mutate", values.mutate])
  ]
  return run([join(stryker, "bin/stryker.js"), "run", ".ci/mutants/stryker.config.mjs", ...flags], {
    SEALOG_MUTANTS: name
  })
}

function run(args, env = {}) {
  const { error, status } = spawnSync(process.execPath, args, { stdio: "inherit", env: { ...process.env, ...env } })
  if (error !== undefined) throw error
  return status ?? 1
}
