/** `sealog source dump`: the canonical form of a store, straight from the store. */
import { Effect, Stream } from "effect"
import { Engine } from "../Engine.ts"
import { Exit } from "../Exit.ts"
import { Terminal } from "../Terminal.ts"
import { spec } from "./Command.ts"

export const command = Effect.fn("sourceDump")(function*(args: { readonly spec: string }) {
  const source = yield* spec("source", args.spec)
  const engine = yield* Engine
  const terminal = yield* Terminal
  yield* Stream.runForEach(engine.dump({ source }), (bytes) => terminal.out(bytes))
  return Exit.done
})
