/**
 * The engine made of core and adapters. It is loaded when a command first asks something of it, so that what needs
 * neither vault nor journal starts fast.
 */
import { Effect, Layer, Stream } from "effect"
import { Engine } from "./Engine.ts"

const unavailable = Effect.dieMessage("this build has no engine yet")

export const layer: Layer.Layer<Engine> = Layer.succeed(Engine, {
  init: () => unavailable,
  sync: () => unavailable,
  run: () => unavailable,
  status: unavailable,
  restore: () => unavailable,
  verify: () => unavailable,
  drill: () => unavailable,
  drillHistory: unavailable,
  drillVerify: () => unavailable,
  log: () => Stream.die("this build has no engine yet"),
  dump: () => Stream.die("this build has no engine yet"),
  fingerprint: unavailable
})
