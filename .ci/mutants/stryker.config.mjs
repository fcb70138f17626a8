/** Stryker's settings for the group that `SEALOG_MUTANTS` names; `.ci/mutants/run.mjs` sets it. */
import { groups } from "./groups.mjs"

const group = process.env.SEALOG_MUTANTS
const { mutate } = groups[group]
const cache = ".cache/mutants"

export default {
  mutate,
  testRunner: "sealog",
  plugins: [import.meta.resolve("./runner.mjs"), import.meta.resolve("./ignore.mjs")],
  vitest: { configFile: ".ci/mutants/vitest.config.ts", related: false },
  ignorers: ["sealog"],
  coverageAnalysis: "perTest",
  dryRunTimeoutMinutes: 20,
  // The rest of the machine is somebody else's.
  concurrency: 2,
  // A worker that loops is ended; one that waits for its turn on a busy machine is not.
  timeoutMS: 8000,
  timeoutFactor: 1.5,
  // The tests run from source, and nobody checks types in the copy.
  disableTypeChecks: false,
  ignorePatterns: [".cache", "dist", "coverage"],
  tempDirName: `${cache}/sandbox`,
  incremental: true,
  incrementalFile: `${cache}/${group}.incremental.json`,
  reporters: ["json", "progress-append-only"],
  jsonReporter: { fileName: `${cache}/${group}.json` },
  thresholds: { high: 95, low: 85, break: null },
  allowConsoleColors: false
}
