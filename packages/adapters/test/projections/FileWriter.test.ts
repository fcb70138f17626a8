import { assert, describe, it } from "@effect/vitest"
import type { NewFile } from "@sealog/adapters/projections/FileJob"
import { makeFileWriter } from "@sealog/adapters/projections/FileWriter"
import { Effect } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { join } from "node:path"
import { freshFolder } from "../support.ts"

/** Names are bytes, and some are no text. */
const fileAt = (folder: string, at: number, bytes: Uint8Array): NewFile => ({
  path: Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(`${at} \xff\n`, "latin1")]),
  bytes,
  mtimeSeconds: 1_500_000_000.000_000_5 + at
})

const filesIn = (folder: string, count: number): ReadonlyArray<NewFile> =>
  Array.from({ length: count }, (_, at) => fileAt(folder, at, Buffer.alloc((at * 37) % 9_000, at)))

const assertWritten = (files: ReadonlyArray<NewFile>) => {
  for (const { bytes, mtimeSeconds, path } of files) {
    assert.isTrue(fs.readFileSync(path).equals(bytes), path.toString())
    const { mode, mtimeNs } = fs.statSync(path, { bigint: true })
    assert.strictEqual(mtimeNs, BigInt(Math.floor(mtimeSeconds)) * 1_000_000_000n)
    assert.strictEqual(mode & 0o777n, 0o600n)
  }
}

describe("files that are written many at a time", () => {
  /** Verifies: RST-12 */
  it.scopedLive("are there with their bytes, times and names, be they few or many", () =>
    Effect.gen(function*() {
      for (const count of [1, 511, 5_000]) {
        const folder = yield* freshFolder
        const files = filesIn(folder, count)
        const writer = yield* makeFileWriter
        for (let from = 0; from < count; from += 400) yield* writer.write(files.slice(from, from + 400))
        yield* writer.settled
        assertWritten(files)
        assert.lengthOf(fs.readdirSync(folder), count)
      }
    }))

  it.scopedLive("may be longer than all that is handed over at once", () =>
    Effect.gen(function*() {
      const folder = yield* freshFolder
      const files = filesIn(folder, 1_200).map((file, at) =>
        at % 300 === 299 ? { ...file, bytes: Buffer.alloc(2 ** 21 + at, at) } : file
      )
      const writer = yield* makeFileWriter
      yield* writer.write(files)
      yield* writer.settled
      assertWritten(files)
    }))

  /** Verifies: RST-12 */
  it.scopedLive("are refused by name where one cannot be written, and none takes the place of another", () =>
    Effect.gen(function*() {
      const folder = yield* freshFolder
      const files = filesIn(folder, 3_000)
      const taken = files[1_777]!
      fs.writeFileSync(taken.path, "somebody's")
      const writer = yield* makeFileWriter
      const error = yield* Effect.flip(Effect.zipRight(writer.write(files), writer.settled))
      assert.deepInclude(error, { _tag: "ProjectionError", reason: "Io", subject: taken.path.toString() })
      assert.strictEqual(fs.readFileSync(taken.path, "utf8"), "somebody's")
      assert.deepInclude(yield* Effect.flip(writer.settled), { subject: taken.path.toString() })
      // What was on its way behind it may be there: it is in a folder that counts for nothing until all of it does.
      assertWritten(files.slice(0, 1_777))
    }))

  it.scopedLive("are refused where there is no folder for them", () =>
    Effect.gen(function*() {
      const folder = join(yield* freshFolder, "none")
      for (const count of [2, 2_000]) {
        const writer = yield* makeFileWriter
        const error = yield* Effect.flip(Effect.zipRight(writer.write(filesIn(folder, count)), writer.settled))
        assert.strictEqual(error.method, "write")
      }
    }))

  /** Verifies: RST-12 */
  it.scopedLive("are written no more once whoever wanted them is gone", () =>
    Effect.gen(function*() {
      const [folder, other] = [yield* freshFolder, yield* freshFolder]
      const interrupted = Effect.flatMap(
        makeFileWriter,
        (writer) => Effect.zipRight(writer.write(filesIn(folder, 3_000)), Effect.interrupt)
      )
      yield* Effect.exit(Effect.scoped(interrupted))
      const there = fs.readdirSync(folder).length
      // Whatever the thread had still to do, it would have done before this.
      const writer = yield* makeFileWriter
      yield* writer.write(filesIn(other, 600))
      yield* writer.settled
      assert.lengthOf(fs.readdirSync(folder), there)
    }))
})
