/**
 * Compiles the packages and bundles the program.
 *
 *   node .ci/build.mjs           the packages' sources, then the bundle
 *   node .ci/build.mjs --tests   the same, and checks the types of the tests
 *   node .ci/build.mjs --types   types only, of sources and tests
 */
import { spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { root, withLock } from "./lock.mjs"

const packages = ["core", "adapters", "daemon"]

process.chdir(root)
await withLock("build", async () => {
  const flags = new Set(process.argv.slice(2))
  const withTests = flags.has("--tests") || flags.has("--types")
  compile(withTests ? "tsconfig.json" : "tsconfig.src.json")
  // JavaScript that is read as documentation, held against the types it is written for.
  if (withTests) runCompiler(["-p", "docs/examples/tsconfig.json"])
  if (!flags.has("--types")) {
    const { bundle } = await import("./bundle.mjs")
    await bundle()
  }
})

function compile(config) {
  const projects = packages.map((name) => `packages/${name}/${config}`)
  runCompiler(["-b", ...projects])
}

function runCompiler(options) {
  const { error, status } = spawnSync(compilerPath(), options, { stdio: "inherit" })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(1)
}

/**
 * The compiler that carries Effect's diagnostics stands beside the plain one in a package of its own.
 * It is called by its path instead of being patched over `tsc`, so installing stays free of scripts.
 */
function compilerPath() {
  const require = createRequire(import.meta.url)
  const { version } = require("typescript/package.json")
  const extension = process.platform === "win32" ? ".exe" : ""
  const fromWrapper = createRequire(require.resolve("@effect/tsgo/package.json"))
  const manifest = fromWrapper.resolve(`@effect/tsgo-${process.platform}-${process.arch}/package.json`)
  return join(dirname(manifest), "artifacts", "typescript", version, `tsc${extension}`)
}
