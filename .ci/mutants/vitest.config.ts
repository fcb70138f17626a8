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

const config = mergeConfig(
  base,
  defineConfig({
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
      // A busy machine must not kill a mutant.
      testTimeout: 600_000,
      hookTimeout: 600_000
    }
  })
)
config.test.include = groups[group].tests

export default config
