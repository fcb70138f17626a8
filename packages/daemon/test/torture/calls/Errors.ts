/**
 * The daemon, whose calls fail now and then: while it captures and ships, and while it starts. It may say that it
 * cannot go on, in its own words; it is then started again, as a service manager does. When the errors have ended it
 * must bring everything up to date.
 */
import { deliver } from "@sealog/adapters/testing/MailboxGenerator"
import { Effect, Either, Exit, Option, Schedule, Scope } from "effect"
import { join } from "node:path"
import { examine, missingAtTarget, noteStatus } from "../../faults/Checker.ts"
import { deliverLarge } from "../../faults/Deliveries.ts"
import { type Life, live } from "../../faults/Lives.ts"
import type { Ended } from "../../support/Process.ts"
import { begin, checkWhole } from "../kill/Killing.ts"
import { callsEnvironment } from "./Calls.ts"
import { chooseOdds, openFaults } from "./Faults.ts"

const MAILS = 20
/** How long a sync may take while calls fail; then they no longer do. */
const SYNC_UNDER_ERRORS = "3 seconds"
/** How long the daemon may take to bring everything up to date afterwards. */
const RECOVERY = "90 seconds"

/** One machine over so many rounds of errors. */
export const errorsOf = Effect.fn("Errors.machine")(function*(name: string, library: string, rounds: number) {
  const killed = yield* begin(name, MAILS)
  const { machine, random, ring, shown } = killed
  const faults = yield* Effect.acquireRelease(
    Effect.sync(() => openFaults(join(machine.folder, "faults"))),
    (opened) => Effect.sync(opened.close)
  )
  const environment = callsEnvironment({
    library,
    folders: [machine.home, machine.vault],
    faults: join(machine.folder, "faults")
  })
  const failures: Array<string> = []
  let messages = MAILS
  let restarts = 0
  let scope = yield* Scope.make()
  let life: Life | undefined
  /** What it said to the last sync of this round. */
  let last = "nothing"
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))

  const ended = (how: Ended) => {
    life = undefined
    restarts++
    if (!isNamed(how)) {
      failures.push(`the daemon ended with ${how.signal ?? how.code}: ${how.err.trim().slice(0, WORDS)}`)
    }
  }

  const start = Effect.gen(function*() {
    yield* Scope.close(scope, Exit.void)
    scope = yield* Scope.make()
    const begun = yield* Effect.either(live(machine, shown, { lines: true, environment }).pipe(Scope.extend(scope)))
    if (Either.isRight(begun)) life = begun.right
    else if (begun.left._tag === "EndedEarly") ended(begun.left.ended)
  })

  const settle = Effect.gen(function*() {
    if (life === undefined) yield* start
    if (life === undefined) return false
    const { daemon, socket } = life
    const asked = Effect.all([socket.ask("sync", { shipDelaySeconds: 0 }), socket.ask("status")])
    // One that has gone away answers nothing any more: what counts is how it ended.
    const answered = Effect.flatMap(
      Effect.either(asked),
      (answer) =>
        Either.isLeft(answer) && answer.left.message === "the daemon went away" ? Effect.never : Effect.succeed(answer)
    )
    const heard = yield* Effect.raceFirst(answered, daemon.ended)
    if ("code" in heard) {
      ended(heard)
      return false
    }
    last = JSON.stringify(Either.merge(heard))
    if (Either.isLeft(heard) || !isCurrent(heard.right[0])) return false
    noteStatus(shown, heard.right[1])
    return true
  })

  for (let round = 0; round < rounds; round++) {
    faults.arm(Math.floor(random() * 2 ** 32), chooseOdds(random))
    if (life === undefined) yield* start
    const seed = Math.floor(random() * 1e9)
    yield* Effect.orDie(deliver({ root: machine.mail, seed, count: 2 }))
    if (random() < 0.2) {
      deliverLarge(machine.mail, seed)
      messages++
    }
    messages += 2
    if (life !== undefined) {
      const sync = Effect.ignore(life.socket.ask("sync", { shipDelaySeconds: 0 }))
      yield* Effect.raceFirst(Effect.timeoutOption(sync, SYNC_UNDER_ERRORS), life.daemon.ended)
    }
    faults.disarm()
    last = "nothing"
    const settled = yield* settle.pipe(
      Effect.repeat({ until: (yes) => yes, schedule: Schedule.spaced("50 millis") }),
      Effect.timeoutOption(RECOVERY)
    )
    if (Option.isNone(settled)) {
      failures.push(`after round ${round} it did not come up to date by itself, and said last: ${last.slice(0, WORDS)}`)
      break
    }
    failures.push(...missingAtTarget(shown, yield* examine(machine, ring)))
  }
  const failed = faults.failed()
  yield* Scope.close(scope, Exit.void)
  const checked = yield* Effect.exit(checkWhole(killed, messages))
  if (Exit.isFailure(checked)) failures.push(String(checked.cause))
  failures.push(...shown.contradictions)
  return { failures, failed, restarts, rounds }
}, Effect.scoped)

/** It said in its own words what it could not do. */
const isNamed = ({ code, err, signal }: Ended): boolean =>
  signal === null && code !== null && code > 0 && /^sealog: /m.test(err) && !/sealog itself failed/.test(err)

const isCurrent = (report: Record<string, unknown>): boolean => {
  const { sources, targets } = report as {
    readonly sources: ReadonlyArray<{ readonly error?: unknown }>
    readonly targets: ReadonlyArray<{ readonly state: string }>
  }
  return sources.every(({ error }) => error === undefined) && targets.every(({ state }) => state === "current")
}

/** Characters of what was said that stand in a failure. */
const WORDS = 700
