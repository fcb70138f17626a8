/** Real databases, schemas and edits of Messages, where they are at hand: nothing in them is unknown or lost. */
import { assert, describe } from "@effect/vitest"
import { DatabaseSync } from "@photostructure/sqlite"
import { makeQueries } from "@sealog/adapters/sources/database/LiveDatabase"
import { readEdits } from "@sealog/adapters/sources/imessage/Edits"
import { readSchema } from "@sealog/adapters/sources/imessage/Schema"
import { foldsToDump, makeRecorder, pass } from "@sealog/core/testing/SourceRecorder"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../MaildirDriver.ts"
import { corpusPath, when } from "./Corpora.ts"
import { openStore } from "./IMessageDriver.ts"

const TABLES = [
  "message",
  "chat",
  "handle",
  "attachment",
  "chat_message_join",
  "chat_handle_join",
  "message_attachment_join"
]

/** The columns of a table as a dump of a schema has them; some of these are cut, and lists of columns end in a comma. */
const createOf = (sql: string, table: string): string => {
  const found = new RegExp(`CREATE TABLE "?${table}"? ?\\(([\\s\\S]*?)\\)\\s*;`).exec(sql)?.[1]
  if (found === undefined) {
    return `CREATE TABLE ${table} (ROWID INTEGER PRIMARY KEY, chat_id, message_id, handle_id, attachment_id)`
  }
  const columns = found.replaceAll(/--.*$/gm, "").split(/,\s*(?![^(]*\))/).map((column) => column.trim())
  return `CREATE TABLE ${table} (${columns.filter((column) => column !== "").join(", ")})`
}

describe("real schemas of Messages", () => {
  when("schemas/imessage-history")("are known whole, from El Capitan to Sequoia", () => {
    const history = corpusPath("schemas/imessage-history")
    const files = [
      ...fs.readdirSync(history).map((name) => join(history, name)),
      ...["ventura", "monterey", "imessage-exporter-testdb"].map((name) =>
        corpusPath(`schemas/imessage-chat.db-${name}.sql`)
      )
    ]
    assert.isAtLeast(files.length, 11)
    for (const file of files) {
      const sql = fs.readFileSync(file, "utf8")
      const database = new DatabaseSync(":memory:")
      for (const table of TABLES) database.exec(createOf(sql, table))
      const schema = readSchema(makeQueries(database))
      // Monterey's file has the messages alone.
      if (/CREATE TABLE "?chat"? ?\(/.test(sql)) assert.deepStrictEqual(schema?.unknown, [], file)
      else assert.deepStrictEqual([...schema?.unknown ?? []], [], file)
      database.close()
    }
  })
})

describe("real edits", () => {
  const folder = corpusPath("imessage/imessage-database/test_data/edited_message")
  when("imessage/imessage-database/test_data/edited_message")("are read with every version", () => {
    const read = (name: string) => readEdits(fs.readFileSync(join(folder, `${name}.plist`)))
    // Some of the samples were made readable to people.
    const binary = fs.readdirSync(folder).filter((name) =>
      fs.readFileSync(join(folder, name), "latin1").startsWith("bplist")
    )
    assert.isAbove(binary.length, 5)
    for (const name of binary) read(name.replace(".plist", ""))
    const texts = (name: string) => read(name).history.map((one) => (one as { readonly text: string }).text)
    assert.deepStrictEqual(texts("Edited"), ["First message  ", "Edit 1", "Edit 2"])
    assert.deepStrictEqual(read("EditedAndUnsent").unsent, [3])
    assert.deepStrictEqual(read("Deleted"), { history: [], unsent: [0], isStrange: false })
    assert.strictEqual((read("Edited").history[0] as { readonly at: number }).at, 978_307_200_000 + 690_513_474_273)
  })
})

describe("a real database of Messages", () => {
  const file = "imessage/imessage-database/test_data/db/test.db"
  when(file)("is taken whole", () =>
    Effect.gen(function*() {
      const path = join(yield* temporaryFolder, "chat.db")
      fs.copyFileSync(corpusPath(file), path)
      const recorder = makeRecorder(yield* openStore(path))
      yield* pass(recorder)
      yield* foldsToDump(recorder)
      const messages = recorder.events.flatMap((event) => event.kind === "message.added" ? [event.message] : [])
      assert.deepStrictEqual(messages.map(({ direction, type }) => [direction, type]), [
        ["in", "text"],
        ["in", "text"],
        ["out", "text"]
      ])
      assert.deepStrictEqual(recorder.events.filter(({ kind }) => kind === "source.gap"), [])
    }).pipe(Effect.scoped, Effect.runPromise))
})
