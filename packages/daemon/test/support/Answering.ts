/**
 * Processes that answer lines with lines, for work that is done many times over, or that may end the process it is
 * done in: who asks is told how it ended, and the next question is put to a new one.
 */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { createInterface } from "node:readline"

export interface Answering {
  /** Of the process, once it was asked something. */
  readonly pid: () => number | undefined
  /** Ends the process as it is; the next question is put to a new one. */
  readonly kill: Effect.Effect<void>
  /** The answer; or, where the process ended first, how. */
  readonly ask: (question: string) => Effect.Effect<Answer>
}

export type Answer =
  | { readonly _tag: "said"; readonly text: string }
  | { readonly _tag: "ended"; readonly how: string }

export interface AnsweringOptions {
  /** A bundled script. */
  readonly script: string
  readonly words: ReadonlyArray<string>
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts a process when it is first asked; at most one question at a time. It ends with the scope. */
export const startAnswering = (options: AnsweringOptions): Effect.Effect<Answering, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(Effect.sync(() => makeAnswering(options)), ({ end }) => Effect.sync(end)),
    ({ ask, kill, pid }) => ({ ask, kill, pid })
  )

const makeAnswering = ({ environment, script, words }: AnsweringOptions) => {
  let child: ChildProcess | undefined
  let err = ""
  let hear: (answer: Answer) => void = () => {}

  const launch = (): ChildProcess => {
    err = ""
    const started = spawn(process.execPath, [script, ...words], {
      stdio: ["pipe", "pipe", "pipe"],
      env: { ...process.env, ...environment }
    })
    started.stderr!.setEncoding("utf8").on("data", (text) => (err += String(text)))
    createInterface({ input: started.stdout! }).on("line", (text) => hear({ _tag: "said", text }))
    // What is written to one that has just died is lost, as it is.
    started.stdin!.on("error", () => {})
    started.on("close", (code, signal) => {
      if (child !== started) return
      child = undefined
      hear({ _tag: "ended", how: `${signal ?? code} ${err.trim()}` })
    })
    return started
  }

  const ask = (question: string) =>
    Effect.async<Answer>((resume) => {
      hear = (answer) => resume(Effect.succeed(answer))
      child ??= launch()
      child.stdin!.write(`${question}\n`)
    })

  const end = () => {
    const ending = child
    child = undefined
    ending?.kill("SIGKILL")
  }
  const kill = Effect.async<void>((resume) => {
    const ending = child
    if (ending === undefined) return resume(Effect.void)
    ending.once("close", () => resume(Effect.void))
    ending.kill("SIGKILL")
  })
  return { ask, end, kill, pid: () => child?.pid }
}
