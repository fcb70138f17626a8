/** `sealog service install --print`: the text that makes the system start the daemon with the session. */
import { Path } from "@effect/platform"
import { Effect } from "effect"
import type { GlobalFlags } from "../Arguments.ts"
import { Exit } from "../Exit.ts"
import { Home } from "../Home.ts"
import { Platform } from "../Platform.ts"
import * as Human from "../present/Human.ts"
import { print } from "../present/Output.ts"
import { ServiceReport } from "../Reports.ts"
import * as Launchd from "../service/Launchd.ts"
import * as Systemd from "../service/Systemd.ts"
import { absolutePath } from "../Spec.ts"
import { UsageError } from "../Usage.ts"

export const command = Effect.fn("serviceInstall")(function*(
  args: { readonly kind?: "systemd" | "launchd" },
  flags: GlobalFlags
) {
  const platform = yield* Platform
  const path = yield* Path.Path
  const home = yield* Home
  const usual = platform.system === "macos" ? "launchd" : platform.system === "linux" ? "systemd" : undefined
  const kind = args.kind ?? usual
  if (kind === undefined) {
    return yield* Effect.fail(
      new UsageError("this system has neither systemd nor launchd", "say which one is wanted: --kind systemd")
    )
  }
  const words = [
    ...platform.program,
    "--home",
    home.root,
    ...(flags.passwordFile === undefined ? [] : ["--password-file", absolutePath(flags.passwordFile, platform)]),
    ...(flags.passwordCommand === undefined ? [] : ["--password-command", flags.passwordCommand]),
    "run"
  ]
  const maker = kind === "systemd" ? Systemd : Launchd
  const where = path.join(platform.userDir, ...maker.PLACE)
  const text = maker.make({ words, home: home.root, log: path.join(home.log, "daemon.log"), path: where })
  yield* print(flags, ServiceReport, ServiceReport.make({ kind, path: where, text }), Human.service)
  return Exit.done
})
