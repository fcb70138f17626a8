/**
 * An engine that is loaded and built when it is first asked: `status` while a daemon runs, or a list of targets, must
 * not wait for core and adapters to load.
 */
import type { FileSystem, Path } from "@effect/platform"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { Entropy } from "@sealog/core/keys/Entropy"
import { Context, Effect, Layer, Stream } from "effect"
import { Engine, type EngineError } from "./Engine.ts"
import type { Home } from "./Home.ts"
import type { Platform } from "./Platform.ts"
import type { Progress } from "./Progress.ts"
import type { Secrets } from "./Secret.ts"
import type { Terminal } from "./Terminal.ts"

/** What a layer of the engine may ask for. */
export type EngineServices =
  | CommandExecutor
  | Entropy
  | FileSystem.FileSystem
  | Home
  | Path.Path
  | Platform
  | Progress
  | Secrets
  | Terminal

export const layer = (
  load: Effect.Effect<Layer.Layer<Engine, EngineError, EngineServices>>
): Layer.Layer<Engine, never, EngineServices> =>
  Layer.scoped(
    Engine,
    Effect.gen(function*() {
      const scope = yield* Effect.scope
      const services = yield* Effect.context<EngineServices>()
      const engine = yield* Effect.cached(load.pipe(
        Effect.flatMap((built) => Layer.buildWithScope(built, scope)),
        Effect.map((context) => Context.get(context, Engine)),
        Effect.provide(services)
      ))
      return {
        init: (options) => Effect.flatMap(engine, (real) => real.init(options)),
        sync: (options) => Effect.flatMap(engine, (real) => real.sync(options)),
        run: (options) => Effect.flatMap(engine, (real) => real.run(options)),
        status: Effect.flatMap(engine, (real) => real.status),
        restore: (options) => Effect.flatMap(engine, (real) => real.restore(options)),
        verify: (options) => Effect.flatMap(engine, (real) => real.verify(options)),
        drill: (options) => Effect.flatMap(engine, (real) => real.drill(options)),
        drillHistory: Effect.flatMap(engine, (real) => real.drillHistory),
        drillVerify: (options) => Effect.flatMap(engine, (real) => real.drillVerify(options)),
        log: (options) => Stream.unwrap(Effect.map(engine, (real) => real.log(options))),
        dump: (options) => Stream.unwrap(Effect.map(engine, (real) => real.dump(options))),
        fingerprint: Effect.flatMap(engine, (real) => real.fingerprint),
        targetAdd: (options) => Effect.flatMap(engine, (real) => real.targetAdd(options)),
        targetRemove: (options) => Effect.flatMap(engine, (real) => real.targetRemove(options)),
        targetCheck: (options) => Effect.flatMap(engine, (real) => real.targetCheck(options))
      }
    })
  )
