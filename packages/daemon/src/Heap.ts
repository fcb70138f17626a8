/**
 * How much garbage V8 lets pile up before it looks for it: unless it is told, up to four times what is alive, which for
 * a backup of ten years is memory that somebody else could use.
 */
import { setFlagsFromString } from "node:v8"

/** At most as much garbage as there is alive: it costs no time that can be measured. */
const GROWTH_PERCENT = 100
/** The versions of Node that are known to know the flag; a later one would complain where it does not. */
const LAST_MAJOR = 24

export const keepHeapSmall = (): void => {
  if (Number.parseInt(process.versions.node, 10) > LAST_MAJOR) return
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}
