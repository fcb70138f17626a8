/**
 * The tests of one group, in the copy of the workspace that Stryker mutates. There `node_modules` are links into the
 * original, so the workspace's own packages are found by their path and not through them: else the adapters' tests
 * would run against the core that nobody mutated.
 */
import { fileURLToPath } from "node:url"
import { defineConfig, mergeConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"
import base from "../vitest.config.ts"
import { groups } from "./groups.mjs"

const root = fileURLToPath(new URL("../..", import.meta.url))
const group = process.env["SEALOG_MUTANTS"] as keyof typeof groups

/** Quick files first: the run ends at the first test that fails. */
class QuickFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const millisOf = (file: TestSpecification) =>
      this.ctx.cache.getFileTestResults(`${file.project.name}:${file.moduleId.slice(root.length - 1)}`)?.duration ?? 0
    return files.toSorted((a, b) => millisOf(a) - millisOf(b))
  }
}

/** Tests that have a time of their own get more: a busy machine must not kill a mutant. */
const patience = {
  name: "sealog-patience",
  enforce: "pre" as const,
  transform: (code: string, id: string) =>
    /\/(test|testing)\/.*\.ts$/.test(id) ? code.replaceAll(TIMEOUT, `$1${PATIENCE_MILLIS}`) : undefined
}
const PATIENCE_MILLIS = 600_000
/** The last argument of a test, or an option or default of that name. */
const TIMEOUT = /(^ {4}|\), |timeout: |timeoutMillis = )\d{2,3}_000(?=( \* TRIALS)?(\n|\),?\n| \}|\) =>))/gm

const config = mergeConfig(
  base,
  defineConfig({
    plugins: [patience],
    resolve: {
      alias: [
        { find: /^fast-check$/, replacement: `${root}.ci/mutants/fastCheck.ts` },
        { find: /^@sealog\/(core|adapters|daemon)$/, replacement: `${root}packages/$1/src/index.ts` },
        { find: /^@sealog\/(core|adapters|daemon)\/(.+)$/, replacement: `${root}packages/$1/src/$2.ts` }
      ]
    },
    test: {
      setupFiles: [".ci/mutants/setup.ts"],
      sequence: { sequencer: QuickFirst },
      testTimeout: PATIENCE_MILLIS,
      hookTimeout: PATIENCE_MILLIS
    }
  })
)
config.test.include = groups[group].tests

export default config
