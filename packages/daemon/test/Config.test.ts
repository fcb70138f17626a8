import { FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "@sealog/daemon/Config"
import { failureOf } from "@sealog/daemon/Failure"
import * as Home from "@sealog/daemon/Home"
import { Platform } from "@sealog/daemon/Platform"
import { Effect, Either, Layer } from "effect"
import { linux } from "./support/Harness.ts"

const config: Config.Config = {
  vaultId: "ab12",
  shipDelaySeconds: 0.5,
  drillEveryHours: 24,
  sources: [
    { name: "maildir", kind: "maildir", place: "/home/ada/Mail dir", spec: "maildir:/home/ada/Mail dir" },
    { name: "Ada \"2\"".replaceAll("\"", "_"), kind: "jsonl", place: "/日本", spec: "jsonl:/日本" }
  ],
  targets: [
    { name: "usb", kind: "disk", place: "/media/a\\b\"c", spec: "disk:/media/a\\b\"c" },
    {
      name: "nas",
      kind: "webdav",
      place: "https://nas/dav/",
      spec: "webdav:https://nas/dav/",
      access: { user: "ada", auth: "digest", passwordFile: "/p", passwordCommand: "pass nas", caFile: "/ca.pem" }
    }
  ]
}

const good = `version = 1
vault = "ab"
ship_delay_seconds = 2

[[source]]
name = "maildir"
spec = "maildir:/m"

[[target]]
name = "usb"
spec = "disk:/d"
`

/** What a person is told about a file. */
const said = (text: string): string => {
  const decoded = Config.decode(text, "config.toml", linux)
  return Either.isRight(decoded) ? "accepted" : `${failureOf(decoded.left).exit} ${failureOf(decoded.left).message}`
}

describe("Config", () => {
  it("reads back what it wrote", () => {
    assert.deepStrictEqual(Config.decode(Config.encode(config), "config.toml", linux), Either.right(config))
  })

  it("fills in what is left out", () => {
    const decoded = Either.getOrThrow(Config.decode(good.replace("ship_delay_seconds = 2\n", ""), "config.toml", linux))
    assert.strictEqual(decoded.shipDelaySeconds, Config.SHIP_DELAY_SECONDS)
    assert.strictEqual(decoded.drillEveryHours, Config.DRILL_EVERY_HOURS)
  })

  /** Verifies: CLI-8 */
  it("names the line and the field of what is wrong", () => {
    assert.strictEqual(said(good), "accepted")
    assert.match(said(good.replace("version = 1", "version = ")), /^2 config\.toml, line 1, column \d+: /)
    assert.strictEqual(
      said(good.replace("spec = \"disk:/d\"\n", "")),
      "2 config.toml, line 9: target 1, spec: is missing"
    )
    assert.match(
      said(good.replace("\"maildir:/m\"", "5")),
      /^2 config\.toml, line 7: source 1, spec: expected string, actual 5/
    )
    assert.strictEqual(said(`extra = 1\n${good}`), "2 config.toml, line 1: extra: is not a field of this file")
    assert.strictEqual(said(good.replace("vault = \"ab\"\n", "")), "2 config.toml: vault: is missing")
    assert.match(
      said(good.replace("= 2", "= -2")),
      /^2 config\.toml, line 3: ship_delay_seconds: expected a number between 0 and 86400/
    )
    assert.strictEqual(
      said(good.replace("version = 1", "version = 2")),
      "16 config.toml, line 1: the configuration was made by a newer sealog"
    )
    assert.match(said(good.replace("maildir:/m", "floppy:/m")), /^2 there is no kind of source named floppy/)
    assert.match(said(good.replace("[[target]]", "[[source]]")), /^2 /)
    assert.match(said(""), /^2 config\.toml: version: is missing/)
  })

  /** Verifies: DAV-9 */
  it("has no field for a password, only for where it comes from", () => {
    const nas = good.replace("disk:/d", "webdav:https://nas/dav")
    assert.strictEqual(said(`${nas}user = "ada"\npassword_file = "/p"\n`), "accepted")
    assert.strictEqual(
      said(`${nas}user = "ada"\npassword = "geheim"\n`),
      "2 config.toml, line 13: target 1, password: is not a field of this file"
    )
    assert.match(
      said(nas.replace("https://", "https://ada:geheim@")),
      /^2 target "https:\/\/…@nas\/dav" has a password/
    )
  })

  it.effect("is replaced as a whole, for its owner's eyes only", () =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const layers = Home.layer(`${folder}/home`).pipe(Layer.provideMerge(Layer.succeed(Platform, linux)))
      yield* Effect.gen(function*() {
        assert.deepNestedInclude(yield* Effect.flip(Config.load()), { reason: "Missing" })
        yield* Home.prepare()
        yield* Config.save(config)
        yield* Config.save({ ...config, vaultId: "cd" })
        assert.strictEqual((yield* Config.load()).vaultId, "cd")
        assert.strictEqual((yield* fs.stat(`${folder}/home`)).mode & 0o777, 0o700)
        assert.strictEqual((yield* fs.stat(`${folder}/home/config.toml`)).mode & 0o777, 0o600)
        const names = (yield* fs.readDirectory(`${folder}/home`)).toSorted()
        assert.deepStrictEqual(names, ["blobs", "config.toml", "log", "receipts", "slots"])
      }).pipe(Effect.provide(layers))
    })).pipe(Effect.provide(NodeContext.layer)))
})
