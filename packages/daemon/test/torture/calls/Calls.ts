/**
 * The library that stands between a program and its C library, made from `calls.c` where it is needed: what to put into
 * the environment of a process so that its calls are kept in a record, or fail.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { testFile } from "../../support/Bundled.ts"

/** What this machine lacks for it; nothing where it can be made. */
export const lacksCalls: Effect.Effect<string | undefined> = Effect.sync(() => {
  if (process.platform !== "linux") return "Linux"
  return works("gcc", "--version") ? undefined : "gcc"
})

const works = (command: string, ...words: ReadonlyArray<string>): boolean => spawnSync(command, words).status === 0

/** Makes the library; it is there until the scope closes. */
export const makeCalls = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = fs.mkdtempSync(join(tmpdir(), "sealog-calls-"))
    // Where the name has a space the loader takes it for two.
    const library = join(folder, "calls.so")
    const words = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o", library]
    const made = spawnSync("gcc", [...words, testFile("torture/calls/calls.c"), "-ldl", "-lpthread"], {
      encoding: "utf8"
    })
    if (made.status !== 0) throw new Error(`calls.c does not compile:\n${made.stderr}`)
    return { folder, library }
  }),
  ({ folder }) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
).pipe(Effect.map(({ library }) => library))

/** libeatmydata, which lets every sync do nothing; nothing where it is not installed. */
export const eatMyData = (): string | undefined => {
  const listed = spawnSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" })
  const found = /libeatmydata\.so\S* .*=> (\S+)/.exec(listed.stdout ?? "")
  return found?.[1]
}

/** What a process needs in its environment for it; libraries before ours see its calls first. */
export const callsEnvironment = (options: {
  readonly library: string
  readonly before?: ReadonlyArray<string>
  readonly folders: ReadonlyArray<string>
  readonly except?: ReadonlyArray<string>
  readonly record?: string
  readonly faults?: string
}): Record<string, string> => ({
  LD_PRELOAD: [...(options.before ?? []), options.library].join(":"),
  CALLS_FOLDERS: options.folders.join(":"),
  CALLS_EXCEPT: (options.except ?? []).join(":"),
  ...(options.record === undefined ? {} : { CALLS_RECORD: options.record }),
  ...(options.faults === undefined ? {} : { CALLS_FAULTS: options.faults }),
  // So that all of it goes through the C library.
  UV_USE_IO_URING: "0"
})
