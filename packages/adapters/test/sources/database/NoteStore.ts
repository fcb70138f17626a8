/** A message store of the smallest kind, to try the frame with: one table of notes, and reactions in rows among them. */
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite"
import type { AttachmentOptions } from "@sealog/adapters/sources/database/DatabaseAttachments"
import { openDatabaseSource } from "@sealog/adapters/sources/database/DatabaseSource"
import type { OpenReader, Queries, ReactionRow, RowReader, StoreRow } from "@sealog/adapters/sources/database/RowReader"
import { type SourceCapability, StoreDriver } from "@sealog/core/testing/SourceContract"
import { Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { basename, join } from "node:path"
import { attempt, temporaryFolder } from "../MaildirDriver.ts"

export const openNotes: OpenReader = (queries) => queries.columns("note").has("guid") ? readerOf(queries) : undefined

/** What each note calls its file. */
const PHOTO = "photo"

const COLUMNS = "id, guid, room, author, body, gone, about, emoji, typeof(guid), file"
type NoteRow = readonly [
  number,
  string,
  string,
  string,
  string,
  number,
  string | null,
  string | null,
  string,
  string | null
]

const readerOf = (queries: Queries): RowReader => ({
  table: "note",
  column: "id",
  marks:
    "SELECT id AS number, concat(typeof(guid), hex(body), '.', gone, hex(about), '.', hex(emoji), '.', hex(file)) AS mark FROM note"
    + " WHERE id BETWEEN ? AND ?",
  rows: (from, to) =>
    (queries.all(`SELECT ${COLUMNS} FROM note WHERE id BETWEEN ? AND ?`, from, to) as unknown as Array<NoteRow>).map(
      toRow
    ),
  find: (key) => queries.get("SELECT id FROM note WHERE guid = ?", key)?.[0] as number | undefined,
  reactions: (key) =>
    (queries.all(
      `SELECT ${COLUMNS} FROM note WHERE about IS NOT NULL AND (?1 IS NULL OR about = ?1) ORDER BY id`,
      key ?? null
    ) as unknown as Array<NoteRow>).map(toRow) as Array<ReactionRow>,
  chats: () =>
    (queries.all("SELECT name, title FROM room ORDER BY name") as Array<[string, string]>).map(([name, title]) => ({
      conversation: name,
      title,
      members: ["ada", "bob"],
      extra: { z: 1, a: "two" }
    })),
  participants: () => [{ participant: "ada", name: "Ada" }],
  census: () => ({
    conversations: new Map(
      queries.all(
        "SELECT room, count(*) FROM note WHERE about IS NULL AND gone = 0 AND typeof(guid) = 'text' GROUP BY room"
      ) as unknown as Array<[string, number]>
    ),
    attachments: (each) => {
      const named = queries.all("SELECT room, guid FROM note WHERE gone = 0 AND file IS NOT NULL AND about IS NULL")
      for (const [room, guid] of named) each({ conversation: String(room), key: String(guid), attachment: PHOTO })
    },
    skipped: []
  })
})

const toRow = ([row, guid, conversation, author, body, gone, about, emoji, type, file]: NoteRow): StoreRow => {
  if (type !== "text") return { _tag: "gap", row, reason: "its guid is no text" }
  if (about !== null) {
    return { _tag: "reaction", row, conversation, key: about, author, emoji: emoji ?? "", removed: emoji === null }
  }
  const message = {
    key: guid,
    type: "text",
    author,
    text: body,
    ...(body === "raw" ? { raw: LONG } : {}),
    ...(file === null ? {} : { attachments: [{ id: PHOTO, name: basename(file) }] })
  }
  return {
    _tag: "message",
    row,
    conversation,
    message,
    ...(file === null ? {} : { files: [{ attachment: PHOTO, ...(file === "" ? {} : { path: file }) }] }),
    ...(gone === 0 ? {} : { removed: { scope: "recoverable", when: gone } as const })
  }
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex")

const LONG = { format: "note", bytes: new Uint8Array(300_000).fill(7) }

export const makeNotes = (path: string, journal = "WAL"): DatabaseSyncInstance => {
  const notes = new DatabaseSync(path)
  notes.exec(`PRAGMA journal_mode=${journal}; PRAGMA synchronous=OFF`)
  notes.exec(
    "CREATE TABLE note (id INTEGER PRIMARY KEY AUTOINCREMENT, guid TEXT, room TEXT, author TEXT, body TEXT,"
      + " gone INTEGER DEFAULT 0, about TEXT, emoji TEXT, file TEXT); CREATE INDEX note_guid ON note(guid);"
      + " CREATE TABLE room (name TEXT, title TEXT); INSERT INTO room VALUES ('us', 'Us')"
  )
  return notes
}

export const addNote = (notes: DatabaseSyncInstance, guid: string, body = `text of ${guid}`): void =>
  void notes.prepare("INSERT INTO note (guid, room, author, body) VALUES (?, 'us', 'ada', ?)").run(guid, body)

/** A note that came with a file; its path may be empty. */
export const addFile = (notes: DatabaseSyncInstance, guid: string, file: string): void =>
  void notes.prepare("INSERT INTO note (guid, room, author, body, file) VALUES (?, 'us', 'ada', '', ?)").run(guid, file)

export const react = (notes: DatabaseSyncInstance, about: string, author: string, emoji: string | null): void =>
  void notes.prepare("INSERT INTO note (guid, room, author, body, about, emoji) VALUES (?, 'us', ?, '', ?, ?)").run(
    `r${notes.prepare("SELECT count(*) AS n FROM note").get().n}`,
    author,
    about,
    emoji
  )

export const openNoteSource = (path: string, attachments?: AttachmentOptions) =>
  openDatabaseSource({
    name: "notes",
    kind: "notes",
    path,
    reader: openNotes,
    ...(attachments === undefined ? {} : { attachments })
  })

export const noteCapabilities: ReadonlySet<SourceCapability> = new Set(
  ["edit", "remove", "restore", "gap", "odd"] as const
)

const ODD = ["", "\u0000", "two\nlines", "\ud83c\udf31", "'; DROP TABLE note; --", "raw"]

export const noteDriver = Layer.scoped(
  StoreDriver,
  Effect.gen(function*() {
    const top = yield* temporaryFolder
    const root = join(top, "store")
    yield* attempt(() => fs.mkdirSync(root))
    const path = join(root, "notes.db")
    const notes = yield* Effect.acquireRelease(
      attempt(() => makeNotes(path)),
      (open) => Effect.sync(() => open.close())
    )
    const run = (sql: string, ...values: ReadonlyArray<string | number>) =>
      attempt(() => void notes.prepare(sql).run(...values))
    return {
      open: openNoteSource(path),
      add: (number) => attempt(() => addNote(notes, `n${number}`)),
      edit: (number) => run("UPDATE note SET body = 'other' WHERE guid = ?", `n${number}`),
      remove: (number) => run("UPDATE note SET gone = 5 WHERE guid = ?", `n${number}`),
      restore: (number) => run("UPDATE note SET gone = 0 WHERE guid = ?", `n${number}`),
      move: () => Effect.die("notes do not move"),
      flag: () => Effect.die("notes have no flags"),
      addUnreadable: run("INSERT INTO note (guid, room, author, body) VALUES (x'00ff', 'us', 'ada', 'lost')"),
      makeReadable: run("UPDATE note SET guid = 'found' WHERE typeof(guid) = 'blob'"),
      addOdd: attempt(() => {
        ODD.forEach((body, number) => addNote(notes, `odd\t${number}\n\\`, body))
        return ODD.length
      }),
      addLarge: Effect.die("a note that is too long is told as a gap"),
      touchFile: Effect.die("there are no other files"),
      // Readers mark their place in the side file, and write nowhere else.
      fingerprint: attempt(() =>
        ["notes.db", "notes.db-wal"].map((name) => {
          // Not its time of change: for root SQLite gives the log the owner of the database, the same one.
          const { mtimeNs, size } = fs.statSync(join(root, name), { bigint: true })
          return `${name} ${size} ${mtimeNs} ${sha256(fs.readFileSync(join(root, name)))}`
        }).join("\n") + fs.readdirSync(root).join()
      ),
      unplug: attempt(() => {
        notes.exec("PRAGMA wal_checkpoint(TRUNCATE)")
        fs.renameSync(root, join(top, "elsewhere"))
      })
    }
  })
)
