/** The journal on a database that fails: each append is there exactly once or reported as failed, once. */
import { SystemError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import { BALLAST_BYTES, RETRY_MILLIS } from "@sealog/adapters/journal/Ballast"
import { makeFlush } from "@sealog/adapters/journal/Flush"
import { createLevelJournal, openLevelJournal } from "@sealog/adapters/journal/Level"
import { openClassicLevel, type OpenDatabase } from "@sealog/adapters/journal/LevelDatabase"
import { EntryMaker } from "@sealog/core/testing/JournalEntries"
import { Effect, TestClock } from "effect"
import { appendFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { freshFolder } from "../support.ts"
import { fill, findings, freshJournal, openEventsOf, services } from "./support.ts"

/** What goes wrong with writes and openings from here on. */
interface Trouble {
  /** Before: nothing is written. After: it is, and the answer is an error all the same. */
  write?: "before" | "after"
  openings?: number
  /** So many openings lose the newest log, as LevelDB does with one that it cannot read, and change the rest. */
  losses?: number
  error: string
}

/** LevelDB which does as the trouble says; like the real one it refuses all writes after a failed one. */
const troubled = (trouble: Trouble): OpenDatabase => async (path, options) => {
  if ((trouble.openings ?? 0) > 0) {
    trouble.openings!--
    throw levelError(trouble.error)
  }
  if ((trouble.losses ?? 0) > 0) {
    trouble.losses!--
    for (const name of readdirSync(path).filter((each) => each.endsWith(".log"))) rmSync(`${path}/${name}`)
  }
  const db = await openClassicLevel(path, options)
  let broken = false
  return {
    ...db,
    write: async (writes) => {
      const when = trouble.write
      delete trouble.write
      if (broken || when === "before") {
        broken = true
        throw levelError(trouble.error)
      }
      await db.write(writes)
      if (when === undefined) return
      broken = true
      throw levelError(trouble.error)
    }
  }
}

const levelError = (message: string) => Object.assign(new Error(message), { code: "LEVEL_IO_ERROR" })

const FULL = "IO error: 000007.ldb: No space left on device"
const EIO = "IO error: 000007.log: Input/output error"

const openTroubled = Effect.fn("test.openTroubled")(function*(trouble: Trouble, ballastBytes = 0, at?: string) {
  const path = at ?? (yield* freshJournal())
  const journal = yield* openLevelJournal({ path, ballastBytes, openDatabase: troubled(trouble) })
  yield* fill(journal, [3])
  return { journal, path }
})

describe("an append whose write fails", () => {
  for (const [error, reason] of [[FULL, "Full"], [EIO, "Io"]] as const) {
    /** Verifies: JRNL-14 */
    it.scoped(`is reported as ${reason}, once, and can be tried again`, () =>
      Effect.gen(function*() {
        const trouble: Trouble = { error }
        const { journal } = yield* openTroubled(trouble)
        trouble.write = "before"
        assert.strictEqual((yield* Effect.flip(fill(journal, [2]))).reason, reason)
        assert.strictEqual((yield* journal.head).size, 3)
        yield* fill(journal, [2])
        assert.strictEqual((yield* journal.head).size, 5)
        assert.deepStrictEqual(yield* findings(journal), [])
      }).pipe(Effect.provide(services)))
  }

  /** Verifies: JRNL-14 */
  it.scoped("succeeds where exactly this entry is there after all", () =>
    Effect.gen(function*() {
      const trouble: Trouble = { error: EIO }
      const { journal } = yield* openTroubled(trouble)
      trouble.write = "after"
      yield* fill(journal, [2])
      assert.strictEqual((yield* journal.head).size, 5)
      yield* fill(journal, [1])
      assert.deepStrictEqual(yield* findings(journal), [])
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-14 */
  it.scoped("succeeds only when the names of what LevelDB made of it at opening are on the disk too", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem
      const trouble: Trouble = { error: EIO }
      const refused = new SystemError({ reason: "Unknown", module: "FileSystem", method: "open" })
      let path = ""
      let failing = false
      const refusing: FileSystem = {
        ...fs,
        open: (file, options) =>
          Effect.suspend(() => failing && file === `${path}/db` ? refused : fs.open(file, options))
      }
      const opened = yield* Effect.provideService(openTroubled(trouble), FileSystem, refusing)
      path = opened.path
      trouble.write = "after"
      failing = true
      assert.strictEqual((yield* Effect.flip(fill(opened.journal, [2]))).reason, "Io")
      failing = false
      assert.deepStrictEqual(yield* findings(opened.journal), [])
      assert.strictEqual((yield* opened.journal.head).size, 5)
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-14 */
  it.scoped("shows in the head if it is found only later, and is refused when it comes again", () =>
    Effect.gen(function*() {
      const trouble: Trouble = { error: EIO }
      const { journal } = yield* openTroubled(trouble)
      const maker = new EntryMaker({ head: yield* journal.head, openEvents: yield* openEventsOf(journal) })
      const entry = yield* maker.entry(2)
      Object.assign(trouble, { write: "after", openings: 1 })
      assert.strictEqual((yield* Effect.flip(journal.append(entry))).reason, "Io")
      yield* journal.headAt({ size: 3 })
      assert.strictEqual((yield* journal.head).size, 5)
      assert.strictEqual((yield* Effect.flip(journal.append(entry))).reason, "Conflict")
      yield* journal.append(yield* maker.entry(1))
      assert.strictEqual((yield* journal.head).size, 6)
      assert.deepStrictEqual(yield* findings(journal), [])
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-14 */
  it.scoped("changes nothing of what sources remember, notes and forks neither", () =>
    Effect.gen(function*() {
      const trouble: Trouble = { error: FULL }
      const { journal } = yield* openTroubled(trouble)
      const before = [...(yield* journal.state("s"))]
      trouble.write = "before"
      assert.strictEqual((yield* Effect.flip(journal.remember("s", [["k", "new"]]))).reason, "Full")
      assert.deepStrictEqual([...(yield* journal.state("s"))], before)
      trouble.write = "before"
      assert.strictEqual((yield* Effect.flip(journal.writeNote("n", "new"))).reason, "Full")
      assert.isUndefined(yield* journal.readNote("n"))
    }).pipe(Effect.provide(services)))
})

describe("an opening after a failed write that loses what was there", () => {
  /** Verifies: JRNL-21 */
  it.scoped("is made again from the files as they were before", () =>
    Effect.gen(function*() {
      const trouble: Trouble = { error: EIO }
      const { journal, path } = yield* openTroubled(trouble)
      yield* journal.writeNote("n", "text")
      Object.assign(trouble, { write: "before", losses: 3 })
      assert.strictEqual((yield* Effect.flip(fill(journal, [2]))).reason, "Io")
      assert.strictEqual((yield* journal.head).size, 3)
      assert.strictEqual(yield* journal.readNote("n"), "text")
      yield* fill(journal, [2])
      assert.deepStrictEqual(yield* findings(journal), [])
      assert.deepStrictEqual(readdirSync(path).filter((name) => name.startsWith("again")), [])
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-21 */
  it.scoped("is noticed where only a note is lost", () =>
    Effect.gen(function*() {
      const trouble: Trouble = { error: EIO }
      const path = yield* freshJournal()
      yield* Effect.scoped(openTroubled(trouble, 0, path))
      const journal = yield* openLevelJournal({ path, ballastBytes: 0, openDatabase: troubled(trouble) })
      yield* journal.writeNote("n", "text")
      Object.assign(trouble, { write: "before", losses: 1 })
      assert.strictEqual((yield* Effect.flip(journal.writeNote("n", "other"))).reason, "Io")
      assert.strictEqual(yield* journal.readNote("n"), "text")
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-21 */
  it.scoped("is undone at the next start, however the process ended", () =>
    Effect.gen(function*() {
      const trouble: Trouble = { error: EIO }
      const path = yield* freshJournal()
      yield* Effect.scoped(Effect.gen(function*() {
        const opened = yield* openTroubled(trouble, 0, path)
        Object.assign(trouble, { write: "before", losses: 100 })
        assert.strictEqual((yield* Effect.flip(fill(opened.journal, [2]))).reason, "Corrupt")
        assert.isTrue(existsSync(`${path}/again`))
      }))
      const journal = yield* openLevelJournal({ path, ballastBytes: 0 })
      assert.strictEqual((yield* journal.head).size, 3)
      assert.deepStrictEqual(yield* findings(journal), [])
      assert.deepStrictEqual(readdirSync(path).filter((name) => name.startsWith("again")), [])
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-21 */
  it.scoped("is made without them where the file system has no hard links", () =>
    Effect.gen(function*() {
      const fs = yield* FileSystem
      const refused = new SystemError({
        reason: "PermissionDenied",
        module: "FileSystem",
        method: "link",
        cause: Object.assign(new Error("EPERM"), { code: "EPERM" })
      })
      const trouble: Trouble = { error: EIO }
      const { journal } = yield* Effect.provideService(openTroubled(trouble), FileSystem, {
        ...fs,
        link: () => Effect.fail(refused)
      })
      trouble.write = "before"
      assert.strictEqual((yield* Effect.flip(fill(journal, [2]))).reason, "Io")
      yield* fill(journal, [2])
      assert.strictEqual((yield* journal.head).size, 5)
    }).pipe(Effect.provide(services)))
})

describe("reserved space", () => {
  /** Verifies: JRNL-15 */
  it.scoped("is there while the journal is well, and given up when it cannot open for want of space", () =>
    Effect.gen(function*() {
      const trouble: Trouble = { error: FULL }
      const { journal, path } = yield* openTroubled(trouble, BALLAST_BYTES)
      const fs = yield* FileSystem
      assert.strictEqual(Number((yield* fs.stat(`${path}/ballast`)).size), BALLAST_BYTES)
      Object.assign(trouble, { write: "before", openings: 1 })
      assert.strictEqual((yield* Effect.flip(fill(journal, [2]))).reason, "Full")
      assert.isFalse(existsSync(`${path}/ballast`))
      assert.strictEqual((yield* journal.head).size, 3)
      assert.strictEqual((yield* Effect.flip(fill(journal, [2]))).reason, "Full")
      yield* TestClock.adjust(RETRY_MILLIS)
      yield* fill(journal, [2])
      assert.strictEqual((yield* journal.head).size, 5)
      assert.strictEqual(Number((yield* fs.stat(`${path}/ballast`)).size), BALLAST_BYTES)
    }).pipe(Effect.provide(services)))
})

describe("what sources remember", () => {
  /** Verifies: JRNL-16 */
  it.scoped("is folded into a snapshot once its changes outweigh it, and stays the same", () =>
    Effect.gen(function*() {
      const path = yield* freshJournal()
      const keys = () =>
        Effect.promise(async () => {
          const db = await openClassicLevel(`${path}/db`, { create: false })
          let count = 0
          for await (const page of db.pages({ gte: Buffer.of(5), lt: Buffer.of(6) })) count += page.length
          await db.close()
          return count
        })
      const expected = yield* Effect.scoped(Effect.gen(function*() {
        const journal = yield* openLevelJournal({ path, ballastBytes: 0 })
        for (let round = 0; round < 100; round++) {
          yield* journal.remember(
            "s",
            Array.from(
              { length: 100 },
              (_, n) => [`key ${(round * 31 + n) % 500}`, `value ${round} of ${n} ${"x".repeat(30)}`]
            )
          )
        }
        return [...(yield* journal.state("s"))]
      }))
      assert.strictEqual(yield* keys(), 100)
      const journal = yield* Effect.scoped(
        Effect.flatMap(openLevelJournal({ path, ballastBytes: 0 }), (j) => j.state("s"))
      )
      assert.sameDeepMembers([...journal], expected)
      assert.strictEqual(yield* keys(), 1)
    }).pipe(Effect.provide(services)))
})

describe("a journal being made", () => {
  /** Verifies: JRNL-8 */
  it.scoped("is no journal until it is whole", () =>
    Effect.gen(function*() {
      const path = `${yield* freshFolder}/journal`
      mkdirSync(`${path}/db.new`, { recursive: true })
      writeFileSync(`${path}/db.new/CURRENT`, "half")
      assert.strictEqual((yield* Effect.flip(Effect.scoped(openLevelJournal({ path })))).reason, "Missing")
      const failing: OpenDatabase = async (at, options) => ({
        ...(await openClassicLevel(at, options)),
        write: () => Promise.reject(levelError(FULL))
      })
      assert.strictEqual((yield* Effect.flip(createLevelJournal({ path, openDatabase: failing }))).reason, "Full")
      assert.strictEqual((yield* Effect.flip(Effect.scoped(openLevelJournal({ path })))).reason, "Missing")
      yield* createLevelJournal({ path })
      assert.strictEqual((yield* (yield* openLevelJournal({ path, ballastBytes: 0 })).head).size, 0)
    }).pipe(Effect.provide(services)))
})

/** A folder with logs of LevelDB, and what was opened to be synced since the last look. */
const watchedFolder = Effect.gen(function*() {
  const fs = yield* FileSystem
  const path = yield* freshFolder
  for (const name of ["000009.log", "000010.log", "MANIFEST-000004", "LOG"]) writeFileSync(`${path}/${name}`, "")
  const opened: Array<string> = []
  const watching: FileSystem = { ...fs, open: (file, options) => (opened.push(file), fs.open(file, options)) }
  return { path, watching, synced: () => opened.splice(0) }
})

describe("what LevelDB has written", () => {
  /** Verifies: JRNL-20 */
  it.scoped("has a name that survives as soon as it is in a new log", () =>
    Effect.gen(function*() {
      const { path, synced, watching } = yield* watchedFolder
      const flush = makeFlush(watching, path, "linux")
      const writes: ReadonlyArray<readonly [log: string, syncsFolder: boolean]> = [
        ["000010.log", true],
        ["000010.log", false],
        ["000010.log", false],
        ["000012.log", true],
        ["000012.log", false]
      ]
      for (const [log, syncsFolder] of writes) {
        appendFileSync(`${path}/${log}`, "a record")
        yield* flush
        assert.deepStrictEqual(synced(), syncsFolder ? [path] : [], log)
      }
      rmSync(`${path}/000012.log`)
      writeFileSync(`${path}/000013.log`, "a record")
      yield* flush
      assert.deepStrictEqual(synced(), [path])
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-17 */
  it.scoped("is synced once more through Node on macOS, and only there", () =>
    Effect.gen(function*() {
      const { path, synced, watching } = yield* watchedFolder
      const flush = makeFlush(watching, path, "darwin")
      for (const _ of [1, 2]) {
        appendFileSync(`${path}/000010.log`, "a record")
        yield* flush
      }
      assert.deepStrictEqual(synced(), [path, `${path}/000010.log`, `${path}/000010.log`])
      assert.strictEqual(readdirSync(path).length, 4)
    }).pipe(Effect.provide(services)))
})
