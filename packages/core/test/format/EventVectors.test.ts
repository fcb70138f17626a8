import { assert, describe, it } from "@effect/vitest"
import { decodeEvent, encodeEvent } from "@sealog/core/format/EventCodec"
import { byWire } from "@sealog/core/format/EventFields"
import { FormatError } from "@sealog/core/format/FormatError"
import { kinds } from "@sealog/core/message/Event"
import { EventJson } from "@sealog/core/message/EventJson"
import { Schema } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

interface Vector {
  readonly comment: string
  readonly hex: string
  readonly expect: string
  readonly event?: unknown
}

const folder = fileURLToPath(new URL("../../../../docs/vectors/events/", import.meta.url))
const names = readdirSync(folder).filter((name) => name.endsWith(".json"))
const read = (name: string): Vector => JSON.parse(readFileSync(folder + name, "utf8")) as Vector
const tables = byWire.filter((table) => table !== undefined)
const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"))
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

const outcome = (bytes: Uint8Array): string => {
  try {
    decodeEvent(bytes)
    return "ok"
  } catch (error) {
    if (error instanceof FormatError) return error.reason
    throw error
  }
}

describe("docs/vectors/events", () => {
  /** Verifies: EVT-8 */
  for (const name of names) {
    it(`${name}: is what it was frozen as`, () => {
      const vector = read(name)
      const bytes = bytesOf(vector.hex)
      assert.strictEqual(outcome(bytes), vector.expect, vector.comment)
      if (vector.expect !== "ok") return
      const event = decodeEvent(bytes)
      assert.deepEqual(JSON.parse(JSON.stringify(Schema.encodeSync(EventJson)(event))), vector.event)
      assert.strictEqual(hexOf(encodeEvent(event)), vector.hex)
      assert.strictEqual(hexOf(encodeEvent(Schema.decodeUnknownSync(EventJson)(vector.event))), vector.hex)
    })
  }

  it("hold every kind, and every reason but those of seals", () => {
    const vectors = names.map(read)
    const seen = new Set(vectors.flatMap(({ event }) => event === undefined ? [] : [(event as { kind: string }).kind]))
    assert.deepStrictEqual([...seen].toSorted(), [...kinds].toSorted())
    assert.deepStrictEqual([...new Set(vectors.map((vector) => vector.expect))].toSorted(), [
      "Limit",
      "Malformed",
      "Truncated",
      "Unknown",
      "ok"
    ])
  })
})

describe("docs/format.md, on events", () => {
  const text = readFileSync(fileURLToPath(new URL("../../../../docs/format.md", import.meta.url)), "utf8")

  it("lists the number of every kind and field", () => {
    const rows = text.match(/^\| \d+ \| `.*$/gm) ?? []
    assert.deepStrictEqual(
      rows,
      tables.map(({ kind, struct: { names: fields, required, tags }, wire }) => {
        const shown = fields.map((field, index) => `${tags[index]} ${field}${required[index] === true ? "" : "?"}`)
        return `| ${wire} | \`${kind}\` | ${shown.join(", ")} |`
      })
    )
  })

  it("shows an event as it is", () => {
    const example = /```\n(01[0-9a-f ]+)\n```/.exec(text)![1]!.replaceAll(" ", "")
    assert.deepStrictEqual(decodeEvent(bytesOf(example)), {
      kind: "file.removed",
      recordedAt: 1_700_000_000_000,
      source: "maildir",
      conversation: "",
      path: "a"
    })
  })
})
