/** How often how much of a database is looked at. */
import { assert, describe, it } from "@effect/vitest"
import { makeSchedule } from "@sealog/adapters/sources/database/Schedule"

/** A store that changes every so often; what each pass looks at, and how much of it there is in a time. */
const run = (seconds: number, everyMillis: number, costs: { readonly recent: number; readonly all: number }) => {
  const schedule = makeSchedule()
  const seen = { nothing: 0, rows: 0, recent: 0, all: 0 }
  let spent = 0
  for (let now = 0; now < seconds * 1_000; now += everyMillis) {
    const plan = schedule.plan({ version: String(now), now, whole: false })
    seen[plan]++
    if (plan === "nothing") continue
    if (plan !== "rows") {
      schedule.spent(plan, costs[plan])
      if (now > 0) spent += costs[plan]
    }
    schedule.done({ plan, version: String(now), now })
  }
  return { ...seen, share: spent / (seconds * 1_000) }
}

describe("the schedule of scans (Verifies: SRC-34)", () => {
  it("keeps them within some hundredths of a processor while a store changes all the time", () => {
    const small = run(3_600, 100, { recent: 4, all: 10 })
    assert.isBelow(small.share, 0.02)
    assert.isAbove(small.recent, 3_600)
    assert.isAbove(small.all, 110)
    const large = run(3_600, 100, { recent: 4, all: 2_000 })
    assert.isBelow(large.share, 0.025)
    assert.isAbove(large.all, 15)
  })

  it("asks to be woken for what it put off, and for nothing once all was seen", () => {
    const schedule = makeSchedule()
    const pass = (version: string, now: number) => {
      const plan = schedule.plan({ version, now, whole: false })
      if (plan === "nothing") return { plan, again: undefined }
      schedule.spent(plan, 150)
      return { plan, again: schedule.done({ plan, version, now }) }
    }
    assert.deepStrictEqual(pass("a", 0), { plan: "all", again: undefined })
    assert.deepStrictEqual(pass("a", 1_000), { plan: "nothing", again: undefined })
    const first = pass("b", 2_000)
    assert.strictEqual(first.plan, "recent")
    assert.isAtMost(2_000 + first.again!, 30_000)
    assert.strictEqual(pass("c", 3_000).plan, "rows")
    const later = pass("c", 30_000)
    assert.deepStrictEqual(later, { plan: "all", again: undefined })
    assert.strictEqual(pass("c", 90_000).plan, "nothing")
  })

  it("looks at everything when it must, and after the clock was set back", () => {
    const schedule = makeSchedule()
    schedule.plan({ version: "a", now: 1e9, whole: false })
    schedule.done({ plan: "all", version: "a", now: 1e9 })
    assert.strictEqual(schedule.plan({ version: "a", now: 1e9 + 1, whole: true }), "all")
    assert.strictEqual(schedule.plan({ version: "b", now: 5, whole: false }), "all")
  })
})
