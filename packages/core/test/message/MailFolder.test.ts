import { assert, describe, it } from "@effect/vitest"
import { conversationOfFolder, textOfName } from "@sealog/core/message/MailFolder"
import * as fc from "fast-check"

const nameOf = (text: string): string => Buffer.from(text).toString("latin1")

describe("MailFolder", () => {
  /** Verifies: CAN-9 */
  it("names folders as people know them", () => {
    const names: ReadonlyArray<readonly [folder: string, conversation: string]> = [
      ["", "INBOX"],
      [".Sent", "Sent"],
      [".Sent.2024", "Sent.2024"],
      ["..odd", ".odd"],
      ["plain", "plain"],
      [".", ""],
      [nameOf(".Bücher"), "Bücher"],
      [nameOf(".100 %"), "100 %"]
    ]
    for (const [folder, conversation] of names) assert.strictEqual(conversationOfFolder(folder), conversation)
  })

  it("reads UTF-8 as what it is", () =>
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => assert.strictEqual(textOfName(nameOf(text)), text))))

  it("escapes each byte that belongs to no UTF-8, and only those", () => {
    assert.strictEqual(textOfName("\xff"), "%FF")
    assert.strictEqual(textOfName(`${nameOf("é")}\xe9a\xc3`), "é%E9a%C3")
    assert.strictEqual(textOfName("\xed\xa0\x80"), "%ED%A0%80")
    assert.strictEqual(textOfName("\xc0\xaf"), "%C0%AF")
    assert.strictEqual(textOfName(`\xf0\x9f${nameOf("🔒")}`), "%F0%9F🔒")
  })
})
