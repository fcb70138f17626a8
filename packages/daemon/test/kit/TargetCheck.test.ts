/** `sealog target check`: the contract beside what is there, what is said of it, and that nothing stays behind. */
import { FileSystem } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { check } from "@sealog/daemon/engine/Check"
import { openTarget, prepareTarget } from "@sealog/daemon/engine/Places"
import { makeStyle } from "@sealog/daemon/present/Style"
import * as Target from "@sealog/daemon/present/Target"
import { targets } from "@sealog/daemon/Registry"
import { parseOne } from "@sealog/daemon/Spec"
import { Effect, Either } from "effect"
import { join } from "node:path"
import { linux, sealog } from "../support/Harness.ts"
import * as Samples from "../support/Samples.ts"
import { examples, withAdapters } from "./Adapters.ts"

const LONG = 120_000
const spec = (text: string) => Either.getOrThrow(parseOne("target", text, linux))

/** A place in memory that counts ranges from one: somebody's first try. */
const WRONG = `
import { defineStorage, StorageError } from "@sealog/core"
import { Effect, Schema, Stream } from "effect"
const objects = new Map()
const refuse = (reason, method, subject) => new StorageError({ reason, method, subject, retryable: false })
export default defineStorage({
  kind: "wrong",
  options: Schema.Struct({}),
  capabilities: { atomicCreate: true, rangeReads: true, strongList: true, durability: "stored", deletes: true,
    objectLock: false, maxObjectBytes: 40 * 1024 * 1024 },
  make: () => Effect.succeed({
    put: (name, bytes) => Effect.suspend(() => {
      if (objects.has(name)) return refuse("AlreadyExists", "put", name)
      objects.set(name, bytes.slice())
      return Effect.void
    }),
    get: (name, range) => Effect.suspend(() => {
      const bytes = objects.get(name)
      if (bytes === undefined) return refuse("NotFound", "get", name)
      return Effect.succeed(range === undefined ? bytes.slice() : bytes.slice(range.offset + 1, range.offset + 1 + range.length))
    }),
    list: (prefix) => Stream.suspend(() => Stream.fromIterable(
      [...objects].filter(([name]) => name.startsWith(prefix)).map(([name, bytes]) => ({ name, size: bytes.length })))),
    delete: (name) => Effect.sync(() => { objects.delete(name) })
  })
})
`

describe("target check", () => {
  const local = Object.keys(targets).filter((kind) => targets[kind]?.place === "path")
  for (const kind of local) {
    /** Verifies: KIT-3 */
    it.live(
      `finds every promise kept at ${kind}:, and leaves it as it was`,
      () =>
        Effect.scoped(withAdapters([], (folder) =>
          Effect.gen(function*() {
            const fs = yield* FileSystem.FileSystem
            const vault = join(folder, "vault")
            const there = yield* openTarget(spec(`${kind}:${vault}`))
            yield* prepareTarget(spec(`${kind}:${vault}`))
            yield* there.put("log/aaaa", new Uint8Array(9))
            const before = yield* fs.readDirectory(vault, { recursive: true })
            const report = yield* check({ spec: spec(`${kind}:${vault}`) })
            assert.deepStrictEqual(report.promises.filter(({ outcome }) => outcome === "failed"), [])
            assert.isAtLeast(report.passed, 60)
            assert.deepStrictEqual([report.outcome, report.left.objects], ["passed", 0])
            assert.isAbove(report.uploadBytesPerSecond, 0)
            assert.deepStrictEqual(
              (yield* fs.readDirectory(vault, { recursive: true })).toSorted(),
              before.toSorted()
            )
          }))),
      LONG
    )
  }

  /** Verifies: KIT-3 */
  it.live(
    "says what a place breaks, why, and what to mend",
    () =>
      Effect.scoped(withAdapters([], (folder) =>
        Effect.gen(function*() {
          const fs = yield* FileSystem.FileSystem
          // Beside, and linked: what lies in `node_modules` is loaded past the tests' own way to our sources.
          yield* fs.makeDirectory(join(folder, "wrong"))
          yield* fs.writeFileString(join(folder, "wrong/package.json"), "{ \"type\": \"module\" }")
          yield* fs.writeFileString(join(folder, "wrong/index.js"), WRONG)
          yield* fs.symlink(join(folder, "wrong"), join(folder, "node_modules/wrong"))
          const report = yield* check({ spec: spec("package:wrong") })
          const failed = report.promises.filter(({ outcome }) => outcome === "failed")
          assert.strictEqual(report.outcome, "failed")
          assert.deepStrictEqual(failed.find(({ promise }) => promise === "reads the last byte alone"), {
            promise: "reads the last byte alone",
            outcome: "failed",
            why: "of 1 bytes from 99999 of 100000: got 0 bytes, not 1",
            mend: "give bytes offset to offset + length, less where the object ends sooner, none from its end on"
          })
          for (const { mend, promise } of failed) {
            assert.match(promise + (mend ?? ""), /range|byte|16 MiB|own to change/u)
          }
          const shown = Target.check(report, { style: makeStyle(false), nowMillis: 0 })
          assert.include(shown, "broken  reads the last byte alone\n  of 1 bytes")
        }))),
    LONG
  )

  /** Verifies: KIT-3 */
  it.scoped(
    "takes place at a package's place too, with wrappers, in a place that was never used",
    () =>
      withAdapters([join(examples, "sealog-adapter-example")], (folder) =>
        Effect.gen(function*() {
          const place = spec(`package:sealog-adapter-example?folder=${folder}/vault`)
          const report = yield* check({
            spec: { ...place, access: { prefix: "ada", appendOnly: true, concurrency: 4 } }
          })
          assert.deepStrictEqual(report.promises.filter(({ outcome }) => outcome === "failed"), [])
          assert.isFalse(report.capabilities.deletes)
          assert.isAbove(report.left.objects, 0)
        })),
    LONG
  )

  it.effect("ends with 13 where a promise is broken, in words and in JSON", () =>
    Effect.gen(function*() {
      const words = ["target", "check", "disk:/d"]
      const well = yield* sealog(words)
      assert.strictEqual(well.exit, 0)
      assert.include(well.out, "webdav:https://nas/dav/ keeps the contract. 90 promises kept, 3 not asked for.")
      assert.include(well.out, "put, get, list, delete  12 ms, 4.0 ms, 8.0 ms, 2.0 ms")
      const engine = { targetCheck: () => Effect.succeed(Samples.targetCheckFailed) }
      const broken = yield* sealog(words, { engine })
      assert.strictEqual(broken.exit, 13)
      assert.include(broken.out, "to mend it: give bytes")
      assert.include(
        broken.out,
        "2 objects could not be removed: they lie in the folders that begin with checkabcdefgh."
      )
      const json = yield* sealog([...words, "--json"], { engine })
      assert.isTrue(json.out.startsWith("{\"schema\":\"sealog.target-check/1\","))
    }))
})
