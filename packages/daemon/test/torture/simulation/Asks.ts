/** Whoever types a command while the daemon runs: what is asked is answered, or fails in words, and never just hangs. */
import type { KnownError } from "@sealog/daemon/Failure"
import { failureOfCause } from "@sealog/daemon/Failure"
import type * as Reports from "@sealog/daemon/Reports"
import { Cause, type Effect, Exit, type Fiber } from "effect"
import { pick } from "../../faults/Trials.ts"
import type { Laws } from "./Laws.ts"
import { type Life, resultOf, type World } from "./Life.ts"
import type { Machine } from "./Machine.ts"
import { count } from "./Target.ts"
import { Killed } from "./Timeline.ts"

interface Asked {
  readonly what: string
  readonly life: Life
  readonly at: number
  readonly fiber: Fiber.RuntimeFiber<unknown, KnownError>
}

/** Nobody waits longer for an answer. */
const ANSWER_MILLIS = 15 * 60_000

export class Asks {
  private asked: Array<Asked> = []
  private readonly world: World
  private readonly laws: Laws

  constructor(world: World, laws: Laws) {
    this.world = world
    this.laws = laws
  }

  /** Something is asked of a daemon that runs. */
  ask(machine: Machine): string {
    const handlers = machine.life?.running?.handlers
    if (machine.life === undefined || handlers === undefined) return "nobody is there"
    const target = pick(this.world.random, this.world.targets).name
    const what = pick(this.world.random, ["status", "sync", "drill", "full drill", "fingerprint"] as const)
    const work: Effect.Effect<unknown, KnownError> = {
      status: handlers.status({}),
      sync: handlers.sync({ shipDelaySeconds: 0 }),
      drill: handlers.drill({ mode: "incremental", target }),
      "full drill": handlers.drill({ mode: "full", target }),
      fingerprint: handlers.fingerprint({})
    }[what]
    count(this.world.counts, `asked ${what}`)
    const fiber = machine.life.fork(work)
    this.asked.push({ what, life: machine.life, at: this.world.timeline.now, fiber })
    return what
  }

  /** Whether everybody was answered. */
  look(): void {
    this.asked = this.asked.filter(({ at, fiber, life, what }) => {
      const result = resultOf(fiber)
      if (result !== undefined) {
        if (Exit.isFailure(result)) this.judge(`the question ${what}`, result.cause)
        return false
      }
      if (life.dead || life.ended !== undefined) return false
      if (this.world.timeline.now - at < ANSWER_MILLIS) return true
      this.laws.breaks("nobody waits", `${what} was asked ${ANSWER_MILLIS / 60_000} minutes ago and is not answered`)
      return false
    })
  }

  /** A daemon that ended by itself says why, and has a reason. */
  ended(machine: Machine, exit: Exit.Exit<unknown, KnownError>): void {
    if (Exit.isSuccess(exit)) return this.laws.breaks("never silently dead", `${machine.name}'s daemon just ended`)
    this.judge(`${machine.name}'s daemon`, exit.cause)
    const failure = Cause.failureOption(exit.cause)
    if (failure._tag === "None") return
    count(this.world.counts, `ended ${failure.value._tag}`)
    if (failure.value._tag !== "JournalError") {
      this.laws.breaks(
        "never silently dead",
        `${machine.name}'s daemon ended for ${failureOfCause(exit.cause).message}`
      )
    }
  }

  /** What nobody foresaw is a bug, whatever it was about. */
  private judge(what: string, cause: Cause.Cause<KnownError>): void {
    for (const defect of Cause.defects(cause)) {
      if (defect instanceof Killed) continue
      const said = defect instanceof Error ? defect.stack ?? defect.message : String(defect)
      this.laws.breaks("never silently dead", `${what} met a bug: ${said}`)
    }
  }
}

/** Asks for the status and waits for it. */
export const statusOf = (machine: Machine, pass: (millis: number) => void): Reports.StatusReport | undefined => {
  const { life } = machine
  if (life?.running === undefined) return undefined
  const fiber = life.fork(life.running.handlers.status({}))
  pass(1_000)
  const exit = resultOf(fiber)
  return exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined
}
