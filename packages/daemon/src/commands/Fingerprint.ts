/** `sealog fingerprint`: the size of the log and eight words, to keep where no computer is. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { FingerprintReport } from "../Reports.ts"
import { askOr } from "./Command.ts"

export const command = Effect.fn("fingerprint")(function*(_args: unknown, flags: GlobalFlags) {
  const report = yield* askOr(
    (daemon) => daemon.call("fingerprint", {}),
    Effect.flatMap(Engine, (engine) => engine.fingerprint)
  )
  yield* print(flags, FingerprintReport, report, Human.fingerprint)
  return Exit.done
})
