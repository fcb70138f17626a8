import { assert, describe, it } from "@effect/vitest"
import type { SourceShape, SourceTable } from "@sealog/core/backup/Source"
import { applyDelta, beforeRefold, countsOf, foldEvents, recordingTable } from "@sealog/core/backup/SourceTable"
import type { Event } from "@sealog/core/message/Event"
import { Stream } from "effect"

const source: SourceShape = {
  name: "chat",
  kind: "test",
  // As an adapter may write it: the functions of the table taken apart.
  remember: (event, index, { get, set }: SourceTable) => {
    if (event.kind === "message.added") set(event.message.key, `${get(event.message.key) ?? ""}${index} `)
  },
  changes: () => Stream.empty,
  hints: Stream.never,
  dump: () => Stream.empty,
  gaps: () => []
}

const added = (key: string, recordedAt: number, name = "chat"): Event => ({
  kind: "message.added",
  recordedAt,
  source: name,
  conversation: "",
  message: { key, type: "text" }
})

const folded = (known: ReadonlyMap<string, string>, events: ReadonlyArray<Event>, first: number) => {
  const table = new Map(known)
  const recorder = recordingTable(table)
  foldEvents(source, events, first, recorder.table)
  applyDelta(table, recorder.delta())
  return table
}

describe("what a source remembers", () => {
  it("counts its own events once, also when all are folded again", () => {
    const events = [added("a", 1), added("b", 2), added("c", 3, "other")]
    const state = folded(new Map([["cursor", "at byte 7"]]), events, 0)
    assert.deepStrictEqual(countsOf(state), { events: 2, lastAt: 2 })
    const again = folded(beforeRefold(state), events, -1)
    assert.deepStrictEqual(countsOf(again), { events: 2, lastAt: 2 })
    assert.strictEqual(again.get("cursor"), "at byte 7")
    assert.strictEqual(again.get("a"), "0 -1 ")
  })
})
