/**
 * A disk that rots below the journal. LevelDB alone gives wrong bytes back for most flipped bits, and ends the process
 * for some; here each must be noticed, named, and healed to the same log.
 */
import { condemnJournal } from "@sealog/adapters/journal/Level"
import { openClassicLevel } from "@sealog/adapters/journal/LevelDatabase"
import type { JournalError } from "@sealog/core/backup/Journal"
import { Effect, Logger, LogLevel, Stream } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { pick, randomOf } from "../../faults/Trials.ts"
import { damage } from "../journal/Damages.ts"
import {
  contentsOf,
  databaseOf,
  freshFolder,
  hex,
  journalOf,
  openRig,
  rememberedBy,
  type Rig,
  services
} from "../journal/Rig.ts"
import { makeWorked, type Said, takeCopy } from "../journal/Worked.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

export const bitRot: Row = {
  name: "bit-rot",
  fault: "A bit of the journal flipped, a page zeroed, a file cut, overwritten or swapped",
  how:
    "in log, tables, MANIFEST and CURRENT of a journal of 300 events: noticed when it is opened or by the scrub, the "
    + "file or the events named, and healed from the target to the same events, root and writer, the damaged one kept; or "
    + "else harmless: the same to the byte",
  unit: "journals",
  trials: { test: 24, release: 10_000 },
  testMillis: 180_000,
  run: (trials) => runBitRot(trials)
}

const runBitRot = Effect.fn("BitRot.run")(
  function*({ say, seed, trials }: Trials) {
    const worked = yield* makeWorked(PATIENT)
    const top = join(yield* freshFolder, "copy")
    const failures: Array<string> = []
    const counts = { opening: 0, scrub: 0, harmless: 0 }
    for (let trial = 0; trial < trials; trial++) {
      const rig = takeCopy(worked, top)
      const random = randomOf(`bit-rot ${seed} ${trial}`)
      const what = random() < IN_MEMORY ? yield* damageInMemory(rig, random) : damage(databaseOf(rig), random)
      const wrong = yield* examine(rig, worked.said, counts)
      if (wrong !== undefined) failures.push(`seed ${seed}, trial ${trial}, ${what}: ${wrong}`)
      if ((trial + 1) % 100 === 0) say(`${trial + 1} of ${trials}, ${failures.length} failures`)
    }
    return {
      trials,
      failures,
      measured: {
        "noticed when opened": counts.opening,
        "noticed by the scrub": counts.scrub,
        "harmless, the same to the byte": counts.harmless
      }
    } satisfies Outcome
  },
  Effect.provide(services),
  Effect.provide(Logger.minimumLogLevel(LogLevel.None))
)

/** A few openings leave several tables, a log that has not become one, and a MANIFEST with a history. */
const PATIENT = { mails: 240, openings: 5 }
/** Share of the trials in which a value was changed before it was written: its file's checksums are right. */
const IN_MEMORY = 0.1

/** Flips a bit of any value on its way to LevelDB. */
const damageInMemory = (rig: Rig, random: () => number) =>
  Effect.promise(async () => {
    const db = await openClassicLevel(databaseOf(rig), { create: false })
    const rows: Array<readonly [Uint8Array, Uint8Array]> = []
    for await (const page of db.pages({ gte: Buffer.of(0), lt: Buffer.of(0xff) })) rows.push(...page)
    const [key, whole] = pick(random, rows)
    const value = Buffer.from(whole)
    const at = Math.floor(random() * value.length)
    value[at] = value[at]! ^ (1 << Math.floor(random() * 8))
    await db.write([[key, value]])
    await db.close()
    return `the value of ${hex(key)}: byte ${at}, in memory`
  })

/** What is wrong with how the damage was met; nothing where all is as promised. */
const examine = Effect.fn("BitRot.examine")(function*(
  rig: Rig,
  said: Said,
  counts: { opening: number; scrub: number; harmless: number }
) {
  const met = yield* notice(rig, said)
  switch (met._tag) {
    case "silent":
      return "not noticed, and it is not the same"
    case "harmless":
      counts.harmless++
      return undefined
    case "noticed":
      counts[met.by]++
      if (!NAMED.test(met.subject)) return `noticed, but what is damaged is not named: ${met.subject}`
      if (met.by === "scrub") yield* condemnJournal(journalOf(rig), met.subject)
      return yield* healed(rig, said)
  }
})

/** A file, a range of events, or one of the few records that stand alone. */
const NAMED =
  /\.(ldb|log)|MANIFEST|CURRENT|events? \d+|head at \d+|leaves|writes are gone|the (root|check|format|current)|remembers|note/

type Met =
  | { readonly _tag: "silent" | "harmless" }
  | { readonly _tag: "noticed"; readonly by: "opening" | "scrub"; readonly subject: string }

const notice = (rig: Rig, said: Said) =>
  Effect.scoped(Effect.gen(function*() {
    const opened = yield* Effect.either(openRig(rig, { mayHeal: false }))
    if (opened._tag === "Left") return noticed("opening", opened.left)
    const { journal } = opened.right
    const [finding] = yield* Stream.runCollect(journal.scrub)
    if (finding !== undefined) return noticed("scrub", finding.error)
    return (yield* isSame(journal, said)) ? { _tag: "harmless" } as const : { _tag: "silent" } as const
  }))

const noticed = (by: "opening" | "scrub", error: { readonly _tag: string; readonly message: string }): Met => ({
  _tag: "noticed",
  by,
  subject: error._tag === "JournalError" ? (error as JournalError).subject ?? "" : error.message
})

const healed = (rig: Rig, said: Said) =>
  Effect.scoped(Effect.gen(function*() {
    const opened = yield* Effect.either(openRig(rig, { mayHeal: true }))
    if (opened._tag === "Left") return `not healed: ${opened.left.message}`
    const { journal } = opened.right
    if (!(yield* isSame(journal, said))) return "healed to something else"
    const [finding] = yield* Stream.runCollect(journal.scrub)
    if (finding !== undefined) return `healed, and damaged: ${finding.error.message}`
    const kept = fs.readdirSync(rig.home).filter((name) => name.startsWith("journal.damaged-"))
    return kept.length === 1 && fs.existsSync(join(rig.home, kept[0]!, "db"))
      ? undefined
      : "the damaged one is not kept"
  }))

const isSame = Effect.fn("BitRot.isSame")(function*(journal: Parameters<typeof contentsOf>[0], said: Said) {
  const logs = yield* contentsOf(journal)
  return JSON.stringify(logs) === JSON.stringify(said.logs) && (yield* rememberedBy(journal)) === said.remembered
})

/**
 * The control: the same bits flipped in log files alone, and LevelDB asked for everything without a check of ours. It
 * must be found to open and to have lost some of it without a word, or these trials would prove nothing.
 */
export const runUnchecked = Effect.fn("BitRot.unchecked")(function*({ seed, trials }: Trials) {
  const worked = yield* makeWorked(PATIENT)
  const top = join(yield* freshFolder, "copy")
  const before = yield* rowsOf(takeCopy(worked, top))
  const failures: Array<string> = []
  for (let trial = 0; trial < trials; trial++) {
    const rig = takeCopy(worked, top)
    const random = randomOf(`unchecked ${seed} ${trial}`)
    const log = join(databaseOf(rig), fs.readdirSync(databaseOf(rig)).find((name) => name.endsWith(".log"))!)
    const bytes = fs.readFileSync(log)
    const at = Math.floor(random() * bytes.length)
    bytes[at] = bytes[at]! ^ (1 << Math.floor(random() * 8))
    fs.writeFileSync(log, bytes)
    if ((yield* rowsOf(rig)) !== before) failures.push(`byte ${at}: opened, and not the same`)
  }
  return { trials, failures } satisfies Outcome
}, Effect.provide(services))

const rowsOf = (rig: Rig) =>
  Effect.promise(async () => {
    const db = await openClassicLevel(databaseOf(rig), { create: false })
    const rows: Array<string> = []
    for await (const page of db.pages({ gte: Buffer.of(0), lt: Buffer.of(0xff) })) {
      rows.push(...page.map(([key, value]) => `${hex(key)} ${hex(value)}`))
    }
    await db.close()
    return rows.join("\n")
  })
