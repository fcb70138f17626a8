/** What a vault in a folder does when the disk is away, full, closed, odd, or was left in the middle of something. */
import { assert, describe, it } from "@effect/vitest"
import { makeDisk, prepareDisk } from "@sealog/adapters/storage/Disk"
import { type DiskFiles, diskFiles, systemError } from "@sealog/adapters/storage/DiskFiles"
import { Effect, Stream, TestClock } from "effect"
import { execFileSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { dirname } from "node:path"
import { freshFolder, openHandles } from "../support.ts"

const BYTES = new Uint8Array(1000).fill(7)

const prepared = Effect.fn("test.prepared")(function*(files?: Partial<DiskFiles>) {
  const path = yield* freshFolder
  yield* prepareDisk(path)
  return { path, disk: yield* makeDisk(path, { files: { ...diskFiles, ...files } }) }
})

describe("a disk that is away", () => {
  for (const state of ["missing", "empty"]) {
    /** Verifies: STO-8 */
    it.scoped(`is Unreachable where its folder is ${state}, and no folder is made`, () =>
      Effect.gen(function*() {
        const path = `${yield* freshFolder}/disk`
        if (state === "empty") mkdirSync(path)
        const disk = yield* makeDisk(path)
        const put = yield* Effect.flip(disk.put("log/aa", BYTES))
        const list = yield* Effect.flip(Stream.runCollect(disk.list("log/")))
        assert.deepStrictEqual([put.reason, list.reason], ["Unreachable", "Unreachable"])
        assert.isTrue(put.retryable)
        assert.strictEqual(existsSync(path), state === "empty")
        if (state === "empty") assert.deepStrictEqual(readdirSync(path), [])
      }))
  }

  /** Verifies: STO-8 */
  it.scoped("is not taken for one whose objects were deleted", () =>
    Effect.gen(function*() {
      const { disk, path } = yield* prepared()
      yield* disk.put("log/aa", BYTES)
      rmSync(path, { recursive: true })
      assert.strictEqual((yield* Effect.flip(disk.get("log/aa"))).reason, "Unreachable")
      assert.strictEqual((yield* Effect.flip(disk.delete("log/aa"))).reason, "Unreachable")
    }))
})

describe("a disk that refuses", () => {
  const codes = {
    ENOSPC: "Full",
    EDQUOT: "Full",
    EACCES: "Denied",
    EROFS: "Denied",
    EIO: "Unreachable",
    EMFILE: "Throttled"
  }
  for (const [code, reason] of Object.entries(codes)) {
    /** Verifies: STO-9 */
    it.scoped(`is ${reason} on ${code}, and nothing of the object is left`, () =>
      Effect.gen(function*() {
        const { disk, path } = yield* prepared({
          syncFolder: diskFiles.syncFolder,
          link: () => Promise.reject(systemError(code, "x"))
        })
        assert.strictEqual((yield* Effect.flip(disk.put("log/aa", BYTES))).reason, reason)
        assert.deepStrictEqual(readdirSync(`${path}/tmp`), [])
        assert.deepStrictEqual([...(yield* Stream.runCollect(disk.list("")))], [])
      }))
  }

  /** Verifies: STO-9 */
  it.scoped("never says stored when the folder could not be synced", () =>
    Effect.gen(function*() {
      const { disk } = yield* prepared({ syncFolder: () => Promise.reject(systemError("EIO", "x")) })
      assert.strictEqual((yield* Effect.flip(disk.put("log/aa", BYTES))).reason, "Unreachable")
      const again = yield* Effect.flip(disk.put("log/aa", BYTES))
      assert.strictEqual(again.reason, "Unreachable")
    }))
})

describe("what was put on a disk", () => {
  /** Verifies: STO-14 */
  it.scoped("lies in folders whose names are synced too, also where another run made them", () =>
    Effect.gen(function*() {
      const synced: Array<string> = []
      const files: DiskFiles = {
        ...diskFiles,
        syncFolder: (folder) => (synced.push(folder), diskFiles.syncFolder(folder))
      }
      const path = `${yield* freshFolder}/vault`
      yield* prepareDisk(path, { files })
      assert.deepStrictEqual(synced.splice(0), [path, dirname(path)])
      for (const name of ["log/aa", "log/bb"]) {
        const disk = yield* makeDisk(path, { files })
        yield* disk.put(name, BYTES)
        assert.deepStrictEqual([...new Set(synced.splice(0))], [`${path}/log`, path], name)
        assert.strictEqual((yield* Effect.flip(disk.put(name, BYTES))).reason, "AlreadyExists")
        assert.deepStrictEqual(synced.splice(0), [`${path}/log`], name)
      }
      const other = yield* makeDisk(path, { files })
      assert.strictEqual((yield* Effect.flip(other.put("log/aa", BYTES))).reason, "AlreadyExists")
      assert.deepStrictEqual(synced, [`${path}/log`, path])
    }))
})

describe("a folder with more in it than a vault", () => {
  /** Verifies: STO-10 */
  it.scoped("lists what is not its own, and never reads, follows or deletes it", () =>
    Effect.gen(function*() {
      const { disk, path } = yield* prepared()
      yield* disk.put("log/aa", BYTES)
      writeFileSync(`${path}/log/.DS_Store`, "x")
      writeFileSync(`${path}/log/aa 2`, "xx")
      symlinkSync("/etc/passwd", `${path}/log/bb`)
      const names = [...(yield* Stream.runCollect(disk.list("log/")))].map((info) => info.name).toSorted()
      assert.deepStrictEqual(names, ["log/.DS_Store", "log/aa", "log/aa 2"])
      assert.strictEqual((yield* Effect.flip(disk.get("log/bb"))).reason, "Corrupt")
      assert.strictEqual((yield* Effect.flip(disk.delete("log/aa 2"))).reason, "Unsupported")
    }))

  /** Verifies: STO-10 */
  it.scoped("is not held up by a named pipe or a folder in an object's place", () =>
    Effect.gen(function*() {
      const { disk, path } = yield* prepared()
      yield* disk.put("log/aa", BYTES)
      execFileSync("mkfifo", [`${path}/log/bb`])
      mkdirSync(`${path}/log/cc`)
      assert.strictEqual((yield* Effect.flip(disk.get("log/bb"))).reason, "Corrupt")
      assert.strictEqual((yield* Effect.flip(disk.get("log/cc"))).reason, "Corrupt")
    }))

  /** Verifies: STO-10 */
  it.scoped("refuses to read into memory what is longer than any object", () =>
    Effect.gen(function*() {
      const { disk, path } = yield* prepared()
      yield* disk.put("log/aa", BYTES)
      truncateSync(`${path}/log/aa`, 10 ** 10)
      assert.strictEqual((yield* Effect.flip(disk.get("log/aa"))).reason, "Corrupt")
      assert.strictEqual((yield* disk.get("log/aa", { offset: 0, length: 1000 })).length, 1000)
    }))
})

describe("what is left on a disk", () => {
  /** Verifies: STO-11 */
  it.scoped("is for its owner alone", () =>
    Effect.gen(function*() {
      const { disk, path } = yield* prepared()
      yield* disk.put("log/aa", BYTES)
      yield* disk.put("sealog.json", BYTES)
      const modes = ["log", "tmp", "log/aa", "sealog.json"].map((name) => statSync(`${path}/${name}`).mode & 0o777)
      assert.deepStrictEqual(modes, [0o700, 0o700, 0o600, 0o600])
    }))

  /** Verifies: STO-12 */
  it.scoped("by crashed runs is removed a day later, and never what is being written", () =>
    Effect.gen(function*() {
      const { path } = yield* prepared()
      writeFileSync(`${path}/tmp/old.part`, "x")
      utimesSync(`${path}/tmp/old.part`, 1000, 1000)
      writeFileSync(`${path}/tmp/new.part`, "x")
      utimesSync(`${path}/tmp/new.part`, 100_000, 100_000)
      yield* TestClock.setTime(100_000_000)
      const disk = yield* makeDisk(path)
      assert.deepStrictEqual(readdirSync(`${path}/tmp`).toSorted(), ["new.part", "old.part"])
      yield* disk.put("log/aa", BYTES)
      assert.deepStrictEqual(readdirSync(`${path}/tmp`), ["new.part"])
    }))

  /** Verifies: STO-12 */
  it.scoped("by a holder of a name who died is taken over where there are no hard links", () =>
    Effect.gen(function*() {
      const { disk, path } = yield* prepared({ link: () => Promise.reject(systemError("ENOTSUP", "x")) })
      const { hostname } = yield* Effect.promise(() => import("node:os"))
      yield* disk.put("log/aa", BYTES)
      writeFileSync(`${path}/tmp/bb.claim`, `999999999 ${hostname()}`)
      yield* disk.put("log/bb", BYTES)
      writeFileSync(`${path}/tmp/cc.claim`, `1 ${hostname()}`)
      assert.strictEqual((yield* Effect.flip(disk.put("log/cc", BYTES))).reason, "Throttled")
      assert.deepStrictEqual(readdirSync(`${path}/tmp`), ["cc.claim"])
      assert.strictEqual(readFileSync(`${path}/log/bb`).length, 1000)
    }))

  /** Verifies: STO-9 */
  it.scoped("is nothing open after failures of every kind", () =>
    Effect.gen(function*() {
      const { disk, path } = yield* prepared({ link: () => Promise.reject(systemError("EIO", "x")) })
      mkdirSync(`${path}/log`)
      writeFileSync(`${path}/log/bb`, "x")
      const before = yield* openHandles
      for (let n = 0; n < 50; n++) {
        yield* Effect.exit(disk.put("log/aa", BYTES))
        yield* Effect.exit(disk.get("log/cc"))
        yield* Stream.runDrain(Stream.take(disk.list(""), 1))
      }
      assert.isAtMost(yield* openHandles, before)
    }))

  /** Verifies: STO-9 */
  it.scoped("is refused as Denied where the folder may not be written", () =>
    Effect.gen(function*() {
      if (process.getuid?.() === 0) return yield* Effect.log("skipped: root may write everywhere")
      const { disk, path } = yield* prepared()
      chmodSync(`${path}/tmp`, 0o500)
      assert.strictEqual((yield* Effect.flip(disk.put("log/aa", BYTES))).reason, "Denied")
    }))
})
