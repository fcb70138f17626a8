/**
 * Tells systemd that the daemon is ready, where systemd started it. Node has no datagram sockets of this family, so
 * systemd's own small program says it.
 */
import { Command } from "@effect/platform"
import { Effect } from "effect"
import { Platform, variable } from "../Platform.ts"

export const notifyReady = Effect.fn("Notify.ready")(function*() {
  const platform = yield* Platform
  if (variable(platform, "NOTIFY_SOCKET") === undefined) return
  const command = Command.make("systemd-notify", "--ready", `--pid=${platform.pid}`)
  const exit = yield* Command.exitCode(command).pipe(
    Effect.catchAll((error) => Effect.as(Effect.logWarning(`systemd was not told: ${error.message}`), 0))
  )
  if (exit !== 0) yield* Effect.logWarning(`systemd was not told: systemd-notify ended with exit code ${exit}`)
})
