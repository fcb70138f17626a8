/**
 * Packs the packages as they are published, with the versions of the workspace in place of its own words:
 *
 *   node .ci/pack.mjs DIR        after a build
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { root } from "./lock.mjs"

const folder = resolve(process.argv[2] ?? ".cache/packed")
process.chdir(root)
mkdirSync(folder, { recursive: true })

const { packageManager } = JSON.parse(readFileSync("package.json", "utf8"))
for (const name of ["core", "adapters", "daemon"]) {
  const command = `npx --yes --prefer-offline ${packageManager} pack --pack-destination "${folder}"`
  // A shell, since npx is a .cmd file on Windows; the folder is the caller's own.
  const result = spawnSync(command, { cwd: `packages/${name}`, shell: true, encoding: "utf8" })
  if (result.status !== 0) {
    console.error(result.stdout + result.stderr)
    process.exit(1)
  }
}
