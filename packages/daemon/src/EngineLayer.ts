/** The engine that does the work: each method opens what it needs of this home, and closes it again. */
import * as Kdf from "@sealog/core/keys/Kdf"
import { Effect, Either, Layer, Ref, Stream } from "effect"
import { Engine } from "./Engine.ts"
import * as Adapters from "./engine/Adapters.ts"
import { fingerprint, run } from "./engine/Daemon.ts"
import { drill } from "./engine/Drill.ts"
import { dump } from "./engine/Dump.ts"
import { condemn, isDamage } from "./engine/Heal.ts"
import { init } from "./engine/Init.ts"
import { logLines } from "./engine/LogLines.ts"
import { sync } from "./engine/Pass.ts"
import { history, verifyReceipt } from "./engine/Receipts.ts"
import { scrubOnce } from "./engine/Scrub.ts"
import { openSession, type Session } from "./engine/Session.ts"
import * as StatusFile from "./engine/StatusFile.ts"
import { addTarget, removeTarget } from "./engine/Targets.ts"
import { restore } from "./engine/Vault.ts"
import { verify } from "./engine/Verify.ts"
import type { KnownError } from "./Failure.ts"

/** On whatever adapters there are. */
export const layerEngine = Layer.effect(
  Engine,
  Effect.gen(function*() {
    const services = yield* Effect.context<Adapters.PartServices>()
    const session = openSession()
    return Engine.of({
      init: (options) => Effect.provide(Effect.scoped(init(options)), services),
      sync: () => Effect.provide(syncHome(), services),
      run: (options) => Effect.provide(run(options), services),
      status: Effect.provide(StatusFile.load(), services),
      restore: (options) => Effect.provide(restore(options), services),
      verify: (options) => Effect.provide(Effect.scoped(verify(options)), services),
      drill: (options) =>
        session.pipe(
          Effect.flatMap((opened) =>
            Effect.tap(drill(opened, options), () => keepStatus(opened, StatusFile.noTroubles)).pipe(condemned)
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
        Stream.unwrapScoped(
          Effect.map(session, (opened) => Stream.tapError(logLines(opened, options), condemnDamage))
        ).pipe(Stream.provideContext(services)),
      dump: ({ source }) => Stream.provideContext(dump(source), services),
      fingerprint: session.pipe(Effect.flatMap(fingerprint), Effect.scoped, Effect.provide(services)),
      targetAdd: ({ target }) =>
        session.pipe(
          Effect.flatMap((opened) => addTarget(opened, target)),
          Effect.scoped,
          Effect.provide(services)
        ),
      targetRemove: ({ name }) =>
        session.pipe(
          Effect.flatMap((opened) => removeTarget(opened, name)),
          Effect.scoped,
          Effect.provide(services)
        ),
      // Loaded when it is asked for: the contract and its samples are no part of a backup.
      targetCheck: (options) =>
        Effect.promise(() => import("./engine/Check.ts")).pipe(
          Effect.flatMap(({ check }) => check(options)),
          Effect.provide(services)
        )
    })
  })
)

/** On the adapters of this machine. */
export const layer = Layer.provide(layerEngine, [Adapters.layer, Kdf.layer])

/** Who only asks heals nothing, but sees to it that the next sync does. */
const condemnDamage = (error: KnownError) => isDamage(error) ? condemn(error) : Effect.void
const condemned = <A, R>(work: Effect.Effect<A, KnownError, R>) => Effect.tapError(work, condemnDamage)

/** One pass, with this home opened for it; made once more where it found the journal damaged and that was healed. */
const syncHome = Effect.fn("Engine.syncHome")(function*() {
  const attempt = Effect.fn("Engine.syncOnce")(function*(before?: Session) {
    const session = yield* openSession({ mayHeal: true, ...(before === undefined ? {} : { unlocked: before }) })
    const troubles = yield* Ref.make(StatusFile.noTroubles)
    const done = sync(session, (kind, name, error) => StatusFile.noteTrouble(troubles, kind, name, error)).pipe(
      Effect.tap(() => scrubOnce(session)),
      Effect.tap(() => Effect.flatMap(Ref.get(troubles), (known) => keepStatus(session, known)))
    )
    return { session, result: yield* Effect.either(done) }
  }, Effect.scoped)
  const first = yield* attempt()
  if (Either.isRight(first.result) || !isDamage(first.result.left)) return yield* first.result
  yield* condemn(first.result.left)
  return yield* (yield* attempt(first.session)).result
})

const keepStatus = (
  session: Session,
  troubles: StatusFile.Troubles
) => Effect.flatMap(StatusFile.describe(session, troubles, { names: false, running: false }), StatusFile.save)
