/** What a vault in a synced folder does with files that are not here, with other programs' copies, and with its own. */
import { assert, describe, it } from "@effect/vitest"
import { type CloudFiles, cloudFiles, stubOf } from "@sealog/adapters/storage/CloudFiles"
import { makeDisk } from "@sealog/adapters/storage/Disk"
import { makeICloud, prepareICloud } from "@sealog/adapters/storage/ICloud"
import { makeSyncedFolder, prepareSyncedFolder, type SyncedFolderOptions } from "@sealog/adapters/storage/SyncedFolder"
import { compiledPath } from "@sealog/adapters/threads/Compiled"
import { nameOf, numbers, sample } from "@sealog/core/testing/StorageSamples"
import { Effect, Schedule, Stream } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { dirname } from "node:path"
import { freshFolder } from "../support.ts"

const prepared = Effect.fn("test.prepared")(function*(options?: Partial<SyncedFolderOptions>) {
  const home = yield* freshFolder
  const path = `${home}/Dropbox/vault`
  mkdirSync(dirname(path))
  yield* prepareSyncedFolder({ path })
  const staging = `${home}/outgoing`
  return { path, staging, storage: yield* makeSyncedFolder({ kind: "folder", path, staging, ...options }) }
})

const listed = (storage: { readonly list: (prefix: string) => Stream.Stream<{ readonly name: string }, unknown> }) =>
  Effect.map(Stream.runCollect(storage.list("")), (infos) => [...infos].map(({ name }) => name).toSorted())

/** The file of an object, wherever below the vault's folder it lies. */
const fileOf = (path: string, name: string): string => {
  const base = name.slice(name.indexOf("/") + 1)
  const found = readdirSync(path, { recursive: true, encoding: "utf8" }).find((each) => each.endsWith(`/${base}`))
  assert.isDefined(found)
  return `${path}/${found}`
}

/** What iCloud Drive leaves of a file of 70,000 bytes: written by Apple's format, not by the code under test. */
const STUB_OF_70000 =
  "YnBsaXN0MDDTAQIDBAUGXxAYTlNVUkxGaWxlUmVzb3VyY2VUeXBlS2V5XxAQTlNVUkxGaWxlU2l6ZUtleVxOU1VSTE5hbWVLZXlfEBxOU1VSTEZpbG"
  + "VSZXNvdXJjZVR5cGVSZWd1bGFyEgABEXBSYWEIDyo9SmluAAAAAAAAAQEAAAAAAAAABwAAAAAAAAAAAAAAAAAAAHE="

describe("a file that is not here", () => {
  /** Verifies: SYN-2 */
  it.scopedLive("hangs nothing but its own read, which ends at its deadline, however many there are", () =>
    Effect.gen(function*() {
      // A pipe that nobody writes to: a read of it never ends.
      const dataless: CloudFiles = {
        ...cloudFiles,
        look: async (path) => {
          const look = await cloudFiles.look(path)
          return look.kind === "other" ? { ...look, kind: "file", size: 1_000, presence: "dataless" } : look
        }
      }
      const { path, storage } = yield* prepared({ cloud: dataless, deadlineMillis: () => 400 })
      yield* storage.put("log/aaaa", sample(1_000, 1))
      const evicted = numbers(6).map((n) => `log/bbb${"abcdef"[n]}`)
      for (const name of evicted) {
        mkdirSync(`${path}/log/b`, { recursive: true })
        execFileSync("mkfifo", [`${path}/log/b/${name.slice(4)}`])
      }
      const hung = yield* Effect.fork(
        Effect.forEach(evicted, (name) => Effect.flip(storage.get(name)), { concurrency: "unbounded" })
      )
      yield* Effect.sleep("150 millis")
      // This process's own threads are all free: eight files, when it has four threads that could wait for ever.
      yield* Effect.promise(() => Promise.all(numbers(8).map(() => readFile("/etc/hosts"))))
      const errors = yield* hung.await.pipe(Effect.flatten)
      assert.deepStrictEqual(
        errors.map(({ reason, retryable }) => [reason, retryable]),
        evicted.map(() => [
          "Unreachable",
          true
        ])
      )
      // A machine that is busy may take longer to start another process than the deadline of this test.
      assert.deepStrictEqual(yield* Effect.retry(storage.get("log/aaaa"), { times: 20 }), sample(1_000, 1))
    }))

  /** Verifies: SYN-2 */
  it.scopedLive("leaves no process behind that waits for it, though the daemon was killed", () =>
    Effect.gen(function*() {
      const pipe = `${yield* freshFolder}/pipe`
      execFileSync("mkfifo", [pipe])
      const script = `
        import { readFileSync } from "node:fs"
        import { FileReader } from ${JSON.stringify(compiledPath("storage/FileReader"))}
        new FileReader().read({ path: ${JSON.stringify(pipe)}, limitBytes: 1 }, 60_000)
        setTimeout(() => {
          process.stdout.write(readFileSync(\`/proc/\${process.pid}/task/\${process.pid}/children\`, "utf8"), () => {
            process.kill(process.pid, "SIGKILL")
          })
        }, 500)`
      if (!existsSync("/proc/self/task")) return yield* Effect.log("skipped: this system does not tell its processes")
      const { signal, stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
        encoding: "utf8"
      })
      assert.strictEqual(signal, "SIGKILL")
      assert.match(stdout, /^\d+ $/)
      const isGone = Effect.sync(() => !existsSync(`/proc/${stdout.trim()}/fd/0`))
      yield* isGone.pipe(
        Effect.repeat({ until: (gone) => gone, schedule: Schedule.spaced("50 millis") }),
        Effect.timeout("5 seconds")
      )
    }))

  /** Verifies: SYN-3 */
  it.scopedLive("is listed by its stub, with its size, is fetched to be read, and its name stays taken", () =>
    Effect.gen(function*() {
      const fetches: Array<string> = []
      const cloud: CloudFiles = {
        ...cloudFiles,
        fetch: async (path) => {
          fetches.push(path)
          renameSync(`${path}.uploaded`, path)
          rmSync(stubOf(path))
        }
      }
      const { path, storage } = yield* prepared({ cloud })
      const evict = (name: string) => {
        const file = fileOf(path, name)
        renameSync(file, `${file}.uploaded`)
        writeFileSync(stubOf(file), Buffer.from(STUB_OF_70000, "base64"))
        return file
      }
      yield* storage.put("log/aaaa", sample(70_000, 1))
      const file = evict("log/aaaa")
      assert.deepStrictEqual([...(yield* Stream.runCollect(storage.list("log/")))], [{
        name: "log/aaaa",
        size: 70_000
      }])
      assert.deepStrictEqual(fetches, [])
      assert.strictEqual((yield* Effect.flip(storage.put("log/aaaa", sample(5, 2)))).reason, "AlreadyExists")
      assert.deepStrictEqual(yield* storage.get("log/aaaa"), sample(70_000, 1))
      assert.deepStrictEqual(fetches, [file])

      evict("log/aaaa")
      yield* storage.delete("log/aaaa")
      assert.isFalse(existsSync(stubOf(file)))
      assert.strictEqual((yield* Effect.flip(storage.get("log/aaaa"))).reason, "NotFound")
    }))
})

describe("a folder that another program syncs", () => {
  /** Verifies: SYN-1 */
  it.scoped("is given whole files only, few to a folder, and nothing of what is on its way", () =>
    Effect.gen(function*() {
      const { path, staging, storage } = yield* prepared()
      yield* Effect.forEach(numbers(200), (n) => storage.put(nameOf(n), sample(100, n)), { concurrency: 8 })
      assert.deepStrictEqual(readdirSync(`${path}/tmp`), [])
      assert.deepStrictEqual(readdirSync(staging), [])
      const folders = readdirSync(`${path}/log`)
      assert.isAbove(folders.length, 5)
      for (const folder of folders) assert.isBelow(readdirSync(`${path}/log/${folder}`).length, 40)
    }))

  /** Verifies: SYN-1 */
  it.scoped("is read as a disk where it was copied to one, and the other way round", () =>
    Effect.gen(function*() {
      const { path, storage } = yield* prepared()
      const disk = yield* makeDisk(path)
      yield* storage.put("log/aaaa", sample(10, 1))
      yield* storage.put("log/b", sample(10, 2))
      yield* disk.put("log/cccc", sample(10, 3))
      for (const [at, name] of ["log/aaaa", "log/b", "log/cccc"].entries()) {
        assert.deepStrictEqual(yield* storage.get(name), sample(10, at + 1))
        assert.deepStrictEqual(yield* disk.get(name), sample(10, at + 1))
        for (const each of [storage, disk]) {
          assert.strictEqual((yield* Effect.flip(each.put(name, sample(1, 9)))).reason, "AlreadyExists")
        }
      }
      assert.deepStrictEqual(yield* listed(disk), ["log/aaaa", "log/b", "log/cccc"])
      assert.deepStrictEqual(yield* listed(storage), ["log/aaaa", "log/b", "log/cccc"])
      yield* disk.delete("log/aaaa")
      yield* storage.delete("log/cccc")
      assert.deepStrictEqual(yield* listed(disk), ["log/b"])
    }))

  /** Verifies: SYN-4 */
  it.scoped("has its conflict copies told by name, and none of them listed or read", () =>
    Effect.gen(function*() {
      const { path, storage } = yield* prepared()
      yield* storage.put("sealog.json", sample(10, 0))
      yield* storage.put("log/aaaa", sample(10, 1))
      const folder = dirname(fileOf(path, "log/aaaa"))
      const copies = [
        "aaaa 2",
        "aaaa (1)",
        "aaaa (Ada's conflicted copy 2026-11-24)",
        "aaaa.sync-conflict-20261124-2301"
      ]
      for (const copy of copies) writeFileSync(`${folder}/${copy}`, "x")
      writeFileSync(`${path}/sealog 2.json`, "x")
      mkdirSync(`${path}/log 2`)
      writeFileSync(`${path}/log 2/aaaa`, "x")
      for (const other of [".DS_Store", "Icon\r", ".stfolder"]) writeFileSync(`${path}/${other}`, "x")
      assert.deepStrictEqual(yield* listed(storage), ["log/aaaa", "sealog.json"])
      const told = storage.conflictCopies()
      assert.deepStrictEqual(
        told.filter((name) => name.startsWith("log/a/")).map((name) => name.slice(6)),
        copies.toSorted()
      )
      assert.include(told, "sealog 2.json")
      assert.include(told, "log 2/aaaa")
      assert.strictEqual(told.length, copies.length + 2)

      for (const copy of copies) rmSync(`${folder}/${copy}`)
      yield* Stream.runDrain(storage.list("log/"))
      assert.deepStrictEqual(storage.conflictCopies(), ["log 2/aaaa", "sealog 2.json"])
    }))

  /** Verifies: SYN-5 */
  it.scoped("is not made where nobody would sync it, and is Unreachable while it is away", () =>
    Effect.gen(function*() {
      const home = yield* freshFolder
      const path = `${home}/Dropobx/vault`
      assert.strictEqual((yield* Effect.flip(prepareSyncedFolder({ path }))).reason, "Unreachable")
      const storage = yield* makeSyncedFolder({ kind: "folder", path, staging: `${home}/outgoing` })
      assert.strictEqual((yield* Effect.flip(storage.put("log/aaaa", sample(1, 1)))).reason, "Unreachable")
      assert.strictEqual((yield* Effect.flip(Stream.runCollect(storage.list("")))).reason, "Unreachable")
      assert.isFalse(existsSync(dirname(path)))
    }))

  /** Verifies: SYN-6 */
  it.scoped("only queues what it is given, and says so", () =>
    Effect.gen(function*() {
      const { storage } = yield* prepared()
      assert.deepInclude(storage.capabilities, { durability: "queued", atomicCreate: false })
    }))
})

describe("iCloud Drive on a system without it", () => {
  /** Verifies: SYN-7 */
  it.scoped("is Unsupported in every verb, by the name its owner gave it", () =>
    Effect.gen(function*() {
      const options = { path: undefined, subject: "icloud:mine" }
      const storage = yield* makeICloud(options)
      const errors = [
        yield* Effect.flip(prepareICloud(options)),
        yield* Effect.flip(storage.put("log/aa", sample(1, 1))),
        yield* Effect.flip(storage.get("log/aa")),
        yield* Effect.flip(Stream.runCollect(storage.list(""))),
        yield* Effect.flip(storage.delete("log/aa"))
      ]
      for (const error of errors) {
        assert.deepInclude(error, { reason: "Unsupported", subject: "icloud:mine", retryable: false })
      }
    }))
})
