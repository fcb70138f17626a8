/** `sealog source list`: the stores that are backed up. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import * as Config from "../Config.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { SourceListReport } from "../Reports.ts"

export const command = Effect.fn("sourceList")(function*(_args: unknown, flags: GlobalFlags) {
  const { sources } = yield* Config.load()
  const report = SourceListReport.make({ sources: sources.map(({ kind, name, spec }) => ({ name, kind, spec })) })
  yield* print(flags, SourceListReport, report, Human.sources)
  return Exit.done
})
