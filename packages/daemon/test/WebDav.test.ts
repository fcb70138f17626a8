/** The whole program against a real WebDAV server: a vault made, filled, checked and restored there. */
import { assert, describe, it } from "@effect/vitest"
import {
  DAV_PASSWORD,
  DAV_USER,
  type DavServer,
  missingDavServer,
  startDavServer
} from "@sealog/adapters/testing/DavServers"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { differences, fillMaildir, type Machine, makeMachine } from "./support/Machine.ts"
import { run } from "./support/Process.ts"

const missing = missingDavServer("apache")
it.runIf(missing !== undefined && process.env["CI"] === "true")("has an Apache to try the program at", () => {
  throw new Error(missing)
})

/** Everything of a home and of what a program said, to look for what must not be there. */
const everythingIn = (folder: string): string =>
  fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => fs.statSync(path, { throwIfNoEntry: false })?.isFile())
    .map((path) => fs.readFileSync(path, "latin1"))
    .join("\n")

const secretForms = [
  Buffer.from(DAV_PASSWORD).toString("latin1"),
  encodeURIComponent(DAV_PASSWORD),
  Buffer.from(`${DAV_USER}:${DAV_PASSWORD}`).toString("base64")
]

const initWords = ({ mail }: Machine, target: string) =>
  `init --no-recovery-code --kdf-memory 64 --source`.split(" ").concat(`maildir:${mail}`, "--target", target)

const initAt = (machine: Machine, { url }: DavServer, environment: Record<string, string>) =>
  machine.sealog(initWords(machine, `nas=webdav:${url}backups/vault`), { environment })

const setUp = Effect.gen(function*() {
  const server = yield* startDavServer("apache", { auth: "basic" })
  const machine = yield* makeMachine
  const davPassword = join(machine.folder, "dav password")
  fs.writeFileSync(davPassword, `${DAV_PASSWORD}\n`)
  const environment = { SEALOG_TARGET_NAS_USER: DAV_USER, SEALOG_TARGET_NAS_PASSWORD_FILE: davPassword }
  return { server, machine, davPassword, environment }
})

const verbs = (requests: ReadonlyArray<string>) => {
  const counts: Record<string, number> = {}
  for (const line of requests) {
    const verb = line.split(" ")[0]!
    counts[verb] = (counts[verb] ?? 0) + 1
  }
  return counts
}

describe.skipIf(missing !== undefined)(
  `the program at a WebDAV server${missing === undefined ? "" : `: ${missing}`}`,
  () => {
    /** Verifies: DAV-2, DAV-9, DAV-11 */
    it.scopedLive(
      "makes a vault, fills it, checks it, and restores it on another machine",
      () =>
        Effect.gen(function*() {
          const { davPassword, environment, machine, server } = yield* setUp
          const said: Array<string> = []
          const done = Effect.fn("done")(function*(words: ReadonlyArray<string>, more: Record<string, string> = {}) {
            const ended = yield* machine.sealog(words, { environment: more })
            said.push(ended.out, ended.err)
            assert.strictEqual(ended.code, 0, `${words.join(" ")}: ${ended.out}${ended.err}`)
            return ended
          })
          const made = yield* initAt(machine, server, environment)
          assert.deepStrictEqual([made.code, made.err], [0, ""])
          const config = fs.readFileSync(join(machine.home, "config.toml"), "utf8")
          assert.include(config, `password_file = "${davPassword}"`)
          assert.include(config, `user = "${DAV_USER}"`)

          // From here on the configuration says it all. The first object also makes its folder.
          yield* fillMaildir(machine, { count: 5, seed: 3 })
          yield* done(["sync"])
          yield* fillMaildir(machine, { count: 100, seed: 7 })
          const before = (yield* server.requests).length
          yield* done(["sync"])
          const asked = (yield* server.requests).slice(before)
          const { GET, MOVE, PUT } = verbs(
            asked.filter((line) => line.includes("/vault/tmp/") && !line.endsWith(" 401"))
          )
          assert.deepStrictEqual({ PUT, GET, MOVE }, { PUT: 1, GET: 1, MOVE: 1 }, asked.join("\n"))

          yield* done(["verify", "--read-data"])
          yield* done(["drill", "--full"])
          const other = join(machine.folder, "another machine")
          const out = join(machine.folder, "restored")
          const from = `nas=webdav:${server.url}backups/vault/`
          const restored = yield* run(
            ["--home", other, "restore", "--from", from, "--to", out, "--format", "maildir"],
            {
              environment: {
                SEALOG_PASSWORD_FILE: machine.passwordFile,
                SEALOG_TARGET_NAS_USER: DAV_USER,
                SEALOG_TARGET_NAS_PASSWORD: DAV_PASSWORD
              }
            }
          )
          said.push(restored.out, restored.err)
          assert.strictEqual(restored.code, 0, restored.err)
          assert.strictEqual(differences(machine.mail, join(out, "maildir")), "")
          assert.deepStrictEqual(fs.readdirSync(join(server.documents, "backups/vault/tmp")), [])

          const seen = `${everythingIn(machine.home)}\n${said.join("\n")}`
          for (const form of secretForms) {
            assert.isFalse(seen.includes(form), form)
          }
        }),
      180_000
    )

    /** Verifies: DAV-9 */
    it.scopedLive("refuses a password in a SPEC without saying it again, and has made nothing", () =>
      Effect.gen(function*() {
        const machine = yield* makeMachine
        const refused = yield* machine.sealog(initWords(machine, "webdav:https://ada:geheim@nas.example/dav"))
        assert.strictEqual(refused.code, 2)
        assert.notInclude(refused.out + refused.err, "geheim")
        assert.include(refused.err, "SEALOG_TARGET_<NAME>_PASSWORD_FILE")
        assert.isFalse(fs.existsSync(machine.home))
      }))

    /** Verifies: DAV-9, DAV-11 */
    it.scopedLive(
      "keeps what it has recorded while the server refuses it or is away, and says which",
      () =>
        Effect.gen(function*() {
          const { davPassword, environment, machine, server } = yield* setUp
          const made = yield* initAt(machine, server, environment)
          assert.strictEqual(made.code, 0, made.err)
          yield* fillMaildir(machine, { count: 5, seed: 7 })
          const stateAfter = Effect.fn("stateAfter")(function*(password: string | undefined) {
            if (password === undefined) {
              fs.rmSync(davPassword)
            } else fs.writeFileSync(davPassword, password)
            const synced = yield* machine.sealog(["sync", "--json", "--verbose"])
            const { targets } = JSON.parse(synced.out) as {
              readonly targets: ReadonlyArray<{ readonly state: string; readonly error?: { readonly message: string } }>
            }
            assert.notInclude(synced.out + synced.err, "geheim")
            return { code: synced.code, state: targets[0]?.state, message: targets[0]?.error?.message ?? "" }
          })
          const wrong = yield* stateAfter("geheim")
          assert.deepStrictEqual([wrong.code, wrong.state], [3, "denied"])
          assert.include(wrong.message, "HTTP 401")
          const none = yield* stateAfter(undefined)
          assert.deepStrictEqual([none.code, none.state], [3, "denied"])
          assert.include(none.message, "FileUnreadable")
          const right = yield* stateAfter(DAV_PASSWORD)
          assert.deepStrictEqual([right.code, right.state], [0, "current"])
        }),
      180_000
    )
  }
)
