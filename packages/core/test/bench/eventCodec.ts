/**
 * Prints how many small chat events a second one core encodes and decodes. From the packages as built:
 * `node .ci/ts.mjs packages/core/test/bench/eventCodec.ts`.
 */
import { ByteWriter } from "@sealog/core/format/Binary"
import { decodeEvent, encodeEvent, encodeEventInto, peekEvent } from "@sealog/core/format/EventCodec"
import type { Event } from "@sealog/core/message/Event"

const COUNT = 200_000
const ROUNDS = 5

const events = Array.from({ length: COUNT }, (_, index): Event => ({
  kind: "message.added",
  recordedAt: 1_700_000_000_000 + index,
  source: "imessage",
  conversation: `chat-${index % 300}`,
  message: {
    key: `3EB0${String(index).padStart(16, "0")}`,
    at: 1_600_000_000_000 + index * 61_000,
    atQuality: "exact",
    author: `+4917${10_000_000 + (index % 500)}`,
    direction: index % 3 === 0 ? "out" : "in",
    type: "text",
    text: `See you at ${index % 24} o'clock, bring the ${index} keys`.slice(0, 40),
    flags: index % 2 === 0 ? ["read"] : ["read", "starred"]
  }
}))

const rate = (name: string, body: () => number): void => {
  let best = Infinity
  let check = 0
  for (let round = 0; round < ROUNDS; round++) {
    const begin = process.hrtime.bigint()
    check = body()
    best = Math.min(best, Number(process.hrtime.bigint() - begin) / 1e9)
  }
  console.log(`${name.padEnd(14)} ${Math.round(COUNT / best).toLocaleString("en").padStart(12)} events/s  (${check})`)
}

const encoded = events.map(encodeEvent)
rate("encode", () => events.reduce((sum, event) => sum + encodeEvent(event).length, 0))
const writer = new ByteWriter(COUNT * 200)
rate("encode into", () => events.reduce((sum, event) => sum + encodeEventInto(event, writer), 0))
rate("decode", () => encoded.reduce((sum, bytes) => sum + decodeEvent(bytes).recordedAt % 2, 0))
rate("peek", () => encoded.reduce((sum, bytes) => sum + peekEvent(bytes).recordedAt % 2, 0))
