/**
 * The whole command line in this process, with a fake engine, a terminal that remembers, and a machine of our choice:
 * what a person would have typed goes in, what they would have read comes out.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as Entropy from "@sealog/core/keys/Entropy"
import type { Arguments } from "@sealog/daemon/Arguments"
import { parse } from "@sealog/daemon/Cli"
import { dispatch } from "@sealog/daemon/commands/Dispatch"
import { Engine } from "@sealog/daemon/Engine"
import { failureOfCause } from "@sealog/daemon/Failure"
import * as Home from "@sealog/daemon/Home"
import { Platform, type PlatformShape } from "@sealog/daemon/Platform"
import { trouble } from "@sealog/daemon/present/Trouble"
import * as Progress from "@sealog/daemon/Progress"
import * as Secret from "@sealog/daemon/Secret"
import { Terminal, type TerminalShape } from "@sealog/daemon/Terminal"
import { type Context, Effect, Exit, Layer, Stream } from "effect"
import * as Samples from "./Samples.ts"

export type EngineShape = Context.Tag.Service<Engine>

export interface Machine {
  readonly platform: PlatformShape
  readonly terminal: TerminalShape
  /** All that was written so far. */
  readonly out: () => string
  readonly err: () => string
}

export const linux: PlatformShape = {
  system: "linux",
  environment: {},
  userDir: "/home/ada",
  temporaryDir: "/tmp",
  currentDir: "/home/ada/here",
  pid: 4_711,
  uid: process.getuid?.() ?? 0,
  program: ["/usr/bin/node", "/opt/sealog/bin/sealog.js"]
}

/** A machine whose person answers the prompts in order, or that has no terminal where there are no answers. */
export const makeMachine = (options: {
  readonly platform?: Partial<PlatformShape>
  readonly answers?: (prompt: string, screen: string) => string | undefined
} = {}): Machine => {
  let out = ""
  let err = ""
  const ask = (prompt: string) => Effect.sync(() => options.answers?.(prompt, err))
  return {
    platform: { ...linux, ...options.platform },
    terminal: {
      interactive: options.answers !== undefined,
      colours: false,
      showsProgress: false,
      columns: 80,
      out: (text) =>
        Effect.sync(() => {
          out += typeof text === "string" ? text : Buffer.from(text).toString("utf8")
        }),
      err: (text) =>
        Effect.sync(() => {
          err += text
        }),
      ask,
      askSecret: ask
    },
    out: () => out,
    err: () => err
  }
}

/** An engine that gives the samples; a test overrides what it is about. */
export const fakeEngine = (overrides: Partial<EngineShape> = {}): EngineShape => ({
  init: () => Effect.succeed(Samples.init),
  sync: () => Effect.succeed(Samples.sync),
  run: () =>
    Effect.succeed({
      handlers: {
        status: () => Effect.succeed(Samples.status),
        sync: () => Effect.succeed(Samples.sync),
        log: () => Stream.range(0, 2).pipe(Stream.map(Samples.logLine)),
        drill: () => Effect.succeed(Samples.drill),
        fingerprint: () => Effect.succeed(Samples.fingerprint),
        targetAdd: () => Effect.succeed(Samples.targetAdd),
        targetRemove: () => Effect.succeed(Samples.targetRemove)
      },
      failed: Effect.never
    }),
  status: Effect.succeed(Samples.status),
  restore: () => Effect.succeed(Samples.restore),
  verify: () => Effect.succeed(Samples.verify),
  drill: () => Effect.succeed(Samples.drill),
  drillHistory: Effect.succeed(Samples.drillHistory),
  drillVerify: () => Effect.succeed(Samples.drillVerify),
  log: () => Stream.range(0, 2).pipe(Stream.map(Samples.logLine)),
  dump: () => Stream.make(Buffer.from("{\"id\":\"1\"}\n"), Buffer.from("{\"id\":\"2\"}\n")),
  fingerprint: Effect.succeed(Samples.fingerprint),
  targetAdd: () => Effect.succeed(Samples.targetAdd),
  targetRemove: () => Effect.succeed(Samples.targetRemove),
  targetCheck: () => Effect.succeed(Samples.targetCheck),
  ...overrides
})

export interface Outcome {
  readonly exit: number
  readonly out: string
  readonly err: string
}

/** Types the words and waits for the prompt to come back. */
export const sealog = Effect.fn("sealog")(function*(
  words: ReadonlyArray<string>,
  options: { readonly engine?: Partial<EngineShape>; readonly machine?: Machine } = {}
) {
  const machine = options.machine ?? makeMachine()
  const parsed = parse(words)
  if (parsed._tag === "text") return { exit: 0, out: parsed.text, err: "" } satisfies Outcome
  if (parsed._tag === "usage") {
    const { error, json } = parsed
    const failure = { exit: 2, reason: "Usage", message: error.message, hint: error.hint }
    return { exit: 2, out: "", err: trouble(failure, { json, colours: false }) } satisfies Outcome
  }
  const { flags } = parsed.invocation
  const base = Layer.mergeAll(
    NodeContext.layer,
    Entropy.layerSeeded("harness"),
    Layer.succeed(Platform, machine.platform),
    Layer.succeed(Terminal, machine.terminal)
  )
  const layers = Layer.mergeAll(
    Layer.succeed(Engine, fakeEngine(options.engine)),
    Secret.layer(flags),
    Home.layer(flags.home),
    Progress.layerNone
  ).pipe(Layer.provideMerge(base))
  const exit = yield* Effect.exit(Effect.provide(dispatch(parsed.invocation), layers))
  if (Exit.isSuccess(exit)) return { exit: exit.value, out: machine.out(), err: machine.err() } satisfies Outcome
  const failure = failureOfCause(exit.cause)
  const said = trouble(failure, { json: flags.json, colours: false })
  return { exit: failure.exit, out: machine.out(), err: machine.err() + said } satisfies Outcome
})

/** What a command line is understood as; a usage error throws. */
export const understood = (...words: ReadonlyArray<string>): Arguments => {
  const parsed = parse(words)
  if (parsed._tag !== "invocation") throw new Error(parsed._tag === "usage" ? parsed.error.message : parsed.text)
  return parsed.invocation.arguments
}
