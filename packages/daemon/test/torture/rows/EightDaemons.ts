/**
 * Many at once on one home: exactly one of them has the journal, and the others are told who, whatever is done to the
 * files that LevelDB's locks are on. Mostly processes that want the journal again and again, now and then the program.
 *
 * Verifies: JRNL-12
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { pick, randomOf } from "../../faults/Trials.ts"
import { type Answering, startAnswering } from "../../support/Answering.ts"
import { bundled } from "../../support/Bundled.ts"
import { initialise, type Machine, makeMachine, PASSWORD } from "../../support/Machine.ts"
import type { Running } from "../../support/Process.ts"
import { LOCK_FILES } from "../locks/Locks.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

const DAEMONS = 8
/** Every so many rounds it is the program that is started. */
const PROGRAM_EVERY = 50

/** What is done to the lock files: before all start, while all start, or while one has the journal already. */
const DEEDS = [
  "nothing",
  "deleted before",
  "deleted meanwhile",
  "touched meanwhile",
  "held and touched",
  "held and deleted",
  "holder killed",
  "holder killed, deleted meanwhile"
] as const
type Deed = (typeof DEEDS)[number]

export const eightDaemons: Row = {
  name: "eight-daemons",
  fault: "Eight daemons at once",
  how: "eight processes open one home's journal at the same moment, while the lock files are deleted, or opened and "
    + "closed, before it, meanwhile or under a holder, or a holder was killed: exactly one has it, the others are told "
    + "its pid; the program then ends with 11. Control: a lock of LevelDB alone lets a second one in",
  unit: "starts of eight",
  trials: { test: 64, release: 1_000 },
  testMillis: 240_000,
  run: (trials) => Effect.provide(contend(trials), NodeContext.layer)
}

const contend = Effect.fn("EightDaemons.run")(function*({ say, seed, trials }: Trials) {
  const random = randomOf(`eight-daemons ${seed}`)
  const machine = yield* makeMachine
  yield* initialise(machine)
  const script = yield* bundled("torture/locks/contender.ts")
  const words = [PASSWORD, machine.home]
  const contenders = yield* Effect.replicateEffect(startAnswering({ script, words }), DAEMONS)
  yield* askAll(contenders, "hello")
  const failures: Array<string> = []
  let programs = 0
  for (let round = 0; round < trials; round++) {
    const deed = DEEDS[round % DEEDS.length]!
    const isProgram = round % PROGRAM_EVERY === PROGRAM_EVERY - 1
    if (isProgram) programs++
    const found = isProgram
      ? yield* programRound(machine, round % (2 * PROGRAM_EVERY) === PROGRAM_EVERY - 1)
      : yield* contenderRound(machine, contenders, deed, random)
    failures.push(
      ...found.map((failure) => `seed ${seed}, round ${round}, ${isProgram ? "program" : deed}: ${failure}`)
    )
    if (round % 100 === 99) say(`${round + 1} rounds, ${failures.length} failures`)
  }
  const fooled = yield* control(contenders)
  if (fooled < 2) failures.push(`seed ${seed}: nothing happens to a lock of LevelDB alone: ${fooled} had it`)
  const measured = { "rounds of the program itself": programs, "holders of LevelDB's own lock at once": fooled }
  return { trials, failures, measured } satisfies Outcome
})

/** How many get in at once where there is LevelDB's own lock and nothing else, and the holder touches its file. */
const control = Effect.fn("EightDaemons.control")(function*(contenders: ReadonlyArray<Answering>) {
  const [holder, second] = contenders as [Answering, Answering]
  const [first] = yield* askAll([holder], "bare")
  yield* askAll([holder], "touch")
  const [other] = yield* askAll([second], "bare")
  yield* askAll(contenders, "close")
  return [first, other].filter((answer) => answer === "open").length
})

const askAll = (contenders: ReadonlyArray<Answering>, question: string) =>
  Effect.forEach(
    contenders,
    (contender) =>
      Effect.map(contender.ask(question), (answer) => answer._tag === "said" ? answer.text : `ended: ${answer.how}`),
    { concurrency: "unbounded" }
  )

const contenderRound = Effect.fn("EightDaemons.round")(function*(
  machine: Machine,
  contenders: ReadonlyArray<Answering>,
  deed: Deed,
  random: () => number
) {
  const found: Array<string> = []
  const wasHeld = deed.startsWith("hold") || deed.startsWith("held")
  const holder = pick(random, contenders)
  if (wasHeld) {
    const [answer] = yield* askAll([holder], "open")
    if (answer !== "open") return [`nobody has it, and yet: ${answer}`]
    if (deed === "held and touched") yield* askAll([holder], "touch")
    if (deed.startsWith("holder killed")) {
      yield* holder.kill
      yield* askAll([holder], "hello")
    }
  }
  if (deed === "deleted before" || deed === "held and deleted") deleteLocks(machine)
  const isStillHeld = deed.startsWith("held")
  const comers = isStillHeld ? contenders.filter((each) => each !== holder) : contenders
  const answers = yield* Effect.raceFirst(askAll(comers, "open"), meanwhile(machine, deed, random))
  const winners = comers.filter((_, at) => answers[at] === "open")
  const pid = isStillHeld ? holder.pid() : winners[0]?.pid()
  const others = answers.filter((answer) => answer !== "open" && answer !== `locked by ${pid}`)
  if (winners.length !== (isStillHeld ? 0 : 1)) found.push(`${winners.length} have the journal`)
  if (others.length > 0) found.push(`${pid} has it, and others were told: ${others.join(", ")}`)
  yield* askAll(contenders, "close")
  return found
})

const deleteLocks = ({ home }: Machine): void => {
  for (const file of LOCK_FILES) fs.rmSync(join(home, "journal", file), { force: true })
}

/** What goes on while they start; it never ends by itself. */
const meanwhile = (machine: Machine, deed: Deed, random: () => number): Effect.Effect<never> => {
  const path = join(machine.home, "journal")
  const again = (work: () => void) =>
    Effect.forever(Effect.zipRight(Effect.sync(work), Effect.sleep(`${Math.floor(random() * 4)} millis`)))
  if (deed.endsWith("deleted meanwhile")) return again(() => deleteLocks(machine))
  if (deed !== "touched meanwhile") return Effect.never
  return again(() => {
    for (const file of LOCK_FILES) if (fs.existsSync(join(path, file))) fs.readFileSync(join(path, file))
  })
}

/** Eight daemons as a person would start them. */
const programRound = Effect.fn("EightDaemons.program")(function*(machine: Machine, deleted: boolean) {
  if (deleted) deleteLocks(machine)
  const running: ReadonlyArray<Running> = yield* Effect.replicateEffect(machine.start(["run"]), DAEMONS)
  const ends = yield* Effect.forEach(
    running,
    (each) =>
      Effect.raceFirst(
        Effect.map(
          Effect.either(each.says(/^ready$/m)),
          (said) => said._tag === "Right" ? "ready" as const : undefined
        ),
        Effect.as(each.ended, undefined)
      ),
    { concurrency: "unbounded" }
  )
  const winners = running.filter((_, at) => ends[at] === "ready")
  const found: Array<string> = winners.length === 1 ? [] : [`${winners.length} daemons are ready`]
  for (const loser of running.filter((each) => !winners.includes(each))) {
    const { code, err } = yield* loser.ended
    if (code !== 11 || !err.includes(`pid ${winners[0]?.pid}`)) found.push(`a daemon ended with ${code}: ${err.trim()}`)
  }
  for (const winner of winners) {
    const { code } = yield* winner.kill("SIGTERM")
    if (code !== 0) found.push(`the one daemon ended with ${code}`)
  }
  return found
}, Effect.scoped)
