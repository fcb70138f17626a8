/** Stores that are counted beside the log, by an engine of which only that is there. */
import { assert, describe, it } from "@effect/vitest"
import type { Ledger } from "@sealog/core/backup/Ledger"
import { SourceError, type SourceShape } from "@sealog/core/backup/Source"
import { ledgerOf, warningsIn } from "@sealog/daemon/engine/Ledgers"
import { captureCounted } from "@sealog/daemon/engine/Pass"
import type { Session } from "@sealog/daemon/engine/Session"
import { Effect, Ref, Stream, TestClock } from "effect"

const ledger = (inStore: number): Ledger => ({
  conversations: [{ conversation: "c1", title: "Ada", inStore, inLog: 3 }],
  attachments: { referenced: 0, stored: 0, missing: [], unexplained: 0 },
  skipped: []
})

/** Of which every message is there, and an attachment is not. */
const lacking: Ledger = {
  ...ledger(3),
  conversations: [{
    conversation: "c1",
    title: "Ada",
    inStore: 3,
    inLog: 3,
    attachments: { referenced: 2, stored: 1, missing: [], unexplained: 1 }
  }]
}

/** A session with one source, which counts what it is told to, one after the other. */
const setUp = Effect.fn("test.setUp")(function*(...counts: ReadonlyArray<Ledger | SourceError>) {
  const done = { passes: 0, counts: 0 }
  const source: SourceShape = {
    name: "chat",
    kind: "test",
    remember: () => undefined,
    changes: () => Stream.empty,
    hints: Stream.never,
    dump: () => Stream.empty,
    ledger: () => {
      const next = counts[Math.min(done.counts++, counts.length - 1)]!
      return next instanceof SourceError ? Effect.fail(next) : Effect.succeed(next)
    },
    gaps: () => []
  }
  const session = {
    ledgers: yield* Ref.make(new Map()),
    capture: { state: () => Effect.succeed(new Map()) },
    backup: {
      capture: () => {
        done.passes++
        return Effect.succeed({ events: 1, bytes: 1 })
      }
    }
  } as unknown as Session
  const run = (always: boolean) => captureCounted(session, source, { always, onTaken: () => Effect.void })
  const warnings = (names: boolean) => Effect.map(Ref.get(session.ledgers), (known) => warningsIn(known, names))
  return { done, ledgers: session.ledgers, run, warnings }
})

/** Verifies: SRC-60 */
describe("a store that is counted", () => {
  it.effect("is read once more where it does not add up, since messages may have come meanwhile", () =>
    Effect.gen(function*() {
      const { done, run, warnings } = yield* setUp(ledger(4), ledger(3))
      assert.deepInclude(yield* run(true), { events: 2, counted: true })
      assert.deepStrictEqual(done, { passes: 2, counts: 2 })
      assert.deepStrictEqual(yield* warnings(true), [])
    }))

  it.effect("and still does not add up is told, by name to those who have the key alone", () =>
    Effect.gen(function*() {
      const { done, run, warnings } = yield* setUp(ledger(4))
      yield* run(true)
      assert.deepStrictEqual(done, { passes: 2, counts: 2 })
      const [named] = yield* warnings(true)
      const [unnamed] = yield* warnings(false)
      assert.deepInclude(named, { reason: "Incomplete" })
      assert.include(named!.message, "Ada (c1): 4 in the store, 3 in the log")
      assert.notMatch(unnamed!.message, /Ada|c1/)
    }))

  it.effect("and names an attachment of which the log says nothing is told, by name to those who have the key alone", () =>
    Effect.gen(function*() {
      const { run, warnings } = yield* setUp(lacking)
      yield* run(true)
      const [named] = yield* warnings(true)
      const [unnamed] = yield* warnings(false)
      assert.include(named!.message, "Ada (c1): of 1 of 2 attachments the log says nothing")
      assert.deepInclude(unnamed, { reason: "Incomplete" })
      assert.notMatch(unnamed!.message, /Ada|c1/)
    }))

  it.effect("has no conversation in what is read without a key", () =>
    Effect.gen(function*() {
      const { ledgers, run } = yield* setUp(lacking)
      yield* run(true)
      const known = yield* Ref.get(ledgers)
      const { ledger: unnamed } = ledgerOf(known, "chat", false)
      assert.deepInclude(unnamed, { mismatched: 1, attachments: lacking.attachments })
      assert.notMatch(JSON.stringify(unnamed), /Ada|c1/)
      assert.deepStrictEqual(ledgerOf(known, "chat", true).ledger?.counts, lacking.conversations)
    }))

  it.effect("and cannot be is told so, and never taken for whole", () =>
    Effect.gen(function*() {
      const error = new SourceError({ reason: "Unreadable", method: "read", subject: "/store" })
      const { run, warnings } = yield* setUp(error)
      yield* run(true)
      assert.deepStrictEqual((yield* warnings(false)).map(({ reason }) => reason), ["NotCounted"])
    }))

  it.effect("by a daemon is counted every ten minutes, and not with every message", () =>
    Effect.gen(function*() {
      const { done, run } = yield* setUp(ledger(3))
      for (let pass = 0; pass < 5; pass++) yield* run(false)
      assert.strictEqual(done.counts, 1)
      yield* TestClock.adjust("10 minutes")
      yield* run(false)
      assert.deepStrictEqual(done, { passes: 6, counts: 2 })
    }))
})
