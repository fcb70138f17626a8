/** What the journal notices of damage to its files, and what it never does to them. */
import { assert, describe, it } from "@effect/vitest"
import { createLevelJournal, openLevelJournal } from "@sealog/adapters/journal/Level"
import { openClassicLevel } from "@sealog/adapters/journal/LevelDatabase"
import * as Keys from "@sealog/adapters/journal/LevelKeys"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Effect } from "effect"
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, truncateSync, unlinkSync, writeFileSync } from "node:fs"
import { TRIALS } from "../support.ts"
import { everything, fill, findings, freshJournal, ringOf, services } from "./support.ts"

const open = (path: string, acceptDamage = false) => openLevelJournal({ path, ballastBytes: 0, acceptDamage })

/** A closed journal: old blocks in tables, new ones in the log file, and all that it says. */
const closedJournal = Effect.fn("test.closedJournal")(function*() {
  const path = yield* freshJournal()
  yield* Effect.scoped(Effect.flatMap(open(path), (journal) => fill(journal, [100, 1, 63, 64, 5])))
  const said = yield* Effect.scoped(Effect.gen(function*() {
    const journal = yield* open(path)
    yield* fill(journal, Array.from({ length: 30 }, (_, n) => 1 + n % 4))
    yield* journal.writeNote("n", "a note")
    return yield* everything(journal)
  }))
  return { path, said }
})

/** Opens and reads a damaged copy: noticed, where, or all the same. */
const verdictOn = (path: string, said: string) =>
  Effect.scoped(Effect.gen(function*() {
    const journal = yield* open(path)
    const found = yield* findings(journal)
    if (found.length > 0) return found.map(({ first, last }) => `${first}-${last}`).join()
    return (yield* everything(journal)) === said ? "the same" : "silently wrong"
  })).pipe(Effect.catchTag("JournalError", (error) => Effect.succeed(`${error.reason}: ${error.message}`)))

const flipBit = (file: string, at: number, bit: number) => {
  const bytes = readFileSync(file)
  bytes[at] = bytes[at]! ^ (1 << bit)
  writeFileSync(file, bytes)
}

describe("a journal with one flipped bit", () => {
  const kinds = { "log file": /\.log$/, table: /\.ldb$/, manifest: /^MANIFEST/, "CURRENT file": /^CURRENT$/ }
  for (const [kind, pattern] of Object.entries(kinds)) {
    /** Verifies: JRNL-7 */
    it.scoped(`notices it in a ${kind}, or it is the same`, () =>
      Effect.gen(function*() {
        const { path, said } = yield* closedJournal()
        const copy = `${path}-copy`
        const names = readdirSync(`${path}/db`).filter((name) => pattern.test(name))
        assert.isAbove(names.length, 0)
        const verdicts: Array<string> = []
        for (let n = 0; n < FLIPS; n++) {
          rmSync(copy, { recursive: true, force: true })
          cpSync(path, copy, { recursive: true })
          const file = `${copy}/db/${names[n % names.length]!}`
          const { length } = readFileSync(file)
          flipBit(file, Math.floor((n + 0.5) * length / FLIPS), n % 8)
          verdicts.push(yield* verdictOn(copy, said))
        }
        assert.deepStrictEqual(verdicts.filter((verdict) => verdict === "silently wrong"), [])
        assert.isAbove(verdicts.filter((verdict) => verdict !== "the same").length, 0)
      }).pipe(Effect.provide(services)), 60_000 * TRIALS)
  }
})

/** Bits flipped in each kind of file; the long runs are elsewhere. */
const FLIPS = 40 * TRIALS

describe("a journal with files gone", () => {
  for (const name of ["CURRENT", "MANIFEST"]) {
    /** Verifies: JRNL-8 */
    it.scoped(`is Missing without its ${name}, and nothing else is touched`, () =>
      Effect.gen(function*() {
        const { path, said } = yield* closedJournal()
        const lost = readdirSync(`${path}/db`).find((file) => file.startsWith(name))!
        renameSync(`${path}/db/${lost}`, `${path}/aside`)
        const before = readdirSync(`${path}/db`)
        const error = yield* Effect.flip(Effect.scoped(open(path)))
        assert.strictEqual(error.reason, "Missing")
        assert.include(error.subject, lost)
        assert.deepStrictEqual(readdirSync(`${path}/db`), before)
        renameSync(`${path}/aside`, `${path}/db/${lost}`)
        assert.strictEqual(yield* verdictOn(path, said), "the same")
      }).pipe(Effect.provide(services)))
  }

  /** Verifies: JRNL-9 */
  it.scoped("names the events that are gone with its log file, and opens without them when told to", () =>
    Effect.gen(function*() {
      const { path } = yield* closedJournal()
      for (const name of readdirSync(`${path}/db`)) if (name.endsWith(".log")) unlinkSync(`${path}/db/${name}`)
      const error = yield* Effect.flip(Effect.scoped(open(path)))
      assert.strictEqual(error.reason, "Corrupt")
      assert.strictEqual(error.subject, "events 233 to 305 are gone")
      const journal = yield* open(path, true)
      assert.strictEqual((yield* journal.head).size, 233)
      assert.deepStrictEqual(yield* findings(journal), [])
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-9 */
  it.scoped("notices the end of its log file cut off anywhere", () =>
    Effect.gen(function*() {
      const { path, said } = yield* closedJournal()
      const copy = `${path}-copy`
      const name = readdirSync(`${path}/db`).find((file) => file.endsWith(".log"))!
      const { length } = readFileSync(`${path}/db/${name}`)
      // The last record is the note's: cut behind the last append nothing of the log is missing.
      for (let n = 1; n < 20; n++) {
        rmSync(copy, { recursive: true, force: true })
        cpSync(path, copy, { recursive: true })
        truncateSync(`${copy}/db/${name}`, Math.floor(length * n / 21))
        assert.match(yield* verdictOn(copy, said), /^Corrupt.*are gone/)
      }
    }).pipe(Effect.provide(services)), 30_000)

  /** Verifies: JRNL-7 */
  it.scoped("names each range of blocks that is gone, and finds the others right", () =>
    Effect.gen(function*() {
      const { path } = yield* closedJournal()
      const db = yield* Effect.promise(() => openClassicLevel(`${path}/db`, { create: false }))
      yield* Effect.promise(() =>
        db.write([[Keys.inLog(0, Keys.ENTRY, 100), undefined], [Keys.inLog(0, Keys.ENTRY, 164), undefined]])
      )
      yield* Effect.promise(() => db.close())
      assert.strictEqual((yield* Effect.flip(Effect.scoped(open(path)))).reason, "Corrupt")
      const found = yield* findings(yield* open(path, true))
      assert.deepStrictEqual(found.map(({ first, last }) => [first, last]), [[100, 100], [164, 227]])
      assert.isTrue(found.every(({ error }) => error.reason === "Corrupt"))
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-7 */
  it.scoped("are found part by part as they are all at once, in one opening and over several", () =>
    Effect.gen(function*() {
      const { path } = yield* closedJournal()
      const db = yield* Effect.promise(() => openClassicLevel(`${path}/db`, { create: false }))
      yield* Effect.promise(() =>
        db.write([[Keys.inLog(0, Keys.ENTRY, 100), undefined], [Keys.inLog(0, Keys.ENTRY, 164), undefined]])
      )
      yield* Effect.promise(() => db.close())
      const ranges: Array<ReadonlyArray<number>> = []
      let from: string | undefined
      let parts = 0
      // An opening for every three parts.
      for (let more = true; more;) {
        more = yield* Effect.scoped(Effect.gen(function*() {
          const journal = yield* open(path, true)
          for (let n = 0; n < 3; n++) {
            const part = yield* journal.scrubPart({ from, bytes: 8_192 })
            ranges.push(...part.findings.map(({ first, last }) => [first, last]))
            from = part.next
            parts++
            if (from === undefined) return false
          }
          return true
        }))
      }
      assert.isAtLeast(parts, 5)
      assert.deepStrictEqual(ranges, [[100, 100], [164, 227]])
    }).pipe(Effect.provide(services)))
})

describe("a journal and the wrong keys", () => {
  const withRing = (epochs: number, byte: number) => Effect.provideService(KeyRing, ringOf(epochs, byte))

  /** Verifies: JRNL-10 */
  it.scoped("says WrongKey with the keys of another vault", () =>
    Effect.gen(function*() {
      const { path } = yield* closedJournal()
      const error = yield* Effect.flip(Effect.scoped(open(path)).pipe(withRing(1, 9)))
      assert.strictEqual(error.reason, "WrongKey")
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-10 */
  it.scoped("opens what older epochs sealed, and needs the newest for what it sealed", () =>
    Effect.gen(function*() {
      const { path } = yield* closedJournal()
      yield* Effect.scoped(Effect.flatMap(open(path), (journal) => fill(journal, [3]))).pipe(withRing(2, 1))
      const found = yield* Effect.scoped(Effect.flatMap(open(path), findings)).pipe(withRing(2, 1))
      assert.deepStrictEqual(found, [])
      const error = yield* Effect.flip(Effect.scoped(open(path)).pipe(withRing(1, 1)))
      assert.include(["WrongKey", "Corrupt"], error.reason)
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-10 */
  it.scoped("says Unsupported of a newer version", () =>
    Effect.gen(function*() {
      const { path } = yield* closedJournal()
      const db = yield* Effect.promise(() => openClassicLevel(`${path}/db`, { create: false }))
      yield* Effect.promise(() => db.write([[Keys.FORMAT, Buffer.from("sealog journal \u0002")]]))
      yield* Effect.promise(() => db.close())
      assert.strictEqual((yield* Effect.flip(Effect.scoped(open(path)))).reason, "Unsupported")
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-8 */
  it.scoped("is never made where one exists, however damaged", () =>
    Effect.gen(function*() {
      const { path, said } = yield* closedJournal()
      assert.strictEqual((yield* Effect.flip(createLevelJournal({ path }))).reason, "Exists")
      assert.strictEqual(yield* verdictOn(path, said), "the same")
      unlinkSync(`${path}/db/CURRENT`)
      assert.strictEqual((yield* Effect.flip(createLevelJournal({ path }))).reason, "Exists")
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-11 */
  it.scoped("holds no word of what it keeps in clear", () =>
    Effect.gen(function*() {
      const path = yield* freshJournal()
      yield* Effect.scoped(Effect.gen(function*() {
        const journal = yield* open(path)
        yield* journal.remember("source-canary", [["key-canary", "value-canary"]])
        yield* journal.writeNote("name-canary", "text-canary")
      }))
      const all = readdirSync(`${path}/db`).map((name) => readFileSync(`${path}/db/${name}`, "latin1")).join()
      assert.notInclude(all, "canary")
    }).pipe(Effect.provide(services)))
})
