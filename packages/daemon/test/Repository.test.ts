/**
 * The promises of the repository itself, which no compiler and no linter keeps.
 */
import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const folders = [".", "packages/core", "packages/adapters", "packages/daemon"]

describe("the workspace", () => {
  it("names every dependency with one exact version, in the catalog (Verifies: REPO-2)", () => {
    const catalog = catalogOf(readFileSync(join(root, "pnpm-workspace.yaml"), "utf8"))
    const asked = folders.flatMap((folder) => Object.entries(dependenciesOf(folder)))

    assert.deepStrictEqual(asked.filter(([, range]) => range !== "catalog:" && range !== "workspace:*"), [])
    assert.isAbove(catalog.size, 0)
    assert.deepStrictEqual([...catalog].filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)), [])
    assert.deepStrictEqual(
      [...catalog.keys()].filter((name) => !asked.some(([dependency]) => dependency === name)),
      [],
      "in the catalog and asked for by nobody"
    )
  })

  it("depends one way: core, adapters, daemon (Verifies: REPO-3)", () => {
    const ours = (folder: string) =>
      Object.keys(dependenciesOf(folder)).filter((name) => name.startsWith("@sealog/")).toSorted()

    assert.deepStrictEqual(ours("packages/core"), [])
    assert.deepStrictEqual(ours("packages/adapters"), ["@sealog/core"])
    assert.deepStrictEqual(ours("packages/daemon"), ["@sealog/adapters", "@sealog/core"])
  })
})

describe("the launcher", () => {
  it("says in one line how to build a program that is not built, and fails (Verifies: REPO-4)", () => {
    const folder = mkdtempSync(join(tmpdir(), "sealog-launcher-"))
    try {
      cpSync(join(root, "packages/daemon/bin"), join(folder, "bin"), { recursive: true })
      cpSync(join(root, "packages/daemon/package.json"), join(folder, "package.json"))
      const { status, stderr, stdout } = spawnSync(process.execPath, [join(folder, "bin/sealog.js")], {
        encoding: "utf8"
      })

      assert.strictEqual(status, 1)
      assert.strictEqual(stdout, "")
      assert.strictEqual(stderr, "sealog is not built yet: run `npm run build` at the top of the repository\n")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

function dependenciesOf(folder: string): Record<string, string> {
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))
  return { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
}

/** The catalog is a flat list of `name: version`, which needs no parser of YAML. */
function catalogOf(workspace: string): ReadonlyMap<string, string> {
  const lines = workspace.slice(workspace.indexOf("\ncatalog:\n")).split("\n").slice(2)
  const entries = lines.flatMap((line) => {
    const [, name, version] = /^ {2}"?([^":]+)"?: (\S+)$/.exec(line) ?? []
    return name === undefined || version === undefined ? [] : [[name, version] as const]
  })
  return new Map(entries)
}
