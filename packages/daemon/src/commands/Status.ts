/** `sealog status`: what is safe, what is not yet, and where; from the daemon, else from what it left. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { StatusReport } from "../Reports.ts"
import { askOr } from "./Command.ts"

export const command = Effect.fn("status")(function*(_args: unknown, flags: GlobalFlags) {
  const report = yield* askOr(
    (daemon) => Effect.map(daemon.call("status", {}), (said) => ({ ...said, running: true, pid: daemon.pid })),
    Effect.flatMap(Engine, (engine) => engine.status)
  )
  yield* print(flags, StatusReport, report, Human.status)
  return Exit.done
})
