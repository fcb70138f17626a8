/** The most memory of a process that was resident, by Linux's own mark, which can be set back. */
import * as fs from "node:fs"

const KIB = 1_024

/** Since its start or since it was set back, bytes; of this process, or of another of the same user. */
export const peakBytes = (pid: number | "self" = "self"): number => {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kib ?? Number.NaN) * KIB
}

export const setBack = (pid: number | "self" = "self"): void => fs.writeFileSync(`/proc/${pid}/clear_refs`, "5")
