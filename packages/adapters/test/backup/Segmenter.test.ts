/** What one ship carries: whole blocks, as many as are enough, with the heads on both sides. */
import { assert, describe, it } from "@effect/vitest"
import type { JournalHead, JournalShape } from "@sealog/core/backup/Journal"
import { cut, cutFull } from "@sealog/core/backup/Segmenter"
import type { Block } from "@sealog/core/format/Block"
import { encodeEvent } from "@sealog/core/format/EventCodec"
import { RUN_BYTES, SEGMENT_BYTES, SEGMENT_EVENTS, SEGMENT_FINAL_BYTES } from "@sealog/core/format/Limits"
import { eventsOfRuns, type Run } from "@sealog/core/format/Run"
import { segmentBytesOf } from "@sealog/core/format/Segment"
import { packRun } from "@sealog/core/testing/Windows"
import { Effect, Stream } from "effect"
import { services } from "../journal/support.ts"
import { added, append, fill, makeMachine } from "./Memory.ts"

const writer = new Uint8Array(8).fill(1)

describe("a cut", () => {
  it.effect("is the range it was asked for, with its heads, times, blobs and events", () =>
    Effect.gen(function*() {
      const machine = yield* makeMachine
      const { journal } = machine
      yield* fill(machine, 3)
      yield* append(machine, [added("a"), added("b")], ["blobs/a"])
      yield* append(machine, [added("c", { conversation: "other" }), added("d")], ["blobs/b", "blobs/c"])
      yield* fill(machine, 4)
      const own = (yield* journal.identity).writer
      const { blobs, contents } = yield* cut(journal, { writer: own, from: 3, to: 7 })
      const [before, after] = [yield* journal.headAt({ size: 3 }), yield* journal.headAt({ size: 7 })]
      assert.deepStrictEqual(blobs, ["blobs/a", "blobs/b", "blobs/c"])
      assert.deepInclude(contents, {
        writer: own,
        first: 3,
        last: 6,
        before,
        after,
        recordedFrom: before.recordedAt + 1000,
        recordedTo: before.recordedAt + 2000
      })
      const events = yield* eventsOfRuns(3, 4, contents.runs)
      assert.strictEqual(events.length, 4)
      // The windows of one conversation are merged: two blocks, two conversations.
      assert.lengthOf(contents.runs, 2)
      const whole = yield* cut(journal, { writer: own, from: 0, to: 11 })
      assert.deepStrictEqual([whole.contents.first, whole.contents.last, whole.contents.before.size], [0, 10, 0])
      assert.deepStrictEqual(whole.contents.before.peaks, [])
    }).pipe(Effect.provide(services)))

  /** A journal that says it has such blocks, of which the runs are made up. */
  const journalOf = (blocks: ReadonlyArray<Block>) =>
    ({
      blocks: () => Stream.fromIterable(blocks),
      headAt: ({ size }: { readonly size: number }) =>
        Effect.succeed<JournalHead>({ size, root: new Uint8Array(32), peaks: [], recordedAt: size })
    }) as unknown as JournalShape

  interface Wanted {
    readonly count: number
    readonly bytes: number
    /** Mails, unless it is said that they are not. */
    readonly alone?: boolean
  }

  const blocksOf = Effect.fn("test.blocksOf")(function*(list: ReadonlyArray<Wanted>) {
    let first = 0
    const blocks: Array<Block> = []
    for (const { alone = true, bytes, count } of list) {
      const event = encodeEvent(added(`m${first}`))
      // Each in a conversation of its own, and too long to be merged with another.
      const place = { source: "test", conversation: `chat ${first}`, class: "additions", alone } as const
      const run = yield* packRun({ ...place, indices: [first], events: [event] })
      // The frame is not opened, so it may be anything, up to a size in all.
      const rest: Run = {
        ...run,
        indices: [first + 1],
        codec: "none",
        rawLength: RUN_BYTES,
        frame: new Uint8Array(0)
      }
      const lacking = bytes - segmentBytesOf(run) - segmentBytesOf(rest)
      blocks.push({ first, count, runs: [run, { ...rest, frame: new Uint8Array(lacking) }], blobs: [] })
      first += count
    }
    return blocks
  })

  const lastOf = Effect.fn("test.lastOf")(
    function*(list: ReadonlyArray<Wanted>, most?: number) {
      const journal = journalOf(yield* blocksOf(list))
      const options = { writer, from: 0, to: Number.MAX_SAFE_INTEGER, ...(most === undefined ? {} : { most }) }
      return (yield* cut(journal, options)).contents.last
    }
  )

  it.effect("ends where a segment has enough, and takes one block whatever it is", () =>
    Effect.gen(function*() {
      const block = { count: 10, bytes: 1000 }
      assert.strictEqual(yield* lastOf([block, block, block], 2000), 19)
      assert.strictEqual(yield* lastOf([block, block, block], 2001), 29)
      assert.strictEqual(yield* lastOf([block, block, block], 1), 9)
      const half = { count: 10, bytes: SEGMENT_FINAL_BYTES / 2 }
      assert.strictEqual(yield* lastOf([half, half, half]), 19)
      assert.strictEqual(yield* lastOf([half, { ...half, bytes: half.bytes - 1 }, half]), 29)
      assert.strictEqual(yield* lastOf([{ count: 10, bytes: SEGMENT_BYTES + 1 }, block]), 9)
    }))

  it.effect("is never longer than a segment may be, in bytes and in events", () =>
    Effect.gen(function*() {
      const small = { count: 1, bytes: 1000 }
      const large = { count: 1, bytes: SEGMENT_BYTES - 1000 }
      assert.strictEqual(yield* lastOf([small, large, small]), 1)
      assert.strictEqual(yield* lastOf([small, { ...large, bytes: large.bytes + 1 }, small]), 0)
      const many = { count: SEGMENT_EVENTS - 1, bytes: 1000 }
      assert.strictEqual(yield* lastOf([small, many, small]), SEGMENT_EVENTS - 1)
      assert.strictEqual(yield* lastOf([small, { ...many, count: SEGMENT_EVENTS }, small]), 0)
    }))

  it.effect("counts what is merged as what it becomes, so that a backlog's segments are long enough to stay", () =>
    Effect.gen(function*() {
      const third = { count: 10, bytes: Math.ceil(SEGMENT_FINAL_BYTES / 3), alone: false }
      assert.strictEqual(yield* lastOf([third, third, third, third, third]), 39)
      assert.strictEqual(yield* lastOf([third, third, { ...third, alone: true }, third, third]), 39)
      const mails = { ...third, alone: true }
      assert.strictEqual(yield* lastOf([mails, mails, mails, mails, mails]), 29)
      // Whatever they become, they have to fit as they are.
      assert.strictEqual(yield* lastOf([third, { ...third, bytes: SEGMENT_BYTES - third.bytes + 1 }]), 9)
    }))

  it.effect("is made of a full segment alone, where no other is wanted", () =>
    Effect.gen(function*() {
      const fullOf = Effect.fnUntraced(function*(list: ReadonlyArray<Wanted>) {
        const journal = journalOf(yield* blocksOf(list))
        return (yield* cutFull(journal, { writer, from: 0, to: Number.MAX_SAFE_INTEGER }))?.contents.last
      })
      const half = { count: 10, bytes: SEGMENT_FINAL_BYTES / 2 }
      assert.strictEqual(yield* fullOf([half]), undefined)
      assert.strictEqual(yield* fullOf([half, { ...half, bytes: half.bytes - 1 }]), undefined)
      assert.strictEqual(yield* fullOf([half, half]), 19)
      assert.strictEqual(yield* fullOf([half, { ...half, bytes: half.bytes - 1 }, half]), 29)
      // The next one does not fit.
      assert.strictEqual(yield* fullOf([half, { ...half, bytes: SEGMENT_BYTES }]), 9)
    }))
})
