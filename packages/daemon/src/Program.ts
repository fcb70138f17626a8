/**
 * The program after its arguments are understood: the layers it runs on, what becomes of a failure, and how it ends
 * when it is told to.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Cause, Effect, Exit, Fiber, Layer, Logger, LogLevel } from "effect"
import type { GlobalFlags, Invocation } from "./Arguments.ts"
import { dispatch } from "./commands/Dispatch.ts"
import { Exit as ExitCode } from "./Exit.ts"
import { failureOfCause, type KnownError } from "./Failure.ts"
import * as Home from "./Home.ts"
import * as LazyEngine from "./LazyEngine.ts"
import * as Platform from "./Platform.ts"
import { trouble } from "./present/Trouble.ts"
import * as Progress from "./Progress.ts"
import * as Secret from "./Secret.ts"
import * as Terminal from "./Terminal.ts"

/** Runs a command to its end. */
export const start = async (invocation: Invocation): Promise<number> => {
  const { flags } = invocation
  // Node ends a program whose event loop runs empty, with exit code 13 where something is still awaited: while a
  // signal is on its way, for instance. Ours ends when its command has.
  const alive = setInterval(() => {}, HOUR_MILLIS)
  // Spans cost time with each step, and nobody reads them but with --verbose.
  const program = Effect.withTracerEnabled(Effect.provide(dispatch(invocation), layers(flags)), flags.verbose)
  const fiber = Effect.runFork(program)
  const told = listen(fiber, invocation.arguments.command === "run")
  const exit = await Effect.runPromise(Fiber.await(fiber))
  clearInterval(alive)
  return Exit.isSuccess(exit) ? exit.value : conclude(exit.cause, flags, told())
}

const HOUR_MILLIS = 3_600_000
/** How long a command may take to end once it is told to, milliseconds; then it ends as if killed, and loses nothing. */
const GRACE_MILLIS = 1_800

interface Told {
  readonly signal: "SIGINT" | "SIGTERM" | undefined
  readonly isDaemon: boolean
}

/** The first signal ends the work in order; a second one, or too long a wait, ends it at once. */
const listen = (fiber: Fiber.RuntimeFiber<unknown, unknown>, isDaemon: boolean): () => Told => {
  let signal: "SIGINT" | "SIGTERM" | undefined
  const onSignal = (name: "SIGINT" | "SIGTERM") => {
    const atOnce = () => process.exit(codeOf(name))
    if (signal !== undefined) return atOnce()
    signal = name
    setTimeout(atOnce, GRACE_MILLIS).unref()
    Effect.runFork(Fiber.interruptFork(fiber))
  }
  process.on("SIGINT", onSignal)
  process.on("SIGTERM", onSignal)
  return () => ({ signal, isDaemon })
}

const codeOf = (signal: "SIGINT" | "SIGTERM"): number =>
  signal === "SIGINT" ? ExitCode.interrupted : ExitCode.terminated

const conclude = (cause: Cause.Cause<KnownError>, flags: GlobalFlags, { isDaemon, signal }: Told): number => {
  // A daemon that was told to stop and did has done its work; a reader that has gone needs no more lines.
  if (signal !== undefined && Cause.isInterrupted(cause)) return isDaemon ? ExitCode.done : codeOf(signal)
  if (Cause.isInterruptedOnly(cause)) return ExitCode.done
  const failure = failureOfCause(cause)
  process.stderr.write(trouble(failure, { json: flags.json, colours: flags.color && process.stderr.isTTY }))
  if (flags.verbose) process.stderr.write(`${Cause.pretty(cause, { renderErrorCause: true })}\n`)
  return failure.exit
}

const layers = (flags: GlobalFlags) => {
  const engine = LazyEngine.layer(
    Effect.map(Effect.promise(() => import("./EngineLayer.ts")), (module) => module.layer)
  )
  return engine.pipe(
    Layer.provideMerge(Layer.mergeAll(Secret.layer(flags), Home.layer(flags.home), Progress.layer)),
    Layer.provideMerge(Layer.mergeAll(Terminal.layer(flags), Platform.layer, NodeContext.layer, Entropy.layer)),
    Layer.provideMerge(logging(flags))
  )
}

/** Stdout belongs to the answers, so the log goes to stderr: warnings, with `--verbose` everything. */
const logging = (flags: GlobalFlags) => {
  const level = flags.verbose ? LogLevel.Debug : flags.quiet ? LogLevel.Error : LogLevel.Warning
  const logger = Logger.make(({ date, logLevel, message }) => {
    const text = (Array.isArray(message) ? message : [message]).map(String).join(" ")
    process.stderr.write(`${date.toISOString()} ${logLevel.label.toLowerCase()} ${text}\n`)
  })
  return Layer.merge(Logger.replace(Logger.defaultLogger, logger), Logger.minimumLogLevel(level))
}
