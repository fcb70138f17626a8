/** What a command came to, and what tests of refusals do to a vault before. */
import { assert } from "@effect/vitest"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Machine } from "../support/Machine.ts"
import type { Ended } from "../support/Process.ts"

/** What was written, without what differs from run to run. */
export const plain = ({ folder }: Machine, text: string): string =>
  text
    .replaceAll(folder, "FOLDER")
    .replaceAll(/(log|blobs)\/[a-z2-7]{50,}/g, "$1/OBJECT")
    .replaceAll(/pid \d+/g, "pid N")

/** It ended with this code, said this on stderr and nothing on stdout. */
export const says = (
  machine: Machine,
  { code, err, out }: Ended,
  exit: number,
  ...lines: ReadonlyArray<string>
): void => {
  assert.deepStrictEqual(
    { code, out, err: plain(machine, err).split("\n") },
    { code: exit, out: "", err: [...lines, ""] }
  )
}

/** A copy of the vault with something done to it. */
export const copied = (machine: Machine, name: string, change: (vault: string) => void): string => {
  const vault = join(machine.folder, name)
  fs.cpSync(machine.vault, vault, { recursive: true })
  change(vault)
  return vault
}

/** What the home keeps of its last status, and `sealog status` shows while nothing runs. */
export const statusOf = ({ home }: Machine) =>
  JSON.parse(fs.readFileSync(join(home, "status.json"), "utf8")) as { readonly treeSize: number }

export const only = (folder: string): string => join(folder, fs.readdirSync(folder)[0]!)

export const change = (path: string, at: number, by: (byte: number) => number): void => {
  const bytes = fs.readFileSync(path)
  bytes[at] = by(bytes[at]!)
  fs.writeFileSync(path, bytes)
}

export const restoreFrom = (machine: Machine, vault: string, to: string, ...more: ReadonlyArray<string>) =>
  machine.sealog(["restore", "--from", `disk:${vault}`, "--to", join(machine.folder, to), ...more])
