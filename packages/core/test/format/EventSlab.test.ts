/** Windows one behind the other in a memory that is used again: each event as it would be alone, its length before it. */
import { assert, describe, it } from "@effect/vitest"
import { ByteReader, ByteWriter } from "@sealog/core/format/Binary"
import { encodeEvent } from "@sealog/core/format/EventCodec"
import { EventSlab, writeLength } from "@sealog/core/format/EventSlab"
import { EVENT_BYTES, WINDOW_BYTES } from "@sealog/core/format/Limits"
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
      const slab = new EventSlab()
      assert.strictEqual(slab.encode(encodedTo(length)).length, length)
      assert.strictEqual(hexOf(slab.close()), framedAlone(encodedTo(length)))
    }
  })

  it("holds each event as it is encoded, and its window wherever that has to stand", () => {
    const slab = new EventSlab()
    const lengths = [0, 1, 100, 127, 128, 129, 5_000, 16_383, 16_384, 16_385, longest, longest, 3, longest, longest, 7]
    const events = lengths.map((length) => eventOf(length < longest ? Math.max(0, length - 20) : length))
    const windows: Array<Uint8Array> = []
    const held = events.map((event, at) => {
      if (at > 0 && at % 3 === 0) windows.push(slab.close())
      return slab.encode(event)
    })
    windows.push(slab.close())
    for (const [at, event] of events.entries()) assert.strictEqual(hexOf(held[at]!), hexOf(encodeEvent(event)))
    assert.strictEqual(windows.map(hexOf).join(""), events.map(framedAlone).join(""))
    assert.strictEqual(hexOf(windows[0]!), events.slice(0, 3).map(framedAlone).join(""))
    for (const { buffer } of windows) assert.instanceOf(buffer, SharedArrayBuffer)
  })

  it("ends a window before the event that was too much for it", () => {
    const slab = new EventSlab()
    for (const length of [10, 20, 30]) slab.encode(eventOf(length))
    assert.strictEqual(hexOf(slab.closeBeforeNewest()), framedAlone(eventOf(10)) + framedAlone(eventOf(20)))
    slab.encode(eventOf(40))
    assert.strictEqual(hexOf(slab.close()), framedAlone(eventOf(30)) + framedAlone(eventOf(40)))
    slab.join(Buffer.from(framedAlone(eventOf(50)), "hex"))
    slab.join(Buffer.from(framedAlone(eventOf(60)), "hex"))
    assert.strictEqual(hexOf(slab.closeBeforeNewest()), framedAlone(eventOf(50)))
    assert.strictEqual(hexOf(slab.close()), framedAlone(eventOf(60)))
    assert.lengthOf(slab.close(), 0)
  })

  it("begins with little, goes on with much, and takes what was released before anything new", () => {
    const memoryOf = (slab: EventSlab, length: number) => slab.encode(eventOf(length)).buffer
    const slab = new EventSlab()
    const first = memoryOf(slab, 10)
    assert.strictEqual(first.byteLength, 8 * 1024)
    assert.strictEqual(memoryOf(slab, 10), first)
    const second = memoryOf(slab, 9_000)
    assert.strictEqual(second.byteLength, WINDOW_BYTES + 2 * EVENT_BYTES)
    slab.release()
    const again = new EventSlab()
    assert.isAbove(memoryOf(again, 20_000).byteLength, 20_000)
    assert.isBelow(new EventSlab().encode(eventOf(20_000)).buffer.byteLength, 21_000)
    assert.strictEqual(memoryOf(again, 20_000), second)
    slab.encode(eventOf(1))
    const third = memoryOf(slab, 9_000)
    assert.notStrictEqual(third, second)
    // Released twice, it is given to one only.
    slab.release()
    slab.release()
    const [one, two] = [new EventSlab(), new EventSlab()].map((each) => {
      each.encode(eventOf(1))
      return memoryOf(each, 9_000)
    })
    assert.strictEqual(one, third)
    assert.notStrictEqual(two, third)
    // What is longer than any window has a memory of its own.
    const long = new EventSlab()
    long.encode(eventOf(1))
    long.join(new Uint8Array(5_000_000))
    assert.isAbove(long.close().buffer.byteLength, 5_000_000)
  })

  it("writes nothing of an event that cannot be", () => {
    const slab = new EventSlab()
    slab.encode(eventOf(5))
    assert.throws(() => slab.encode(eventOf(longest + 1)), /^event: /)
    slab.encode(eventOf(5))
    assert.strictEqual(hexOf(slab.close()), framedAlone(eventOf(5)).repeat(2))
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
