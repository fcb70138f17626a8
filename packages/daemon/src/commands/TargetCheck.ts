/** `sealog target check`: the storage contract against a place, with the account it will be used with. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import { print } from "../present/Output.ts"
import * as Target from "../present/Target.ts"
import { TargetCheckReport } from "../Reports.ts"
import { spec } from "./Command.ts"

export const command = Effect.fn("targetCheck")(function*(args: { readonly spec: string }, flags: GlobalFlags) {
  const place = yield* spec("target", args.spec)
  const engine = yield* Engine
  const report = yield* engine.targetCheck({ spec: place })
  yield* print(flags, TargetCheckReport, report, Target.check)
  return report.outcome === "passed" ? Exit.done : Exit.notVerified
})
