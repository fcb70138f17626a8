/** Messages all the way out and back, after any history, in a program that starts anew for every pass. */
import { assert, describe, it } from "@effect/vitest"
import { type IMessageStore, makeIMessageStore } from "@sealog/adapters/testing/IMessageStore"
import { Effect } from "effect"
import * as fc from "fast-check"
import { join } from "node:path"
import { services } from "../journal/support.ts"
import { freshFolder, TRIALS } from "../support.ts"
import { assertLaw, eventsIn, type Machine, makeMachine, pass, passOrRestore } from "./Machine.ts"

const ACTS = [
  "say",
  "say",
  "edit",
  "unsend",
  "react",
  "unreact",
  "remove",
  "recover",
  "destroy",
  "event",
  "attach"
] as const
const act = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ act: fc.constantFrom(...ACTS), pick: fc.nat(40), text: fc.string({ unit: "grapheme" }) })
  },
  { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("pass" as const, "restore" as const) }) }
)

const makeWorld = (path: string) => {
  const store = makeIMessageStore({ path, seed: 5 })
  const people = [store.handle("+15550100"), store.handle("bob@sample.example")]
  const chats = [store.chat("iMessage;+;chat1", people, "Us"), store.chat("SMS;-;+15550100", [people[0]!])]
  return { store, people, chats, said: [] as Array<number> }
}

const play = (world: ReturnType<typeof makeWorld>, kind: (typeof ACTS)[number], pick: number, text: string): void => {
  const { chats, people, said, store } = world
  const chat = chats[pick % 2]!
  const from = pick % 3 === 0 ? {} : { from: people[pick % 2]! }
  if (kind === "say") return void said.push(store.say(chat, { ...from, text }))
  if (kind === "event") return void store.say(chat, { ...from, columns: { item_type: 1, group_action_type: pick % 3 } })
  const row = said[pick % said.length]
  if (row === undefined || !isThere(store, row)) return
  if (kind === "edit") store.edit(row, text)
  else if (kind === "unsend") store.unsend(row)
  else if (kind === "react") store.react(chat, { message: row, type: 2_000 + pick % 6, part: pick % 2 }, from.from)
  else if (kind === "unreact") store.react(chat, { message: row, type: 3_000 + pick % 6, part: pick % 2 }, from.from)
  else if (kind === "attach") store.attach(row, { filename: "~/a.heic", mime_type: "image/heic", transfer_name: text })
  else if (kind === "remove") store.together(() => store.remove(row))
  else if (kind === "recover") store.together(() => store.recover(row))
  else store.together(() => store.destroy(row))
}

const isThere = (store: IMessageStore, row: number): boolean =>
  store.database.prepare("SELECT 1 FROM message WHERE ROWID = ?").get(row) !== undefined

const history = Effect.fn("test.history")(
  function*(steps: ReadonlyArray<typeof act extends fc.Arbitrary<infer T> ? T : never>) {
    const top = yield* freshFolder
    const machine: Machine = { ...(yield* makeMachine(top)), mail: join(top, "chat.db"), kind: "imessage" }
    const world = makeWorld(machine.mail)
    yield* Effect.addFinalizer(() => Effect.sync(() => world.store.database.close()))
    for (const step of steps) {
      if ("pick" in step) play(world, step.act, step.pick, step.text)
      else yield* passOrRestore(machine, top, step.act)
    }
    yield* assertLaw(machine, top)
    assert.strictEqual((yield* pass(machine)).events, 0)
    const added = (yield* eventsIn(machine)).filter(({ kind }) => kind === "message.added")
    assert.isAtMost(
      added.length,
      world.store.database.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'message'").get()?.seq ?? 0
    )
  },
  Effect.scoped,
  Effect.provide(services)
)

describe("Messages", () => {
  it(
    "come back as they are, after any history (Verifies: SRC-2, SRC-47)",
    { timeout: 120_000 * TRIALS },
    () =>
      fc.assert(
        fc.asyncProperty(fc.array(act, { maxLength: 40 }), (steps) => Effect.runPromise(history(steps))),
        { numRuns: 12 * TRIALS }
      )
  )
})
