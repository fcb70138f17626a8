/** The file that names who holds a journal: taken by one, replaced where its process is gone, whatever was left. */
import { SystemError } from "@effect/platform/Error"
import { FileSystem } from "@effect/platform/FileSystem"
import { assert, describe, it } from "@effect/vitest"
import { claimJournal, livingHolder } from "@sealog/adapters/journal/JournalHolder"
import { Effect, Exit, Option } from "effect"
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { freshFolder } from "../support.ts"
import { services } from "./support.ts"

/** The claim of a process that is gone. */
const deadClaim = (nonce: string): string => {
  const { pid } = spawnSync(process.execPath, ["--version"])
  return JSON.stringify({ pid, started: "1", nonce })
}

/** The claim of a process that lives until the scope closes. */
const livingClaim = Effect.gen(function*() {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => spawn("sleep", ["60"])),
    (sleeping) => Effect.sync(() => sleeping.kill("SIGKILL"))
  )
  const stat = readFileSync(`/proc/${child.pid}/stat`, "utf8")
  const started = stat.slice(stat.lastIndexOf(")")).split(" ")[20]
  return { pid: child.pid, text: JSON.stringify({ pid: child.pid, started, nonce: "living" }) }
})

/** The file that stands for replacing a claim, which stood for replacing so many others. */
const replacementOf = (claim: string, depth: number) =>
  `pid.${createHash("sha256").update(`${depth} ${claim}`).digest("hex").slice(0, 32)}`

const holderOf = (path: string) => Effect.map(livingHolder(path), (holder) => Option.map(holder, ({ pid }) => pid))

describe.skipIf(process.platform !== "linux")("the holder of a journal", () => {
  /** Verifies: JRNL-12 */
  it.scopedLive("is named while it holds it, and leaves no file", () =>
    Effect.gen(function*() {
      const path = yield* freshFolder
      yield* Effect.scoped(Effect.zipRight(
        claimJournal(path),
        Effect.gen(function*() {
          assert.deepStrictEqual(yield* holderOf(path), Option.some(process.pid))
          assert.deepStrictEqual(readdirSync(path), ["pid"])
        })
      ))
      assert.deepStrictEqual(readdirSync(path), [])
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-12 */
  it.scopedLive("is not replaced while it lives", () =>
    Effect.gen(function*() {
      const path = yield* freshFolder
      const { pid, text } = yield* livingClaim
      writeFileSync(`${path}/pid`, text)
      assert.strictEqual((yield* Effect.flip(Effect.scoped(claimJournal(path)))).pid, pid)
      assert.strictEqual(readFileSync(`${path}/pid`, "utf8"), text)
      assert.deepStrictEqual(readdirSync(path), ["pid"])
    }).pipe(Effect.provide(services)))

  const left: ReadonlyArray<readonly [name: string, text: string]> = [
    ["is gone", deadClaim("a")],
    ["was cut off while it wrote its name", "{\"pid\":1"],
    ["had not written anything yet", ""],
    ["had this process's number", JSON.stringify({ pid: process.pid, started: "before" })]
  ]
  for (const [name, text] of left) {
    /** Verifies: JRNL-12 */
    it.scopedLive(`is replaced where it ${name}, though others died replacing it`, () =>
      Effect.gen(function*() {
        const path = yield* freshFolder
        const second = deadClaim("second")
        const third = deadClaim("third")
        writeFileSync(`${path}/pid`, text)
        writeFileSync(`${path}/${replacementOf(text, 0)}`, second)
        writeFileSync(`${path}/${replacementOf(second, 1)}`, third)
        yield* claimJournal(path)
        assert.deepStrictEqual(yield* holderOf(path), Option.some(process.pid))
        assert.deepStrictEqual(readdirSync(path), ["pid"])
      }).pipe(Effect.provide(services)))
  }

  for (const [what, text] of [["zeros", "\0".repeat(60)], ["nothing", ""]] as const) {
    /** Verifies: JRNL-12 */
    it.scopedLive(`is replaced where power cuts left ${what} of it and of those who died replacing it`, () =>
      Effect.gen(function*() {
        const path = yield* freshFolder
        writeFileSync(`${path}/pid`, text)
        for (const depth of [0, 1, 2]) writeFileSync(`${path}/${replacementOf(text, depth)}`, text)
        yield* claimJournal(path)
        assert.deepStrictEqual(yield* holderOf(path), Option.some(process.pid))
        assert.deepStrictEqual(readdirSync(path), ["pid"])
      }).pipe(Effect.provide(services)))
  }

  /** Verifies: JRNL-12 */
  it.scopedLive("is not replaced while another process is at it", () =>
    Effect.gen(function*() {
      const path = yield* freshFolder
      const dead = deadClaim("a")
      const { pid, text } = yield* livingClaim
      writeFileSync(`${path}/pid`, dead)
      writeFileSync(`${path}/${replacementOf(dead, 0)}`, text)
      assert.strictEqual((yield* Effect.flip(Effect.scoped(claimJournal(path)))).pid, pid)
      assert.strictEqual(readFileSync(`${path}/pid`, "utf8"), dead)
    }).pipe(Effect.provide(services)))

  /** Verifies: JRNL-12 */
  it.scopedLive("is one also where the file system has no hard links", () =>
    Effect.gen(function*() {
      const path = yield* freshFolder
      const fs = yield* FileSystem
      const refused = new SystemError({
        reason: "PermissionDenied",
        module: "FileSystem",
        method: "link",
        cause: Object.assign(new Error("EPERM"), { code: "EPERM" })
      })
      const without: FileSystem = { ...fs, link: () => Effect.fail(refused) }
      const claim = Effect.provideService(claimJournal(path), FileSystem, without)
      yield* Effect.scoped(
        Effect.zipRight(claim, Effect.sync(() => assert.deepStrictEqual(readdirSync(path), ["pid"])))
      )
      const { pid, text } = yield* livingClaim
      writeFileSync(`${path}/pid`, text)
      assert.strictEqual((yield* Effect.flip(Effect.scoped(claim))).pid, pid)
      writeFileSync(`${path}/pid`, deadClaim("a"))
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(claim)))
    }).pipe(Effect.provide(services)))
})
