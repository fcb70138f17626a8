/** Cuts a recorded life at random moments, starts from what each leaves, and says what is not as it must be. */
import { Effect, Pool, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { pick } from "../../faults/Trials.ts"
import { startAnswering } from "../../support/Answering.ts"
import { bundled } from "../../support/Bundled.ts"
import { PASSWORD } from "../../support/Machine.ts"
import { makeCalls } from "../calls/Calls.ts"
import { encodeQuestion } from "./Aftermath.ts"
import { copyShown, nextStanding, noteSaid, type Standing, unmade } from "./Lives.ts"
import { chooseLoss } from "./Loss.ts"
import { type Call, describe } from "./Recording.ts"

/** Every so many cuts the target is compared with journal and store as a whole, else what the next pass brings there. */
const WHOLE_EVERY = 10
/** About so many calls after LevelDB began a log, a table of the one before is written. */
const LOG_CHANGE_CALLS = 60
/** Machines looked at side by side. */
const LANES = 2

interface Tools {
  /** The library that keeps the record, … */
  readonly library: string
  /** … and bundled, a life and the look at what a cut leaves. */
  readonly life: string
  readonly check: string
  readonly random: () => number
}

export const makeTools = Effect.fn("PowerCut.tools")(function*(random: () => number) {
  const tools: Tools = {
    library: yield* makeCalls,
    life: yield* bundled("torture/power/workload.ts"),
    check: yield* bundled("torture/power/aftermathOf.ts"),
    random
  }
  return tools
})

/** Cuts one life at so many moments. Gives back what one of the cuts left, for the next life. */
export const cutLife = Effect.fn("PowerCut.cutLife")(function*(
  { check, random }: Tools,
  standing: Standing,
  calls: ReadonlyArray<Call>,
  cuts: number,
  momentIn = momentOf
) {
  const moments = Array.from({ length: cuts }, () => momentIn(calls, random)).toSorted((a, b) => a - b)
  const kept = Math.floor(random() * cuts)
  const shown = copyShown(standing.shown)
  const words = [PASSWORD, standing.vault]
  const lookers = yield* Pool.make({ acquire: startAnswering({ script: check, words }), size: LANES })
  const scratch = yield* Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(`${standing.folder} cuts `)),
    (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true }))
  )
  let next = standing
  let at = 0

  const leave = (cut: number, moment: number) => {
    for (; at < moment; at++) {
      const call = calls[at]!
      standing.disk.follow(call)
      if (call.kind === "said") noteSaid(shown, call.text)
    }
    const { loss, name } = chooseLoss(random)
    const folder = join(scratch, String(cut))
    fs.mkdirSync(folder)
    const places = { home: join(folder, "home"), vault: join(folder, "vault"), mail: standing.mail }
    standing.disk.leave([[standing.home, places.home], [standing.vault, places.vault]], loss)
    if (cut === kept) next = nextStanding(standing, places, shown)
    const question = encodeQuestion(places, shown, cut % WHOLE_EVERY === 0)
    return { folder, lost: unmade(standing, places), question, where: `cut ${about(calls, moment)}, ${name}` }
  }

  const look = Effect.fn("PowerCut.look")(function*({ folder, lost, question, where }: ReturnType<typeof leave>) {
    const looker = yield* lookers.get
    const answer = yield* looker.ask(question)
    const seen = answer._tag === "said" ? (JSON.parse(answer.text) as ReadonlyArray<string>) : [answer.how]
    fs.rmSync(folder, { recursive: true })
    const found = [...lost, ...seen]
    return found.length > 0 ? [`${where}: ${found.join("; ")}`] : []
  }, Effect.scoped)

  const failures = yield* Stream.fromIterable(moments.entries()).pipe(
    Stream.map(([cut, moment]) => leave(cut, moment)),
    Stream.mapEffect(look, { concurrency: LANES }),
    Stream.runFold<ReadonlyArray<string>, ReadonlyArray<string>>([], (all, found) => [...all, ...found])
  )
  return { cuts, failures, next }
}, Effect.scoped)

/** Anywhere; or just behind an acknowledgement; or about where names change, which is seldom and matters most. */
const momentOf = (calls: ReadonlyArray<Call>, random: () => number): number => {
  const roll = random()
  const behind = (wanted: (call: Call) => boolean): number => {
    const places = calls.flatMap((call, at) => wanted(call) ? [at + 1] : [])
    return places.length === 0 ? calls.length : pick(random, places)
  }
  if (roll < 0.3) return behind(({ kind }) => kind === "said")
  if (roll < 0.5) return behind(({ kind }) => kind === "rename" || kind === "unlink" || kind === "link")
  // LevelDB goes on in a new log while what was in the old one is written to a table.
  if (roll < 0.7) {
    const begun = behind((call) => call.kind === "open" && call.create && call.path.endsWith(".log"))
    return Math.min(calls.length, begun + Math.floor(random() * LOG_CHANGE_CALLS))
  }
  return Math.floor(random() * (calls.length + 1))
}

/** Behind an acknowledgement when much had been acknowledged: something must be lost by then. */
export const latelyAcknowledged = (calls: ReadonlyArray<Call>, random: () => number): number => {
  const places = calls.flatMap(({ kind }, at) => kind === "said" ? [at + 1] : [])
  return pick(random, places.slice(places.length >> 1))
}

const about = (calls: ReadonlyArray<Call>, moment: number): string => {
  const [before, after] = [calls[moment - 1], calls[moment]]
  return `at call ${moment} of ${calls.length}, behind ${
    before === undefined ? "nothing" : describe(before)
  } and before ${after === undefined ? "the end" : describe(after)}`
}
