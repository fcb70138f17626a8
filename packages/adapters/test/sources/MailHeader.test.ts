import { assert, describe, it } from "@effect/vitest"
import { scanHeader } from "@sealog/adapters/sources/MailHeader"
import * as fc from "fast-check"

const scan = (text: string) => scanHeader(Buffer.from(text, "latin1"))
const at = (date: string) => scan(`Date: ${date}\n\n`)

describe("the header of a mail", () => {
  it("tells its time in every form that was ever allowed", () => {
    const expected = Date.UTC(2024, 1, 29, 13, 5, 6)
    assert.deepStrictEqual(at("Thu, 29 Feb 2024 14:05:06 +0100"), { at: expected, atQuality: "second" })
    assert.deepStrictEqual(at(" 29 feb 2024 08:05:06 EST (winter (cold))"), { at: expected, atQuality: "second" })
    assert.deepStrictEqual(at("Thu, 29 Feb 24 13:05:06 GMT\r"), { at: expected, atQuality: "second" })
    assert.deepStrictEqual(at("29 Feb 2024 13:05 +0000"), { at: expected - 6_000, atQuality: "minute" })
    assert.deepStrictEqual(at("29 Feb 2024 13:05:06"), { at: expected, atQuality: "local" })
    for (const nonsense of ["", "soon", "32 Jan 2024 00:00:00 +0000", "1 Foo 2024 00:00:00 +0000"]) {
      assert.deepStrictEqual(at(nonsense), {})
    }
  })

  it("tells who wrote it", () => {
    const from = (value: string) => scan(`From: ${value}\n\n`).author
    assert.strictEqual(from("Ada <ada@sample.example>"), "ada@sample.example")
    assert.strictEqual(from("\"Quill, Ada <x@y>\" <ada@sample.example>"), "ada@sample.example")
    assert.strictEqual(from("ada@sample.example (Ada)"), "ada@sample.example")
    assert.strictEqual(from("Bj\xc3\xb6rn\n <bj\xc3\xb6rn@sample.example>"), "bj\u00f6rn@sample.example")
    assert.strictEqual(from("<  ada@sample.example\t>"), "ada@sample.example")
    assert.strictEqual(from("\"ada lovelace\"@sample.example"), "lovelace\"@sample.example")
    assert.strictEqual(from("\"Ada \\\"<x@y>\\\"\" <ada@sample.example>"), "ada@sample.example")
    assert.strictEqual(from("\"Ada <ada@sample.example>"), "ada@sample.example")
    assert.strictEqual(from("nobody"), undefined)
  })

  /** Verifies: SRC-16 */
  it("is read in time that grows no faster than it is long", () => {
    const repeated = ["\n\t", " ", "<", "< ", "\"", "\"\\", "(", "\\", ",", "a ", "@", ":", "\r", "\n "]
    for (const piece of repeated) {
      for (const before of ["From: Ada <", "From: \"", "Date: Mon", "Date: 1 Jan", "Message-ID: <", "References: <a"]) {
        for (const after of ["", "\r"]) {
          const header = `${before}${piece.repeat(20_000)}${after}`
          const from = performance.now()
          scan(header)
          assert.isBelow(performance.now() - from, 2_000, JSON.stringify([before, piece]))
        }
      }
    }
  }, 60_000)

  it("tells what it answers, folded or not, and looks no further than the empty line", () => {
    assert.strictEqual(scan("In-Reply-To: <a@b>\nReferences: <c@d>\n\n").replyTo, "a@b")
    assert.strictEqual(scan("references: <a@b>\r\n\t<c@d>\r\n\r\n").replyTo, "c@d")
    assert.strictEqual(scan("MESSAGE-ID:<a@b>\n\nMessage-ID: <c@d>").messageId, "a@b")
    assert.deepStrictEqual(scan("Subject: x\n\nDate: Thu, 29 Feb 2024 14:05:06 +0100\n"), {})
  })

  it("is read the same by the loop over its lines as by the pattern for lone carriage returns", () => {
    const piece = fc.constantFrom(
      ..."From|FROM|from |Fröm|Date|date\t|Message-ID|In-Reply-To|References|Reference|X|: |:|<a@b>|<c@d> |\n|\r\n|\n |\n\t"
        .split("|"),
      ..."29 Feb 2024 13:05:06 +0000|\"q\" |(c) |, | |\u00e9".split("|")
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const header = pieces.join("").replaceAll(/\r?\n\r?\n/g, "\n")
        assert.deepStrictEqual(scan(`${header}\nX-Any: a\n\n`), scan(`${header}\nX-Any: a\rb\n\n`))
      }),
      { numRuns: 2_000 }
    )
  })

  it("is never too strange to be looked at", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      scanHeader(Buffer.concat([Buffer.from("Date: "), bytes, Buffer.from("\nFrom: "), bytes, Buffer.from("\n\n")]))
      return true
    }))
  })
})
