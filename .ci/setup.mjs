/**
 * Brings `node_modules` in line with the lock file, from nothing but Node and npm, and does nothing
 * when it already is. Every script of the repository begins with it.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { root, withLock } from "./lock.mjs"

const stampPath = "node_modules/.sealog-setup"
const folders = [".", "packages/core", "packages/adapters", "packages/daemon"]

process.chdir(root)
requireNode()
if (!isFresh()) await withLock("setup", install)

function install() {
  // Whoever held the lock before may have done the work.
  if (isFresh()) return
  const stamp = fingerprint()
  const { packageManager } = JSON.parse(readFileSync("package.json", "utf8"))
  console.log(`setup: installing dependencies with ${packageManager}`)
  const command = `npx --yes --prefer-offline ${packageManager} install --frozen-lockfile --prefer-offline ` +
    "--config.confirm-modules-purge=false"
  // A shell, since npx is a .cmd file on Windows; nothing in the command comes from outside.
  const result = spawnSync(command, { shell: true, encoding: "utf8" })
  if (result.status !== 0) {
    console.error(result.stdout + result.stderr)
    console.error(`setup: \`${command}\` failed; mend what it names above and run the script again`)
    process.exit(1)
  }
  writeFileSync(stampPath, stamp)
}

function isFresh() {
  return folders.every((folder) => existsSync(`${folder}/node_modules`)) &&
    existsSync(stampPath) && readFileSync(stampPath, "utf8") === fingerprint()
}

/** What an install depends on: the locked versions, the workspace's settings, who asks for what, and the machine. */
function fingerprint() {
  const hash = createHash("sha256")
  hash.update(`${process.platform} ${process.arch}\n`)
  for (const path of ["pnpm-lock.yaml", "pnpm-workspace.yaml"]) hash.update(readFileSync(path))
  for (const folder of folders) {
    const { bin, dependencies, devDependencies, packageManager, peerDependencies } = JSON.parse(
      readFileSync(`${folder}/package.json`, "utf8")
    )
    hash.update(JSON.stringify({ bin, dependencies, devDependencies, packageManager, peerDependencies }))
  }
  return hash.digest("hex")
}

function requireNode() {
  const [major, minor] = process.versions.node.split(".").map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  console.error(`setup: sealog needs Node 20.19 or newer, this is ${process.versions.node}: install a newer Node`)
  process.exit(1)
}
