/** Events one behind the other in a memory that is used again: each as it would be alone, with its length before it. */
import { assert, describe, it } from "@effect/vitest"
import { ByteReader, ByteWriter } from "@sealog/core/format/Binary"
import { encodeEvent } from "@sealog/core/format/EventCodec"
import { EventSlab, writeLength } from "@sealog/core/format/EventSlab"
import { EVENT_BYTES } from "@sealog/core/format/Limits"
import type { Event } from "@sealog/core/message/Event"
import { hexOf } from "../Corpora.ts"

const eventOf = (length: number): Event => ({
  kind: "message.added",
  recordedAt: 1,
  source: "s",
  conversation: "c",
  message: { key: "k", type: "text", text: "x".repeat(length) }
})
const overhead = encodeEvent(eventOf(100_000)).length - 100_000
const longest = EVENT_BYTES - overhead

const framedAlone = (event: Event) => hexOf(new ByteWriter().bytes(encodeEvent(event)).finish())

/** An event that is encoded to so many bytes. */
const encodedTo = (length: number): Event => {
  const least = encodeEvent(eventOf(0)).length
  // The text's own length takes one byte, two or three.
  const text = [2, 1, 0].map((more) => length - least - more).find((each) =>
    encodeEvent(eventOf(each)).length === length
  )
  return eventOf(text!)
}

describe("EventSlab", () => {
  it("writes a length before each event in as few bytes as it has", () => {
    for (const length of [40, 127, 128, 129, 16_383, 16_384, 16_385, EVENT_BYTES]) {
      const { bytes, framed } = new EventSlab().encode(encodedTo(length))
      assert.strictEqual(bytes.length, length)
      assert.strictEqual(hexOf(framed), framedAlone(encodedTo(length)))
    }
  })

  it("holds each event as it is encoded, and with its length before it", () => {
    const slab = new EventSlab()
    const lengths = [0, 1, 100, 127, 128, 129, 5_000, 16_383, 16_384, 16_385, longest, longest, 3, longest, longest, 7]
    const events = lengths.map((length) => eventOf(length < longest ? Math.max(0, length - 20) : length))
    const held = events.map((event) => slab.encode(event))
    for (const [at, event] of events.entries()) {
      assert.strictEqual(hexOf(held[at]!.bytes), hexOf(encodeEvent(event)))
      assert.strictEqual(hexOf(held[at]!.framed), framedAlone(event))
      // One memory: the frame is the event and what stands before it.
      assert.strictEqual(held[at]!.bytes.buffer, held[at]!.framed.buffer)
    }
    assert.instanceOf(held[0]!.bytes.buffer, SharedArrayBuffer)
  })

  it("begins with little, goes on with much, and takes what was released before anything new", () => {
    const slab = new EventSlab()
    const first = slab.encode(eventOf(10)).bytes.buffer
    assert.strictEqual(first.byteLength, 8 * 1024)
    assert.strictEqual(slab.encode(eventOf(10)).bytes.buffer, first)
    const second = slab.encode(eventOf(9_000)).bytes.buffer
    assert.strictEqual(second.byteLength, 4 * EVENT_BYTES)
    slab.release()
    const again = new EventSlab()
    assert.isAbove(again.encode(eventOf(20_000)).bytes.buffer.byteLength, 20_000)
    assert.strictEqual(again.encode(eventOf(20_000)).bytes.buffer, second)
    slab.encode(eventOf(1))
    const third = slab.encode(eventOf(9_000)).bytes.buffer
    assert.notStrictEqual(third, second)
    // Released twice, it is given to one only.
    slab.release()
    slab.release()
    const [one, two] = [new EventSlab(), new EventSlab()].map((each) => {
      each.encode(eventOf(1))
      return each.encode(eventOf(9_000)).bytes.buffer
    })
    assert.strictEqual(one, third)
    assert.notStrictEqual(two, third)
  })

  it("writes nothing of an event that cannot be", () => {
    const slab = new EventSlab()
    const before = slab.encode(eventOf(5))
    assert.throws(() => slab.encode(eventOf(longest + 1)), /^event: /)
    const after = slab.encode(eventOf(5))
    assert.strictEqual(after.framed.byteOffset, before.bytes.byteOffset + before.bytes.length + 2)
  })

  it("writes a length as a varint", () => {
    for (const length of [0, 1, 127, 128, 300, 16_383, 16_384, EVENT_BYTES]) {
      const target = new Uint8Array(8)
      const end = writeLength(target, 2, length)
      const reader = new ByteReader(target.subarray(2, end), "length")
      assert.strictEqual(reader.varint(), length)
      assert.strictEqual(reader.remaining, 0)
      assert.deepStrictEqual(
        [...target.subarray(end), ...target.subarray(0, 2)],
        Array.from({ length: 8 - end + 2 }, () => 0)
      )
    }
  })
})
