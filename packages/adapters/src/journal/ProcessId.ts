/**
 * Which process this is, beyond its number: numbers are used again after a restart, and a journal must neither be
 * taken from a living holder nor refused for the sake of a dead one.
 */
import { FileSystem } from "@effect/platform/FileSystem"
import { Effect, Option } from "effect"
import { execFile } from "node:child_process"

export interface ProcessMark {
  readonly pid: number
  /** When it started, in the system's own words; empty where the system does not tell. */
  readonly started: string
}

export const ownMark = Effect.suspend(() =>
  Effect.map(startOf(process.pid), (started): ProcessMark => ({ pid: process.pid, started }))
)

/** Whether that very process is still there. */
export const isAlive = (mark: ProcessMark): Effect.Effect<boolean, never, FileSystem> =>
  exists(mark.pid) ? Effect.map(startOf(mark.pid), (started) => started === mark.started) : Effect.succeed(false)

const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Not ours to signal, but there.
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

const startOf = (pid: number): Effect.Effect<string, never, FileSystem> => {
  if (process.platform === "win32") return Effect.succeed("")
  return process.platform === "linux" ? startFromProc(pid) : startFromPs(pid)
}

/** Field 22 of proc(5): clock ticks from boot. The name before it is in brackets and may hold anything. */
const startFromProc = (pid: number) =>
  Effect.flatMap(FileSystem, (fs) => fs.readFileString(`/proc/${pid}/stat`)).pipe(
    Effect.map((stat) => stat.slice(stat.lastIndexOf(")")).split(" ")[20] ?? ""),
    Effect.option,
    Effect.map(Option.getOrElse(() => ""))
  )

const startFromPs = (pid: number) =>
  Effect.async<string>((resume) => {
    const child = execFile("ps", ["-o", "lstart=", "-p", String(pid)], { timeout: PS_MILLIS }, (_, stdout) => {
      resume(Effect.succeed(stdout.trim()))
    })
    return Effect.sync(() => child.kill())
  })

const PS_MILLIS = 2_000
