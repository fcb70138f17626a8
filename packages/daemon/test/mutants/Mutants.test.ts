/** The document on mutants, and how it is made; the mutants themselves are run by `npm run mutants`. */
import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import { documentFile, documentOf, type Group, readGroups } from "./Scoreboard.ts"
import { mutantsOf, partsOf, readReport, scoreOf } from "./Survivors.ts"

describe("docs/mutants.md", () => {
  it("is what was counted", () => {
    assert.isAbove(readGroups().length, 0)
    assert.strictEqual(fs.readFileSync(documentFile, "utf8"), documentOf(readGroups()))
  })

  it("has a survivor for each that was counted, and 85 of 100 noticed in each group", () => {
    for (const { files, row, survivors } of readGroups()) {
      for (const { file, survived, uncovered } of files) {
        assert.lengthOf(survivors.filter((each) => partsOf(each).file === file), survived + uncovered, file)
      }
      assert.isAtLeast(scoreOf(files), 85, row)
    }
  })
})

describe("a report of Stryker", () => {
  const mutant = (status: string, line: number, from: number, to: number, replacement?: string) => ({
    id: "1",
    mutatorName: "ConditionalExpression",
    replacement,
    status,
    location: { start: { line, column: from }, end: { line: line + (to < from ? 1 : 0), column: to } }
  })
  const report = JSON.stringify({
    schemaVersion: "1.0",
    files: {
      "b.ts": { language: "typescript", source: "", mutants: [mutant("Ignored", 1, 1, 1)] },
      "a.ts": {
        language: "typescript",
        source: "if (a | b) {\n  c(`d`)\n}\n",
        mutants: [
          mutant("NoCoverage", 2, 3, 9, ""),
          mutant("Killed", 1, 5, 10, "true"),
          mutant("Timeout", 1, 5, 10, "true"),
          mutant("Survived", 1, 5, 10, "false"),
          mutant("Survived", 1, 12, 9, "{}"),
          mutant("RuntimeError", 1, 5, 10, "false")
        ]
      }
    }
  })

  it("is counted file by file, with the text of each survivor", () => {
    const { files, survivors } = readReport(report)
    const none = { killed: 0, timedOut: 0, survived: 0, uncovered: 0, ignored: 0, broken: 0 }
    assert.deepStrictEqual(files, [
      { ...none, file: "a.ts", killed: 1, timedOut: 1, survived: 2, uncovered: 1, broken: 1 },
      { ...none, file: "b.ts", ignored: 1 }
    ])
    assert.deepStrictEqual(survivors.map(partsOf).map(({ mutated, original }) => [original, mutated]), [
      ["a | b", "false"],
      ["{ c(`d`)", "{}"],
      ["c(`d`)", ""]
    ])
    assert.strictEqual(mutantsOf(files), 5)
    assert.strictEqual(scoreOf(files), 40)
  })

  it("shows what nobody explained as unexplained", () => {
    const group: Group = { row: "log", date: "2026-11-24", machine: "here", ...readReport(report) }
    const document = documentOf([group])
    assert.include(document, "| log | 5 | 1 | 1 | 2 | 1 | 40.0 % | 2026-11-24 |")
    assert.include(document, "| keys | not run |")
    assert.include(document, "3, of which 3 are not explained.")
    assert.include(document, "- `a.ts`, ConditionalExpression: `` { c(`d`) `` → `{}`")
  })
})
