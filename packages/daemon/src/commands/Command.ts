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
import { Platform, type PlatformShape } from "../Platform.ts"
import type { Progress } from "../Progress.ts"
import type { Role } from "../Registry.ts"
import type { Secrets } from "../Secret.ts"
import { parseAll, parseOne, type Spec } from "../Spec.ts"
import { accessFrom } from "../TargetAccess.ts"
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
  const platform = yield* Platform
  const parsed = yield* parseAll(role, texts, platform)
  return parsed.map((each) => entered(role, each, platform))
})

export const spec = Effect.fn("Command.spec")(function*(role: Role, text: string) {
  const platform = yield* Platform
  return entered(role, yield* parseOne(role, text, platform), platform)
})

/** What this environment says of how a place is entered: a daemon that is asked, and the next start, have another. */
const entered = (role: Role, place: Spec, platform: PlatformShape): Spec => {
  if (role === "source") return place
  const access = accessFrom(place.name, platform)
  return Object.keys(access).length === 0 ? place : { ...place, access }
}

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
