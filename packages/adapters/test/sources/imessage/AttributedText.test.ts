/** Bodies of messages: what they say, those that are not what they seem, and those of real messages where they are here. */
import { assert, describe, it } from "@effect/vitest"
import {
  ATTACHMENT,
  PART,
  readAttributedText,
  readPlainBody,
  writePlainBody
} from "@sealog/adapters/sources/imessage/AttributedText"
import * as fc from "fast-check"
import * as fs from "node:fs"
import { corpusPath, when } from "./Corpora.ts"

const forms = fc.constantFrom(0, 1, 2)
const texts = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "grapheme", minLength: 100, maxLength: 40_000 })
)

describe("the body of a message (Verifies: SRC-40)", () => {
  it("that is plain is told by its text and form, to the byte", () => {
    fc.assert(fc.property(texts, forms, (text, form) => {
      const body = writePlainBody({ text, form })
      if (text.includes("\ufffd")) return
      assert.deepStrictEqual(readPlainBody(body), { text, form })
      const { stretches, text: found } = readAttributedText(body)
      assert.strictEqual(found, text)
      assert.deepStrictEqual(stretches.map(({ attributes, length, start }) => [start, length, attributes[PART]]), [
        [0, text.length, 0]
      ])
    }))
  })

  it("that differs anywhere is never taken for plain, and fails in no other way than its own", () => {
    fc.assert(
      fc.property(
        forms,
        fc.string({ unit: "grapheme" }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        fc.boolean(),
        (form, text, place, change, cut) => {
          const whole = writePlainBody({ text, form })
          const body = cut ? whole.subarray(0, place % whole.length) : Uint8Array.from(whole)
          if (!cut) body[place % body.length]! ^= change
          const plain = readPlainBody(body)
          if (plain !== undefined) assert.deepStrictEqual(writePlainBody(plain), body)
          try {
            readAttributedText(body)
          } catch (error) {
            assert.strictEqual((error as Error).name, "TypedStreamError")
          }
        }
      ),
      { numRuns: 2_000 }
    )
  })

  when("imessage/imessage-database/test_data/typedstream")("of real messages is read", () => {
    const folder = corpusPath("imessage/imessage-database/test_data/typedstream")
    const names = fs.readdirSync(folder)
    assert.isAbove(names.length, 45)
    const read = (name: string) => readAttributedText(fs.readFileSync(`${folder}/${name}`))
    // One of them says that its text is longer than it is.
    assert.throws(() => read("ExtraData"), /it ends too early/)
    for (const name of names) {
      if (name === "ExtraData") continue
      const { stretches, text } = read(name)
      const length = stretches.reduce((sum, stretch) => sum + stretch.length, 0)
      assert.strictEqual(length, text.length, name)
      const plain = readPlainBody(fs.readFileSync(`${folder}/${name}`))
      if (plain !== undefined) assert.strictEqual(plain.text, text)
    }
    assert.strictEqual(read("AttributedBodyTextOnly").text, "Noter test")
    assert.deepStrictEqual(readPlainBody(fs.readFileSync(`${folder}/AttributedBodyTextOnly2`)), {
      text: "Test 3",
      form: 2
    })
    assert.deepStrictEqual(
      read("MultiPart").stretches.map((
        { attributes, length, start }
      ) => [start, length, attributes[ATTACHMENT] !== undefined]),
      [[0, 1, true], [1, 6, false], [7, 1, true], [8, 7, false], [15, 1, true], [16, 6, false]]
    )
    assert.deepStrictEqual(read("Mention").stretches[1]!.attributes["__kIMMentionConfirmedMention"], "+15558675309")
  })
})
