/**
 * One machine whose program is killed with SIGKILL again and again. After each kill what it had said to be at the
 * target must be there; in the end it starts once more, and what it had ever shown is there, and nothing is there twice.
 */
import type { KeyRingShape } from "@sealog/core/keys/KeyRing"
import { Effect } from "effect"
import assert from "node:assert/strict"
import { join } from "node:path"
import {
  doubled,
  examine,
  lost,
  makeShown,
  missingAtTarget,
  noteStatus,
  openRing,
  type Shown
} from "../../faults/Checker.ts"
import { killAfter, type Life, live, type Start, until } from "../../faults/Lives.ts"
import { randomOf } from "../../faults/Trials.ts"
import {
  differences,
  fillMaildir,
  initialise,
  type Machine,
  makeMachine,
  restoreMaildir
} from "../../support/Machine.ts"

export interface Killed {
  readonly machine: Machine
  readonly ring: KeyRingShape
  readonly shown: Shown
  readonly random: () => number
  /** The first start, and those after a kill. */
  readonly starts: Array<Start>
  /** Kills that fell into the phase they were meant for. */
  hits: number
}

/** A machine that was initialised, with as many mails as it shall begin with. */
export const begin = Effect.fn("Kill.begin")(function*(name: string, mails: number) {
  const random = randomOf(name)
  const machine = yield* makeMachine
  yield* fillMaildir(machine, { count: mails, seed: Math.floor(random() * 1e9) })
  yield* initialise(machine)
  const killed: Killed = { machine, ring: yield* openRing(machine), shown: makeShown(), random, starts: [], hits: 0 }
  return killed
})

/** One life up to its kill, and what must hold right after it. */
export const killOnce = Effect.fn("Kill.once")(function*(
  { machine, ring, shown, starts }: Killed,
  options: {
    readonly lines: boolean
    readonly delayMillis: number
    readonly sign: (life: Life) => Effect.Effect<unknown>
  }
) {
  yield* Effect.scoped(Effect.gen(function*() {
    const life = yield* live(machine, shown, options)
    starts.push(life.start)
    const ended = yield* killAfter(life, options.sign(life), options.delayMillis)
    assert.strictEqual(ended.signal, "SIGKILL", ended.out + ended.err)
  }))
  assert.deepStrictEqual(missingAtTarget(shown, yield* examine(machine, ring)), [])
})

interface Report {
  readonly targets: readonly [{ readonly state: string }]
}

/** Lets it catch up and tell its whole log, kills it once more, and holds everything against the store. */
export const checkWhole = Effect.fn("Kill.checkWhole")(
  function*({ machine, ring, shown, starts }: Killed, messages: number) {
    const last = makeShown()
    yield* Effect.scoped(Effect.gen(function*() {
      const { daemon, socket, start } = yield* live(machine, last, { lines: true })
      starts.push(start)
      const report = yield* socket.ask("sync", { shipDelaySeconds: 0 })
      assert.strictEqual((report as unknown as Report).targets[0].state, "current")
      noteStatus(last, yield* socket.ask("status"))
      yield* until(() => last.lines.size >= Math.max(...last.heads.keys()))
      yield* daemon.kill("SIGKILL")
    }))
    const lines = [...last.lines].toSorted(([a], [b]) => a - b).map(([, line]) => JSON.parse(line))
    const examined = yield* examine(machine, ring, [...shown.heads.keys(), ...last.heads.keys()])
    for (const before of [shown, last]) {
      assert.deepStrictEqual(missingAtTarget(before, examined), [])
      assert.deepStrictEqual(lost(before, { lines, rootAt: examined.rootAt }), [])
    }
    assert.deepStrictEqual(doubled(lines), [])
    assert.strictEqual(lines.filter(({ kind }) => kind === "message.added").length, messages)
    const restored = yield* restoreMaildir(machine, "restored")
    assert.strictEqual(differences(machine.mail, join(restored, "maildir")), "")
  }
)
