/**
 * A process that wants the journal of a home whenever it is told to, and answers what came of it: `open` opens the
 * journal, or is told why not; `touch` opens and closes the lock files of LevelDB, which drops the locks that this
 * process has on them; `close` gives the journal back. `bare` takes nothing but LevelDB's own lock, of a database
 * beside the journal: the control, which must let a second one in.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { openLevelJournal } from "@sealog/adapters/journal/Level"
import * as Entropy from "@sealog/core/keys/Entropy"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { ClassicLevel } from "classic-level"
import { Effect, Exit, Layer, Scope } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { createInterface } from "node:readline"
import { openRingAt } from "../../support/Pipeline.ts"
import { BARE, LOCK_FILES } from "./Locks.ts"

const [password, home] = process.argv.slice(2) as [string, string]

const services = Layer.mergeAll(NodeContext.layer, Entropy.layer)
const ring = await Effect.runPromise(Effect.provide(openRingAt(home, password), services))
const layer = Layer.merge(services, Layer.succeed(KeyRing, ring))

let scope: Scope.CloseableScope | undefined

const open = async (): Promise<string> => {
  const mine = await Effect.runPromise(Scope.make())
  const opened = await Effect.runPromise(
    openLevelJournal({ path: `${home}/journal`, ballastBytes: 0 }).pipe(
      Scope.extend(mine),
      Effect.provide(layer),
      Effect.either
    )
  )
  if (opened._tag === "Right") {
    scope = mine
    return "open"
  }
  await Effect.runPromise(Scope.close(mine, Exit.void))
  const { pid, reason } = opened.left
  return reason === "Locked" ? `locked by ${pid}` : opened.left.message
}

let bare: ClassicLevel | undefined

const openBare = async (): Promise<string> => {
  const level = new ClassicLevel(`${home}/${BARE}`)
  try {
    await level.open()
  } catch (error) {
    return String(error)
  }
  bare = level
  return "open"
}

const close = async (): Promise<string> => {
  if (scope !== undefined) await Effect.runPromise(Scope.close(scope, Exit.void))
  scope = undefined
  await bare?.close()
  bare = undefined
  return "closed"
}

const touch = (): string => {
  for (const file of [...LOCK_FILES.map((name) => `journal/${name}`), `${BARE}/LOCK`]) {
    if (existsSync(`${home}/${file}`)) readFileSync(`${home}/${file}`)
  }
  return "touched"
}

const deeds: Record<string, () => string | Promise<string>> = {
  open,
  bare: openBare,
  touch,
  close,
  hello: () => "hello"
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${await deeds[line]!()}\n`)
}
