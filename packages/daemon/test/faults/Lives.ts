/**
 * Lives of the daemon: it is started, shows what it does, and is killed at a sign. Signs are what can be seen from
 * outside, files that change and answers of the control socket, so that a kill falls into the phase it is meant for
 * however fast or slow the machine is.
 */
import { Effect, Schedule } from "effect"
import * as fs from "node:fs"
import { connect, type ControlSocket } from "../support/ControlSocket.ts"
import type { Machine, Running } from "../support/Machine.ts"
import { noteLine, noteStatus, type Shown } from "./Checker.ts"

/** What it took from the start of the process until it was ready. */
export interface Start {
  readonly seconds: number
  /** Work of all its threads; none where the system does not tell. */
  readonly cpuSeconds: number | undefined
}

export interface Life {
  readonly daemon: Running
  readonly socket: ControlSocket
  readonly start: Start
}

/** Starts the daemon; whatever it shows until it is killed is noted. */
export const live = Effect.fn("Lives.live")(
  function*(
    machine: Machine,
    shown: Shown,
    options: { readonly lines: boolean; readonly environment?: Readonly<Record<string, string>> }
  ) {
    const { environment = {} } = options
    const daemon = yield* machine.start(["run", "--ship-delay", "0"], { environment })
    const seconds = yield* daemon.says(/^ready$/m)
    const start = { seconds, cpuSeconds: cpuSecondsOf(daemon.pid) }
    const socket = yield* connect(machine.home)
    const status = Effect.map(socket.ask("status"), (report) => noteStatus(shown, report))
    yield* status
    if (options.lines) yield* socket.follow("log", { follow: true }, (line) => noteLine(shown, line))
    yield* Effect.forkScoped(Effect.ignore(Effect.repeat(status, Schedule.spaced("50 millis"))))
    return { daemon, socket, start } satisfies Life
  }
)

/** Waits until files of these folders, by their names, have changed so many times from now on. */
export const changes = (folders: ReadonlyArray<string>, names: RegExp, times: number): Effect.Effect<void> =>
  Effect.async((resume) => {
    let left = times
    const close = () => {
      for (const watcher of watchers) watcher.close()
    }
    const watchers = folders.filter((folder) => fs.existsSync(folder)).map((folder) =>
      fs.watch(folder, (_, name) => {
        if (name === null || !names.test(name) || --left > 0) return
        close()
        resume(Effect.void)
      })
    )
    return Effect.sync(close)
  })

/** Waits until what was shown is as the test wants it. */
export const until = (reached: () => boolean): Effect.Effect<void> =>
  Effect.asVoid(Effect.repeat(Effect.sync(reached), { until: (yes) => yes, schedule: Schedule.spaced("5 millis") }))

/** Kills the daemon so many milliseconds after the sign; gives how it ended. */
export const killAfter = Effect.fn("Lives.killAfter")(function*(
  { daemon }: Life,
  sign: Effect.Effect<unknown>,
  delayMillis: number
) {
  // A daemon that dies by itself must not be waited for, and fails the test by how it ended.
  yield* Effect.raceFirst(Effect.zipRight(sign, Effect.sleep(delayMillis)), daemon.ended)
  return yield* daemon.kill("SIGKILL")
})

/** Ticks of the clock that Linux counts processes' work in, a second. */
const TICKS = 100

const cpuSecondsOf = (pid: number): number | undefined => {
  if (process.platform !== "linux") return undefined
  const stat = fs.readFileSync(`/proc/${pid}/stat`, "utf8")
  // The name of the command, in brackets, may hold spaces: user and system time are the 12th and 13th after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}
