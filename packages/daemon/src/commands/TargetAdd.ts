/** `sealog target add`: one more place that the vault is kept at. */
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import * as Config from "../Config.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { TargetAddReport } from "../Reports.ts"
import { askOr, specs } from "./Command.ts"

export const command = Effect.fn("targetAdd")(function*(args: { readonly spec: string }, flags: GlobalFlags) {
  const { targets } = yield* Config.load()
  // Among those that are there, for the name that it gets where it is given none.
  const known = targets.map(({ name, spec }) => `${name}=${spec}`)
  const target = (yield* specs("target", [...known, args.spec])).at(-1)!
  const report = yield* askOr(
    (daemon) => daemon.call("targetAdd", { target }),
    Effect.flatMap(Engine, (engine) => engine.targetAdd({ target }))
  )
  yield* print(flags, TargetAddReport, report, Human.targetAdded)
  return Exit.done
})
