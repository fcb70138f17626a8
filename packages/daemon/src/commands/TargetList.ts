/** `sealog target list`: the places the vault is kept at. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import * as Config from "../Config.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { TargetListReport } from "../Reports.ts"

export const command = Effect.fn("targetList")(function*(_args: unknown, flags: GlobalFlags) {
  const { targets } = yield* Config.load()
  const report = TargetListReport.make({ targets: targets.map(({ kind, name, spec }) => ({ name, kind, spec })) })
  yield* print(flags, TargetListReport, report, Human.targets)
  return Exit.done
})
