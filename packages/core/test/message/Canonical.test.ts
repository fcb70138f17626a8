import { assert, describe, it } from "@effect/vitest"
import {
  type CanonicalMessage,
  canonicalOf,
  compareKey,
  conversationsOf,
  coreLine,
  line,
  timeOf
} from "@sealog/core/message/Canonical"
import { EventJson } from "@sealog/core/message/EventJson"
import type { Position } from "@sealog/core/message/Stamp"
import { Schema } from "effect"
import * as fc from "fast-check"
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { message as anyMessage, millis, text as anyText } from "../Arbitraries.ts"
import type { Recorded } from "./Histories.ts"
import { linesOf } from "./Lines.ts"

const docs = fileURLToPath(new URL("../../../../docs/", import.meta.url))
const readLines = (path: string): ReadonlyArray<string> =>
  readFileSync(docs + path, "utf8").split("\n").filter((item) => item !== "")

const readEvents = (lines: ReadonlyArray<string>): ReadonlyArray<Recorded> =>
  lines.map((item) => {
    const { event, index, writer } = JSON.parse(item) as Position & { readonly event: unknown }
    return { event: Schema.decodeUnknownSync(EventJson)(event), position: { writer, index } }
  })

const message = { key: "k", type: "text" }

describe("Canonical", () => {
  /** Verifies: CAN-5 */
  for (const name of readdirSync(`${docs}vectors/canonical`).filter((item) => item.endsWith(".events.jsonl"))) {
    const vector = `vectors/canonical/${name.replace(".events.jsonl", "")}`
    it(`${vector}: is what it was frozen as`, () => {
      const events = readEvents(readLines(`${vector}.events.jsonl`))
      for (const order of [events, events.toReversed(), [...events, ...events]]) {
        assert.deepStrictEqual(linesOf(order), readLines(`${vector}.lines.jsonl`))
        assert.deepStrictEqual(linesOf(order, { withDeleted: true }), readLines(`${vector}.with-deleted.jsonl`))
      }
    })
  }

  it("is what its document says", () => {
    const blocks = [...readFileSync(`${docs}canonical.md`, "utf8").matchAll(/```jsonl\n([^`]*)```/g)]
      .map(([, block]) => block!.split("\n").filter((item) => item !== ""))
    assert.strictEqual(blocks.length, 2)
    assert.deepStrictEqual(linesOf(readEvents(blocks[0]!)), blocks[1])
  })

  /** Verifies: CAN-6 */
  it("is JSON with sorted keys and nothing absent, empty or private in it", () =>
    fc.assert(
      fc.property(anyMessage, anyText, (any, conversation) => {
        const written = line(canonicalOf("s", conversation, { message: any }))
        const parsed = JSON.parse(written) as Record<string, unknown>
        assert.notInclude(written, "\n")
        assert.deepStrictEqual(Object.keys(parsed), Object.keys(parsed).toSorted())
        for (const hidden of ["places", "content", "key", "history"]) assert.notProperty(parsed, hidden)
        for (const [field, item] of Object.entries(parsed)) {
          if (field !== "extra") assert.isFalse(Array.isArray(item) && item.length === 0, field)
        }
        assert.strictEqual(parsed["id"], any.key)
        assert.strictEqual(coreLine("s", conversation, { message: any }), written)
      })
    ))

  /** Verifies: CAN-7 */
  it("sorts by source, conversation, time and id, compared by their UTF-8", () =>
    fc.assert(
      fc.property(fc.array(line4, { maxLength: 8 }), (lines) => {
        const byBytes = [...lines].toSorted((left, right) => Buffer.compare(compareKey(left), compareKey(right)))
        const byFields = [...lines].toSorted((left, right) =>
          utf8Order(left.source, right.source) || utf8Order(left.conversation, right.conversation)
          || timeOrder(left.at, right.at) || utf8Order(left.id, right.id)
        )
        assert.deepStrictEqual(byBytes.map(line), byFields.map(line))
      }),
      { numRuns: 1000 }
    ))

  it("writes times as RFC 3339 in UTC with milliseconds", () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), (time) => {
        assert.strictEqual(timeOf(time), JSON.stringify(new Date(time).toISOString()))
      }),
      { numRuns: 2000 }
    )
    for (const time of [0, -1, 951_782_400_000, -62_167_219_200_000, 253_402_300_799_999]) {
      assert.strictEqual(timeOf(time), JSON.stringify(new Date(time).toISOString()))
    }
    assert.strictEqual(timeOf(253_402_300_800_000), "253402300800000")
    assert.strictEqual(timeOf(-62_167_219_200_001), "-62167219200001")
  })

  it("tells the exact bytes of a message by their digest, wherever they are kept", () => {
    const bytes = Uint8Array.of(1, 2, 3)
    const sha256 = new Uint8Array(createHash("sha256").update(bytes).digest())
    const writer = new Uint8Array(8)
    const expected = `{"conversation":"c","id":"k","raw":{"bytes":3,"sha256":"${
      Buffer.from(sha256).toString("hex")
    }"},"source":"s","type":"text"}`
    for (
      const content of [
        { _tag: "inline", bytes },
        { _tag: "same", sha256, size: 3, writer, index: 7 },
        { _tag: "blob", sha256, size: 3, writer, epoch: 0, parts: [{ sha256, size: 3 }] }
      ] as const
    ) {
      assert.strictEqual(coreLine("s", "c", { message: { ...message, content } }), expected)
    }
    assert.strictEqual(coreLine("s", "c", { message: { ...message, raw: { format: "row", bytes } } }), expected)
  })

  it("puts what the store says before what was worked out from a mail", () => {
    const written = canonicalOf("s", "c", { message: { ...message, author: "store" } }, {
      author: "mail",
      subject: "from the mail"
    })
    assert.strictEqual(written.author, "store")
    assert.strictEqual(written.subject, "from the mail")
  })

  it("has a message once in each folder it is in", () => {
    const place = (folder: string) => ({ folder, sub: "cur" as const, name: "n", mtimeNs: 0 })
    const places = [place(".Sent"), place(""), place(".Sent")]
    assert.deepStrictEqual(conversationsOf("c", { ...message, places }), ["INBOX", "Sent"])
    assert.deepStrictEqual(conversationsOf("c", { ...message, places: [] }), ["c"])
    assert.deepStrictEqual(conversationsOf("c", message), ["c"])
  })
})

const name = fc.oneof(fc.constantFrom("", "a", "a\0", "a\u0001", "ab", "\ufffd", "\u{1f512}"), anyText)

const line4: fc.Arbitrary<CanonicalMessage> = fc.record(
  {
    source: name,
    conversation: name,
    id: name,
    type: fc.constant("text"),
    at: fc.oneof(millis, fc.constantFrom(0, 1, -1))
  },
  { requiredKeys: ["source", "conversation", "id", "type"] }
)

const utf8Order = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right))
const timeOrder = (left: number | undefined, right: number | undefined): number =>
  left === right ? 0 : left === undefined ? -1 : right === undefined ? 1 : left - right
