/**
 * A database of Messages that is made up, and what its owner does: writes, edits, takes back, reacts, deletes. Every
 * act leaves the rows that Messages leaves; times go on by a fixed step and guids come from a seed, so that the same
 * acts make the same store.
 */
import { DatabaseSync, type DatabaseSyncInstance, type StatementSyncInstance } from "@photostructure/sqlite"
import type { Value } from "@sealog/core/message/Event"
import { writePlainBody } from "../sources/imessage/AttributedText.ts"
import { type Piece, writeAttributedText, writeBinaryPlist } from "./AppleBytes.ts"
import { has, indicesOf, type MacOs, tablesOf, triggersOf } from "./IMessageSchema.ts"
import { makeRandom, type Random } from "./MailGenerator.ts"

/** What SQLite takes. */
type Given = null | number | bigint | string | Uint8Array

export interface Said {
  readonly text?: string
  /** Its parts, where it is more than a text. */
  readonly pieces?: ReadonlyArray<Piece>
  /** The number of a handle; the owner where there is none. */
  readonly from?: number
  readonly columns?: { readonly [name: string]: Given }
}

export interface IMessageStore {
  readonly database: DatabaseSyncInstance
  readonly random: Random
  readonly macos: MacOs
  /** Someone's address: the number of the handle. */
  readonly handle: (id: string, service?: string) => number
  readonly chat: (guid: string, handles: ReadonlyArray<number>, title?: string) => number
  /** A message in a chat: the number of its row. */
  readonly say: (chat: number | undefined, said: Said) => number
  readonly guidOf: (message: number) => string
  readonly attach: (message: number, attachment: { readonly [name: string]: Given }) => void
  readonly edit: (message: number, text: string) => void
  readonly unsend: (message: number) => void
  /** A tapback by its code: 2000 and on, 3000 and on taken back. */
  readonly react: (
    chat: number,
    about: { readonly message: number; readonly type: number; readonly part?: number; readonly emoji?: string },
    from?: number
  ) => number
  /** Into what was lately deleted, and out of it. */
  readonly remove: (message: number) => void
  readonly recover: (message: number) => void
  /** For good. */
  readonly destroy: (message: number) => void
  /** All that is done becomes one write. */
  readonly together: <A>(work: () => A) => A
  readonly addIndices: () => void
}

export interface IMessageOptions {
  readonly path: string
  readonly seed: number
  readonly macos?: MacOs
  /** Indices are made at once; for many rows it is quicker to make them at the end. */
  readonly withIndices?: boolean
}

/** 2019-01-01 in nanoseconds since 2001, not at a whole millisecond. */
const BEGIN = 567_993_600_123_456_789n
const STEP = 61_000_000_123n
const NANOSECONDS = 1_000_000_000n

export const makeIMessageStore = (options: IMessageOptions): IMessageStore => {
  const { macos = "sequoia", path, seed } = options
  const database = new DatabaseSync(path)
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF")
  database.exec(tablesOf(macos))
  database.exec(triggersOf(macos))
  if (options.withIndices !== false) database.exec(indicesOf(macos))
  return new Store(database, macos, makeRandom(seed))
}

/** Goes on with a store that was made; another seed gives other guids. */
export const openIMessageStore = ({ macos = "sequoia", path, seed }: IMessageOptions): IMessageStore => {
  const database = new DatabaseSync(path)
  database.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF")
  return new Store(database, macos, makeRandom(seed))
}

class Store implements IMessageStore {
  readonly database: DatabaseSyncInstance
  readonly random: Random
  readonly macos: MacOs
  private readonly statements = new Map<string, StatementSyncInstance>()
  private now = BEGIN

  constructor(database: DatabaseSyncInstance, macos: MacOs, random: Random) {
    this.database = database
    this.macos = macos
    this.random = random
  }

  readonly handle = (id: string, service = "iMessage"): number => this.insert("handle", { id, service })

  readonly chat = (guid: string, handles: ReadonlyArray<number>, title?: string): number => {
    const [service = "", style = "", identifier = ""] = guid.split(";")
    const chat = this.insert("chat", {
      guid,
      style: style === "+" ? 43 : 45,
      service_name: service,
      chat_identifier: identifier,
      room_name: style === "+" ? identifier : null,
      display_name: title ?? null
    })
    for (const handle of handles) this.insert("chat_handle_join", { chat_id: chat, handle_id: handle })
    return chat
  }

  readonly say = (chat: number | undefined, { columns = {}, from, pieces, text }: Said): number => {
    const date = this.tick()
    const isMine = from === undefined
    const whole = text ?? pieces?.map((piece) => piece.text).join("")
    const message = this.insert("message", {
      guid: this.guid(),
      // Since macOS 13 the text often stands in the body alone.
      text: has(this.macos, "ventura") && this.random() < 0.5 ? null : whole ?? null,
      handle_id: from ?? 0,
      attributedBody: this.bodyOf(pieces, whole, isMine),
      service: "iMessage",
      account: "E:me@sample.example",
      date,
      is_from_me: isMine ? 1 : 0,
      is_finished: 1,
      is_sent: isMine ? 1 : 0,
      ...columns
    })
    if (chat !== undefined) this.insert("chat_message_join", { chat_id: chat, message_id: message, message_date: date })
    return message
  }

  private bodyOf(pieces: Said["pieces"], whole: string | undefined, isMine: boolean): Uint8Array | null {
    if (pieces !== undefined) return writeAttributedText(pieces)
    return whole === undefined ? null : writePlainBody({ text: whole, form: isMine && this.random() < 0.5 ? 2 : 0 })
  }

  readonly guidOf = (message: number): string => String(this.get("SELECT guid FROM message WHERE ROWID = ?", message))

  readonly attach = (message: number, columns: { readonly [name: string]: Given }): void => {
    const guid = this.guid()
    const more = has(this.macos, "high-sierra") ? { original_guid: guid } : {}
    const attachment = this.insert("attachment", { guid, ...more, ...columns })
    this.insert("message_attachment_join", { message_id: message, attachment_id: attachment })
  }

  readonly edit = (message: number, text: string): void => {
    const before = this.get("SELECT attributedBody FROM message WHERE ROWID = ?", message) as Uint8Array
    const known = this.versions.get(message) ?? [{ t: before, d: this.secondsOf(message) }]
    const date = this.tick()
    const after = writePlainBody({ text, form: 1 })
    const versions = [...known, { t: after, d: Number(date / 1_000n) / 1e6 + 0.000_5 }]
    this.versions.set(message, versions)
    const summary = { amc: 0, ec: { 0: versions }, ep: [0], otr: { 0: { le: text.length, lo: 0 } }, ust: true }
    this.run(
      "UPDATE message SET text = ?, attributedBody = ?, message_summary_info = ?, date_edited = ? WHERE ROWID = ?",
      text,
      after,
      writeBinaryPlist(summary),
      date,
      message
    )
  }

  private readonly versions = new Map<number, ReadonlyArray<Value>>()

  readonly unsend = (message: number): void => {
    const summary = writeBinaryPlist({ amc: 0, otr: { 0: { le: 1, lo: 0 } }, rp: [0], ust: true })
    this.run(
      "UPDATE message SET text = NULL, attributedBody = NULL, message_summary_info = ?, date_edited = ?,"
        + " date_retracted = ? WHERE ROWID = ?",
      summary,
      this.tick(),
      this.tick(),
      message
    )
  }

  readonly react: IMessageStore["react"] = (chat, { emoji, message, part = 0, type }, from) =>
    this.say(chat, {
      text: "Reacted to a message",
      ...(from === undefined ? {} : { from }),
      columns: {
        associated_message_guid: `p:${part}/${this.guidOf(message)}`,
        associated_message_type: type,
        ...(emoji === undefined ? {} : { associated_message_emoji: emoji })
      }
    })

  readonly remove = (message: number): void => {
    this.run(
      "INSERT INTO chat_recoverable_message_join (chat_id, message_id, delete_date)"
        + " SELECT chat_id, message_id, ? FROM chat_message_join WHERE message_id = ?",
      this.tick(),
      message
    )
    this.run("DELETE FROM chat_message_join WHERE message_id = ?", message)
  }

  readonly recover = (message: number): void => {
    this.run(
      "INSERT INTO chat_message_join (chat_id, message_id)"
        + " SELECT chat_id, message_id FROM chat_recoverable_message_join WHERE message_id = ?",
      message
    )
    this.run("DELETE FROM chat_recoverable_message_join WHERE message_id = ?", message)
  }

  readonly destroy = (message: number): void => {
    this.run("DELETE FROM chat_message_join WHERE message_id = ?", message)
    if (has(this.macos, "ventura")) this.run("DELETE FROM chat_recoverable_message_join WHERE message_id = ?", message)
    this.run("DELETE FROM message WHERE ROWID = ?", message)
  }

  readonly together = <A>(work: () => A): A => {
    this.database.exec("BEGIN IMMEDIATE")
    const result = work()
    this.database.exec("COMMIT")
    return result
  }

  readonly addIndices = (): void => this.database.exec(indicesOf(this.macos))

  /** The next moment: in seconds until macOS 10.13, as the column then was. */
  private tick(): bigint {
    this.now += STEP
    return has(this.macos, "high-sierra") ? this.now : this.now / NANOSECONDS
  }

  private secondsOf(message: number): number {
    return Number(this.get("SELECT date / 1000 FROM message WHERE ROWID = ?", message)) / 1e6
  }

  private guid(): string {
    const part = (digits: number) => Math.floor(this.random() * 16 ** digits).toString(16).padStart(digits, "0")
    return `${part(8)}-${part(4)}-4${part(3)}-a${part(3)}-${part(6)}${part(6)}`.toUpperCase()
  }

  private insert(table: string, columns: { readonly [name: string]: Given | undefined }): number {
    const names = Object.keys(columns)
    const sql = `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`
    return Number(this.run(sql, ...Object.values(columns) as Array<Given>).lastInsertRowid)
  }

  private run(sql: string, ...values: ReadonlyArray<Given>) {
    return this.statement(sql).run(...values)
  }

  private get(sql: string, ...values: ReadonlyArray<Given>): unknown {
    return (this.statement(sql).get(...values) as ReadonlyArray<unknown> | undefined)?.[0]
  }

  private statement(sql: string): StatementSyncInstance {
    const known = this.statements.get(sql) ?? this.database.prepare(sql, { returnArrays: true })
    this.statements.set(sql, known)
    return known
  }
}
