/**
 * The facts about the machine that the program decides by: which system, whose home, which environment. They stand
 * in one service so that the rules for every system are tested on any.
 */
import { Context, Effect, Layer } from "effect"
import * as NodeOs from "node:os"

export type System = "linux" | "macos" | "windows" | "other"

export interface PlatformShape {
  readonly system: System
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The user's own folder. */
  readonly userDir: string
  readonly temporaryDir: string
  readonly currentDir: string
  readonly pid: number
  /** Absent where the system has no such thing. */
  readonly uid?: number
  /** Node, and the script it runs: what a service starts. */
  readonly program: ReadonlyArray<string>
}

export class Platform extends Context.Tag("@sealog/daemon/Platform")<Platform, PlatformShape>() {}

const systems: Partial<Record<NodeJS.Platform, System>> = { linux: "linux", darwin: "macos", win32: "windows" }

/** This machine, as this process sees it. */
export const layer = Layer.effect(
  Platform,
  Effect.sync((): PlatformShape => ({
    system: systems[process.platform] ?? "other",
    environment: process.env,
    userDir: NodeOs.homedir(),
    temporaryDir: NodeOs.tmpdir(),
    currentDir: process.cwd(),
    pid: process.pid,
    ...(process.getuid === undefined ? {} : { uid: process.getuid() }),
    program: [process.execPath, process.argv[1] ?? "sealog"]
  }))
)

/** A variable of the environment; an empty one counts as not set. */
export const variable = (platform: PlatformShape, name: string): string | undefined => {
  const value = platform.environment[name]
  return value === undefined || value === "" ? undefined : value
}
