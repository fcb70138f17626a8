/** `sealog drill`: rehearses a restore and keeps a receipt. */
import { Effect } from "effect"
import type { DrillArguments, GlobalFlags } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { DrillReport } from "../Reports.ts"
import { askOr, given, spec } from "./Command.ts"

export const command = Effect.fn("drill")(function*(args: DrillArguments, flags: GlobalFlags) {
  const from = args.from === undefined ? undefined : yield* spec("target", args.from)
  const options = { mode: args.mode, ...given({ target: args.target, from }) }
  const report = yield* askOr(
    (daemon) => daemon.call("drill", options),
    Effect.flatMap(Engine, (engine) => engine.drill(options))
  )
  yield* print(flags, DrillReport, report, Human.drill)
  return report.outcome === "passed" ? Exit.done : Exit.notVerified
})
