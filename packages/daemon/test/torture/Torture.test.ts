/** Every row of the scoreboard, a few trials each, and the document that shows what a release made of them. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fs from "node:fs"
import { rows } from "./rows.ts"
import { documentFile, documentOf, readResults } from "./Scoreboard.ts"

const IN_CI = process.env["CI"] === "true"

describe("torture", () => {
  for (const row of rows) {
    it.scopedLive(`${row.name}: ${row.fault}`, (context) =>
      Effect.gen(function*() {
        const lacks = yield* row.lacks ?? Effect.succeed(undefined)
        if (lacks !== undefined) {
          assert.isFalse(IN_CI, `${lacks} is missing where nothing may be`)
          return context.skip(`this machine lacks ${lacks}`)
        }
        const wanted = IN_CI ? row.trials.gate ?? row.trials.test : row.trials.test
        const { failures, trials } = yield* row.run({ trials: wanted, seed: 1, say: () => {} })
        assert.deepStrictEqual(failures, [])
        assert.isAtLeast(trials, wanted)
      }), row.testMillis)
  }

  it("is told of in the document just as it was counted", () => {
    assert.strictEqual(fs.readFileSync(documentFile, "utf8"), documentOf(readResults()))
  })
})
