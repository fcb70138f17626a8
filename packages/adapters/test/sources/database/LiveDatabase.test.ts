/** Reading a database that others write: nothing is ever written, exactly what is there is read, failures have names. */
import { assert, describe, it } from "@effect/vitest"
import { DatabaseSync } from "@photostructure/sqlite"
import { makeLiveDatabase } from "@sealog/adapters/sources/database/LiveDatabase"
import { Effect } from "effect"
import * as fs from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../MaildirDriver.ts"
import { addNote, makeNotes, openNotes } from "./NoteStore.ts"

const store = Effect.gen(function*() {
  const path = join(yield* temporaryFolder, "notes.db")
  const notes = yield* Effect.acquireRelease(Effect.sync(() => makeNotes(path)), (open) =>
    Effect.sync(() => {
      if (open.isOpen) open.close()
    }))
  addNote(notes, "n1")
  return { path, notes, live: makeLiveDatabase(path, openNotes) }
})

const keysIn = (live: ReturnType<typeof makeLiveDatabase>) =>
  live.look((reader) => reader.rows(0, 100).flatMap((row) => row._tag === "message" ? [row.message.key] : []))

describe("a live database", () => {
  it.scopedLive("refuses every kind of write (Verifies: SRC-30)", () =>
    Effect.gen(function*() {
      const { live, notes } = yield* store
      for (
        const sql of [
          "INSERT INTO note (guid) VALUES ('x')",
          "UPDATE note SET body = ''",
          "DELETE FROM note",
          "DROP TABLE note",
          "CREATE TABLE other (a)",
          "PRAGMA user_version = 5",
          "PRAGMA query_only=0; INSERT INTO note (guid) VALUES ('x')"
        ]
      ) {
        yield* live.look((_, queries) => {
          for (const one of sql.split("; ")) queries.all(one)
        }).pipe(Effect.flip, Effect.orDieWith(() => new Error(`not refused: ${sql}`)))
      }
      const wal = fs.statSync(`${notes.location()}-wal`).size
      yield* live.look((_, queries) => queries.all("PRAGMA wal_checkpoint(TRUNCATE)")).pipe(Effect.either)
      assert.strictEqual(fs.statSync(`${notes.location()}-wal`).size, wal)
      assert.deepStrictEqual(yield* keysIn(live), ["n1"])
    }))

  it.scopedLive("sees each commit, holds up no checkpoint between looks, and knows when nothing happened (Verifies: SRC-30)", () =>
    Effect.gen(function*() {
      const { live, notes } = yield* store
      const before = yield* live.version
      assert.deepStrictEqual(yield* keysIn(live), ["n1"])
      assert.strictEqual(yield* live.version, before)
      addNote(notes, "n2")
      assert.notStrictEqual(yield* live.version, before)
      assert.deepStrictEqual(yield* keysIn(live), ["n1", "n2"])
      const { busy } = notes.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()
      assert.strictEqual(busy, 0)
    }))

  it.scopedLive("reads whole texts and exact numbers", () =>
    Effect.gen(function*() {
      const { live, notes } = yield* store
      const found = yield* live.look((_, queries) =>
        queries.get("SELECT CAST(? AS BLOB), CAST(9007199254740993 AS TEXT), 9007199254740991", "a")
      )
      assert.deepStrictEqual(found, [new Uint8Array([97]), "9007199254740993", Number.MAX_SAFE_INTEGER])
      const wrong = yield* Effect.flip(live.look((_, queries) => queries.get("SELECT 9007199254740993")))
      assert.strictEqual(wrong.reason, "Unreadable")
      notes.exec("UPDATE note SET body = 'a' || char(0) || 'b'")
      const bytes = yield* live.look((_, queries) => queries.get("SELECT CAST(body AS BLOB) FROM note")?.[0])
      assert.deepStrictEqual(bytes, new Uint8Array([97, 0, 98]))
    }))

  it.scopedLive("opens the file that has the name now", () =>
    Effect.gen(function*() {
      const path = join(yield* temporaryFolder, "notes.db")
      const first = makeNotes(path, "DELETE")
      addNote(first, "n1")
      first.close()
      const live = makeLiveDatabase(path, openNotes)
      assert.deepStrictEqual(yield* keysIn(live), ["n1"])
      const before = yield* live.identity
      const other = makeNotes(`${path}.new`, "DELETE")
      addNote(other, "other")
      other.close()
      fs.renameSync(`${path}.new`, path)
      assert.deepStrictEqual(yield* keysIn(live), ["other"])
      assert.notStrictEqual(yield* live.identity, before)
    }))

  it.scopedLive("says why it cannot be read", () =>
    Effect.gen(function*() {
      const folder = yield* temporaryFolder
      const reasonOf = (name: string) =>
        Effect.map(Effect.flip(makeLiveDatabase(join(folder, name), openNotes).version), ({ reason, subject }) => {
          assert.strictEqual(subject, join(folder, name))
          return reason
        })
      assert.strictEqual(yield* reasonOf("absent.db"), "NotFound")
      fs.writeFileSync(join(folder, "text.db"), "no database at all ".repeat(400))
      assert.strictEqual(yield* reasonOf("text.db"), "Unsupported")
      const other = new DatabaseSync(join(folder, "other.db"))
      other.exec("CREATE TABLE elsewhere (a)")
      other.close()
      assert.strictEqual(yield* reasonOf("other.db"), "Unsupported")
    }))
})

describe("a database that cannot be read in its place", () => {
  it.scopedLive("is read from a copy, made again when it changed, of which nothing stays (Verifies: SRC-31)", () =>
    Effect.gen(function*() {
      const { notes, path } = yield* store
      // An interrupted write that only a writer may undo: a journal that is hot.
      notes.exec("PRAGMA journal_mode=DELETE")
      notes.exec("PRAGMA cache_size=1; BEGIN; UPDATE note SET body = 'half'")
      for (let n = 0; n < 200; n++) addNote(notes, `half${n}`, "x".repeat(2_000))
      const hot = join(yield* temporaryFolder, "hot.db")
      for (const side of ["", "-journal"]) fs.copyFileSync(path + side, hot + side)
      notes.exec("ROLLBACK")
      const before = fs.readFileSync(hot)
      const copies = () => fs.readdirSync(join(hot, "../..")).filter((name) => name.startsWith("sealog-copy-"))
      const live = makeLiveDatabase(hot, openNotes)
      assert.deepStrictEqual(yield* keysIn(live), ["n1"])
      assert.isTrue(live.isCopy())
      assert.deepStrictEqual(copies(), [])
      assert.deepStrictEqual(fs.readFileSync(hot), before)
      const version = yield* live.version
      const writer = new DatabaseSync(hot)
      addNote(writer, "n2")
      writer.close()
      assert.notStrictEqual(yield* live.version, version)
      assert.deepStrictEqual(yield* keysIn(live), ["n1", "n2"])
    }))
})
