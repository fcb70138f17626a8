/** `sealog verify`: checks a vault without restoring it. */
import { Effect } from "effect"
import type { GlobalFlags, VerifyArguments } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { VerifyReport } from "../Reports.ts"
import { given, spec } from "./Command.ts"

export const command = Effect.fn("verify")(function*(args: VerifyArguments, flags: GlobalFlags) {
  const from = args.from === undefined ? undefined : yield* spec("target", args.from)
  const engine = yield* Engine
  const report = yield* engine.verify({ depth: args.depth, ...given({ target: args.target, from }) })
  yield* print(flags, VerifyReport, report, Human.verify)
  const isBehind = report.targets.some((target) => target.freshness.state === "behind")
  if (report.findings.length > 0 || isBehind) return Exit.notVerified
  return report.warnings.length > 0 ? Exit.inPart : Exit.done
})
