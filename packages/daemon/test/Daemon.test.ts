/**
 * A daemon and those who ask it, in one process: what goes through the socket must read as if it had been done here.
 */
import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "@sealog/daemon/Config"
import { Effect, Fiber, Schedule, Stream } from "effect"
import { type EngineShape, fakeEngine, linux, makeMachine, sealog } from "./support/Harness.ts"
import * as Samples from "./support/Samples.ts"

/** An engine that must not be asked: the daemon holds the journal. */
const untouched: Partial<EngineShape> = {
  sync: () => Effect.dieMessage("the engine was asked"),
  status: Effect.dieMessage("the engine was asked"),
  drill: () => Effect.dieMessage("the engine was asked"),
  fingerprint: Effect.dieMessage("the engine was asked"),
  log: () => Stream.dieMessage("the engine was asked")
}

/** Runs a test beside a daemon that is ready, in a home of its own. */
const withDaemon = <A, E>(
  use: (home: string, stop: Effect.Effect<void>) => Effect.Effect<A, E, FileSystem.FileSystem>,
  engine: Partial<EngineShape> = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const home = yield* fs.makeTempDirectoryScoped({ prefix: "sealog-" })
    yield* fs.writeFileString(
      `${home}/config.toml`,
      Config.encode({
        vaultId: "ab",
        shipDelaySeconds: 2,
        drillEveryHours: 24,
        sources: [{ name: "mail", kind: "maildir", place: "/m", spec: "maildir:/m" }],
        targets: [{ name: "usb", kind: "disk", place: "/d", spec: "disk:/d" }]
      })
    )
    const machine = makeMachine()
    const fiber = yield* Effect.forkScoped(sealog(["--home", home, "run"], { machine, engine }))
    yield* Effect.repeat(Effect.yieldNow(), {
      until: () => machine.out() === "ready\n",
      schedule: Schedule.spaced("5 millis")
    })
    return yield* use(home, Effect.asVoid(Fiber.interrupt(fiber)))
  })).pipe(Effect.provide(NodeContext.layer))

describe("a running daemon", () => {
  /** Verifies: CTRL-8 */
  it.live("is asked instead of the engine, and needs no password", () =>
    withDaemon((home) =>
      Effect.gen(function*() {
        const ask = (...words: ReadonlyArray<string>) =>
          sealog(["--home", home, "--json", ...words], { engine: untouched })
        const status = JSON.parse((yield* ask("status")).out) as Record<string, unknown>
        assert.deepNestedInclude(status, { schema: "sealog.status/1", running: true, pid: linux.pid })
        assert.deepStrictEqual(JSON.parse((yield* ask("sync")).out), JSON.parse(JSON.stringify(Samples.sync)))
        assert.deepStrictEqual(
          JSON.parse((yield* ask("drill", "--sample", "5")).out),
          JSON.parse(JSON.stringify(Samples.drill))
        )
        assert.deepStrictEqual(
          JSON.parse((yield* ask("fingerprint")).out),
          JSON.parse(JSON.stringify(Samples.fingerprint))
        )
        assert.strictEqual((yield* ask("log")).out.trimEnd().split("\n").length, 3)
      })
    ))

  it.live("passes on how a sync went, and exits like one", () => {
    const running = fakeEngine().run({ shipDelaySeconds: 0 })
    const engine: Partial<EngineShape> = {
      run: () =>
        Effect.map(running, ({ failed, handlers }) => ({
          failed,
          handlers: { ...handlers, sync: () => Effect.succeed(Samples.syncBehind) }
        }))
    }
    return withDaemon((home) =>
      Effect.gen(function*() {
        const outcome = yield* sealog(["--home", home, "sync"], { engine: untouched })
        assert.strictEqual(outcome.exit, 3)
        assert.include(outcome.out, "1,234 events behind")
      }), engine)
  })

  it.live("refuses a second one, and leaves nothing behind when it is told to stop", () =>
    withDaemon((home, stop) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const second = yield* sealog(["--home", home, "run"])
        assert.strictEqual(second.exit, 11)
        assert.include(second.err, `pid ${linux.pid}`)
        yield* stop
        assert.deepStrictEqual(yield* fs.readDirectory(home), ["config.toml"])
        const status = yield* sealog(["--home", home, "status", "--json"])
        assert.deepNestedInclude(JSON.parse(status.out), { running: false })
      })
    ))

  it.live("ends with the failure that it could not go on after", () =>
    Effect.gen(function*() {
      const outcome = yield* sealog(["--home", "/nowhere/at/all", "run"])
      assert.strictEqual(outcome.exit, 10)
    }))
})
