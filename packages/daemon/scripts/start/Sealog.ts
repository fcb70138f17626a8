/**
 * The real program, started as a person or a script would start it, and its JSON documents. Home and password come
 * through the environment, so that the command lines shown are the command lines run.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { performance } from "node:perf_hooks"
import { check, DemoError, PATIENCE_MILLIS, until } from "./Signs.ts"

/** One machine: its home and its password file, both relative to the folder of the demo. */
export interface Machine {
  readonly home: string
  readonly passwordFile: string
}

export interface Sealog {
  /** Runs a command to its end and gives its JSON, after checking its exit code. */
  readonly json: <A>(on: Machine, words: ReadonlyArray<string>, exit?: number) => Promise<Answer<A>>
  /** The same for a command that prints one document a line. */
  readonly lines: <A>(on: Machine, words: ReadonlyArray<string>) => Promise<ReadonlyArray<A>>
  /** The words a person would read. */
  readonly text: (on: Machine, words: ReadonlyArray<string>) => Promise<string>
  /** Starts the daemon and waits until it says `ready`. */
  readonly daemon: (on: Machine, words: ReadonlyArray<string>) => Promise<Daemon>
  /** Ends whatever runs still; for when something went wrong. */
  readonly endAll: () => void
}

export interface Answer<A> {
  readonly document: A
  /** From start to end of the process. */
  readonly millis: number
}

export interface Daemon {
  readonly readyMillis: number
  readonly pid: number
  /** As a power cut would: SIGKILL. */
  readonly kill: () => Promise<void>
  /** As a shutdown would: SIGTERM; gives how long it took, milliseconds. */
  readonly stop: () => Promise<number>
}

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
  readonly millis: number
}

export const makeSealog = (program: string, folder: string): Sealog => {
  const running = new Set<ChildProcess>()
  const start = (on: Machine, words: ReadonlyArray<string>): ChildProcess => {
    const child = spawn(process.execPath, [program, ...words], {
      cwd: folder,
      env: environmentOf(on),
      stdio: ["ignore", "pipe", "pipe"],
      windowsHide: true
    })
    running.add(child)
    child.once("close", () => running.delete(child))
    return child
  }
  const run = (on: Machine, words: ReadonlyArray<string>) => toEnd(start(on, words), words)
  return {
    json: async <A>(on: Machine, words: ReadonlyArray<string>, exit = 0) => {
      const ended = await run(on, [...words, "--json"])
      requireExit(ended, words, exit)
      const text = ended.out === "" ? ended.err : ended.out
      return { document: parse<A>(text, words), millis: ended.millis }
    },
    lines: async <A>(on: Machine, words: ReadonlyArray<string>) => {
      const ended = await run(on, [...words, "--json"])
      requireExit(ended, words, 0)
      return ended.out.split("\n").filter((line) => line !== "").map((line) => parse<A>(line, words))
    },
    text: async (on, words) => {
      const ended = await run(on, words)
      requireExit(ended, words, 0)
      return ended.out.trimEnd()
    },
    daemon: (on, words) => ready(start(on, [...words, "--json"]), words),
    endAll: () => running.forEach((child) => child.kill("SIGKILL"))
  }
}

/** As typed into a shell. */
export const commandLine = (words: ReadonlyArray<string>): string =>
  ["sealog", ...words].map((word) => /^[\w./:=@%+,~-]+$/u.test(word) ? word : `"${word}"`).join(" ")

/** Nothing of the person's own set-up reaches the sample machines. */
const environmentOf = ({ home, passwordFile }: Machine): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SEALOG_"))),
  SEALOG_HOME: home,
  SEALOG_PASSWORD_FILE: passwordFile
})

const toEnd = async (child: ChildProcess, words: ReadonlyArray<string>): Promise<Ended> => {
  const began = performance.now()
  const heard = listen(child)
  const tooLong = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MILLIS)
  try {
    const [code] = await once(child, "close") as [number | null]
    if (code === null) throw new DemoError(`${commandLine(words)} did not end by itself`)
    return { code, ...heard(), millis: performance.now() - began }
  } finally {
    clearTimeout(tooLong)
  }
}

const listen = (child: ChildProcess) => {
  const out: Array<Buffer> = []
  const err: Array<Buffer> = []
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk))
  child.stderr?.on("data", (chunk: Buffer) => err.push(chunk))
  return () => ({ out: Buffer.concat(out).toString("utf8"), err: Buffer.concat(err).toString("utf8") })
}

const requireExit = ({ code, err, out }: Ended, words: ReadonlyArray<string>, exit: number): void =>
  check(code === exit, `${commandLine(words)} ended with ${code} instead of ${exit}:\n${err}${out}`)

/** A document of this program names its schema first. */
const parse = <A>(text: string, words: ReadonlyArray<string>): A => {
  if (!text.startsWith("{\"schema\":\"sealog.")) throw new DemoError(`${commandLine(words)} said no JSON:\n${text}`)
  return JSON.parse(text) as A
}

const ready = async (child: ChildProcess, words: ReadonlyArray<string>): Promise<Daemon> => {
  const began = performance.now()
  const heard = listen(child)
  const closed = once(child, "close") as Promise<[number | null]>
  const { pid } = await until("the daemon to say that it is ready", () => {
    const { err, out } = heard()
    const line = out.split("\n").find((text) => text.includes("\"state\":\"ready\""))
    if (line === undefined) {
      check(child.exitCode === null, `${commandLine(words)} ended with ${child.exitCode}:\n${err}`)
    }
    return line === undefined ? undefined : parse<{ readonly pid: number }>(line, words)
  })
  return {
    pid,
    readyMillis: performance.now() - began,
    kill: async () => {
      child.kill("SIGKILL")
      await closed
    },
    stop: async () => {
      const told = performance.now()
      child.kill("SIGTERM")
      const [code] = await closed
      // Windows knows no such signal: there it ends as if killed.
      check(code === 0 || process.platform === "win32", `the daemon ended with ${code}:\n${heard().err}`)
      return performance.now() - told
    }
  }
}
