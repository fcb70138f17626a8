import { assert, describe, it } from "@effect/vitest"
import { canonicalOf, line } from "@sealog/core/message/Canonical"
import { derive } from "@sealog/core/message/MailText"
import { Effect } from "effect"
import * as fc from "fast-check"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { corpus, haveCorpora } from "../Corpora.ts"

const mail = (...lines: ReadonlyArray<string>): Uint8Array => new TextEncoder().encode(lines.join("\r\n"))

const run = (raw: Uint8Array) => Effect.runPromise(derive(raw))

describe("MailText", () => {
  /** Verifies: CAN-10 */
  it.effect("reads subject, addresses, text, thread and attachments", () =>
    Effect.gen(function*() {
      const raw = mail(
        "From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>",
        "To: Ann <ann@example.org>, bob@example.org",
        "Cc: Team: c@example.org, d@example.org;",
        "Subject: =?iso-8859-1?q?Gr=FC=DFe?=",
        "In-Reply-To: <2@example.org>",
        "References: <1@example.org> <2@example.org>",
        "Content-Type: multipart/mixed; boundary=b",
        "",
        "--b",
        "Content-Type: text/plain; charset=iso-8859-1",
        "Content-Transfer-Encoding: quoted-printable",
        "",
        "Stra=DFe",
        "--b",
        "Content-Type: image/png; name=map.png",
        "Content-Disposition: attachment; filename=map.png",
        "Content-Transfer-Encoding: base64",
        "",
        "AAEC",
        "--b--",
        ""
      )
      assert.deepStrictEqual(yield* derive(raw), {
        subject: "Grüße",
        author: "Jürgen <j@example.org>",
        to: ["Ann <ann@example.org>", "bob@example.org"],
        cc: ["c@example.org", "d@example.org"],
        text: "Straße\n",
        attachments: [{ id: "1", name: "map.png", mime: "image/png", size: 3 }],
        replyTo: "<2@example.org>",
        threadRoot: "<1@example.org>"
      })
    }))

  it.effect("keeps the HTML of a mail that has no other text", () =>
    Effect.gen(function*() {
      const derived = yield* derive(mail("Content-Type: text/html", "", "<p>hi</p>"))
      assert.deepStrictEqual(derived.parts, [{ mime: "text/html", text: "<p>hi</p>\n" }])
      assert.strictEqual(derived.text, undefined)
    }))

  it.effect("falls back to the header where the parts are beyond every limit", () =>
    Effect.gen(function*() {
      const depth = 100
      const open = Array.from(
        { length: depth },
        (_, index) => [`--b${index}`, `Content-Type: multipart/mixed; boundary=b${index + 1}`, ""]
      )
      const raw = mail("Subject: deep", "Content-Type: multipart/mixed; boundary=b0", "", ...open.flat(), "text")
      assert.deepStrictEqual(yield* derive(raw), { subject: "deep" })
    }))

  it("never fails and always says the same, whatever the bytes", () =>
    fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.string(), async (noise, subject) => {
        const raw = Uint8Array.of(
          ...mail(`Subject: ${subject}`, "Content-Type: multipart/mixed; boundary=b", "", "--b", ""),
          ...noise
        )
        assert.deepStrictEqual(await run(raw), await run(raw))
        assert.deepStrictEqual(await run(noise), await run(noise))
      }),
      { numRuns: 100 }
    ))

  it.skipIf(!haveCorpora)("makes a canonical line of every mail that others tested with", async () => {
    const folder = corpus("mime-mails")
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".eml"))
    assert.isAbove(names.length, 50)
    let withText = 0
    for (const name of names) {
      const raw = new Uint8Array(readFileSync(join(folder, name)))
      const derived = await run(raw)
      const message = { key: name, type: "mail", content: { _tag: "inline", bytes: raw } } as const
      const written = line(canonicalOf("s", "INBOX", { message }, derived))
      assert.isObject(JSON.parse(written))
      assert.deepStrictEqual(await run(raw), derived)
      if (derived.text !== undefined || derived.parts !== undefined) withText++
    }
    assert.isAbove(withText, names.length * 0.8)
  })
})
