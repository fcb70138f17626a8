/** A record of the journal that is gone, or stands in another's place: noticed, whichever it is. */
import { assert, describe, it } from "@effect/vitest"
import { openLevelJournal } from "@sealog/adapters/journal/Level"
import { type Database, openClassicLevel, type Row } from "@sealog/adapters/journal/LevelDatabase"
import * as Keys from "@sealog/adapters/journal/LevelKeys"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import { cpSync, rmSync } from "node:fs"
import { everything, fill, findings, freshJournal, services } from "./support.ts"

const open = (path: string, acceptDamage: boolean) => openLevelJournal({ path, ballastBytes: 0, acceptDamage })

/** A closed journal of several leaves and blocks of one event, and all that it says. */
const closedJournal = Effect.fn("test.closedJournal")(function*() {
  const path = yield* freshJournal()
  const said = yield* Effect.scoped(Effect.gen(function*() {
    const journal = yield* open(path, false)
    yield* fill(journal, [1, 63, 100, 1, 1, 64])
    return yield* everything(journal)
  }))
  return { path, said }
})

const withDatabase = <A>(path: string, work: (db: Database) => Promise<A>) =>
  Effect.promise(async () => {
    const db = await openClassicLevel(`${path}/db`, { create: false })
    try {
      return await work(db)
    } finally {
      await db.close()
    }
  })

const rowsOf = (path: string) =>
  withDatabase(path, async (db) => {
    const rows: Array<Row> = []
    for await (const page of db.pages({ gte: Keys.FORMAT, lt: Buffer.of(0xff) })) rows.push(...page)
    return rows
  })

/** What says nothing of the log: a note is written again, a content that is not found is told once more. */
const isBeside = (key: Keys.Key): boolean => key[0] === Keys.note(new Uint8Array(0))[0] || isContent(key)
const isContent = (key: Keys.Key): boolean => key[0] === 0x10 && !Keys.isInLog(key)

/** All that is said of a journal with one record changed, opened with care and without: errors, findings, or all of it. */
const verdicts = Effect.fn("test.verdicts")(function*(path: string, write: Row | readonly [Keys.Key, undefined]) {
  const copy = `${path}-copy`
  const all: Array<string> = []
  for (const acceptDamage of [false, true]) {
    rmSync(copy, { recursive: true, force: true })
    cpSync(path, copy, { recursive: true })
    yield* withDatabase(copy, (db) => db.write([write]))
    all.push(
      yield* Effect.scoped(Effect.gen(function*() {
        const journal = yield* open(copy, acceptDamage)
        const found = (yield* findings(journal)).map(({ error, first, last }) => `${error.reason}: ${first}-${last}`)
        const read = yield* Effect.match(everything(journal), {
          onFailure: ({ reason, subject }) => `${reason}: ${subject}`,
          onSuccess: (said) => said
        })
        return [...found, read].join(", ")
      })).pipe(Effect.catchTag("JournalError", ({ reason, subject }) => Effect.succeed(`${reason}: ${subject}`)))
    )
  }
  return all
})

describe("a journal with one record gone", () => {
  /** Verifies: JRNL-7 */
  it.scoped("says so, whichever it is, and never gives out less as if it were all", () =>
    Effect.gen(function*() {
      const { path, said } = yield* closedJournal()
      const told: Array<string> = []
      for (const [key] of yield* rowsOf(path)) {
        if (isBeside(key)) continue
        const [careful, careless] = yield* verdicts(path, [key, undefined])
        assert.notInclude([careful, careless], said)
        told.push(`${nameOf(key)} | ${careful}${careless === careful ? "" : ` | ${careless}`}`)
      }
      assert.deepStrictEqual(told, EXPECTED)
    }).pipe(Effect.provide(services)), 120_000)

  /** Verifies: JRNL-7 */
  it.scoped("says so where another of its kind stands in its place", () =>
    Effect.gen(function*() {
      const { path } = yield* closedJournal()
      const rows = (yield* rowsOf(path)).filter(([key]) => Keys.isInLog(key))
      for (const [at, [key]] of rows.entries()) {
        const other = rows.find(([each], n) => n !== at && Keys.kindOf(each) === Keys.kindOf(key))
        if (other === undefined) continue
        for (const one of yield* verdicts(path, [key, other[1]])) {
          assert.match(one, /^(Corrupt|Missing): ./, nameOf(key))
        }
      }
    }).pipe(Effect.provide(services)), 120_000)
})

/** Which is gone, what is said when the journal is opened; then, if that is something else, when it was opened all the same. */
const EXPECTED = [
  "00 | Corrupt: the format",
  "01 | Corrupt: the check of the key",
  "02 | Corrupt: the root",
  "03 | Corrupt: the current state",
  ...Array.from(
    { length: 6 },
    (_, n) => `05000000000000010000000${n} | Corrupt: 0-229, Corrupt: what s remembers`
  ),
  "entry 0 | Corrupt: 0-0, Corrupt: events 0 to 229 are not there",
  "entry 1 | Corrupt: events 1 to 229 are not there | Corrupt: 1-63, Corrupt: events 1 to 63 are not there",
  "entry 64 | Corrupt: events 64 to 229 are not there | Corrupt: 64-163, Corrupt: events 64 to 163 are not there",
  "entry 164 | Corrupt: events 164 to 229 are not there | Corrupt: 164-164, Corrupt: events 164 to 164 are not there",
  "entry 165 | Corrupt: events 165 to 229 are not there | Corrupt: 165-165, Corrupt: events 165 to 165 are not there",
  "entry 166 | Corrupt: events 166 to 229 are not there | Corrupt: 166-229, Corrupt: events 166 to 229 are not there",
  "head 1 | Corrupt: events 0 to 0: the head after it | Corrupt: 0-0, Missing: the head at 1",
  "head 64 | Corrupt: events 1 to 63: the head after it | Corrupt: 1-63, Missing: the head at 64",
  "head 164 | Corrupt: events 64 to 163: the head after it | Corrupt: 64-163, Missing: the head at 164",
  "head 165 | Corrupt: events 164 to 164: the head after it | Corrupt: 164-164, Missing: the head at 165",
  "head 166 | Corrupt: events 165 to 165: the head after it | Corrupt: 165-165, Missing: the head at 166",
  "head 230 | Corrupt: events 166 to 229 are not there",
  "leaves 0 | Corrupt: leaves 0 to 0 are not there | Corrupt: 1-63, Missing: the peaks at leaf 1",
  "leaves 1 | Corrupt: leaves 1 to 1 are not there | Corrupt: 64-163, Missing: the peaks at leaf 2",
  "leaves 2 | Corrupt: the newest leaves"
]

const nameOf = (key: Keys.Key): string =>
  Keys.isInLog(key) ? `${KINDS[Keys.kindOf(key)]} ${Keys.placeOf(key)}` : Buffer.from(key).toString("hex")
const KINDS: Readonly<Record<number, string>> = { 1: "entry", 2: "head", 3: "leaves" }
