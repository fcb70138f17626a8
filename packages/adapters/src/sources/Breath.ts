/** For plain loops over what takes long altogether: calls to the file system that do not wait for anything. */
import { Effect } from "effect"
import { clearImmediate, setImmediate } from "node:timers"

/** Lets timers and other fibers run. */
export const breathe: Effect.Effect<void> = Effect.async<void>((resume) => {
  const turn = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(turn))
})
