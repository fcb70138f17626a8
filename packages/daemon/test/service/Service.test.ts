import { Command, FileSystem } from "@effect/platform"
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, expect, it } from "@effect/vitest"
import * as Launchd from "@sealog/daemon/service/Launchd"
import * as Systemd from "@sealog/daemon/service/Systemd"
import { Effect } from "effect"

const options: Systemd.ServiceOptions = {
  words: [
    "/opt/my node/bin/node",
    "/opt/sealog/bin/sealog.js",
    "--home",
    "/home/ada/100% mine",
    "--password-command",
    "pass show \"sealog\" | head -n $COUNT & echo <x>",
    "run"
  ],
  home: "/home/ada/100% mine",
  log: "/home/ada/100% mine/log/daemon.log",
  path: "/home/ada/.config/systemd/user/sealog.service"
}

describe("service", () => {
  /** Verifies: CLI-12 */
  it("prints the systemd unit, with every word of the program as it is", async () => {
    const unit = Systemd.make(options)
    assert.include(
      unit,
      "ExecStart=\"/opt/my node/bin/node\" /opt/sealog/bin/sealog.js --home \"/home/ada/100%% mine\" --password-command "
        + "\"pass show \\\"sealog\\\" | head -n $$COUNT & echo <x>\" run\n"
    )
    assert.notInclude(unit, "MemoryDenyWriteExecute")
    await expect(unit).toMatchFileSnapshot("../snapshots/sealog.service")
  })

  it("prints the launchd agent, with every word of the program as it is", async () => {
    const agent = Launchd.make({ ...options, path: "/Users/ada/Library/LaunchAgents/org.sealog.daemon.plist" })
    assert.include(agent, "<string>/opt/my node/bin/node</string>")
    assert.include(agent, "head -n $COUNT &amp; echo &lt;x&gt;</string>")
    await expect(agent).toMatchFileSnapshot("../snapshots/org.sealog.daemon.plist")
  })

  it.effect("gives systemd nothing to complain about", (context) =>
    Effect.scoped(Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const found = yield* Effect.isSuccess(Command.exitCode(Command.make("systemd-analyze", "--version")))
      if (!found) return context.skip("systemd-analyze is not on this machine")
      const folder = yield* fs.makeTempDirectoryScoped({ prefix: "sealog units " })
      const file = `${folder}/sealog.service`
      yield* fs.writeFileString(
        file,
        Systemd.make({ ...options, words: [process.execPath, ...options.words.slice(1)] })
      )
      const said = yield* Command.string(
        Command.make("sh", "-c", "systemd-analyze verify --user \"$1\" 2>&1", "sh", file)
      )
      // Other units of the machine may have faults of their own.
      assert.deepStrictEqual(said.split("\n").filter((line) => line.includes("sealog")), [])
    })).pipe(Effect.provide(NodeContext.layer)))
})
