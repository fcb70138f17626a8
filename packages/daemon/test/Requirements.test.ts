/**
 * Holds the promises of `docs/requirements.md` and the tests that verify them against each other,
 * over the tests of all packages and the contracts that core ships.
 */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

interface Definition {
  readonly id: string
  /** The prefix of the section it stands in. */
  readonly section: string | undefined
}

interface Citation {
  readonly id: string
  readonly file: string
}

const root = fileURLToPath(new URL("../../..", import.meta.url))

describe("docs/requirements.md", () => {
  it("numbers each promise once, in its section, and each is verified by a test (Verifies: REPO-1)", () => {
    const definitions = definitionsOf(readFileSync(join(root, "docs/requirements.md"), "utf8"))
    const citations = testFiles().flatMap((file) => citationsOf(file, readFileSync(join(root, file), "utf8")))

    assert.isAbove(definitions.length, 0)
    assert.deepStrictEqual(findings(definitions, citations), [])
  })
})

describe("the check of the requirements", () => {
  it("reads list items and table rows, and lists of numbers in tests", () => {
    const document = "## ABC: letters\n\n- **ABC-1** One.\n\n| **ABC-2** | Two. |\n| ABC-3 | Three. |\n\nSee ABC-4.\n"
    const source = `/** ${verifies} ABC-1, ABC-2 */\nit("is three (${verifies} ABC-3)")`

    assert.deepStrictEqual(definitionsOf(document).map(({ id }) => id), ["ABC-1", "ABC-2", "ABC-3"])
    assert.deepStrictEqual(citationsOf("a.test.ts", source).map(({ id }) => id), ["ABC-1", "ABC-2", "ABC-3"])
    assert.deepStrictEqual(findings(definitionsOf(document), citationsOf("a.test.ts", source)), [])
  })

  it("reports an undefined, a duplicate, an unverified and a misplaced number", () => {
    const document =
      "## ABC: letters\n\n- **ABC-1** One.\n- **ABC-1** One again.\n- **ABC-2** Two.\n- **XYZ-1** Lost.\n"
    const source = `// ${verifies} ABC-1, ABC-9, XYZ-1`

    assert.deepStrictEqual(findings(definitionsOf(document), citationsOf("a.test.ts", source)), [
      "ABC-1 is defined twice",
      "ABC-2 is verified by no test",
      "XYZ-1 stands in the section of ABC",
      "ABC-9 is cited in a.test.ts and defined nowhere"
    ])
  })
})

/** Written so that this file does not cite what its own examples cite. */
const verifies = ["Verifies", ""].join(":")

function definitionsOf(document: string): ReadonlyArray<Definition> {
  let section: string | undefined
  return document.split("\n").flatMap((line) => {
    section = /^## ([A-Z]+)\b/.exec(line)?.[1] ?? section
    const id = /^(?:- |\| *)\*{0,2}([A-Z]+-\d+)\b/.exec(line)?.[1]
    return id === undefined ? [] : [{ id, section }]
  })
}

function citationsOf(file: string, source: string): ReadonlyArray<Citation> {
  return [...source.matchAll(/Verifies:\s*([A-Z]+-\d+(?:\s*,\s*[A-Z]+-\d+)*)/g)]
    .flatMap(([, ids = ""]) => ids.split(","))
    .map((id) => ({ id: id.trim(), file }))
}

function findings(definitions: ReadonlyArray<Definition>, citations: ReadonlyArray<Citation>): ReadonlyArray<string> {
  const defined = new Set<string>()
  const verified = new Set(citations.map(({ id }) => id))
  const found = definitions.flatMap(({ id, section }) => {
    if (defined.has(id)) return [`${id} is defined twice`]
    defined.add(id)
    return [
      ...(id.startsWith(`${section}-`) ? [] : [`${id} stands in the section of ${section}`]),
      ...(verified.has(id) ? [] : [`${id} is verified by no test`])
    ]
  })
  const undefinedOnes = citations.filter(({ id }) => !defined.has(id))
  return [...found, ...undefinedOnes.map(({ file, id }) => `${id} is cited in ${file} and defined nowhere`)]
}

function testFiles(): ReadonlyArray<string> {
  return ["core/test", "core/src/testing", "adapters/test", "daemon/test"]
    .map((folder) => join("packages", folder))
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) =>
      readdirSync(join(root, folder), { encoding: "utf8", recursive: true }).map((name) => join(folder, name))
    )
    .filter((file) => file.endsWith(".ts"))
}
