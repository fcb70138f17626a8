/**
 * How long Messages' database takes to be made, scanned and read:
 *
 *   node .ci/ts.mjs packages/adapters/test/bench/imessage.ts [messages] [folder]
 */
import { DatabaseSync } from "@photostructure/sqlite"
import { marksOf, pagesFrom } from "@sealog/adapters/sources/database/DatabaseScan"
import { makeQueries } from "@sealog/adapters/sources/database/LiveDatabase"
import { scanJob } from "@sealog/adapters/sources/database/ScanJob"
import { openIMessage } from "@sealog/adapters/sources/IMessage"
import { openIMessageReader } from "@sealog/adapters/sources/imessage/IMessageReader"
import { generateIMessage } from "@sealog/adapters/testing/IMessageGenerator"
import { noPast } from "@sealog/core/backup/Source"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const [messages = "1000000", folder = fs.mkdtempSync(join(tmpdir(), "sealog-imessage-"))] = process.argv.slice(2)
const path = join(folder, "chat.db")

const timed = async <A>(what: string, work: () => A | Promise<A>): Promise<A> => {
  const from = performance.now()
  const found = await work()
  console.log(what.padEnd(40), `${(performance.now() - from).toFixed(0)} ms`)
  return found
}

if (!fs.existsSync(path)) {
  const store = await timed("made", () => generateIMessage({ path, seed: 1, messages: Number(messages) }))
  store.database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
  store.database.close()
  console.log(`${(fs.statSync(path).size / 1e6).toFixed(0)} MB`)
}

const database = new DatabaseSync(path, { readOnly: true })
const queries = makeQueries(database)
const reader = openIMessageReader("/home")(queries)!
await timed("marks of all pages", () => {
  let bytes = 0
  for (const page of pagesFrom(queries, reader, 0)) bytes += marksOf(queries, reader, page).length
  return bytes
})
const { column, marks, table } = reader
for (const round of [1, 2]) {
  await timed(`scan of all pages, ${round}`, () => scanJob({ path, table: { column, marks, table }, known: new Map() }))
}
await timed("rows", () => {
  let count = 0
  for (let from = 0; from < Number(messages); from += 4_096) count += reader.rows(from, from + 4_095).length
  return count
})
await timed("a first pass, thrown away", () =>
  Effect.runPromise(
    openIMessage({ name: "imessage", path }).pipe(
      Effect.flatMap((source) => Stream.runDrain(source.changes(new Map(), noPast)))
    )
  ))
