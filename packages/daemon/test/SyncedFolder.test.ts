/** The whole program with its vault in a folder that is synced, and in iCloud Drive, of which a folder stands in here. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { statusOf } from "./faults/Outcome.ts"
import { differences, fillMaildir, makeMachine } from "./support/Machine.ts"

const MAILS = 10

const setUp = Effect.gen(function*() {
  const machine = yield* makeMachine
  const dropbox = join(machine.folder, "Dropbox")
  const drive = join(machine.folder, "Mobile Documents", "com~apple~CloudDocs")
  for (const folder of [dropbox, drive]) fs.mkdirSync(folder, { recursive: true })
  yield* fillMaildir(machine, { count: MAILS, seed: 41 })
  const environment = { SEALOG_ICLOUD_ROOT: drive }
  const init = (...targets: ReadonlyArray<string>) => [
    "init",
    "--source",
    `maildir:${machine.mail}`,
    ...targets.flatMap((target) => ["--target", target]),
    "--no-recovery-code",
    "--kdf-memory",
    "64"
  ]
  return { machine, dropbox, drive, environment, init }
})

describe.concurrent("a vault in folders that other programs sync", () => {
  /** Verifies: SYN-1, SYN-6, SYN-7 */
  it.scopedLive(
    "is queued there, which is said wherever it is called safe elsewhere, and restored from either",
    () =>
      Effect.gen(function*() {
        const { drive, dropbox, environment, init, machine } = yield* setUp
        const done = Effect.fn("done")(function*(words: ReadonlyArray<string>) {
          const ended = yield* machine.sealog(words, { environment })
          assert.strictEqual(ended.code, 0, ended.out + ended.err)
          return ended.out
        })
        yield* done(init(`folder:${dropbox}/vault`, "icloud", "mine=icloud:mine"))
        assert.deepStrictEqual(fs.readdirSync(drive).toSorted(), ["mine", "sealog"])
        const synced = JSON.parse(yield* done(["sync", "--json"]))
        assert.deepStrictEqual(
          synced.targets.map(({ durability, kind, name, state }: Record<string, string>) => [
            name,
            kind,
            state,
            durability
          ]),
          [
            ["folder", "folder", "current", "queued"],
            ["icloud", "icloud", "current", "queued"],
            ["mine", "icloud", "current", "queued"]
          ]
        )
        assert.match(yield* done(["sync"]), /^Everything is queued: what uploads it is another program\./)
        const status = statusOf(machine)
        assert.deepNestedInclude(status, { "rpoSeconds": null, "targets[0].durability": "queued" })
        assert.match(yield* done(["status"]), /folder +queued .* not known to be backed up yet: another program/)

        // Nothing of what was on its way, and the same bytes read as a plain folder of a disk.
        assert.deepStrictEqual(fs.readdirSync(join(machine.home, "outgoing")), [])
        for (
          const [at, spec] of ["icloud", `folder:${dropbox}/vault`, `disk:${join(drive, "mine")}`].entries()
        ) {
          const to = join(machine.folder, `restored ${at}`)
          yield* done(["restore", "--from", spec, "--to", to, "--format", "maildir"])
          assert.strictEqual(differences(machine.mail, join(to, "maildir")), "")
        }
        yield* done(["verify", "--read-data"])
      }),
    60_000
  )

  /** Verifies: SYN-4, SYN-7 */
  it.scopedLive(
    "has copies that its program made told and ignored; an iCloud Drive that this system has not holds up no other",
    () =>
      Effect.gen(function*() {
        const { dropbox, environment, init, machine } = yield* setUp
        const made = yield* machine.sealog(init(`folder:${dropbox}/vault`, "icloud"), { environment })
        assert.strictEqual(made.code, 0, made.err)
        for (const folder of ["log", "slots"]) {
          const names = fs.readdirSync(join(dropbox, "vault"), { recursive: true, encoding: "utf8" })
            .filter((name) => name.startsWith(`${folder}/`) && /\/[a-z2-7]{20,}$/u.test(name))
          for (const name of names) fs.copyFileSync(join(dropbox, "vault", name), join(dropbox, "vault", `${name} 2`))
        }
        const synced = yield* machine.sealog(["sync", "--json"])
        const report = JSON.parse(synced.out)
        if (process.platform !== "darwin") {
          assert.strictEqual(synced.code, 3, synced.err)
          assert.deepNestedInclude(report, {
            "targets[0].state": "current",
            "targets[1].error.reason": "TargetUnsupported",
            "targets[1].error.message": "icloud: iCloud Drive is a folder of macOS, and this system has none"
          })
          const elsewhere = yield* machine.sealog([
            "restore",
            "--from",
            "icloud",
            "--to",
            join(machine.folder, "nowhere")
          ])
          assert.strictEqual(elsewhere.code, 1)
          assert.include(elsewhere.err, "this system has none")
          assert.include(elsewhere.err, "folder:PATH")
        }
        const warning = report.warnings.find(({ reason }: { readonly reason: string }) => reason === "ConflictCopies")
        assert.match(warning?.message, /^at folder lies a copy that the program which syncs it has made, as slots\//)
        const to = join(machine.folder, "restored")
        const restored = yield* machine.sealog(
          ["restore", "--from", `folder:${dropbox}/vault`, "--to", to, "--format", "maildir"]
        )
        assert.strictEqual(restored.code, 0, restored.err)
        assert.strictEqual(differences(machine.mail, join(to, "maildir")), "")
      }),
    60_000
  )
})
