/** The engine that does the work: each method opens what it needs of this home, and closes it again. */
import { Effect, Layer, Ref, Stream } from "effect"
import { Engine } from "./Engine.ts"
import { fingerprint, run } from "./engine/Daemon.ts"
import { drill } from "./engine/Drill.ts"
import { dump } from "./engine/Dump.ts"
import { init } from "./engine/Init.ts"
import { logLines } from "./engine/LogLines.ts"
import { sync } from "./engine/Pass.ts"
import { history, verifyReceipt } from "./engine/Receipts.ts"
import { openSession } from "./engine/Session.ts"
import * as StatusFile from "./engine/StatusFile.ts"
import { restore } from "./engine/Vault.ts"
import { verify } from "./engine/Verify.ts"
import type { EngineServices } from "./LazyEngine.ts"

export const layer = Layer.effect(
  Engine,
  Effect.gen(function*() {
    const services = yield* Effect.context<EngineServices>()
    const session = openSession()
    return Engine.of({
      init: (options) => Effect.provide(init(options), services),
      sync: () =>
        session.pipe(
          Effect.flatMap((opened) =>
            Effect.flatMap(Ref.make(StatusFile.noTroubles), (troubles) =>
              sync(opened, (kind, name, error) =>
                StatusFile.noteTrouble(troubles, kind, name, error)).pipe(
                  Effect.tap(() => Effect.flatMap(Ref.get(troubles), (known) => keepStatus(opened, known)))
                ))
          ),
          Effect.scoped,
          Effect.provide(services)
        ),
      run: (options) => Effect.provide(run(options), services),
      status: Effect.provide(StatusFile.load(), services),
      restore: (options) => Effect.provide(restore(options), services),
      verify: (options) => Effect.provide(verify(options), services),
      drill: (options) =>
        session.pipe(
          Effect.flatMap((opened) =>
            Effect.tap(drill(opened, options), () => keepStatus(opened, StatusFile.noTroubles))
          ),
          Effect.scoped,
          Effect.provide(services)
        ),
      drillHistory: Effect.provide(history(), services),
      drillVerify: ({ file }) =>
        session.pipe(
          Effect.flatMap(({ ring }) => verifyReceipt(ring, file)),
          Effect.scoped,
          Effect.provide(services)
        ),
      log: (options) =>
        Stream.unwrapScoped(Effect.map(session, (opened) => logLines(opened, options))).pipe(
          Stream.provideContext(services)
        ),
      dump: ({ source }) => Stream.provideContext(dump(source), services),
      fingerprint: session.pipe(Effect.flatMap(fingerprint), Effect.scoped, Effect.provide(services))
    })
  })
)

const keepStatus = (
  session: Effect.Effect.Success<ReturnType<typeof openSession>>,
  troubles: StatusFile.Troubles
) => Effect.flatMap(StatusFile.describe(session, troubles, false), StatusFile.save)
