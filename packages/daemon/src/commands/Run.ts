/** `sealog run`: the daemon in the foreground, until it is told to stop. */
import { Effect, Schema } from "effect"
import type { GlobalFlags, SyncArguments } from "../Arguments.ts"
import * as Config from "../Config.ts"
import { serve } from "../control/Server.ts"
import { Engine } from "../Engine.ts"
import { Platform } from "../Platform.ts"
import { print } from "../present/Output.ts"
import { notifyReady } from "../service/Notify.ts"

/** Programs that sync folders do better with few objects: what is queued for them is gathered for so long. */
const QUEUED_DELAY_SECONDS = 60

const ReadyReport = Schema.Struct({
  schema: Schema.Literal("sealog.run/1"),
  state: Schema.Literal("ready"),
  pid: Schema.Int
})

export const command = Effect.fn("run")(function*(args: SyncArguments, flags: GlobalFlags) {
  const config = yield* Config.load()
  const engine = yield* Engine
  const { pid } = yield* Platform
  const running = yield* engine.run({
    shipDelaySeconds: args.shipDelaySeconds ?? config.shipDelaySeconds,
    queuedDelaySeconds: args.shipDelaySeconds ?? Math.max(config.shipDelaySeconds, QUEUED_DELAY_SECONDS)
  })
  yield* serve(running.handlers)
  yield* print(flags, ReadyReport, { schema: "sealog.run/1" as const, state: "ready" as const, pid }, () => "ready\n")
  yield* notifyReady()
  return yield* running.failed
}, Effect.scoped)
