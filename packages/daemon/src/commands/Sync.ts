/** `sealog sync`: one pass over every source, everything shipped everywhere. */
import { Effect } from "effect"
import type { GlobalFlags, SyncArguments } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { SyncReport } from "../Reports.ts"
import { askOr } from "./Command.ts"

/** A one-shot pass ships at once: nothing more is coming that it could wait for. */
const ONE_SHOT_SECONDS = 0

export const command = Effect.fn("sync")(function*(args: SyncArguments, flags: GlobalFlags) {
  const options = { shipDelaySeconds: args.shipDelaySeconds ?? ONE_SHOT_SECONDS }
  const report = yield* askOr(
    (daemon) => daemon.call("sync", options),
    Effect.flatMap(Engine, (engine) => engine.sync(options))
  )
  yield* print(flags, SyncReport, report, Human.sync)
  return exitOf(report)
})

/** What was never read is the greater loss, so it decides where a target lags too. */
export const exitOf = (report: SyncReport): number => {
  if (report.sources.some((source) => source.gaps > 0 || source.error !== undefined)) return Exit.sourceUnread
  return report.targets.every((target) => target.state === "current") ? Exit.done : Exit.inPart
}
