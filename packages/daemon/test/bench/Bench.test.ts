/**
 * The benchmark at a size that says nothing about performance and all about the harness: every row runs, figures come
 * from where they should, judgements follow from figures. Nothing here looks at how long anything took.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { causes } from "./causes.ts"
import { freshFolder } from "./Folder.ts"
import { measureRows } from "./Measure.ts"
import { documentFile, documentOf, missedOf, readResults, type Result, resultOf } from "./Performance.ts"
import { seesRequests, watchRequests } from "./Requests.ts"
import type { Row } from "./Row.ts"
import { rows } from "./rows.ts"
import { RELEASE, type Sizes, sizesOf } from "./Sizes.ts"
import { cellsOf } from "./Table.ts"

const TINY: Sizes = {
  runs: 1,
  mails: 30,
  chatMessages: 300,
  arrivals: 3,
  deliveries: 2,
  idleSeconds: 0.2,
  events: 500,
  increments: 1,
  ships: 20
}

/** Not below `.cache`, where a measurement may be under way. */
const temporary = Effect.flatMap(
  Effect.sync(() => fs.mkdtempSync(join(tmpdir(), "sealog-bench-"))),
  freshFolder
)

const rowOf = (over: Partial<Row>): Row => ({ ...rows[0]!, name: "some", work: "Work", unit: "seconds", ...over })

describe("benchmark", () => {
  it.scopedLive("measures every row there is, each once", () =>
    Effect.gen(function*() {
      const results: Array<Result> = []
      const asked = { ...TINY, sizes: TINY, seed: 1, kdfMemoryMiB: 64, folder: yield* temporary, say: () => {} }
      yield* measureRows(rows, asked, (fresh) => results.push(...fresh))
      const lacking = yield* Effect.filter(rows, ({ scenario: { lacks } }) => Effect.map(lacks ?? Effect.void, Boolean))
      assert.deepStrictEqual(
        results.map(({ row }) => row),
        rows.filter((row) => !lacking.includes(row)).map(({ name }) => name)
      )
      for (const { own, row } of results) {
        assert.isAtLeast(own.length, 1, row)
        assert.isTrue(own.every((figure) => figure >= 0), row)
      }
      const beside = new Map(results.map((result) => [result.row, result.beside]))
      // A key was derived, and what that took is known apart from the rest.
      assert.isAbove(Number(beside.get("hundred-new")!["key derivation"]), 0)
      assert.isAtLeast(Number(beside.get("first-memory")!["key derivation"]), 64 * 2 ** 20)
      const shipped = results.find(({ row }) => row === "hundred-shipped")!.own[0]!
      assert.isAbove(results.find(({ row }) => row === "vault-size")!.own[0]!, shipped)
      assert.isAbove(shipped, 0)
      assert.isAbove(Number(beside.get("first-stages")!["reading the store"]), 0)
      assert.include(documentOf(results), "**mails 30 instead of 50,000**")
    }), 400_000)

  it("is told of in the document just as it was measured", () => {
    assert.strictEqual(fs.readFileSync(documentFile, "utf8"), documentOf(readResults()))
  })

  it("names the cause of each bound that is not kept", () => {
    const named = new Set(causes.flatMap((cause) => cause.rows))
    assert.deepStrictEqual(missedOf(readResults()).filter((row) => !named.has(row)), [])
    assert.deepStrictEqual([...named].filter((name) => !rows.some((row) => row.name === name)), [])
  })

  it("says of every row what it did, also of those that were not run", () => {
    const document = documentOf([])
    for (const { name } of rows) assert.include(document, `(\`${name}\`)`)
    assert.include(document, "not run")
  })

  it("prints a bound that is not kept as not met, in the table and in the count", () => {
    const [row] = rows
    const reading = { own: [2, 3, 2.2], peers: { slow: [9], fast: [2, 2, 2] } }
    const document = documentOf([resultOf(row!, reading, { sizes: RELEASE, load: 0 })])
    assert.include(document, "1 ×, is 1.1 ×: **not met**")
    assert.include(document, `Of 1 bounds that must be kept, 0 are. Not kept: \`${row!.name}\`.`)
    assert.notInclude(document, "instead of")
  })

  it("keeps no figure that is none, and compares with no peer that has none", () => {
    const reading = { own: [1, Number.NaN], peers: { restic: [Number.NaN] }, beside: { derivation: Number.NaN } }
    const { beside, own, peers } = resultOf(rowOf({}), reading, { sizes: RELEASE, load: 0 })
    assert.deepStrictEqual({ beside, own, peers }, { beside: {}, own: [1], peers: {} })
  })

  it("tells figures in units that a person can read", () => {
    const cell = (unit: Row["unit"], figure: number) => cellsOf(rowOf({ unit }), { own: [figure] })[1]
    assert.deepStrictEqual(
      [cell("seconds", 1.2345), cell("bytes", 123_456_789), cell("bytes", 512), cell("share", 0.0123)],
      ["1.23 s", "123 MB", "512 B", "1.23 %"]
    )
    assert.deepStrictEqual([cell("count", 12_345), cell("milliseconds", Number.NaN)], ["12,345", "unknown"])
  })

  it("takes sizes from the command line, and no nonsense for a size", () => {
    assert.deepStrictEqual(sizesOf((flag) => flag === "idle-seconds" ? "0.5" : undefined), {
      ...RELEASE,
      idleSeconds: 0.5
    })
    for (const text of ["0", "-1", "many", "1.5"]) {
      assert.throws(() => sizesOf((flag) => flag === "mails" ? text : undefined), undefined, undefined, text)
    }
  })

  it.scopedLive("sees what is read, listed, written and removed at a target", (context) =>
    Effect.gen(function*() {
      const folder = yield* temporary
      if (!seesRequests(folder)) return context.skip("this file system keeps no times of access")
      const vault = join(folder, "vault")
      for (const name of ["log", "blobs"]) fs.mkdirSync(join(vault, name), { recursive: true })
      fs.writeFileSync(join(vault, "log", "one"), "1")
      fs.writeFileSync(join(vault, "blobs", "two"), "2")
      const touched = (work: () => void): ReadonlyArray<string> => {
        const requests = watchRequests(vault)
        work()
        return requests().map((path) => path.slice(vault.length))
      }
      assert.deepStrictEqual(touched(() => {}), [])
      assert.deepStrictEqual(touched(() => fs.readFileSync(join(vault, "log", "one"))), ["/log/one"])
      assert.deepStrictEqual(touched(() => fs.readdirSync(join(vault, "blobs"))), ["/blobs"])
      assert.deepStrictEqual(touched(() => fs.writeFileSync(join(vault, "log", "new"), "3")), ["/log"])
      assert.deepStrictEqual(touched(() => fs.rmSync(join(vault, "blobs", "two"))).toSorted(), [
        "/blobs",
        "/blobs/two"
      ])
    }))
})
