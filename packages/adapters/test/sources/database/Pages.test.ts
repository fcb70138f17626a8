/** What is remembered of pages of rows comes back as it went in. */
import { assert, describe, it } from "@effect/vitest"
import {
  decodeLooks,
  encodeLooks,
  firstOf,
  looksOf,
  PAGE_ROWS,
  pageOf,
  strongIn,
  type Told,
  toldIn,
  withTold
} from "@sealog/adapters/sources/database/Pages"
import { FastCheck as fc } from "effect"

const rows = fc.integer({ min: 0, max: PAGE_ROWS - 1 })
const indices = fc.integer({ min: -1, max: 2 ** 47 })

describe("where rows were told", () => {
  it.prop("comes back for any order of tellings", [
    fc.integer({ min: -3, max: 2 ** 40 }),
    fc.array(fc.tuple(rows, indices, indices), { maxLength: 600 })
  ], ([page, tellings]) => {
    const expected = new Map<number, Told>()
    let text: string | undefined
    for (const [offset, added, newest] of tellings) {
      const row = firstOf(page) + offset
      assert.strictEqual(pageOf(row), page)
      expected.set(row, { added, newest })
      text = withTold(text, row, { added, newest })
    }
    const found = toldIn(page, text)
    assert.deepStrictEqual(sorted(found), sorted(expected))
  })

  it("is short for rows that came one after the other, and stays short for one told again and again", () => {
    let text: string | undefined
    for (let row = 0; row < PAGE_ROWS; row++) text = withTold(text, row, { added: 1_000 + row, newest: 1_000 + row })
    assert.strictEqual(text, "0.74.rs")
    for (let n = 0; n < 10_000; n++) text = withTold(text, 7, { added: 1_007, newest: 5_000 + n })
    assert.isBelow(text!.length, 5_000)
    assert.deepStrictEqual(toldIn(0, text).get(7), { added: 1_007, newest: 14_999 })
    assert.deepStrictEqual(toldIn(0, text).get(8), { added: 1_008, newest: 1_008 })
  })
})

describe("what rows look like", () => {
  const marksOf = (marks: ReadonlyArray<readonly [number, string]>) =>
    new TextEncoder().encode(marks.map(([row, mark]) => `${row}\u001f${mark}`).join("\u001e"))

  it.prop("comes back, and differs where a mark does", [
    fc.integer({ min: -3, max: 2 ** 40 }),
    fc.uniqueArray(fc.tuple(rows, fc.stringMatching(/^[ -~]*$/)), { selector: ([row]) => row, minLength: 1 })
  ], ([page, marks]) => {
    const all = marks.map(([offset, mark]) => [firstOf(page) + offset, mark] as const)
    const looks = looksOf(marksOf(all))
    const targets = new Map<number, number | string>([[all[0]![0], 77], [firstOf(page) + 255, "a =.\u{1f331}"]])
    const encoded = encodeLooks(page, { ...looks, targets })
    assert.deepStrictEqual(decodeLooks(page, encoded), { ...looks, targets })
    assert.strictEqual(strongIn(encoded), looks.strong)
    const [[row, mark], ...others] = all as [readonly [number, string], ...typeof all]
    const other = looksOf(marksOf([[row, `${mark}.`], ...others]))
    assert.notStrictEqual(other.strong, looks.strong)
    assert.notStrictEqual(other.rows.get(row), looks.rows.get(row))
    for (const [same] of others) assert.strictEqual(other.rows.get(same), looks.rows.get(same))
  })
})

const sorted = (map: ReadonlyMap<number, Told>) => [...map].toSorted(([a], [b]) => a - b)
