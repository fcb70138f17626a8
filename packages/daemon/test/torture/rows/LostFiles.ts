/**
 * Files of a home that somebody deletes, alone and in pairs. LevelDB makes an empty database where its CURRENT is gone,
 * and deletes the files of the one that was there; here nothing may be wiped, and everything must come back.
 */
import { Effect, Logger, LogLevel } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { dataFiles } from "../journal/Damages.ts"
import { contentsOf, databaseOf, freshFolder, openRig, type Rig, services } from "../journal/Rig.ts"
import { makeWorked, type Said, takeCopy, type Worked } from "../journal/Worked.ts"
import type { Outcome, Row, Trials } from "../Row.ts"

export const lostFiles: Row = {
  name: "lost-files",
  fault: "Files of the home deleted, alone and in pairs",
  how:
    "CURRENT, LOCK, MANIFEST, each table and log, the mark, the pin, the lock, the whole database, without the target and "
    + "then with it: refused or healed, no other file's bytes gone, and in the end every event is there",
  unit: "pairs of files",
  trials: { test: 24, release: 1_000 },
  testMillis: 120_000,
  run: (trials) => runLostFiles(trials, (rig) => openRig(rig, { mayHeal: true }))
}

/** How a home is opened: as the engine does, or in a way that must be found out. */
type Open = (rig: Rig) => ReturnType<typeof openRig>

export const runLostFiles = Effect.fn("LostFiles.run")(
  function*({ say, seed, trials }: Trials, open: Open) {
    const top = join(yield* freshFolder, "copy")
    const failures: Array<string> = []
    const counts = { refused: 0, healed: 0, opened: 0 }
    let pairs: ReadonlyArray<ReadonlyArray<string>> = []
    let worked: Worked | undefined
    for (let trial = 0; trial < trials; trial++) {
      // Each round of all pairs has a patient of its own, with more and fewer tables.
      const round = trials < PAIRS_KNOWN ? 0 : Math.floor(trial / PAIRS_KNOWN)
      if (worked === undefined || trial % PAIRS_KNOWN === 0) {
        worked = yield* makeWorked({ mails: 60, openings: 2 + (seed + round) % 5 })
        pairs = pairsOf(worked.rig)
      }
      // A few trials take pairs from all over the list.
      const pair = pairs[(trial * (trials < pairs.length ? Math.floor(pairs.length / trials) : 1)) % pairs.length]!
      const rig = takeCopy(worked, top)
      for (const name of pair) fs.rmSync(join(rig.home, name), { recursive: true, force: true })
      const wrong = yield* examine(rig, worked.said, counts, open)
      if (wrong !== undefined) failures.push(`seed ${seed}, trial ${trial}, without ${pair.join(" and ")}: ${wrong}`)
      if ((trial + 1) % 100 === 0) say(`${trial + 1} of ${trials}, ${failures.length} failures`)
    }
    return {
      trials,
      failures,
      measured: {
        "opened as if nothing were missing": counts.opened,
        "healed without the target": counts.healed,
        "refused without the target, healed with it": counts.refused
      }
    } satisfies Outcome
  },
  Effect.provide(services),
  Effect.provide(Logger.minimumLogLevel(LogLevel.None))
)

const PAIRS_KNOWN = 150

/** Every file of the home that means anything, alone and with every other. */
const pairsOf = (rig: Rig): ReadonlyArray<ReadonlyArray<string>> => {
  const files = [
    ...dataFiles(databaseOf(rig)).map((name) => `journal/db/${name}`),
    "journal/db/LOCK",
    "journal/newest",
    "journal/lock/CURRENT",
    "journal/lock/LOCK",
    "journal/db",
    "journal",
    "head.pin"
  ]
  return files.flatMap((one, at) => [[one], ...files.slice(at + 1).map((other) => [one, other])])
}

const examine = Effect.fn("LostFiles.examine")(function*(
  rig: Rig,
  said: Said,
  counts: { refused: number; healed: number; opened: number },
  open: Open
) {
  const before = digestsIn(rig.home)
  const away: Rig = { ...rig, targets: Object.fromEntries(Object.keys(rig.targets).map((name) => [name, "/nowhere"])) }
  const without = yield* Effect.scoped(Effect.either(open(away)))
  const wiped = missingFrom(rig.home, before)
  const isHealed = fs.readdirSync(rig.home).some((name) => name.startsWith("journal.damaged-"))
  if (without._tag === "Left") {
    counts.refused++
    if (without.left._tag !== "JournalError") return `refused with another reason: ${without.left.message}`
  } else if (isHealed) counts.healed++
  else counts.opened++
  // LevelDB clears up after itself in a database that is whole: only of a damaged one must every byte stay.
  if ((without._tag === "Left" || isHealed) && wiped.length > 0) return `wiped: ${wiped.join(", ")}`
  return yield* Effect.scoped(Effect.gen(function*() {
    const opened = yield* Effect.either(open(rig))
    if (opened._tag === "Left") return `not healed: ${opened.left.message}`
    const { backup, journal, targets } = opened.right
    // Newest events that were lost without a trace are taken back when the target is met.
    for (const target of targets) yield* backup.meet(target)
    const logs = yield* contentsOf(journal)
    const [first, ...forks] = logs
    const [once] = said.logs
    const isSame = first?.writer === once?.writer && first?.root === once?.root
      && first?.events.join() === once?.events.join()
    return isSame && forks.every(({ events }) => events.length === 1) ? undefined : "not every event came back"
  }))
})

/** The content of every file that holds anything of the log, wherever it lies. */
const digestsIn = (home: string): ReadonlySet<string> =>
  new Set(
    (fs.readdirSync(home, { recursive: true }) as ReadonlyArray<string>)
      .filter((path) => /\.(ldb|log)$|MANIFEST-\d+$/.test(path) && !path.includes("lock"))
      .map((path) => digestOf(join(home, path)))
  )

const missingFrom = (home: string, before: ReadonlySet<string>): ReadonlyArray<string> => {
  const now = digestsIn(home)
  return [...before].filter((digest) => !now.has(digest))
}

const digestOf = (path: string): string =>
  `${path.replace(/.*\//, "")} ${createHash("sha256").update(fs.readFileSync(path)).digest("hex").slice(0, 12)}`
