/**
 * A stranger in an empty folder: our packages as they are packed, a package that `target new` writes, and a vault in it,
 * backed up to and restored from.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { repository } from "./Adapters.ts"

const MINUTES = 60_000
/** What npm says where there is no registry to be asked. */
const OFFLINE = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|ENOTCACHED/u

const onCi = process.env["CI"] === "true"

const freshFolder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "sealog-stranger-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
)

const ran = (folder: string, command: string, args: ReadonlyArray<string>) => {
  const environment: Record<string, string | undefined> = { ...process.env, SEALOG_HOME: join(folder, "home") }
  for (const name of Object.keys(environment)) {
    // What npm tells the scripts that it runs, and Vitest its own: a stranger's shell knows nothing of them.
    if (/^(?:npm_|NODE_OPTIONS|VITEST|NODE_ENV|SEALOG_TARGET)/u.test(name)) delete environment[name]
  }
  const { status, stderr, stdout } = spawnSync(command, args, { cwd: folder, encoding: "utf8", env: environment })
  return { status, said: `${command} ${args.join(" ")}\n${stdout}${stderr}` }
}

const install = (folder: string, packages: ReadonlyArray<string>) =>
  ran(folder, "npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...packages])

describe("a stranger", () => {
  /** Verifies: KIT-5 */
  it.scoped(
    "installs what is packed, makes an adapter, backs up to it and restores",
    ({ skip }) =>
      Effect.gen(function*() {
        const folder = yield* freshFolder
        const packed = join(folder, "packed")
        const packing = spawnSync(process.execPath, [join(repository, ".ci/pack.mjs"), packed], { encoding: "utf8" })
        assert.strictEqual(packing.status, 0, packing.stdout + packing.stderr)
        const tarballs = readdirSync(packed).map((name) => join(packed, name))
        assert.strictEqual(tarballs.length, 3)

        writeFileSync(join(folder, "package.json"), "{ \"private\": true }\n")
        const installing = install(folder, tarballs)
        if (OFFLINE.test(installing.said) && !onCi) skip("no registry can be asked here")
        assert.strictEqual(installing.status, 0, installing.said)

        const sealog = (...words: ReadonlyArray<string>) => {
          const { said, status } = ran(folder, join(folder, "node_modules/.bin/sealog"), words)
          assert.strictEqual(status, 0, said)
          return said
        }
        sealog("target", "new", "my-cloud")
        const adding = install(folder, ["./sealog-adapter-my-cloud"])
        assert.strictEqual(adding.status, 0, adding.said)

        const mail = join(folder, "Maildir")
        for (const part of ["cur", "new", "tmp"]) mkdirSync(join(mail, part), { recursive: true })
        writeFileSync(join(mail, "cur/1.a.host:2,S"), "Subject: hello\nMessage-ID: <1@host>\n\nHello.\n")
        writeFileSync(join(folder, "password"), "four random words here\n")
        const password = ["--password-file", join(folder, "password")]
        const place = `package:sealog-adapter-my-cloud?folder=${join(folder, "vault")}`
        sealog(
          "init",
          "--source",
          `maildir:${mail}`,
          "--target",
          place,
          "--no-recovery-code",
          "--kdf-memory",
          "64",
          ...password
        )
        assert.include(sealog("sync", ...password), "Everything is safe.")
        sealog("restore", "--from", place, "--to", join(folder, "restored"), "--format", "maildir", ...password)
        const letter = "cur/1.a.host:2,S"
        assert.strictEqual(
          readFileSync(join(folder, "restored/maildir", letter), "utf8"),
          readFileSync(join(mail, letter), "utf8")
        )
        assert.include(sealog("verify", "--from", place, "--read-data", ...password), "Nothing is wrong.")
      }),
    5 * MINUTES
  )
})
