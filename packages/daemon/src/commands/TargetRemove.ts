/** `sealog target remove`: a place that the vault is kept at no more. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { TargetRemoveReport } from "../Reports.ts"
import { askOr } from "./Command.ts"

export const command = Effect.fn("targetRemove")(function*({ name }: { readonly name: string }, flags: GlobalFlags) {
  const report = yield* askOr(
    (daemon) => daemon.call("targetRemove", { name }),
    Effect.flatMap(Engine, (engine) => engine.targetRemove({ name }))
  )
  yield* print(flags, TargetRemoveReport, report, Human.targetRemoved)
  return Exit.done
})
