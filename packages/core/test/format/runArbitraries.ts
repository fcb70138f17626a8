/** Random events with their places, as capture hands them over, and the segments that are made of them. */
import { packRuns } from "@sealog/core/format/Run"
import type { SegmentContents } from "@sealog/core/format/Segment"
import { LogBuilder } from "@sealog/core/log/MerkleLog"
import { groupPlaced, type Placed } from "@sealog/core/testing/Windows"
import { Effect, FastCheck as fc } from "effect"

const textBytes = fc.string({ maxLength: 60, unit: "binary" }).map((text) => new Uint8Array(Buffer.from(text)))

const placed: fc.Arbitrary<Placed> = fc.record({
  source: fc.constantFrom("", "imessage", "maildir-2"),
  conversation: fc.constantFrom("", "chat-1", "chat-2", "\u{1f409}", "\uff5e"),
  class: fc.constantFrom("control", "changes", "additions"),
  alone: fc.boolean(),
  bytes: fc.oneof(textBytes, fc.uint8Array({ maxLength: 300 }), fc.constant(new Uint8Array(200)))
})

export const events: fc.Arbitrary<ReadonlyArray<Placed>> = fc.array(placed, { minLength: 1, maxLength: 30 })

/** Where a block or segment begins. */
export const firstIndex = fc.oneof(fc.nat(300), fc.integer({ min: 2 ** 40, max: 2 ** 47 }))

/** The segment that holds these events, behind a log of which nothing else is known. */
export const contentsOf = Effect.fn("test.contentsOf")(function*(first: number, all: ReadonlyArray<Placed>) {
  const runs = yield* packRuns(groupPlaced(first, all))
  const builder = LogBuilder.empty()
  builder.appendAll(all.map(({ bytes }) => bytes))
  const last = first + all.length - 1
  return {
    writer: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8),
    first,
    last,
    before: { size: first, root: new Uint8Array(32).fill(9) },
    after: { size: last + 1, root: builder.head().root },
    runs,
    recordedFrom: -5,
    recordedTo: 1_700_000_000_000
  } satisfies SegmentContents
})

export const eventOf = (over: Partial<Placed> = {}): Placed => ({
  source: "imessage",
  conversation: "chat-1",
  class: "additions",
  alone: false,
  bytes: new Uint8Array(Buffer.from("hello")),
  ...over
})

/** Bytes that brotli cannot shorten, the same each time. */
export const noise = (length: number, seed = 1): Uint8Array => {
  let state = seed
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  })
}

/** Twenty places below a length, that follow from one number. */
export const scattered = (seed: number, length: number): ReadonlyArray<number> =>
  Array.from({ length: 20 }, (_, at) => (seed + at * 7919) % length)
