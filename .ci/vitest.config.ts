/**
 * Tests run from source: the `@sealog/source` condition of each package's exports leads past the
 * build, and the workspace's packages are inlined so that they are loaded, and covered, as source.
 */
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"

const conditions = ["@sealog/source", "module", "node", "development|production"]

export default defineConfig({
  root: fileURLToPath(new URL("..", import.meta.url)),
  cacheDir: ".cache/vite",
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["@sealog/source", "node"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts"],
    // Modules are loaded once for all files, which halves the time; no test may leave state in a module behind.
    isolate: false,
    server: { deps: { inline: [/@sealog\//] } },
    coverage: {
      provider: "v8",
      include: ["packages/*/src/**/*.ts"],
      reportsDirectory: ".cache/coverage"
    }
  }
})
