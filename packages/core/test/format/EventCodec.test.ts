import { assert, describe, it } from "@effect/vitest"
import { ByteWriter } from "@sealog/core/format/Binary"
import { decodeEvent, encodeEvent, encodeEventInto, kindOf, peekEvent } from "@sealog/core/format/EventCodec"
import { FormatError } from "@sealog/core/format/FormatError"
import { EVENT_BYTES, INLINE_CONTENT_BYTES } from "@sealog/core/format/Limits"
import type { Event, EventOf } from "@sealog/core/message/Event"
import { kinds } from "@sealog/core/message/Event"
import { EventJson, EventLine } from "@sealog/core/message/EventJson"
import { Schema } from "effect"
import * as fc from "fast-check"
import { event as anyEvent, eventOf } from "../Arbitraries.ts"

const reasonOf = (body: () => unknown): string => {
  try {
    body()
  } catch (error) {
    if (error instanceof FormatError) return error.reason
    throw error
  }
  return "ok"
}

const small: EventOf<"message.added"> = {
  kind: "message.added",
  recordedAt: 1_700_000_000_000,
  source: "maildir",
  conversation: "INBOX",
  message: { key: "k", type: "text" }
}

const withText = (text: string): Event => ({ ...small, message: { ...small.message, text } })

describe("EventCodec", () => {
  /** Verifies: EVT-1 */
  for (const kind of kinds) {
    it(`gives back every ${kind}, and its one encoding`, () =>
      fc.assert(
        fc.property(eventOf(kind), (event) => {
          const encoded = encodeEvent(event as Event)
          const decoded = decodeEvent(encoded)
          assert.deepStrictEqual(decoded, event as Event)
          assert.deepStrictEqual(hex(encodeEvent(decoded)), hex(encoded))
        }),
        { numRuns: 60 }
      ))
  }

  it("tells kind, time, source and conversation without reading the rest", () =>
    fc.assert(
      fc.property(anyEvent, (event) => {
        const { conversation, kind, recordedAt, source } = event
        assert.deepStrictEqual(peekEvent(encodeEvent(event)), { conversation, kind, recordedAt, source })
        assert.strictEqual(kindOf(encodeEvent(event)), kind)
      })
    ))

  it("appends to a writer what it would have given alone", () => {
    const target = new ByteWriter()
    target.u8(7)
    assert.strictEqual(encodeEventInto(small, target), encodeEvent(small).length)
    assert.strictEqual(hex(target.finish()), `07${hex(encodeEvent(small))}`)
  })

  it("gives bytes that the next encoding leaves alone", () => {
    const first = encodeEvent(small)
    const before = hex(first)
    encodeEvent(withText("another one, and longer"))
    assert.strictEqual(hex(first), before)
  })

  /** Verifies: EVT-2 */
  it("refuses changed bytes, or takes them as the one encoding of another event", () =>
    fc.assert(
      fc.property(
        anyEvent,
        fc.nat(),
        fc.nat(255),
        fc.constantFrom("flip", "cut", "grow", "insert", "drop"),
        (event, at, byte, how) => {
          const changed = mutate(encodeEvent(event), at, byte, how)
          let decoded: Event
          try {
            decoded = decodeEvent(changed)
          } catch (error) {
            assert.instanceOf(error, FormatError)
            return
          }
          assert.strictEqual(hex(encodeEvent(decoded)), hex(changed))
          assert.strictEqual(({} as Record<string, unknown>)["polluted"], undefined)
        }
      ),
      { numRuns: 3000 }
    ))

  it("refuses every event cut short anywhere", () =>
    fc.assert(
      fc.property(anyEvent, (event) => {
        const encoded = encodeEvent(event)
        for (let length = 0; length < encoded.length; length++) {
          assert.notStrictEqual(reasonOf(() => decodeEvent(encoded.subarray(0, length))), "ok")
        }
      }),
      { numRuns: 25 }
    ))

  it("reads noise without failing in any other way", () =>
    fc.assert(
      fc.property(fc.nat(30), fc.uint8Array({ maxLength: 200 }), (kind, noise) => {
        reasonOf(() => decodeEvent(Uint8Array.of(1, kind, ...noise)))
      }),
      { numRuns: 2000 }
    ))

  /** Verifies: EVT-3 */
  it("stops at versions, kinds and fields of a newer program", () => {
    const encoded = encodeEvent(small)
    assert.strictEqual(reasonOf(() => decodeEvent(replaced(encoded, 0, 2))), "Unknown")
    assert.strictEqual(reasonOf(() => peekEvent(replaced(encoded, 0, 2))), "Unknown")
    assert.strictEqual(reasonOf(() => kindOf(replaced(encoded, 0, 2))), "Unknown")
    assert.strictEqual(reasonOf(() => decodeEvent(replaced(encoded, 1, 200))), "Unknown")
    assert.strictEqual(reasonOf(() => decodeEvent(replaced(encoded, encoded.length - 1, 99))), "Unknown")
  })

  /** Verifies: EVT-4 */
  it("holds an event to the longest there may be, both ways", () => {
    const overhead = encodeEvent(withText("x".repeat(100_000))).length - 100_000
    const longest = withText("x".repeat(EVENT_BYTES - overhead))
    assert.strictEqual(encodeEvent(longest).length, EVENT_BYTES)
    assert.deepStrictEqual(decodeEvent(encodeEvent(longest)), longest)
    for (const fill of ["x", "é", "\u{1f512}"]) {
      assert.strictEqual(reasonOf(() => encodeEvent(withText(fill.repeat(EVENT_BYTES - overhead + 1)))), "Limit")
    }
    assert.strictEqual(reasonOf(() => decodeEvent(new Uint8Array(EVENT_BYTES + 1))), "Limit")
    const flags = Array.from({ length: 30_000 }, (_, index) => `flag-${index}`)
    assert.strictEqual(reasonOf(() => encodeEvent({ ...small, message: { ...small.message, flags } })), "Limit")
    assert.strictEqual(hex(encodeEvent(small)), hex(encodeEvent(small)), "the scratch buffer survives it")
  })

  it("holds inline content to its limit", () => {
    const withContent = (length: number): Event => ({
      ...small,
      message: { ...small.message, content: { _tag: "inline", bytes: new Uint8Array(length) } }
    })
    assert.strictEqual(reasonOf(() => decodeEvent(encodeEvent(withContent(INLINE_CONTENT_BYTES - 1)))), "ok")
    assert.strictEqual(reasonOf(() => encodeEvent(withContent(INLINE_CONTENT_BYTES))), "Limit")
  })

  /** Verifies: EVT-5 */
  it("refuses to write what it could not read back", () => {
    const refused: ReadonlyArray<readonly [Event, string]> = [
      [withText("half \ud83d"), "Malformed"],
      [withText(`${"long ".repeat(40)}\udd12`), "Malformed"],
      [{ ...small, source: "\udd12" }, "Malformed"],
      [{ ...small, recordedAt: 0.5 }, "Malformed"],
      [{ ...small, recordedAt: NaN }, "Malformed"],
      [{ kind: "file.removed", recordedAt: 0, source: "", conversation: "", path: "\u0100" }, "Malformed"],
      [
        {
          kind: "witness",
          recordedAt: 0,
          source: "",
          conversation: "",
          writer: new Uint8Array(7),
          size: 1,
          root: new Uint8Array(32)
        },
        "Malformed"
      ],
      [
        {
          kind: "witness",
          recordedAt: 0,
          source: "",
          conversation: "",
          writer: new Uint8Array(8),
          size: -1,
          root: new Uint8Array(32)
        },
        "Malformed"
      ],
      [{ ...small, message: { ...small.message, attachments: [{ id: "1", size: 2n ** 63n }] } }, "Limit"],
      [{ ...small, message: { ...small.message, direction: "up" as "in" } }, "Malformed"],
      [{ ...small, kind: "message.lost" as "message.added" }, "Malformed"],
      [{ ...small, message: { type: "text" } as unknown as typeof small.message }, "Malformed"]
    ]
    for (const [event, reason] of refused) assert.strictEqual(reasonOf(() => encodeEvent(event)), reason)
  })

  it("is what its errors name, as whoever captures must know", () => {
    for (
      const fails of [
        () => encodeEvent(withText("half \ud83d")),
        () => decodeEvent(new Uint8Array(0)),
        () => kindOf(new Uint8Array(0)),
        () => peekEvent(new Uint8Array(0))
      ]
    ) assert.throws(fails, /^event: /)
  })

  it("writes a set of flags in one way, however it comes", () => {
    const flagged = (flags: ReadonlyArray<string>): Event => ({ ...small, message: { ...small.message, flags } })
    assert.strictEqual(hex(encodeEvent(flagged(["b", "a", "b"]))), hex(encodeEvent(flagged(["a", "b"]))))
  })

  it("writes 5 and 5n alike, and 64-bit integers exactly", () => {
    const upsert = (mtimeNs: number | bigint): Event => ({
      kind: "file.upsert",
      recordedAt: -1,
      source: "s",
      conversation: "",
      path: "p",
      mtimeNs,
      content: { _tag: "inline", bytes: new Uint8Array(0) }
    })
    assert.strictEqual(hex(encodeEvent(upsert(5n))), hex(encodeEvent(upsert(5))))
    for (const exact of [2n ** 63n - 1n, -(2n ** 63n), 1_700_000_000_123_456_789n]) {
      assert.deepStrictEqual(decodeEvent(encodeEvent(upsert(exact))), upsert(exact))
    }
  })

  /** Verifies: EVT-6 */
  it("has a form in JSON that loses nothing", () =>
    fc.assert(
      fc.property(anyEvent, (event) => {
        const line = Schema.encodeSync(EventLine)(event)
        assert.notInclude(line, "\n")
        assert.strictEqual(hex(encodeEvent(Schema.decodeUnknownSync(EventLine)(line))), hex(encodeEvent(event)))
        assert.isTrue(Schema.is(EventJson)(event))
      }),
      { numRuns: 120 }
    ))
})

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const replaced = (bytes: Uint8Array, at: number, byte: number): Uint8Array => {
  const copy = Uint8Array.from(bytes)
  copy[at] = byte
  return copy
}

const mutate = (
  bytes: Uint8Array,
  at: number,
  byte: number,
  how: "flip" | "cut" | "grow" | "insert" | "drop"
): Uint8Array => {
  const place = at % bytes.length
  switch (how) {
    case "flip":
      return replaced(bytes, place, bytes[place]! ^ (byte === 0 ? 1 : byte))
    case "cut":
      return Uint8Array.from(bytes.subarray(0, place))
    case "grow":
      return Uint8Array.of(...bytes, byte)
    case "insert":
      return Uint8Array.of(...bytes.subarray(0, place), byte, ...bytes.subarray(place))
    case "drop":
      return Uint8Array.of(...bytes.subarray(0, place), ...bytes.subarray(place + 1))
  }
}
