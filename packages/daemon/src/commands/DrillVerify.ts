/** `sealog drill verify FILE`: whether a receipt is genuine. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import { Platform } from "../Platform.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { DrillVerifyReport } from "../Reports.ts"
import { absolutePath } from "../Spec.ts"

export const command = Effect.fn("drillVerify")(function*(args: { readonly file: string }, flags: GlobalFlags) {
  const engine = yield* Engine
  const report = yield* engine.drillVerify({ file: absolutePath(args.file, yield* Platform) })
  yield* print(flags, DrillVerifyReport, report, Human.drillVerify)
  return report.authentic && report.findings.length === 0 ? Exit.done : Exit.notVerified
})
