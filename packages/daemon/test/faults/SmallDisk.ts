/** A real file system of some size, in a namespace of its own, and the program run on it. */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Machine } from "../support/Machine.ts"
import { program } from "../support/Process.ts"

/** Why no small file system can be made here. */
export const noNamespace: string | undefined =
  spawnSync("unshare", ["-rm", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]).status === 0
    ? undefined
    : "no file system can be mounted here (unshare -rm)"

export interface Step {
  readonly code: number
  readonly out: string
}

/**
 * Runs a script of the shell in a namespace of its own, with a file system of so many KiB at `small`. In it `sealog`
 * is the program; what each call wrote, stderr too, and its exit code are given back in order.
 */
export const inSmall = Effect.fn("SmallDisk.run")(function*(machine: Machine, kibibytes: number, script: string) {
  const small = join(machine.folder, "small")
  fs.mkdirSync(small)
  const whole = `
    mount -t tmpfs -o size=${kibibytes}k none '${small}' || exit 1
    sealog() { '${process.execPath}' '${program}' "$@" 2>&1; printf '\\036%s\\036' $?; }
    ${script}`
  const { code, err, out } = yield* machine.sealog([whole], { through: ["unshare", "-rm", "sh", "-c"], bare: true })
  if (code !== 0 || err !== "") throw new Error(`the script on the small disk ended with ${code}: ${err}`)
  const parts = out.split("\u001e")
  return Array.from({ length: parts.length >> 1 }, (_, at): Step => ({
    out: parts[2 * at]!,
    code: Number(parts[2 * at + 1])
  }))
})

/** `sealog init` in such a script. */
export const initLine = (machine: Machine, vault: string): string =>
  `sealog init --source 'maildir:${machine.mail}' --target 'disk:${vault}' --no-recovery-code --kdf-memory 64`
