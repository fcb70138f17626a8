/** `sealog drill history`: the drills so far. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { DrillHistoryReport } from "../Reports.ts"

export const command = Effect.fn("drillHistory")(function*(_args: unknown, flags: GlobalFlags) {
  const engine = yield* Engine
  yield* print(flags, DrillHistoryReport, yield* engine.drillHistory, Human.drillHistory)
  return Exit.done
})
