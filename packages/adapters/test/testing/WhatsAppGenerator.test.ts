import { assert, describe, it } from "@effect/vitest"
import { STORE } from "@sealog/adapters/testing/WhatsAppApp"
import { generateWhatsApp } from "@sealog/adapters/testing/WhatsAppGenerator"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const inFolder = <A>(work: (root: string) => A): A => {
  const root = fs.mkdtempSync(join(tmpdir(), "sealog-whatsapp-"))
  try {
    return work(root)
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
}

const generated = (seed: number, messages: number) =>
  inFolder((root) => {
    const { app, rows, statuses } = generateWhatsApp({ root, seed, messages, files: 0.5 })
    const count = (sql: string) => Number(Object.values(app.tables.database.prepare(sql).get()!)[0])
    const facts = {
      rows: rows.length,
      statuses: statuses.length,
      types: count("SELECT count(DISTINCT ZMESSAGETYPE) FROM ZWAMESSAGE"),
      files: count("SELECT count(*) FROM ZWAMEDIAITEM WHERE ZMEDIALOCALPATH IS NOT NULL"),
      hasLog: fs.statSync(join(root, `${STORE}-wal`)).size > 0
    }
    app.checkpoint()
    app.close()
    const digest = createHash("sha256").update(fs.readFileSync(join(root, STORE))).digest("hex")
    return { facts, digest }
  })

describe("invented stores of WhatsApp", () => {
  it("have every type of message, files that are here, statuses, and a log beside them", () => {
    const { facts } = generated(1, 120)
    assert.deepInclude(facts, { rows: 120, statuses: 3, types: 19, hasLog: true })
    assert.isAbove(facts.files, 3)
  })

  it("are the same to the byte for the same seed", () => {
    assert.strictEqual(generated(2, 300).digest, generated(2, 300).digest)
    assert.notStrictEqual(generated(2, 300).digest, generated(3, 300).digest)
  })
})
