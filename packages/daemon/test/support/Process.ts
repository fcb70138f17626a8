/**
 * The built program as a process of its own: started as a person starts it, listened to until it gives a sign, told
 * to end or killed. It never outlives the scope it was started in.
 */
import { Data, Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { performance } from "node:perf_hooks"
import { fileURLToPath } from "node:url"

export const program = fileURLToPath(new URL("../../bin/sealog.js", import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
  readonly seconds: number
}

export interface Running {
  readonly pid: number
  /** Waits until stdout is as wanted; gives the seconds that took since the start. */
  readonly says: (wanted: RegExp | ((out: string) => boolean)) => Effect.Effect<number, EndedEarly>
  readonly ended: Effect.Effect<Ended>
  /** Sends the signal and waits for the end. */
  readonly kill: (signal: NodeJS.Signals) => Effect.Effect<Ended>
}

export interface ProcessOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly folder?: string
  /** A command that runs the program: `setpriv --reuid=1`. */
  readonly through?: ReadonlyArray<string>
  /** Another script of Node's than the program. */
  readonly script?: string
  /** The words are for `through`, which runs the program itself. */
  readonly bare?: boolean
}

/** It ended before it gave the sign that was waited for. */
export class EndedEarly extends Data.TaggedError("EndedEarly")<{ readonly ended: Ended }> {
  override get message() {
    const { code, err, out, signal } = this.ended
    return `it ended with ${code ?? signal} before it was expected to:\n${out}${err}`
  }
}

/** Starts the program; its stdin is empty and no terminal. */
export const start = (
  words: ReadonlyArray<string>,
  options: ProcessOptions = {}
): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => launch(words, options)),
    (running) => running.kill("SIGKILL")
  )

/** Runs the program to its end. */
export const run = (words: ReadonlyArray<string>, options: ProcessOptions = {}): Effect.Effect<Ended> =>
  Effect.scoped(Effect.flatMap(start(words, options), ({ ended }) => ended))

const { SEALOG_HOME: _home, SEALOG_PASSWORD_FILE: _file, SEALOG_PASSWORD_COMMAND: _command, ...inherited } = process.env

const launch = (words: ReadonlyArray<string>, options: ProcessOptions): Running => {
  const called = options.bare === true ? words : [process.execPath, options.script ?? program, ...words]
  const [command, ...rest] = [...(options.through ?? []), ...called]
  const began = performance.now()
  const child = spawn(command!, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: options.folder,
    env: { ...inherited, HOME: "/nowhere/at/all", XDG_DATA_HOME: "", NO_COLOR: "1", ...options.environment }
  })
  const heard = { out: "", err: "" }
  const listeners = new Set<() => void>()
  let result: Ended | undefined
  const hear = (stream: "out" | "err") => (chunk: string) => {
    heard[stream] += chunk
    for (const listener of listeners) listener()
  }
  child.stdout.setEncoding("utf8").on("data", hear("out"))
  child.stderr.setEncoding("utf8").on("data", hear("err"))
  const since = () => (performance.now() - began) / 1_000
  child.on("error", (error) => hear("err")(String(error)))
  child.on("close", (code, signal) => {
    result = { code, signal, ...heard, seconds: since() }
    for (const listener of listeners) listener()
  })

  /** What `look` sees, as soon as it sees anything. */
  const seen = <A>(look: () => A | undefined): Effect.Effect<A> =>
    Effect.async((resume) => {
      const listener = () => {
        const found = look()
        if (found === undefined) return
        listeners.delete(listener)
        resume(Effect.succeed(found))
      }
      listeners.add(listener)
      listener()
      return Effect.sync(() => listeners.delete(listener))
    })

  const ended = seen(() => result)
  return {
    pid: child.pid ?? -1,
    says: (wanted) =>
      Effect.filterOrFail(
        seen(() => (wanted instanceof RegExp ? wanted.test(heard.out) : wanted(heard.out)) ? since() : result),
        (found) => typeof found === "number",
        (found) => new EndedEarly({ ended: found })
      ),
    ended,
    kill: (signal) => Effect.zipRight(Effect.sync(() => child.kill(signal)), ended)
  }
}
