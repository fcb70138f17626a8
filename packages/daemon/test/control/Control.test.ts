import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { type Client, connect, connectTo } from "@sealog/daemon/control/Client"
import { endpointOf } from "@sealog/daemon/control/Endpoint"
import { ControlError, type Handlers, REQUEST_BYTES, REQUESTS } from "@sealog/daemon/control/Protocol"
import { serve } from "@sealog/daemon/control/Server"
import { EngineFailure } from "@sealog/daemon/Engine"
import { failureOf } from "@sealog/daemon/Failure"
import * as Home from "@sealog/daemon/Home"
import { Platform, type PlatformShape } from "@sealog/daemon/Platform"
import { Deferred, Effect, Exit, Layer, Option, Scope, Stream } from "effect"
import * as Net from "node:net"
import { fakeEngine, linux } from "../support/Harness.ts"
import * as Samples from "../support/Samples.ts"

const fake = Effect.map(fakeEngine().run({ shipDelaySeconds: 0 }), (running) => running.handlers)

/** Runs a test on a machine with a home of its own. */
const withHome = <A, E>(
  use: (home: string) => Effect.Effect<A, E, Home.Home | Platform | FileSystem.FileSystem | Scope.Scope>,
  options: { readonly below?: string; readonly platform?: Partial<PlatformShape> } = {}
) =>
  Effect.scoped(Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const folder = yield* fs.makeTempDirectoryScoped({ prefix: "sealog-" })
    const home = `${folder}${options.below ?? ""}`
    yield* fs.makeDirectory(home, { recursive: true })
    const platform = { ...linux, temporaryDir: folder, ...options.platform }
    return yield* Effect.provide(
      use(home),
      Home.layer(home).pipe(Layer.provideMerge(Layer.succeed(Platform, platform)))
    )
  })).pipe(Effect.provide(NodeContext.layer))

const daemon = Effect.gen(function*() {
  const found = yield* connect()
  return yield* Option.match(found, {
    onNone: () => Effect.dieMessage("no daemon answers"),
    onSome: (client: Client) => Effect.succeed(client)
  })
})

/** Says the lines over a socket of its own, and gives back every line heard until the other side has said `count`. */
const converse = (path: string, said: ReadonlyArray<string>, count: number) =>
  Effect.async<ReadonlyArray<Record<string, unknown>>>((resume) => {
    const socket = Net.connect(path)
    let heard = ""
    const finish = () => {
      socket.destroy()
      resume(Effect.succeed(heard.trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>)))
    }
    socket.on("data", (chunk) => {
      heard += chunk.toString("utf8")
      if (heard.split("\n").length > count) finish()
    })
    socket.on("error", finish)
    socket.on("close", finish)
    for (const line of said) socket.write(line)
  })

const reasons = (lines: ReadonlyArray<Record<string, unknown>>) =>
  lines.flatMap((line) => {
    const error = line["error"] as { readonly reason?: string } | undefined
    return error === undefined ? [] : [error.reason]
  })

describe("Control", () => {
  /** Verifies: CTRL-1 */
  it.live("answers several clients at once, each with what it asked", () =>
    withHome(() =>
      Effect.gen(function*() {
        yield* serve(yield* fake)
        const ask = (n: number) =>
          Effect.scoped(Effect.gen(function*() {
            const client = yield* daemon
            assert.strictEqual(client.pid, linux.pid)
            switch (n % 3) {
              case 0:
                return assert.deepStrictEqual(yield* client.call("status", {}), Samples.status)
              case 1:
                return assert.deepStrictEqual(yield* client.call("sync", { shipDelaySeconds: 0 }), Samples.sync)
              default: {
                const lines = yield* Stream.runCollect(client.stream("log", { follow: false }))
                return assert.deepStrictEqual([...lines].map((line) => line.index), [0, 1, 2])
              }
            }
          }))
        yield* Effect.forEach(Array.from({ length: 30 }, (_, n) => n), ask, { concurrency: 30, discard: true })
      })
    ))

  /** Verifies: CTRL-2 */
  it.live("makes its socket the owner's alone, and removes it in the end", () =>
    withHome((home) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const scope = yield* Scope.make()
        yield* Scope.extend(serve(yield* fake), scope)
        assert.strictEqual((yield* fs.stat(`${home}/control.sock`)).mode & 0o777, 0o600)
        yield* Scope.close(scope, Exit.void)
        assert.isFalse(yield* fs.exists(`${home}/control.sock`))
        assert.isTrue(Option.isNone(yield* connect()))
      })
    ))

  /** Verifies: CTRL-3 */
  it.live("replaces the socket of a killed daemon, and leaves a live one alone", () =>
    withHome((home) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* fs.writeFileString(`${home}/control.sock`, "")
        yield* serve(yield* fake)
        const second = yield* Effect.flip(Effect.scoped(serve(yield* fake)))
        assert.deepNestedInclude(failureOf(second), { exit: 11, reason: "Locked" })
        assert.include(failureOf(second).message, `pid ${linux.pid}`)
        const client = yield* daemon
        assert.strictEqual((yield* client.call("fingerprint", {})).treeSize, Samples.fingerprint.treeSize)
      })
    ))

  it.live("is asked again after a restart", () =>
    withHome(() =>
      Effect.gen(function*() {
        for (let round = 0; round < 3; round++) {
          yield* Effect.scoped(Effect.gen(function*() {
            yield* serve(yield* fake)
            const client = yield* daemon
            yield* client.call("status", {})
          }))
        }
      })
    ))

  /** Verifies: CTRL-4 */
  it.live("stops the work of a client that leaves in the middle of a stream", () =>
    withHome((home) =>
      Effect.gen(function*() {
        const stopped = yield* Deferred.make<void>()
        const endless = Stream.iterate(0, (n) => n + 1).pipe(
          Stream.map(Samples.logLine),
          Stream.ensuring(Deferred.succeed(stopped, undefined))
        )
        yield* serve({ ...(yield* fake), log: () => endless })
        const heard = yield* converse(`${home}/control.sock`, [
          "{\"id\":1,\"method\":\"log\",\"params\":{\"follow\":true}}\n"
        ], 4)
        assert.isAtLeast(heard.length, 4)
        yield* Deferred.await(stopped)
        // The daemon is none the worse for it.
        const client = yield* daemon
        yield* client.call("status", {})
      })
    ))

  it.live("stops a stream that is cancelled and goes on with the same client", () =>
    withHome((home) =>
      Effect.gen(function*() {
        yield* serve({ ...(yield* fake), log: () => Stream.never })
        const heard = yield* converse(`${home}/control.sock`, [
          "{\"id\":1,\"method\":\"log\",\"params\":{\"follow\":true}}\n{\"id\":1,\"cancel\":true}\n",
          "{\"id\":2,\"method\":\"fingerprint\"}\n"
        ], 4)
        assert.deepStrictEqual(heard.map((line) => [line["id"], line["end"]]), [
          [undefined, undefined],
          [1, true],
          [2, undefined],
          [2, true]
        ])
      })
    ))

  /** Verifies: CTRL-5 */
  it.live("names what it does not understand, and ends only with those who do not speak its language", () =>
    withHome((home) =>
      Effect.gen(function*() {
        yield* serve(yield* fake)
        const path = `${home}/control.sock`
        const unknown = yield* converse(path, [
          "{\"id\":1,\"method\":\"dance\"}\n{\"id\":2,\"method\":\"constructor\"}\n{\"id\":3,\"method\":\"sync\",\"params\":{}}\n",
          "{\"id\":4,\"method\":\"fingerprint\",\"params\":{}}\n"
        ], 6)
        assert.deepStrictEqual(reasons(unknown), ["UnknownMethod", "UnknownMethod", "BadParams"])
        assert.deepStrictEqual(unknown.at(-1), { id: 4, end: true })
        assert.deepStrictEqual(reasons(yield* converse(path, ["GET / HTTP/1.1\r\n\r\n"], 2)), ["ControlMalformed"])
        assert.deepStrictEqual(reasons(yield* converse(path, ["[1,2]\n"], 2)), ["ControlMalformed"])
        assert.deepStrictEqual(reasons(yield* converse(path, ["x".repeat(REQUEST_BYTES + 1)], 2)), ["ControlTooLong"])
        const client = yield* daemon
        yield* client.call("status", {})
      })
    ))

  it.live("answers so many at once and no more", () =>
    withHome((home) =>
      Effect.gen(function*() {
        yield* serve({ ...(yield* fake), log: () => Stream.never })
        const line = (id: number) => `{"id":${id},"method":"log","params":{"follow":true}}\n`
        const all = Array.from({ length: REQUESTS + 1 }, (_, id) => line(id)).join("")
        assert.deepStrictEqual(reasons(yield* converse(`${home}/control.sock`, [all], 2)), ["Busy"])
      })
    ))

  /** Verifies: CTRL-6 */
  it.live("hands on a failure as if it had happened where it is read", () =>
    withHome(() =>
      Effect.gen(function*() {
        const error = new EngineFailure({ reason: "UnknownTarget", method: "drill", subject: "usb" })
        const failing: Handlers = {
          ...(yield* fake),
          drill: () => Effect.fail(error),
          sync: () => Effect.die(new Error("oops"))
        }
        yield* serve(failing)
        const drill = Effect.scoped(Effect.flatMap(daemon, (client) => client.call("drill", { mode: "full" })))
        const sync = Effect.scoped(Effect.flatMap(daemon, (client) => client.call("sync", { shipDelaySeconds: 0 })))
        assert.deepStrictEqual(failureOf(yield* Effect.flip(drill)), failureOf(error))
        assert.deepNestedInclude(failureOf(yield* Effect.flip(sync)), { exit: 1, reason: "Bug" })
      })
    ))

  it.live("says so when the daemon goes away before it has answered", () =>
    withHome((home) =>
      Effect.gen(function*() {
        const path = `${home}/control.sock`
        const server = Net.createServer((socket) => {
          socket.write("{\"sealog\":1,\"pid\":7,\"release\":\"0.1.0\"}\n")
          socket.once("data", () => socket.destroy())
        })
        yield* Effect.acquireRelease(
          Effect.async<void>((resume) => void server.listen(path, () => resume(Effect.void))),
          () => Effect.sync(() => server.close())
        )
        const client = yield* daemon
        const error = yield* Effect.flip(client.call("status", {}))
        assert.deepNestedInclude(error, { _tag: "ControlError", reason: "Lost" })
      })
    ))

  it.live("refuses a daemon of a newer protocol", () =>
    withHome((home) =>
      Effect.gen(function*() {
        const path = `${home}/control.sock`
        const server = Net.createServer((socket) => socket.end("{\"sealog\":2,\"pid\":7,\"release\":\"9.0.0\"}\n"))
        yield* Effect.acquireRelease(
          Effect.async<void>((resume) => void server.listen(path, () => resume(Effect.void))),
          () => Effect.sync(() => server.close())
        )
        const error = yield* Effect.flip(Effect.scoped(connectTo(path)))
        assert.strictEqual(failureOf(error).exit, 16)
      })
    ))

  /** Verifies: CTRL-7 */
  it.live("works in a home whose path is too long for a socket", () =>
    withHome((home) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const scope = yield* Scope.make()
        yield* Scope.extend(serve(yield* fake), scope)
        const pointed = (yield* fs.readFileString(`${home}/control.sock`)).trim()
        assert.isBelow(Buffer.byteLength(pointed), 104)
        assert.strictEqual((yield* fs.stat(pointed)).type, "Socket")
        yield* Effect.scoped(Effect.flatMap(daemon, (client) => client.call("status", {})))
        yield* Scope.close(scope, Exit.void)
        assert.isTrue(Option.isNone(yield* connect()))
      }), { below: `/${"long".repeat(30)}` }))

  it.live("does not trust a runtime folder that somebody else may use", () =>
    withHome((home) =>
      Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        const platform = yield* Platform
        const { folder } = endpointOf(`${home}/control.sock`, platform)
        yield* fs.makeDirectory(folder ?? "", { mode: 0o700 })
        yield* fs.chmod(folder ?? "", 0o777)
        const error = yield* Effect.flip(Effect.scoped(serve(yield* fake)))
        assert.isTrue(error instanceof ControlError)
        assert.deepNestedInclude(error, { reason: "Denied" })
      }), { below: `/${"long".repeat(30)}` }))

  it("listens on a named pipe on Windows, another for each home", () => {
    const windows = { ...linux, system: "windows" as const }
    const one = endpointOf("C:\\Users\\ada\\sealog\\control.sock", windows).path
    assert.match(one, /^\\\\\.\\pipe\\sealog-[0-9a-f]{16}$/)
    assert.notStrictEqual(one, endpointOf("D:\\sealog\\control.sock", windows).path)
  })
})
