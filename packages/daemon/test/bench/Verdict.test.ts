/** What figures come to, by hand. */
import { assert, describe, it } from "@effect/vitest"
import { medianOf, percentileOf, verdictOf } from "./Verdict.ts"

describe("verdict", () => {
  const onRatio = { on: "ratio", must: 1, goal: 0.5 } as const

  it("divides the median by that of the better peer", () => {
    const { own, peers, ratio } = verdictOf(onRatio, {
      own: [9, 3, 6],
      peers: { borg: [12, 8, 100], restic: [20, 16, 24] }
    })
    assert.deepStrictEqual({ own, peers, ratio }, { own: 6, peers: { borg: 12, restic: 20 }, ratio: 0.5 })
  })

  it("keeps a bound that is just reached, and no other", () => {
    const against = (own: number) => {
      const { goal, must } = verdictOf(onRatio, { own: [own], peers: { borg: [10] } })
      return [must, goal]
    }
    assert.deepStrictEqual(against(5), ["met", "met"])
    assert.deepStrictEqual(against(10), ["met", "not met"])
    assert.deepStrictEqual(against(10.01), ["not met", "not met"])
  })

  it("knows nothing of a ratio without a peer, and of a figure always", () => {
    const { must, ratio } = verdictOf(onRatio, { own: [1] })
    assert.deepStrictEqual({ must, ratio }, { must: "unknown", ratio: undefined })
    const figure = { on: "figure", must: 2 } as const
    assert.strictEqual(verdictOf(figure, { own: [1] }).must, "met")
    assert.strictEqual(verdictOf(figure, { own: [3], peers: { borg: [30] } }).must, "not met")
    assert.strictEqual(verdictOf(figure, { own: [] }).must, "unknown")
    assert.strictEqual(verdictOf(figure, { own: [1] }).goal, "none")
  })

  it("takes the middle, and percentiles that were measured", () => {
    assert.deepStrictEqual([medianOf([3, 1, 2]), medianOf([4, 1, 3, 2]), medianOf([7])], [2, 2.5, 7])
    assert.isNaN(medianOf([]))
    const hundred = Array.from({ length: 100 }, (_, at) => 100 - at)
    assert.deepStrictEqual([0.5, 0.95, 1, 0].map((share) => percentileOf(hundred, share)), [50, 95, 100, 1])
    assert.deepStrictEqual([percentileOf([5], 0.95), percentileOf([1, 2], 0.95)], [5, 2])
  })
})
