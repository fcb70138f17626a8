import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire"
import { assert, describe, it } from "@effect/vitest"
import { ME, nameIn, quotedIn, reactionsIn } from "@sealog/adapters/sources/whatsapp/Blobs"
import { metadataOf, withReactions, withReceipt, wrappedName } from "@sealog/adapters/testing/WhatsAppBlobs"
import * as fc from "fast-check"

const ADA = "12025550101@s.whatsapp.net"
const AT = 1_720_000_000_000

/** Verifies: SRC-70 */
describe("what WhatsApp keeps within its rows", () => {
  it("says what a message answers, with the words it had", () => {
    const quoted = { stanza: "3EB0C0FFEE0123456789", sender: ADA, text: "Rhubarb? 🌱" }
    assert.deepStrictEqual(quotedIn(metadataOf(quoted)), quoted)
    assert.deepStrictEqual(quotedIn(metadataOf({ stanza: "3A99" + "0".repeat(16) })), {
      stanza: "3A99" + "0".repeat(16)
    })
    assert.isUndefined(quotedIn(metadataOf()))
  })

  it("is not believed where it has another shape", () => {
    assert.isUndefined(quotedIn(metadataOf({ stanza: "two words" })))
    assert.deepStrictEqual(quotedIn(metadataOf({ stanza: "3EB0123456", sender: "nobody" })), { stanza: "3EB0123456" })
    const noText = new BinaryWriter().tag(5, WireType.LengthDelimited).bytes(
      new Uint8Array([0xff, 0xfe, 1, 2, 3, 4, 5])
    )
    assert.isUndefined(quotedIn(noText.finish()))
  })

  it("says who reacts, among all that says who received the message", () => {
    const received = withReceipt(withReceipt(null, ADA, 3, 1), "270000000000001@lid", 4, 3)
    const info = withReceipt(
      withReactions(received, [
        { stanza: "3A1", sender: ADA, emoji: "👍", at: AT },
        { stanza: "3A2", emoji: "❤️", at: AT + 5 }
      ]),
      ADA,
      9,
      3
    )
    assert.deepStrictEqual(reactionsIn(info), {
      reactions: [{ author: ADA, emoji: "👍", when: AT }, { author: ME, emoji: "❤️", when: AT + 5 }]
    })
    assert.deepStrictEqual(reactionsIn(received), { reactions: [] })
  })

  it("lets the newest reaction of each author stand, and none where it was taken back", () => {
    const all = [
      { stanza: "3A3", sender: ADA, emoji: "😂", at: AT + 9 },
      { stanza: "3A1", sender: ADA, emoji: "👍", at: AT },
      { stanza: "3A2", emoji: "❤️", at: AT },
      { stanza: "3A4", emoji: "", at: AT + 1 }
    ]
    assert.deepStrictEqual(reactionsIn(withReactions(null, all)).reactions, [
      { author: ADA, emoji: "😂", when: AT + 9 }
    ])
  })

  it("gives back what it did not understand about reactions as it is", () => {
    const whole = withReactions(null, [{ stanza: "3A1", sender: "nobody", emoji: "👍", at: AT }])
    const { reactions, rest } = reactionsIn(whole)
    assert.deepStrictEqual(reactions, [])
    assert.isTrue(Buffer.from(whole).includes(Buffer.from(rest!)))
    assert.isAbove(rest!.length, 10)
  })

  it("gives a sender's name, wrapped or not", () => {
    assert.strictEqual(nameIn(wrappedName("Chloé 🌱", 7)), "Chloé 🌱")
    assert.strictEqual(nameIn(`+${wrappedName("Chloé", 7)}`), "Chloé")
    for (const plain of ["Ada", "Chen Lu", "+1 202 555 0100", "CgQ=", "abcd"]) assert.strictEqual(nameIn(plain), plain)
  })

  it("fails on no bytes at all", () => {
    const good = withReactions(withReceipt(null, ADA, 3, 1), [{ stanza: "3A1", sender: ADA, emoji: "👍", at: AT }])
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(good.length - 1), fc.nat(255), (bytes, at, value) => {
        const changed = good.slice()
        changed[at] = value
        for (const some of [bytes, changed, good.subarray(0, at)]) {
          quotedIn(some)
          for (const { author, emoji } of reactionsIn(some).reactions) assert.isAbove(author.length * emoji.length, 0)
        }
      })
    )
  })
})
