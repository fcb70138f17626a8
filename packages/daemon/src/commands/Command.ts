/**
 * What the commands share: the services they may use, the daemon they ask first, the configuration they resolve
 * SPECs against.
 */
import type { FileSystem, Path } from "@effect/platform"
import type { CommandExecutor } from "@effect/platform/CommandExecutor"
import type { Entropy } from "@sealog/core/keys/Entropy"
import { Effect, Option } from "effect"
import { type Client, connect } from "../control/Client.ts"
import type { Engine } from "../Engine.ts"
import type { KnownError } from "../Failure.ts"
import type { Home } from "../Home.ts"
import { Platform } from "../Platform.ts"
import type { Progress } from "../Progress.ts"
import type { Role } from "../Registry.ts"
import type { Secrets } from "../Secret.ts"
import { parseAll, parseOne } from "../Spec.ts"
import type { Terminal } from "../Terminal.ts"

export type CommandServices =
  | CommandExecutor
  | Engine
  | Entropy
  | FileSystem.FileSystem
  | Home
  | Path.Path
  | Platform
  | Progress
  | Secrets
  | Terminal

/** A command at work: it ends with its exit code. */
export type Running = Effect.Effect<number, KnownError, CommandServices>

export const specs = Effect.fn("Command.specs")(function*(role: Role, texts: ReadonlyArray<string>) {
  return yield* parseAll(role, texts, yield* Platform)
})

export const spec = Effect.fn("Command.spec")(function*(role: Role, text: string) {
  return yield* parseOne(role, text, yield* Platform)
})

/** Asks the daemon of this home where one runs; else does it here. */
export const askOr = Effect.fn("Command.askOr")(function*<A, E, R, E2, R2>(
  ask: (daemon: Client) => Effect.Effect<A, E, R>,
  here: Effect.Effect<A, E2, R2>
) {
  const daemon = yield* connect()
  return yield* Option.match(daemon, {
    onNone: (): Effect.Effect<A, E | E2, R | R2> => here,
    onSome: (client) => ask(client)
  })
}, Effect.scoped)

/** Leaves out what was not given. */
export const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
