/**
 * A machine of its own for a test of the whole program: a store, a home, a vault and a password in one folder, whose
 * name has a space and an emoji as people's folders do.
 */
import { generateMaildir } from "@sealog/adapters/testing/MailboxGenerator"
import { Effect } from "effect"
import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type ProcessOptions, run, type Running, start } from "./Process.ts"

export const PASSWORD = "correct horse battery staple 42"

/** Where a sync costs nothing, if there is such a place: a killed process loses nothing that it wrote. */
const parent = fs.existsSync("/dev/shm") ? "/dev/shm" : tmpdir()

/** A new empty folder, removed when the scope closes. */
export const freshFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(join(parent, "sealog 📬 "))),
  (path) => Effect.sync(() => fs.rmSync(path, { recursive: true, force: true, maxRetries: 5 }))
)

export interface Machine {
  readonly folder: string
  /** A Maildir, empty until something fills it. */
  readonly mail: string
  readonly home: string
  readonly vault: string
  readonly passwordFile: string
  /** Runs a command of this home to its end. */
  readonly sealog: (words: ReadonlyArray<string>, options?: ProcessOptions) => ReturnType<typeof run>
  readonly start: (words: ReadonlyArray<string>, options?: ProcessOptions) => ReturnType<typeof start>
}

/** A machine with an empty Maildir; nothing is initialised. */
export const makeMachine = Effect.gen(function*() {
  const folder = yield* freshFolder
  const machine = machineIn(folder)
  fs.writeFileSync(machine.passwordFile, `${PASSWORD}\n`)
  for (const sub of ["cur", "new", "tmp"]) fs.mkdirSync(join(machine.mail, sub), { recursive: true })
  return machine
})

const machineIn = (folder: string): Machine => {
  const passwordFile = join(folder, "password")
  const environment = { SEALOG_HOME: join(folder, "home 🏠"), SEALOG_PASSWORD_FILE: passwordFile }
  const withHome = (options: ProcessOptions = {}): ProcessOptions => ({
    folder,
    ...options,
    environment: { ...environment, ...options.environment }
  })
  return {
    folder,
    mail: join(folder, "my mail 💌"),
    home: environment.SEALOG_HOME,
    vault: join(folder, "the vault 🔒"),
    passwordFile,
    sealog: (words, options) => run(words, withHome(options)),
    start: (words, options) => start(words, withHome(options))
  }
}

/** `sealog init` with these sources and the vault as target. */
export const initWords = (
  { mail, vault }: Machine,
  sources: ReadonlyArray<string> = [`maildir:${mail}`],
  more: ReadonlyArray<string> = ["--no-recovery-code"]
): ReadonlyArray<string> => {
  const specs = sources.flatMap((spec) => ["--source", spec])
  return ["init", ...specs, "--target", `disk:${vault}`, "--kdf-memory", "64", ...more]
}

/** `sealog init` with the Maildir as source and the vault as target, at the least that a key derivation may cost. */
export const initialise = Effect.fn("Machine.initialise")(function*(
  machine: Machine,
  options: { readonly sources?: ReadonlyArray<string>; readonly more?: ReadonlyArray<string> } = {}
) {
  const made = yield* machine.sealog(initWords(machine, options.sources, options.more))
  assert.deepStrictEqual([made.code, made.err], [0, ""])
})

/** A Maildir of that many mails; of names that file systems and terminals take without complaint. */
export const fillMaildir = (machine: Machine, options: { readonly count: number; readonly seed: number }) =>
  generateMaildir({ root: machine.mail, oddNames: false, ...options })

/** Restores into a new folder as a Maildir; gives its path. */
export const restoreMaildir = Effect.fn("Machine.restoreMaildir")(function*(machine: Machine, name: string) {
  const to = join(machine.folder, name)
  const restored = yield* machine.sealog(restoreWords(machine, to, "maildir"))
  assert.strictEqual(restored.code, 0, restored.out + restored.err)
  return to
})

export const restoreWords = (machine: Machine, to: string, format: string): ReadonlyArray<string> => [
  "restore",
  "--from",
  `disk:${machine.vault}`,
  "--to",
  to,
  "--format",
  format
]

/** What `diff -r` says of two folders; nothing where they are the same, also in the times of files. */
export const differences = (left: string, right: string): string => {
  const { error, stderr, stdout } = spawnSync("diff", ["-r", left, right], { encoding: "utf8" })
  if (error !== undefined) throw error
  return stdout + stderr
}

export type { Running }
