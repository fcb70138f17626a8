/**
 * Runs a script written in TypeScript, which Node 20 cannot do by itself, against the packages as built:
 *
 *   node .ci/ts.mjs packages/core/test/bench/eventCodec.ts [arguments]
 */
import { build } from "esbuild"
import { basename, join, relative, resolve, sep } from "node:path"
import { pathToFileURL } from "node:url"
import { root } from "./lock.mjs"

const [path, ...args] = process.argv.slice(2)
const script = resolve(path)
const [name] = relative(join(root, "packages"), script).split(sep)
if (name === "..") throw new Error(`${path} belongs to no package: scripts stand in packages/*`)

// Below the package, so that what it imports is found among the package's dependencies.
const outfile = join(root, "packages", name, "dist/scripts", `${basename(script, ".ts")}.js`)

await build({
  entryPoints: [script],
  outfile,
  bundle: true,
  packages: "external",
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "linked",
  // A script finds its files beside its source.
  define: { "import.meta.url": JSON.stringify(pathToFileURL(script).href) },
  logLevel: "warning"
})

process.argv.splice(1, process.argv.length, outfile, ...args)
await import(pathToFileURL(outfile).href)
