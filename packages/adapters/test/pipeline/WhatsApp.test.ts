import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import * as fs from "node:fs"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { type Act, act, hands, people } from "../sources/whatsapp/Acts.ts"
import { appAt } from "../sources/whatsapp/Store.ts"
import { freshFolder } from "../support.ts"
import { dumpLines, type Machine, makeMachine, pass, restoreInto } from "./Machine.ts"

const RUNS = Number(process.env["SEALOG_HISTORIES"] ?? 12)

const history = Effect.fn("test.history")(
  function*(acts: ReadonlyArray<Act>) {
    const top = yield* freshFolder
    const machine: Machine = { ...(yield* makeMachine(top)), mail: join(top, "container"), kind: "whatsapp" }
    const app = yield* appAt({ root: machine.mail, seed: 1 })
    const perform = hands(app, people(app))
    const target = machine.targets[0]!
    for (const one of acts) {
      if (one.act !== "pass" && one.act !== "restore") perform(one)
      else {
        yield* pass(machine)
        if (one.act === "restore") yield* restoreInto({ target, dir: join(top, "again"), format: "jsonl" })
      }
    }
    yield* pass(machine)
    yield* restoreInto({ target, dir: join(top, "again"), format: "jsonl" })
    yield* restoreInto({ target, dir: join(top, "fresh"), format: "jsonl" })
    const dump = yield* dumpLines(machine)
    assert.strictEqual(fs.readFileSync(join(top, "fresh/messages.jsonl"), "utf8"), dump)
    assert.strictEqual(fs.readFileSync(join(top, "again/messages.jsonl"), "utf8"), dump)
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
