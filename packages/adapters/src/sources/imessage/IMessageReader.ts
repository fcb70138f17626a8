/** Reads the rows of Messages' database: the one part of the source that knows its tables. */
import type { Value } from "@sealog/core/message/Event"
import type {
  Cell,
  Census,
  OpenReader,
  Queries,
  ReactionRow,
  RowReader,
  StoreChat,
  StoreParticipant,
  StoreRow
} from "../database/RowReader.ts"
import { censusOf } from "./Census.ts"
import { EPOCH_MILLIS, timeColumns, timeOf } from "./Dates.ts"
import {
  aboutOf,
  type Basic,
  type Fields,
  ME,
  reactionOf,
  removalAt,
  type StoredAttachment,
  toMessage
} from "./Message.ts"
import { readSchema, type Schema } from "./Schema.ts"
import { FIELDS, makeStatements, type Statements } from "./Statements.ts"

/** `home`: the folder that `~` in the store's paths stands for. */
export const openIMessageReader = (home: string): OpenReader => (queries) => {
  const schema = readSchema(queries)
  return schema === undefined ? undefined : new IMessageReader(queries, schema, home)
}

type Row = ReadonlyArray<Cell>
type MoreFields = Fields & { readonly emoji: Cell }

/** A message has that many parts at most that anybody reacted to. */
const PARTS = 64
const SINGLE = 45
const GROUP = 43

class IMessageReader implements RowReader {
  readonly table = "message"
  readonly column = "ROWID"
  readonly marks: string
  private readonly queries: Queries
  private readonly schema: Schema
  private readonly statements: Statements
  private readonly home: string
  /** Numbers are never given again, so what one stands for does not change. */
  private readonly chatGuids = new Map<number, string>()
  private readonly handleIds = new Map<number, string>()
  private gone: { readonly last: Cell; readonly guids: ReadonlySet<string> } | undefined

  constructor(queries: Queries, schema: Schema, home: string) {
    this.queries = queries
    this.schema = schema
    this.statements = makeStatements(schema)
    this.marks = this.statements.marks
    this.home = home
  }

  rows(from: number, to: number): ReadonlyArray<StoreRow> {
    const found = this.basics(from, to)
    const attachments = this.attachments(from, to)
    const fields = this.fields(found, attachments)
    const bodies = this.queries.get(this.statements.bodies, from, to)?.[0]
    const rows: Array<StoreRow> = []
    let bodyAt = 0
    for (let at = 0; at < found.length; at++) {
      const row = found[at]!
      const chats = [row[CHAT]!]
      // A message that is in several chats has as many rows here.
      while (found[at + 1]?.[0] === row[0]) chats.push(found[++at]![CHAT]!)
      if (chats.length > 1) chats.sort((a, b) => Number(a) - Number(b))
      const length = row[BODY_BYTES] as number | null
      const body = length === null ? null : (bodies as Uint8Array | null)?.subarray(bodyAt, bodyAt + length) ?? NO_BYTES
      bodyAt += length ?? 0
      rows.push(this.rowOf(row, chats, body, fields.get(row[0] as number)))
    }
    return rows
  }

  find(key: string): number | undefined {
    return this.queries.get("SELECT ROWID FROM message WHERE guid = ?", key)?.[0] as number | undefined
  }

  reactions(key?: string): ReadonlyArray<ReactionRow> {
    if (this.schema.column("associated_message_guid") === "NULL") return []
    const emoji = this.schema.column("associated_message_emoji")
    const columns = `m.ROWID, ${timeColumns("m.date")}, m.handle_id, m.is_from_me, m.associated_message_guid,`
      + ` m.associated_message_type, ${emoji}, j.chat_id`
    const select = `SELECT ${columns} FROM message m LEFT JOIN chat_message_join j ON j.message_id = m.ROWID`
    const about = key === undefined
      ? []
      : [key, `bp:${key}`, ...Array.from({ length: PARTS }, (_, n) => `p:${n}/${key}`)]
    const where = key === undefined
      ? "m.associated_message_type BETWEEN 2000 AND 3999"
      : `m.associated_message_guid IN (${about.map(() => "?").join(", ")})`
    const found = new Map<number, ReactionRow>()
    for (const row of this.queries.all(`${select} WHERE ${where} ORDER BY m.ROWID, j.chat_id`, ...about)) {
      const [number, millions, rest, handle, isMine, guid, type, shown, chat] = row
      const reaction = reactionOf(type as number, shown!)
      if (reaction === undefined || found.has(number as number) || typeof guid !== "string") continue
      const { at } = timeOf(millions as number | null, rest as number | null)
      found.set(number as number, {
        _tag: "reaction",
        row: number as number,
        conversation: this.chatGuid(chat!) ?? "",
        ...aboutOf(guid),
        ...reaction,
        author: isMine === 1 ? ME : this.handleId(handle!) ?? "",
        ...(at === undefined ? {} : { when: at })
      })
    }
    return [...found.values()]
  }

  /** A row that is gone leaves its guid behind, whoever or whatever on this Mac removed it. */
  removalOf(key: string) {
    return this.tombstones().has(key) ? { scope: "me" } as const : undefined
  }

  chats(): ReadonlyArray<StoreChat> {
    this.chatGuids.clear()
    const { chat } = this.schema
    const column = (name: string) => chat.has(name) ? `c."${name}"` : "NULL"
    const members = new Map<number, Array<string>>()
    for (
      const [number, id] of this.queries.all(
        "SELECT j.chat_id, h.id FROM chat_handle_join j JOIN handle h ON h.ROWID = j.handle_id ORDER BY j.chat_id, h.id"
      )
    ) {
      const ids = members.get(number as number)
      if (ids === undefined) members.set(number as number, [id as string])
      else if (ids.at(-1) !== id) ids.push(id as string)
    }
    const names = ["display_name", "style", "service_name", "chat_identifier", "room_name", "group_id"]
    return this.queries.all(`SELECT c.ROWID, c.guid, ${names.map(column).join(", ")} FROM chat c ORDER BY c.ROWID`).map(
      ([number, guid, title, style, service, identifier, room, group]): StoreChat => ({
        conversation: guid as string,
        ...(typeof title === "string" && title !== "" ? { title } : {}),
        ...(style === GROUP ? { type: "group" } : style === SINGLE ? { type: "direct" } : {}),
        members: members.get(number as number) ?? [],
        extra: given({ group, identifier, room, service, style }) as NonNullable<StoreChat["extra"]>
      })
    )
  }

  participants(): ReadonlyArray<StoreParticipant> {
    this.handleIds.clear()
    const person = this.schema.handle.has("person_centric_id") ? "max(person_centric_id)" : "NULL"
    const other = this.schema.handle.has("uncanonicalized_id") ? "max(uncanonicalized_id)" : "NULL"
    return this.queries.all(`SELECT id, ${other}, ${person} FROM handle GROUP BY id ORDER BY id`).map(
      ([id, written, one]): StoreParticipant => ({
        participant: id as string,
        ...(typeof written === "string" && written !== id ? { addresses: [id as string, written] } : {}),
        ...(typeof one === "string" && one !== "" ? { extra: { person: one } } : {})
      })
    )
  }

  census(): Census {
    return censusOf(this.queries, this.schema)
  }

  private rowOf(
    row: Row,
    chats: ReadonlyArray<Cell>,
    body: Uint8Array | null,
    fields: MoreFields | undefined
  ): StoreRow {
    const number = row[0] as number
    if (typeof row[1] !== "string") return { _tag: "gap", row: number, reason: "its guid is no text" }
    const time = timeOf(row[5] as number | null, row[6] as number | null)
    const isMine = row[8] === 1
    const sender = this.handleId(row[7]!)
    const [first, ...others] = chats.flatMap((chat) => this.chatGuid(chat) ?? [])
    const former = first === undefined ? this.recoverable(number) : undefined
    const conversation = first ?? former?.chat ?? ""
    const reaction = fields === undefined ? undefined : reactionOf(fields.associatedType, fields.emoji)
    if (reaction !== undefined && fields!.associatedGuid !== null) {
      return {
        _tag: "reaction",
        row: number,
        conversation,
        ...aboutOf(fields!.associatedGuid),
        ...reaction,
        author: isMine ? ME : sender ?? "",
        ...(time.at === undefined ? {} : { when: time.at })
      }
    }
    const basic: Basic = {
      guid: row[1],
      text: this.wholeText(number, row[2]!, row[3]!),
      body,
      time,
      isMine,
      sender,
      service: row[9] as string | null,
      account: row[10] as string | null,
      destination: row[11] as string | null,
      otherChats: others,
      columns: row[CHAT + 2] === 0 ? undefined : this.facts(number),
      deletedParts: row[CHAT + 3] === 0 ? NONE : this.deletedParts(number)
    }
    const { gap, message } = toMessage(basic, fields)
    return {
      _tag: "message",
      row: number,
      conversation,
      message,
      ...(gap === undefined ? {} : { gap }),
      ...(former === undefined ? {} : { removed: former.removal }),
      ...(fields === undefined || fields.attachments.length === 0
        ? {}
        : { files: fields.attachments.map(({ file }) => file) })
    }
  }

  /** A text that ends before it should, or is no UTF-8, as its bytes. */
  private wholeText(row: number, text: Cell, octets: Cell): Basic["text"] {
    if (typeof text !== "string") return text instanceof Uint8Array ? text : null
    if (text.length === octets || Buffer.byteLength(text) === octets) return text
    return this.queries.get("SELECT CAST(text AS BLOB) FROM message WHERE ROWID = ?", row)?.[0] as Uint8Array
  }

  /** What `rows` asks of each row: where a value is a blob that should be none, there is no JSON of it. */
  private basics(from: number, to: number): ReadonlyArray<Row> {
    const { json, plain } = this.statements.rows
    try {
      const bytes = this.queries.get(json, from, to)?.[0] as Uint8Array
      return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()) as ReadonlyArray<Row>
    } catch {
      return this.queries.all(plain, from, to)
    }
  }

  /** Of those rows of a range that have more fields than most. */
  private fields(
    rows: ReadonlyArray<Row>,
    attachments: ReadonlyMap<number, ReadonlyArray<StoredAttachment>>
  ): ReadonlyMap<number, MoreFields> {
    const numbers = rows.flatMap((row) => row[CHAT + 1] === 0 ? NONE : [row[0]])
    if (numbers.length === 0) return new Map()
    const found = this.queries.all(this.statements.fields, JSON.stringify(numbers))
    return new Map(
      found.map((row) => [row[0] as number, this.fieldsOf(row, attachments.get(row[0] as number) ?? NONE)])
    )
  }

  private fieldsOf(row: Row, attachments: ReadonlyArray<StoredAttachment>): MoreFields {
    const [, subject, itemType, action, other, title, type, about, emoji, reply, part, balloon, payload, voice] = row
    const [summary, edited, editedLeft, retracted, retractedLeft] = row.slice(1 + FIELDS.length)
    return {
      subject: subject as string | null,
      itemType: Number(itemType ?? 0),
      groupAction: Number(action ?? 0),
      other: this.handleId(other!),
      groupTitle: title as string | null,
      associatedType: Number(type ?? 0),
      associatedGuid: about as string | null,
      replyTo: reply as string | null,
      replyPart: part === null ? null : String(part),
      balloon: balloon as string | null,
      payload: payload as Uint8Array | null,
      summary: summary as Uint8Array | null,
      isVoice: voice === 1,
      edited: timeOf(edited as number | null, editedLeft as number | null),
      retracted: timeOf(retracted as number | null, retractedLeft as number | null),
      attachments,
      emoji: emoji!
    }
  }

  private facts(row: number): Basic["columns"] {
    const { numbers, texts, unknown } = this.schema
    const found = this.queries.get(this.statements.facts, row)!
    const columns: Record<string, Value> = {}
    let at = 0
    for (const name of [...numbers, ...texts]) {
      const value = found[at++]!
      if (value !== null && value !== 0 && value !== "") columns[name] = value
    }
    for (const name of unknown) {
      const [kind, value] = [found[at++], found[at++]!]
      if (value === null || value === "" || value === "0") continue
      columns[name] = kind === "integer" ? exact(value as string) : value
    }
    return Object.keys(columns).length === 0 ? undefined : columns
  }

  private deletedParts(row: number): ReadonlyArray<Value> {
    return this.queries.all(this.statements.deletedParts, row).map(([part, millions]) => ({
      part: part!,
      at: EPOCH_MILLIS + Number(millions)
    }))
  }

  private recoverable(row: number) {
    const [chat, millions, left] = this.queries.get(this.statements.recoverable, row) ?? []
    if (chat === undefined) return undefined
    return { chat: this.chatGuid(chat), removal: removalAt(millions!, left!) }
  }

  private attachments(from: number, to: number): ReadonlyMap<number, ReadonlyArray<StoredAttachment>> {
    const all = new Map<number, Array<StoredAttachment>>()
    for (const row of this.queries.all(this.statements.attachments, from, to)) {
      const [message, guid, filename, mime, name, size, uti, sticker] = row
      const path = typeof filename === "string" ? this.expand(filename) : undefined
      const bytes = typeof size === "number" && size > 0 ? { size } : {}
      const one: StoredAttachment = {
        attachment: {
          id: String(guid),
          ...(typeof name === "string" ? { name } : {}),
          ...(typeof mime === "string" ? { mime } : {}),
          ...bytes,
          extra: given({ filename, sticker: sticker === 1 ? true : null, uti })
        },
        file: { attachment: String(guid), ...(path === undefined ? {} : { path }), ...bytes }
      }
      const same = all.get(message as number)
      if (same === undefined) all.set(message as number, [one])
      else same.push(one)
    }
    return all
  }

  private expand(filename: string): string | undefined {
    if (filename.startsWith("~/")) return `${this.home}${filename.slice(1)}`
    return filename.startsWith("/") ? filename : undefined
  }

  private chatGuid(chat: Cell): string | undefined {
    return this.named(this.chatGuids, "SELECT ROWID, guid FROM chat", chat)
  }

  private handleId(handle: Cell): string | undefined {
    return this.named(this.handleIds, "SELECT ROWID, id FROM handle", handle)
  }

  /** Looked up in what is known; where it is not, that is read anew, once for each new number. */
  private named(known: Map<number, string>, sql: string, number: Cell): string | undefined {
    if (typeof number !== "number" || number === 0) return undefined
    const found = known.get(number)
    if (found !== undefined) return found === NOBODY ? undefined : found
    for (const [one, name] of this.queries.all(sql)) known.set(one as number, name as string)
    if (!known.has(number)) known.set(number, NOBODY)
    return known.get(number) === NOBODY ? undefined : known.get(number)
  }

  private tombstones(): ReadonlySet<string> {
    const { tombstones } = this.schema
    const last = tombstones.map((table) => this.queries.get(`SELECT max(ROWID) FROM ${table}`)?.[0] ?? 0).join()
    if (this.gone?.last === last) return this.gone.guids
    const guids = new Set(
      tombstones.flatMap((table) => this.queries.all(`SELECT guid FROM ${table}`).map(([guid]) => guid as string))
    )
    this.gone = { last, guids }
    return guids
  }
}

/** Places in a row of `rows`. */
const BODY_BYTES = 4
const CHAT = 12
const NONE: ReadonlyArray<never> = []
const NO_BYTES = new Uint8Array(0)

/** A number that no row has. */
const NOBODY = "\0"

const exact = (text: string): Value => {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}

/** Leaves out what is not there. */
const given = (fields: { readonly [name: string]: Cell | boolean | undefined }): { readonly [name: string]: Value } =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined && value !== "")
  ) as { readonly [name: string]: Value }
