import { assert, describe, expect, it } from "@effect/vitest"
import * as Human from "@sealog/daemon/present/Human"
import { makeStyle, safe, table, width } from "@sealog/daemon/present/Style"
import * as Target from "@sealog/daemon/present/Target"
import { ago, bytes, counted, duration } from "@sealog/daemon/present/Units"
import { line } from "@sealog/daemon/Progress"
import * as fc from "fast-check"
import { linux } from "../support/Harness.ts"
import * as Samples from "../support/Samples.ts"

const view = { style: makeStyle(false), nowMillis: Samples.now }

/** The same with a store that was counted. */
const countedSync = (ledger: typeof Samples.ledger) => ({
  ...Samples.sync,
  sources: Samples.sync.sources.map((each) => ({ ...each, ledger }))
})

describe("Human", () => {
  it("shows every report as a person reads it", async () => {
    const shown = {
      init: Human.init(Samples.init, view),
      "init, with a file": Human.init({ ...Samples.init, recoveryCodeFile: "/home/ada/code.txt" }, view),
      sync: Human.sync(Samples.sync, view),
      "sync, without some attachments": Human.sync(countedSync({ ...Samples.ledger, mismatched: 0 }), view),
      "sync, that does not add up": Human.sync(countedSync(Samples.ledger), view),
      "sync, only queued": Human.sync(
        { ...Samples.sync, targets: Samples.sync.targets.map((each) => ({ ...each, durability: "queued" as const })) },
        view
      ),
      "sync, a target away": Human.sync(Samples.syncBehind, view),
      "sync, with gaps": Human.sync(Samples.syncGaps, view),
      "sync, a source not read": Human.sync(Samples.syncFailed, view),
      status: Human.status(Samples.status, view),
      "status, running": Human.status(
        { ...Samples.status, running: true, pid: linux.pid, rpoSeconds: 95, lastDrill: null, warnings: [] },
        view
      ),
      "status, locked": Human.status({ ...Samples.status, running: true, locked: true, rpoSeconds: null }, view),
      "status, counted": Human.status(
        { ...Samples.status, sources: Samples.status.sources.map((each) => ({ ...each, ledger: Samples.ledger })) },
        view
      ),
      "status, counted, for who has the key": Human.status(
        {
          ...Samples.status,
          sources: Samples.status.sources.map((each) => ({ ...each, ledger: Samples.ledgerNamed }))
        },
        view
      ),
      "status, queued": Human.status(
        {
          ...Samples.status,
          rpoSeconds: null,
          targets: Samples.status.targets.map((each) => ({
            ...each,
            state: "current" as const,
            behindEvents: 0,
            durability: "queued" as const
          }))
        },
        view
      ),
      restore: Human.restore(Samples.restore, view),
      "restore, with gaps": Human.restore(Samples.restoreGaps, view),
      "restore, rolled back": Human.restore(Samples.restoreBehind, view),
      "restore, one place older": Human.restore(Samples.restoreLagging, view),
      verify: Human.verify(Samples.verify, view),
      "verify, damaged": Human.verify(Samples.verifyDamaged, view),
      drill: Human.drill(Samples.drill, view),
      "drill, failed": Human.drill(Samples.drillFailed, view),
      "drill history": Human.drillHistory(Samples.drillHistory, view),
      "drill verify": Human.drillVerify(Samples.drillVerify, view),
      "drill verify, forged": Human.drillVerify(Samples.drillForged, view),
      "target added": Human.targetAdded(Samples.targetAdd, view),
      "target added, with the vault there": Human.targetAdded({ ...Samples.targetAdd, heldVault: true }, view),
      "target removed": Human.targetRemoved(Samples.targetRemove, view),
      fingerprint: Human.fingerprint(Samples.fingerprint, view),
      "target check": Target.check(Samples.targetCheck, view),
      "target check, broken": Target.check(Samples.targetCheckFailed, view),
      log: Human.logLine(Samples.logLine(7), view)
    }
    const text = Object.entries(shown).map(([name, one]) => `── ${name}\n${one}`).join("\n")
    await expect(text).toMatchFileSnapshot("../snapshots/reports.txt")
  })

  it("colours only where colours are wanted", () => {
    assert.notInclude(Human.status(Samples.status, view), "\u001b")
    const coloured = Human.status(Samples.status, { ...view, style: makeStyle(true) })
    assert.include(coloured, "\u001b[32m")
    assert.strictEqual(coloured.replace(/\u001b\[\d+m/gu, ""), Human.status(Samples.status, view))
  })

  it("keeps its columns straight whatever is in them", () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.string(), fc.string()), { minLength: 1 }), (rows) => {
      const lines = table(rows.map(([a, b]) => [safe(a), `|${safe(b)}`])).split("\n")
      assert.strictEqual(lines.length, rows.length)
      const widest = Math.max(...rows.map(([a]) => width(safe(a))))
      rows.forEach(([a], at) => {
        const text = lines[at] ?? ""
        assert.strictEqual(
          width(text.slice(0, 2 + safe(a).length)) + " ".repeat(widest - width(safe(a))).length,
          2 + widest
        )
      })
    }))
  })

  it("says numbers as people do", () => {
    assert.deepStrictEqual([0, 999, 1_000, 1_500_000, 999_500, 2e12].map(bytes), [
      "0 B",
      "999 B",
      "1.0 kB",
      "1.5 MB",
      "1.0 MB",
      "2.0 TB"
    ])
    assert.deepStrictEqual([0, 4.24, 59.4, 61, 3_600, 90_061].map(duration), [
      "0 s",
      "4.2 s",
      "59 s",
      "1 min 1 s",
      "1 h",
      "1 d 1 h"
    ])
    assert.deepStrictEqual([0, 1, 2_000].map((n) => counted(n, "event")), ["no events", "1 event", "2,000 events"])
    assert.strictEqual(ago("2025-01-02T11:58:00.000Z", Samples.now), "2 min ago")
  })

  it("draws progress in one line that fits", () => {
    assert.strictEqual(line({ stage: "reading", done: 1_200, unit: "events" }, 80), "reading  1,200 events")
    const half = line({ stage: "shipping", done: 50, total: 100, unit: "bytes" }, 80)
    assert.strictEqual(half, `shipping  ${"━".repeat(12)}${"─".repeat(12)}   50 %  50 B`)
    assert.isBelow(line({ stage: "x".repeat(200), done: 1, unit: "objects" }, 80).length, 80)
  })
})
