/**
 * Where the program speaks with a person: stdout for answers, stderr for the rest, and prompts where stdin is a
 * terminal. A service, so that every command is tested with what a person would have read.
 *
 * This is the one module that touches the process's own streams: they need to be awaited, and a prompt that does not
 * echo needs the terminal's raw mode.
 */
import { Context, Effect, Layer } from "effect"
import * as Readline from "node:readline/promises"

export interface TerminalShape {
  /** Whether a person can be asked. */
  readonly interactive: boolean
  readonly colours: boolean
  readonly showsProgress: boolean
  readonly columns: number
  /** Writes as given and waits until it is taken. A reader that has gone ends the command quietly. */
  readonly out: (text: string | Uint8Array) => Effect.Effect<void>
  readonly err: (text: string) => Effect.Effect<void>
  /** One line, not shown while it is typed; `undefined` when the person gives up. */
  readonly askSecret: (prompt: string) => Effect.Effect<string | undefined>
  readonly ask: (prompt: string) => Effect.Effect<string | undefined>
}

export class Terminal extends Context.Tag("@sealog/daemon/Terminal")<Terminal, TerminalShape>() {}

export interface TerminalOptions {
  /** What `--no-color` and NO_COLOR leave. */
  readonly color: boolean
  readonly quiet: boolean
  readonly json: boolean
}

/** The process's own streams. */
export const layer = (options: TerminalOptions) =>
  Layer.effect(
    Terminal,
    Effect.sync((): TerminalShape => {
      const { stderr, stdin, stdout } = process
      for (const stream of [stdout, stderr]) {
        // Every write reports its own failure; without a listener the same error would end the process.
        if (stream.listenerCount("error") === 0) stream.on("error", () => {})
      }
      return {
        interactive: stdin.isTTY && stderr.isTTY,
        colours: options.color && stdout.isTTY,
        showsProgress: stderr.isTTY && !options.quiet,
        columns: stderr.columns > 20 ? stderr.columns : 80,
        out: (text) => write(stdout, text),
        err: (text) => write(stderr, text),
        askSecret,
        ask: askLine
      }
    })
  )

const write = (stream: NodeJS.WriteStream, text: string | Uint8Array): Effect.Effect<void> =>
  Effect.async<boolean>((resume) => {
    stream.write(text, (error) => resume(Effect.succeed(error === undefined || error === null)))
  }).pipe(Effect.flatMap((taken) => (taken || stream === process.stderr ? Effect.void : Effect.interrupt)))

const askLine = (prompt: string): Effect.Effect<string | undefined> =>
  Effect.async<string | undefined>((resume) => {
    const lines = Readline.createInterface({ input: process.stdin, output: process.stderr })
    lines.once("SIGINT", () => {
      lines.removeAllListeners("close")
      lines.close()
      process.kill(process.pid, "SIGINT")
    })
    lines.once("close", () => resume(Effect.succeed(undefined)))
    lines.question(prompt).then((answer) => {
      resume(Effect.succeed(answer))
      lines.close()
    }, () => resume(Effect.succeed(undefined)))
    return Effect.sync(() => lines.close())
  })

const CTRL_C = "\u0003"
const CTRL_D = "\u0004"

const askSecret = (prompt: string): Effect.Effect<string | undefined> =>
  Effect.async<string | undefined>((resume) => {
    const { stderr, stdin } = process
    let typed: Array<string> = []
    let stopped = false
    const stop = () => {
      if (stopped) return
      stopped = true
      stdin.off("data", onData)
      stdin.setRawMode(false)
      stdin.pause()
      stderr.write("\n")
    }
    const finish = (answer: string | undefined) => {
      stop()
      resume(Effect.succeed(answer))
    }
    const onData = (chunk: Buffer | string) => {
      for (const letter of String(chunk)) {
        if (letter === "\r" || letter === "\n") return finish(typed.join(""))
        if (letter === CTRL_D) return finish(undefined)
        if (letter === CTRL_C) {
          // In raw mode the terminal sends no signal; nothing is answered, the signal ends the command.
          stop()
          return void process.kill(process.pid, "SIGINT")
        }
        if (letter === "\u007f" || letter === "\b") typed = typed.slice(0, -1)
        else typed.push(letter)
      }
    }
    // The echo is off before anybody is asked: whoever answers at once would see the password on the screen.
    stdin.setRawMode(true)
    stdin.setEncoding("utf8")
    stdin.on("data", onData)
    stdin.resume()
    stderr.write(prompt)
    return Effect.sync(stop)
  })
