/** The parts around LevelDB: how its errors are read, the note of the head, the reserve of space, who holds a journal. */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { FileSystem } from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import { makeBallast, noBallast, RETRY_MILLIS } from "@sealog/adapters/journal/Ballast"
import { checkMark, openHeadMark } from "@sealog/adapters/journal/HeadMark"
import { firstRow, openClassicLevel, toJournalError } from "@sealog/adapters/journal/LevelDatabase"
import { misfit } from "@sealog/adapters/journal/LevelLog"
import { makeLevelSeal } from "@sealog/adapters/journal/LevelSeal"
import { makePinFile } from "@sealog/adapters/journal/PinFile"
import { isAlive, ownMark } from "@sealog/adapters/journal/ProcessId"
import { Entropy } from "@sealog/core/keys/Entropy"
import { EntryMaker } from "@sealog/core/testing/JournalEntries"
import { Effect, Option, TestClock } from "effect"
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs"
import { freshFolder } from "../support.ts"
import { ringOf, services } from "./support.ts"

describe("an error of LevelDB", () => {
  const error = (message: string, code?: string) =>
    Object.assign(new Error(message), code === undefined ? {} : { code })

  it("is told by its code or its words, where it is or in its cause", () => {
    const known: ReadonlyArray<readonly [unknown, string]> = [
      [error("x", "LEVEL_LOCKED"), "Locked"],
      [new Error("outer", { cause: error("x", "LEVEL_LOCKED") }), "Locked"],
      [error("IO error: x: No space left on device", "LEVEL_IO_ERROR"), "Full"],
      [error("Disk quota exceeded"), "Full"],
      [error("ENOSPC: no space left"), "Full"],
      [error("EDQUOT"), "Full"],
      [new Error("outer", { cause: error("ENOSPC") }), "Full"],
      [error("x", "LEVEL_CORRUPTION"), "Corrupt"],
      [error("Corruption: bad record"), "Corrupt"],
      [error("/db: does not exist (create_if_missing is false)"), "Missing"],
      [error("/db: exists (error_if_exists is true)"), "Exists"],
      [error("anything else", "LEVEL_IO_ERROR"), "Io"],
      [error("x", undefined), "Io"],
      ["LEVEL_LOCKED", "Io"],
      [undefined, "Io"],
      [null, "Io"],
      [{ code: 5 }, "Io"],
      [{ code: "LEVEL_LOCKED" }, "Locked"]
    ]
    for (const [cause, reason] of known) assert.strictEqual(toJournalError("open", cause).reason, reason)
    const told = toJournalError("open", error("x"), "the place")
    assert.deepInclude(told, { method: "open", subject: "the place" })
    assert.isFalse(
      "subject" in toJournalError("open", error("x")) && toJournalError("open", error("x")).subject !== undefined
    )
  })
})

describe("LevelDB as the journal uses it", () => {
  it.scoped("is made or opened, never the one for the other, and read in pages either way round", () =>
    Effect.gen(function*() {
      const path = `${yield* freshFolder}/db`
      const failed = yield* Effect.flip(Effect.tryPromise(() => openClassicLevel(path, { create: false })))
      assert.strictEqual(toJournalError("open", failed.cause ?? failed.error).reason, "Missing")
      yield* Effect.promise(async () => {
        const db = await openClassicLevel(path, { create: true })
        const key = (n: number) => Buffer.of(1, n >> 8, n)
        await db.write(Array.from({ length: 600 }, (_, n) => [key(n), Buffer.of(n)]))
        assert.deepStrictEqual(Buffer.from((await db.get(key(7)))!), Buffer.of(7))
        await db.write([[key(7), undefined], [key(8), Buffer.of(88)]])
        assert.isUndefined(await db.get(key(7)))
        const some = await db.getMany([key(8), key(7), key(9)])
        assert.deepStrictEqual(some.map((value) => value?.[0]), [88, undefined, 9])
        const range = { gte: key(0), lt: key(600) }
        const sizes: Array<number> = []
        for await (const page of db.pages(range)) sizes.push(page.length)
        assert.deepStrictEqual(sizes, [256, 256, 87])
        const taken: Array<number> = []
        for await (const page of db.pages({ ...range, reverse: true, limit: 3 })) {
          taken.push(...page.map(([at]) => at[2]!))
        }
        assert.deepStrictEqual(taken, [87, 86, 85])
        assert.deepStrictEqual(Buffer.from((await firstRow(db, range))![0]), key(0))
        assert.deepStrictEqual(Buffer.from((await firstRow(db, { ...range, reverse: true }))![0]), key(599))
        assert.isUndefined(await firstRow(db, { gte: key(700), lt: key(800) }))
        const bare = await firstRow(db, { ...range, values: false })
        assert.isUndefined(bare![1])
        await db.close()
      })
      const again = yield* Effect.flip(Effect.tryPromise(() => openClassicLevel(path, { create: true })))
      assert.strictEqual(toJournalError("open", again.error).reason, "Exists")
    }))
})

describe("an entry that does not continue the log", () => {
  it.effect("is told why", () =>
    Effect.gen(function*() {
      const maker = new EntryMaker()
      const first = yield* maker.entry(70)
      const second = yield* maker.entry(5)
      const { head } = first
      const empty = { size: 0, root: new Uint8Array(32), peaks: [], recordedAt: 0 }
      assert.isUndefined(misfit(first, empty))
      assert.isUndefined(misfit(second, head))
      assert.include(misfit(second, empty), "a block from 70")
      assert.include(misfit({ ...second, block: { ...second.block, count: 4 } }, head), "not the block's")
      assert.include(
        misfit({ ...second, block: { ...second.block, count: 0 }, head: { ...head } }, head),
        "not the block's"
      )
      assert.include(misfit({ ...second, leaves: [new Uint8Array(32)] }, head), "1 leaves")
      assert.include(misfit({ ...first, leaves: [] }, empty), "0 leaves")
      const early = { ...second, head: { ...second.head, recordedAt: head.recordedAt - 1 } }
      assert.include(misfit(early, head), "a time before")
      assert.isUndefined(misfit({ ...early, head: { ...early.head, recordedAt: head.recordedAt } }, head))
    }))
})

describe("the note of the newest head", () => {
  const mark = (over: object = {}) => ({
    writes: 5,
    writer: new Uint8Array(8).fill(1),
    size: 9,
    root: new Uint8Array(32),
    ...over
  })

  it.effect("shows what is gone, and nothing where it lags or is not there", () =>
    Effect.gen(function*() {
      const check = (noted: object, now: object = {}) =>
        checkMark(Option.some(mark(noted)), mark(now)).pipe(
          Effect.match({ onFailure: ({ subject }) => subject, onSuccess: () => "fine" })
        )
      assert.isUndefined(yield* checkMark(Option.none(), mark()))
      assert.strictEqual(yield* check({}), "fine")
      assert.strictEqual(yield* check({ writes: 4, size: 99 }), "fine")
      assert.strictEqual(yield* check({ writes: 6, size: 12 }), "events 9 to 11 are gone")
      assert.strictEqual(yield* check({ size: 10 }), "events 9 to 9 are gone")
      assert.strictEqual(yield* check({ writes: 7 }), "the last 2 writes are gone")
      assert.strictEqual(yield* check({ size: 8 }), "the last 0 writes are gone")
      assert.strictEqual(yield* check({ root: new Uint8Array(32).fill(1) }), "the last 0 writes are gone")
      assert.strictEqual(yield* check({ writer: new Uint8Array(8), size: 99, writes: 8 }), "the last 3 writes are gone")
      assert.strictEqual(yield* check({ writer: new Uint8Array(8) }), "the last 0 writes are gone")
    }))

  it.scoped("is read back as long as it is whole and of this key", () =>
    Effect.gen(function*() {
      const path = `${yield* freshFolder}/newest`
      const fs = yield* FileSystem
      const entropy = yield* Entropy
      const sealer = makeLevelSeal(ringOf(1), entropy)
      const note = yield* openHeadMark(fs, path, sealer)
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      assert.isTrue(Option.isNone(yield* note.read))
      yield* note.write(mark())
      yield* note.write(mark({ writes: 6 }))
      assert.deepStrictEqual(Option.getOrThrow(yield* note.read), mark({ writes: 6 }))
      const again = yield* openHeadMark(fs, path, sealer)
      assert.strictEqual(Option.getOrThrow(yield* again.read).writes, 6)
      const other = yield* openHeadMark(fs, path, makeLevelSeal(ringOf(1, 9), entropy))
      assert.isTrue(Option.isNone(yield* other.read))
      truncateSync(path, readFileSync(path).length - 1)
      assert.isTrue(Option.isNone(yield* note.read))
    }).pipe(Effect.provide(services)))
})

describe("the reserve of space", () => {
  it.scoped("is taken when it is missing, given up once, and taken again after a while", () =>
    Effect.gen(function*() {
      const path = `${yield* freshFolder}/ballast`
      const fs = yield* FileSystem
      const bytes = 1_500_000
      const ballast = yield* makeBallast(fs, path, bytes)
      assert.isTrue(yield* ballast.ready)
      assert.strictEqual(statSync(path).size, bytes)
      assert.strictEqual(statSync(path).mode & 0o777, 0o600)
      const content = readFileSync(path)
      assert.isAbove(new Set(content.subarray(0, 10_000)).size, 200)
      assert.isTrue(yield* ballast.ready)
      assert.isTrue(yield* ballast.release)
      assert.isFalse(existsSync(path))
      assert.isFalse(yield* ballast.release)
      assert.isFalse(yield* ballast.ready)
      yield* TestClock.adjust(RETRY_MILLIS - 1)
      assert.isFalse(yield* ballast.ready)
      yield* TestClock.adjust(1)
      assert.isTrue(yield* ballast.ready)
      assert.strictEqual(statSync(path).size, bytes)
      yield* ballast.suspend
      assert.isFalse(yield* ballast.ready)
      yield* TestClock.adjust(RETRY_MILLIS)
      assert.isTrue(yield* ballast.ready)
      assert.isFalse(existsSync(`${path}.new`))
      assert.isTrue(yield* (yield* makeBallast(fs, path, bytes)).ready)
      const other = yield* makeBallast(fs, path, 100)
      assert.isTrue(yield* other.ready)
      assert.strictEqual(statSync(path).size, 100)
    }).pipe(Effect.provide(NodeFileSystem.layer)))

  it.scoped("is not there, and asks again later, where there is no room for twice as much", () =>
    Effect.gen(function*() {
      const path = `${yield* freshFolder}/ballast`
      const real = yield* FileSystem
      let room = 250
      let opened = 0
      const small: FileSystem = {
        ...real,
        open: (file, options) =>
          Effect.map(Effect.zipRight(Effect.sync(() => opened++), real.open(file, options)), (handle) => ({
            ...handle,
            sync: handle.sync,
            truncate: (length) => handle.truncate(length),
            writeAll: (page) =>
              page.length > room ? Effect.fail({ _tag: "SystemError" } as never) : handle.writeAll(page)
          }))
      }
      const ballast = yield* makeBallast(small, path, 200)
      assert.isFalse(yield* ballast.ready)
      assert.isFalse(existsSync(`${path}.new`))
      assert.isFalse(existsSync(path))
      assert.isFalse(yield* ballast.ready)
      assert.strictEqual(opened, 1)
      room = 400
      yield* TestClock.adjust(RETRY_MILLIS)
      assert.isTrue(yield* ballast.ready)
      assert.strictEqual(statSync(path).size, 200)
      // Where it is there already, as much again is enough.
      room = 200
      yield* ballast.suspend
      yield* TestClock.adjust(RETRY_MILLIS)
      assert.isTrue(yield* ballast.ready)
      assert.isTrue(yield* noBallast.ready)
      assert.isFalse(yield* noBallast.release)
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

describe("a process", () => {
  it.effect("is known by its number and when it started", () =>
    Effect.gen(function*() {
      const own = yield* ownMark
      assert.strictEqual(own.pid, process.pid)
      if (process.platform === "linux") assert.match(own.started, /^\d+$/)
      assert.isTrue(yield* isAlive(own))
      assert.isFalse(yield* isAlive({ ...own, started: "long ago" }))
      assert.isFalse(yield* isAlive({ pid: 2 ** 22 + 1, started: "" }))
    }).pipe(Effect.provide(NodeFileSystem.layer)))
})

describe("a pin in a file", () => {
  it.scoped("is refused where it is too long to be one, and says what is wrong with the place", () =>
    Effect.gen(function*() {
      const folder = yield* freshFolder
      const path = `${folder}/head.pin`
      const pin = yield* makePinFile(path)
      writeFileSync(path, Buffer.alloc(1024 * 1024 + 1))
      assert.deepInclude(yield* Effect.flip(pin.read), { reason: "Corrupt", subject: path })
      writeFileSync(path, Buffer.alloc(1024 * 1024))
      assert.strictEqual((yield* Effect.flip(pin.read)).subject, undefined)
      const gone = yield* makePinFile(`${folder}/none/head.pin`)
      const head = { writer: new Uint8Array(8), size: 0, root: new Uint8Array(32) }
      const error = yield* Effect.flip(gone.create({ epoch: 0, slots: [], journal: head, targets: {} }))
      assert.deepInclude(error, { reason: "Io", method: "write" })
      mkdirSync(`${folder}/folder.pin`)
      assert.strictEqual((yield* Effect.flip((yield* makePinFile(`${folder}/folder.pin`)).read)).reason, "Io")
    }).pipe(Effect.provide(services)))
})
