import { assert, describe, it } from "@effect/vitest"
import { compareCounts, countedIn, countMessage, mismatches } from "@sealog/core/backup/Ledger"
import type { Event, Fact } from "@sealog/core/message/Event"
import * as fc from "fast-check"

const CONVERSATIONS = ["", "a", "b\0c", "🐟"]

/** What an owner does to a message of a conversation; its events are those that a source tells. */
const acts = fc.array(
  fc.record({ number: fc.nat(8), act: fc.constantFrom("add", "edit", "remove", "restore") }),
  { maxLength: 60 }
)

const factsOf = (steps: ReadonlyArray<{ readonly number: number; readonly act: string }>) => {
  const there = new Map<number, boolean>()
  return {
    there,
    facts: steps.flatMap(({ act, number }): ReadonlyArray<Fact> => {
      const conversation = CONVERSATIONS[number % CONVERSATIONS.length]!
      const key = String(number)
      const message = { key, type: "text" }
      const known = there.get(number)
      if (act === "add" && known === undefined) {
        there.set(number, true)
        return [{ kind: "message.added", conversation, message }]
      }
      if (act === "edit" && known === true) return [{ kind: "message.edited", conversation, message }]
      if (act === "remove" && known === true) {
        there.set(number, false)
        return [{ kind: "message.removed", conversation, key, scope: "me" }]
      }
      if (act === "restore" && known === false) {
        there.set(number, true)
        return [{ kind: "message.restored", conversation, key }]
      }
      return []
    })
  }
}

const counted = (facts: ReadonlyArray<Fact>): Map<string, number> => {
  const table = new Map<string, string>()
  for (const fact of facts) {
    const event: Event = { ...fact, recordedAt: 0, source: "s" }
    countMessage(event, {
      get: (key) => table.get(key),
      set: (key, value) => void table.set(key, value),
      delete: (key) => void table.delete(key)
    })
  }
  return countedIn(table)
}

/** Verifies: SRC-60 */
describe("the ledger", () => {
  it("counts, for any history, what is there", () => {
    fc.assert(fc.property(acts, (steps) => {
      const { facts, there } = factsOf(steps)
      const inStore = new Map<string, number>()
      for (const [number, is] of there) {
        const conversation = CONVERSATIONS[number % CONVERSATIONS.length]!
        if (is) inStore.set(conversation, (inStore.get(conversation) ?? 0) + 1)
      }
      assert.deepStrictEqual(counted(facts), inStore)
      const conversations = compareCounts(inStore, counted(facts))
      assert.deepStrictEqual(mismatches({ conversations, attachments: none, skipped: [] }), [])
    }))
  })

  it("never adds up where one event of a message that is there is left out, or one too many is told", () => {
    fc.assert(fc.property(acts, fc.nat(), (steps, pick) => {
      const { facts } = factsOf(steps)
      const countable = facts.filter(({ kind }) => kind !== "message.edited")
      fc.pre(countable.length > 0)
      const lost = countable[pick % countable.length]!
      const inStore = counted(facts)
      for (const lie of [facts.filter((fact) => fact !== lost), [...facts, lost]]) {
        const conversations = compareCounts(inStore, counted(lie))
        const wrong = mismatches({ conversations, attachments: none, skipped: [] })
        assert.deepStrictEqual(wrong.map(({ conversation }) => conversation), [lost.conversation])
      }
    }))
  })
})

const none = { referenced: 0, stored: 0, missing: [], unexplained: 0 }
