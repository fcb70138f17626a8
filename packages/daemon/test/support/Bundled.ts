/** A script of the tests in TypeScript as one that Node runs, for tests that need a process of their own of it. */
import { Effect } from "effect"
import { build } from "esbuild"
import { randomUUID } from "node:crypto"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"

/** A file below `test/`. */
export const testFile = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))

/** Bundles a script below `test/` to where it finds the native packages of the daemon, until the scope closes. */
export const bundled = (script: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const outfile = fileURLToPath(new URL(`../../dist/scripts/${randomUUID()}.mjs`, import.meta.url))
      await build({
        entryPoints: [testFile(script)],
        outfile,
        bundle: true,
        format: "esm",
        platform: "node",
        target: "node20",
        conditions: ["@sealog/source"],
        mainFields: ["module", "main"],
        external: ["classic-level", "@parcel/watcher", "@node-rs/argon2"],
        banner: {
          js:
            "import { createRequire as requireFrom } from \"node:module\"\nconst require = requireFrom(import.meta.url)"
        },
        logLevel: "error"
      })
      return outfile
    }),
    (outfile) => Effect.sync(() => fs.rmSync(outfile, { force: true }))
  )
