import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Home from "@sealog/daemon/Home"
import { Platform, type PlatformShape } from "@sealog/daemon/Platform"
import { Effect, Layer } from "effect"
import * as NodePath from "node:path"
import { linux } from "./support/Harness.ts"

const root = (platform: Partial<PlatformShape>, option?: string) =>
  Home.rootOf(
    option,
    { ...linux, ...platform },
    platform.system === "windows" ? NodePath.win32.join : NodePath.posix.join
  )

describe("Home", () => {
  /** Verifies: CLI-9 */
  it("is the folder given, else SEALOG_HOME, else the system's place", () => {
    const environment = { SEALOG_HOME: "~/mine", XDG_DATA_HOME: "/data" }
    assert.strictEqual(root({ environment }, "given"), "/home/ada/here/given")
    assert.strictEqual(root({ environment }), "/home/ada/mine")
    assert.strictEqual(root({ environment: { SEALOG_HOME: "", XDG_DATA_HOME: "/data" } }), "/data/sealog")
    assert.strictEqual(root({ environment: { XDG_DATA_HOME: "data" } }), "/home/ada/.local/share/sealog")
    assert.strictEqual(root({}), "/home/ada/.local/share/sealog")
    assert.strictEqual(
      root({ system: "macos", userDir: "/Users/ada" }),
      "/Users/ada/Library/Application Support/sealog"
    )
    const windows = { system: "windows", userDir: "C:\\Users\\ada" } as const
    assert.strictEqual(root({ ...windows, environment: { LOCALAPPDATA: "D:\\L" } }), "D:\\L\\sealog")
    assert.strictEqual(root(windows), "C:\\Users\\ada\\AppData\\Local\\sealog")
  })

  it.effect("says what is in the way", () =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      yield* fs.writeFileString(`${folder}/file`, "")
      const prepare = (path: string) =>
        Effect.provide(Home.prepare(), Home.layer(path).pipe(Layer.provideMerge(Layer.succeed(Platform, linux))))
      assert.deepNestedInclude(yield* Effect.flip(prepare(`${folder}/file`)), { reason: "NotAFolder" })
      assert.deepNestedInclude(yield* Effect.flip(prepare(`${folder}/file/below`)), { reason: "NotAFolder" })
      yield* fs.makeDirectory(`${folder}/wide`, { mode: 0o755 })
      yield* prepare(`${folder}/wide`)
      assert.strictEqual((yield* fs.stat(`${folder}/wide`)).mode & 0o777, 0o700)
    })).pipe(Effect.provide(NodeContext.layer)))

  /** Verifies: FAULT-17 */
  it.effect("syncs the names of what it makes and replaces", () =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const opened: Array<string> = []
      const watching: FileSystem.FileSystem = {
        ...fs,
        open: (path, options) => Effect.suspend(() => (opened.push(path), fs.open(path, options)))
      }
      const home = `${folder}/new/home`
      yield* Home.prepare().pipe(
        Effect.zipRight(Home.replaceFile(`${home}/status.json`, "text")),
        Effect.provide(Home.layer(home).pipe(Layer.provideMerge(Layer.succeed(Platform, linux)))),
        Effect.provideService(FileSystem.FileSystem, watching)
      )
      assert.deepStrictEqual(opened, [`${folder}/new`, folder, home, `${home}/status.json.${linux.pid}.tmp`, home])
    })).pipe(Effect.provide(NodeContext.layer)))

  it.effect("leaves nothing behind of a file it could not replace", () =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      yield* fs.makeDirectory(`${folder}/taken/below`, { recursive: true })
      const error = yield* Effect.flip(Home.replaceFile(`${folder}/taken`, "text"))
      assert.strictEqual(error._tag, "HomeError")
      assert.deepStrictEqual(yield* fs.readDirectory(folder), ["taken"])
    })).pipe(Effect.provide(Layer.merge(NodeContext.layer, Layer.succeed(Platform, linux)))))
})
