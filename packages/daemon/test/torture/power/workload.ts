/**
 * A life of a machine, for a record of its calls: mails come, change and go, are captured and shipped, and after each
 * step it says what is safe by now, as `status` does. It ends in the middle, as a process that is killed.
 *
 * LevelDB gets a small buffer, so that within a few hundred mails it changes logs, writes tables and compacts them.
 *
 * Where it is given a file for that, calls of it fail from the first step on. What it then cannot do it leaves for the
 * next step, as the daemon does; with the last step the errors end, and it must do all of it by itself.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { openWithBuffer } from "@sealog/adapters/journal/LevelDatabase"
import { deliver } from "@sealog/adapters/testing/MailboxGenerator"
import * as Entropy from "@sealog/core/keys/Entropy"
import { Effect, Layer, Logger, Schedule } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { deliverLarge } from "../../faults/Deliveries.ts"
import { pick, randomOf } from "../../faults/Trials.ts"
import { openPipeline, openRingAt } from "../../support/Pipeline.ts"
import { chooseOdds, openFaults } from "../calls/Faults.ts"

const [password, home, mail, vault, seed, steps, faultsFile] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
  string,
  string | undefined
]

/** LevelDB's least. */
const BUFFER_BYTES = 64 * 1024
/** The reserve is written once and says nothing: a small one is one all the same. */
const BALLAST_BYTES = 64 * 1024

const random = randomOf(`workload ${seed}`)

const main = Effect.gen(function*() {
  const ring = yield* openRingAt(home, password)
  const openDatabase = openWithBuffer(BUFFER_BYTES)
  const places = { home, mail, vault }
  const parts = yield* openPipeline({ ...places, openDatabase, ballastBytes: BALLAST_BYTES }, ring)
  const { backup, source, status, target } = parts
  const say = Effect.map(status, (report) => fs.writeSync(1, `${JSON.stringify(report)}\n`))
  yield* backup.meet(target)
  const step = Effect.gen(function*() {
    yield* backup.capture(source)
    yield* say
    if (random() < 0.6) {
      yield* backup.shipTo(target)
      yield* say
    }
  })
  const faults = faultsFile === undefined ? undefined : openFaults(faultsFile)
  for (let number = 0; number < Number(steps); number++) {
    yield* happen(number)
    if (faults === undefined) {
      yield* step
      continue
    }
    faults.arm(Math.floor(random() * 2 ** 32), chooseOdds(random))
    // What was found damaged while errors went on is looked at once more when they have ended.
    yield* Effect.ignore(step)
    faults.disarm()
  }
  if (faults === undefined) return
  // What LevelDB could not do in the background is reported by the next write; a full disk is looked at after a while.
  yield* Effect.zipRight(backup.capture(source), backup.shipTo(target)).pipe(
    Effect.retry({ times: 20, schedule: Schedule.spaced("1 second"), while: isPassing })
  )
  yield* say
})

const isPassing = ({ reason }: { readonly reason: string }): boolean => reason === "Full" || reason === "Io"

/** Something that happens to a mailbox. */
const happen = (step: number) => {
  const roll = random()
  const letter = Math.floor(random() * 1e9)
  if (roll < 0.05) return Effect.sync(() => deliverLarge(mail, letter))
  if (roll < 0.25 && step > 0) return Effect.sync(() => changeOne())
  return deliver({ root: mail, seed: letter, count: 1 + Math.floor(random() * 6) })
}

/** A mail is read, or removed. */
const changeOne = (): void => {
  const names = fs.readdirSync(join(mail, "new"))
  if (names.length === 0) return
  const name = pick(random, names)
  if (random() < 0.3) fs.rmSync(join(mail, "new", name))
  else fs.renameSync(join(mail, "new", name), join(mail, "cur", `${name}:2,S`))
}

const layer = Layer.mergeAll(NodeContext.layer, Entropy.layer, Logger.remove(Logger.defaultLogger))
void Effect.runPromise(
  Effect.scoped(Effect.zipRight(main, Effect.sync(() => process.kill(process.pid, "SIGKILL")))).pipe(
    Effect.provide(layer)
  )
)
