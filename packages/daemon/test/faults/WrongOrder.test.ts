/**
 * The control of the tests of kills: a pipeline that acknowledges before it is durable, or moves a cursor before the
 * put, loses something when it is killed, and the same checks that pass for the program must find it.
 */
import * as NodeContext from "@effect/platform-node/NodeContext"
import { assert, describe, it } from "@effect/vitest"
import { deliver } from "@sealog/adapters/testing/MailboxGenerator"
import { Effect } from "effect"
import { bundled } from "../support/Bundled.ts"
import { fillMaildir, initialise, makeMachine, PASSWORD } from "../support/Machine.ts"
import { start } from "../support/Process.ts"
import { examine, lost, makeShown, missingAtTarget, noteStatus, openRing } from "./Checker.ts"
import { live, until } from "./Lives.ts"

const MAILS = 10

/** What the pipeline said last. */
interface Said {
  readonly treeSize: number
  readonly targets: readonly [{ readonly shippedTreeSize: number }]
}

const said = (out: string): ReadonlyArray<Said> => out.split("\n").slice(0, -1).map((line) => JSON.parse(line) as Said)

/** What the checks find after a kill right behind the moment that one more mail was said to be safe. */
const findings = Effect.fn("WrongOrder.findings")(function*(order: string, safe: (said: Said) => boolean) {
  const machine = yield* makeMachine
  yield* fillMaildir(machine, { count: MAILS, seed: 3 })
  yield* initialise(machine)
  const ring = yield* openRing(machine)
  const script = yield* bundled("faults/pipeline.ts")
  const shown = makeShown()
  yield* Effect.scoped(Effect.gen(function*() {
    const pipeline = yield* start([order, PASSWORD, machine.home, machine.mail, machine.vault], { script })
    let before = Number.MAX_SAFE_INTEGER
    const isSafe = (out: string) => said(out).some((each) => each.treeSize > before && safe(each))
    yield* pipeline.says((out) => said(out).some(safe))
    yield* pipeline.says((out) => {
      before = said(out).at(-1)!.treeSize
      return true
    })
    yield* Effect.orDie(deliver({ root: machine.mail, seed: 4 }))
    yield* pipeline.says(isSafe)
    const { err, out, signal } = yield* pipeline.kill("SIGKILL")
    assert.strictEqual(signal, "SIGKILL", err)
    for (const status of said(out)) noteStatus(shown, { ...status })
  }))
  const atTarget = missingAtTarget(shown, yield* examine(machine, ring))
  const after = makeShown()
  const lines = yield* Effect.scoped(Effect.gen(function*() {
    const { socket } = yield* live(machine, after, { lines: true })
    yield* socket.ask("sync", { shipDelaySeconds: 0 })
    noteStatus(after, yield* socket.ask("status"))
    yield* until(() => after.lines.size >= Math.max(...after.heads.keys()))
    return [...after.lines].toSorted(([a], [b]) => a - b).map(([, line]) => JSON.parse(line))
  }))
  const { rootAt } = yield* examine(machine, ring, [...shown.heads.keys()])
  return { atTarget, inLog: lost(shown, { lines, rootAt }) }
})

const recorded = ({ treeSize }: Said) => treeSize > 0
const shipped = ({ targets: [{ shippedTreeSize }], treeSize }: Said) => shippedTreeSize === treeSize && treeSize > 0

describe.concurrent("the checks of a kill", () => {
  it.scopedLive("find nothing where the order of writes is right", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* findings("right", shipped), { atTarget: [], inLog: [] })
    }).pipe(Effect.provide(NodeContext.layer)), 120_000)

  /** Verifies: FAULT-6 */
  it.scopedLive("find what was acknowledged before it was durable", () =>
    Effect.gen(function*() {
      const { inLog } = yield* findings("early-acknowledgement", recorded)
      assert.isAbove(inLog.length, 0)
    }).pipe(Effect.provide(NodeContext.layer)), 120_000)

  /** Verifies: FAULT-6 */
  it.scopedLive("find what a cursor says is shipped and is not", () =>
    Effect.gen(function*() {
      const { atTarget, inLog } = yield* findings("early-cursor", shipped)
      assert.strictEqual(atTarget.length, 1, String(atTarget))
      assert.match(atTarget[0]!, /were said to be at the target/)
      assert.deepStrictEqual(inLog, [])
    }).pipe(Effect.provide(NodeContext.layer)), 120_000)
})
