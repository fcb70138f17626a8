/**
 * Waiting for a sign: the demo never waits for a fixed time, only for something to have happened, and gives up with
 * what it waited for.
 */
import { performance } from "node:perf_hooks"
import { setTimeout as pause } from "node:timers/promises"

/** What went wrong, in words for whoever ran `npm start`. */
export class DemoError extends Error {
  override readonly name = "DemoError"
}

/** How often a sign is looked for, milliseconds: as exactly are the times measured. */
const LOOK_MILLIS = 2
/** Nothing here takes this long on a machine that works, milliseconds. */
export const PATIENCE_MILLIS = 60_000

/** Looks until there is something other than undefined, and gives it. */
export const until = async <A>(what: string, look: () => A | undefined): Promise<A> => {
  const began = performance.now()
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (performance.now() - began > PATIENCE_MILLIS) {
      throw new DemoError(`waited ${PATIENCE_MILLIS / 1_000} s for ${what}, and it did not come`)
    }
    await pause(LOOK_MILLIS)
  }
}

export const check: (holds: boolean, otherwise: string) => asserts holds = (holds, otherwise) => {
  if (!holds) throw new DemoError(otherwise)
}
