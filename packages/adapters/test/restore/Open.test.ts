/** A log is read from its segments, whichever histories they are of. */
import { assert, describe, it } from "@effect/vitest"
import { decodeAll } from "@sealog/core/backup/Entries"
import { restoredContent } from "@sealog/core/restore/Contents"
import { makeFetch } from "@sealog/core/restore/Fetch"
import { openLog } from "@sealog/core/restore/Open"
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import {
  added,
  append,
  copyOf,
  keysIn,
  type Machine,
  makeMachine,
  makePlace,
  type Place,
  ring,
  segmentsAt,
  shipAll,
  tell
} from "../backup/Memory.ts"
import { services } from "../journal/support.ts"

/** What a reader is handed of the one log that is there, and what it finds. */
const opened = Effect.fn("test.opened")(function*({ target }: Place) {
  const fetch = yield* makeFetch([target], ring)
  const keys: Record<"main" | "branch", Array<string>> = { main: [], branch: [] }
  const { findings, head, proven } = yield* openLog(fetch, fetch.writers[0]!, {
    take: ({ branch, events }) =>
      Effect.map(decodeAll(events), (decoded) => {
        for (const event of decoded) {
          if (event.kind === "message.added") keys[branch ? "branch" : "main"].push(event.message.key)
        }
      })
  })
  return { findings: findings.map(({ first, last, reason }) => [reason, first, last]), keys, proven, size: head.size }
})

describe("a log with two histories", () => {
  /** A machine that shipped all in one, and a clone that shipped from where it was cloned on, further. */
  const parted = Effect.gen(function*() {
    const machine = yield* makeMachine
    const [place, elsewhere] = [yield* makePlace(), yield* makePlace()]
    yield* tell(machine, "a", "b")
    const clone = yield* copyOf(machine)
    yield* shipAll(clone, elsewhere.target)
    yield* tell(machine, "c", "d", "e")
    yield* shipAll(machine, place.target)
    for (const keys of [["u", "v", "w"], ["x", "y"]]) {
      yield* tell(clone, ...keys)
      yield* shipAll(clone, place.target)
    }
    return { clone, machine, place }
  })

  const both = Effect.fn("test.both")(function*(clone: Machine, machine: Machine) {
    return { main: yield* keysIn(machine.journal), branch: (yield* keysIn(clone.journal)).slice(2) }
  })

  /** Verifies: RST-13 */
  it.effect("is restored as both, though the second reaches further than the first", () =>
    Effect.gen(function*() {
      const { clone, machine, place } = yield* parted
      const { findings, keys, proven, size } = yield* opened(place)
      assert.deepStrictEqual(keys, yield* both(clone, machine))
      assert.deepStrictEqual(findings, [["Branch", 2, 4], ["Branch", 5, 6]])
      assert.deepStrictEqual([proven, size], [true, 5])
    }).pipe(Effect.provide(services)))

  /** Verifies: RST-13 */
  it.effect("gives each history the contents that it names by their place, which both have", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const place = yield* makePlace()
      const clone = yield* copyOf(machine)
      const { writer } = yield* machine.journal.identity
      const bytes = (text: string) => Buffer.from(text.repeat(100))
      for (const [one, text] of [[machine, "ours"], [clone, "theirs"]] as const) {
        const content = { _tag: "inline", bytes: bytes(text) } as const
        yield* append(one, [added(text, { message: { key: text, type: "mail", content } })])
        yield* shipAll(one, place.target)
      }
      const fetch = yield* makeFetch([place.target], ring)
      const restored = (text: string) => {
        const sha256 = createHash("sha256").update(bytes(text)).digest()
        return Stream.runCollect(
          restoredContent(fetch, { _tag: "same", sha256, size: bytes(text).length, writer, index: 0 }).bytes
        )
      }
      for (const text of ["ours", "theirs"]) {
        assert.deepStrictEqual(Buffer.concat([...(yield* restored(text))]), bytes(text))
      }
      const error = yield* Effect.flip(restored("nobody's"))
      assert.strictEqual("_tag" in error && error._tag === "FormatError" && error.reason, "Mismatch")
    }).pipe(Effect.provide(services)))

  it.effect("has a gap where what would lead on is gone, and nothing of the rest is called proven", () =>
    Effect.gen(function*() {
      const { machine, place } = yield* parted
      const lost = (yield* segmentsAt(place)).find(({ first }) => first === 2)!
      place.objects.delete(lost.object)
      const { findings, keys, proven } = yield* opened(place)
      assert.deepStrictEqual(keys, { main: yield* keysIn(machine.journal), branch: [] })
      assert.deepStrictEqual(findings, [["Damaged", 5, 6], ["Gap", 5, 6]])
      assert.isFalse(proven)
    }).pipe(Effect.provide(services)))
})
