/** `sealog log`: the events recorded, one a line, and those to come. */
import { Effect, Option, type Stream } from "effect"
import type { GlobalFlags, LogArguments } from "../Arguments.ts"
import { connect } from "../control/Client.ts"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import type { KnownError } from "../Failure.ts"
import * as Human from "../present/Human.ts"
import { printAll } from "../present/Output.ts"
import { LogLine } from "../Reports.ts"
import { given } from "./Command.ts"

export const command = Effect.fn("log")(function*(args: LogArguments, flags: GlobalFlags) {
  const { conversation, follow, sinceMillis, untilMillis } = args
  const options = { follow, ...given({ conversation, sinceMillis, untilMillis }) }
  const daemon = yield* connect()
  const engine = yield* Engine
  const lines: Stream.Stream<LogLine, KnownError> = Option.match(daemon, {
    onNone: () => engine.log(options),
    onSome: (client) => client.stream("log", options)
  })
  yield* printAll(flags, LogLine, lines, Human.logLine)
  return Exit.done
}, Effect.scoped)
