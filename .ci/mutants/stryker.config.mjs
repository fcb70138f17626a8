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
  // Of the day, for what neither computes nor ends. What computes without end is given up by the runner, by the time of the processor that it took.
  timeoutMS: 300_000,
  timeoutFactor: 4,
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
