/** The most memory of this process that was resident, by Linux's own mark, which can be set back. */
import * as fs from "node:fs"

const KIB = 1_024

/** Since the start or since it was set back, bytes. */
export const peakBytes = (): number => {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(fs.readFileSync("/proc/self/status", "utf8")) ?? []
  return Number(kib ?? Number.NaN) * KIB
}

export const setBack = (): void => fs.writeFileSync("/proc/self/clear_refs", "5")
