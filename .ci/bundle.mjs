/**
 * Bundles the program into `packages/daemon/dist/bundle/sealog.js`: a command starts three times
 * faster than from its hundreds of modules. Parts imported lazily become chunks of their own.
 */
import { build } from "esbuild"
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { dirname, join, relative } from "node:path"

const outdir = "packages/daemon/dist/bundle"

/** Native addons find their binary beside their own code, so they stay packages of the daemon. */
const natives = ["@node-rs/argon2", "@photostructure/sqlite", "classic-level"]

/** Optional accelerators of dependencies; what imports them does without. */
const optional = ["@parcel/watcher", "bufferutil", "msgpackr-extract", "utf-8-validate"]

/** How long a chunk outlives the build that replaced it: a running daemon may yet load it. */
const staleMillis = 60 * 60 * 1000

export async function bundle() {
  await requireDependencies()
  const result = await build({
    entryPoints: { sealog: "packages/daemon/src/main.ts" },
    outdir,
    chunkNames: "chunks/[name]-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@sealog/source"],
    mainFields: ["module", "main"],
    external: [...natives, ...optional],
    // Dependencies in CommonJS call `require` for Node's own modules.
    banner: {
      js: "import { createRequire as sealogCreateRequire } from \"node:module\"\n" +
        "const require = sealogCreateRequire(import.meta.url)"
    },
    sourcemap: "linked",
    legalComments: "linked",
    metafile: true,
    write: false,
    logLevel: "warning"
  })
  refuseAddons(result.metafile)
  await publish(result.outputFiles)
}

/** What stays outside the bundle must be installed with the daemon. */
async function requireDependencies() {
  const { dependencies } = JSON.parse(await readFile("packages/daemon/package.json", "utf8"))
  const missing = natives.filter((name) => !(name in dependencies))
  if (missing.length > 0) {
    throw new Error(`${missing.join(", ")} stay outside the bundle: add them to the dependencies of packages/daemon`)
  }
}

/** A bundled addon fails at run time only, far from its cause; the loader it brings gives it away. */
function refuseAddons(metafile) {
  const loader = Object.keys(metafile.inputs).find((path) =>
    /\/node_modules\/(node-gyp-build|node-gyp-build-optional-packages|bindings)\//.test(path) || path.endsWith(".node")
  )
  if (loader !== undefined) {
    throw new Error(`a native addon got into the bundle (${loader}): name its package in \`natives\` of .ci/bundle.mjs`)
  }
}

/** Chunks first and the entry last, each renamed into place, so that no reader meets half a program. */
async function publish(files) {
  const entries = files.toSorted((a, b) => rank(a.path) - rank(b.path))
  for (const file of entries) {
    if (await holds(file.path, file.contents)) continue
    await mkdir(dirname(file.path), { recursive: true })
    const temporary = `${file.path}.${process.pid}.tmp`
    await writeFile(temporary, file.contents)
    await rename(temporary, file.path)
  }
  await sweep(new Set(files.map((file) => relative(outdir, file.path))))
}

function rank(path) {
  const name = relative(outdir, path)
  return name.startsWith("chunks") ? 0 : name === "sealog.js" ? 2 : 1
}

async function holds(path, contents) {
  try {
    return (await readFile(path)).equals(contents)
  } catch (error) {
    if (error.code === "ENOENT") return false
    throw error
  }
}

async function sweep(current) {
  for (const name of await readdir(outdir, { recursive: true })) {
    const path = join(outdir, name)
    const { isFile, mtimeMs } = await stat(path).then((entry) => ({ isFile: entry.isFile(), mtimeMs: entry.mtimeMs }))
    if (isFile && !current.has(name) && Date.now() - mtimeMs > staleMillis) await rm(path)
  }
}
