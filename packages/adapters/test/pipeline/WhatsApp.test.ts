import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { type Act, act, hands, people } from "../sources/whatsapp/Acts.ts"
import { appAt } from "../sources/whatsapp/Store.ts"
import { freshFolder } from "../support.ts"
import { assertLaw, type Machine, makeMachine, passOrRestore } from "./Machine.ts"

const RUNS = Number(process.env["SEALOG_HISTORIES"] ?? 12)

const history = Effect.fn("test.history")(
  function*(acts: ReadonlyArray<Act>) {
    const top = yield* freshFolder
    const machine: Machine = { ...(yield* makeMachine(top)), mail: join(top, "container"), kind: "whatsapp" }
    const app = yield* appAt({ root: machine.mail, seed: 1 })
    const perform = hands(app, people(app))
    for (const one of acts) {
      if (one.act === "pass" || one.act === "restore") yield* passOrRestore(machine, top, one.act)
      else perform(one)
    }
    yield* assertLaw(machine, top)
  },
  Effect.scoped,
  Effect.provide(services)
)

describe("the law", () => {
  /** Verifies: RST-1, RST-2 */
  it("holds for WhatsApp: messages that are edited, deleted, reacted to, with files and notices", {
    timeout: 120_000
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 40 }), (acts) => Effect.runPromise(history(acts))),
      { numRuns: RUNS, endOnFailure: false }
    )
  })
})
