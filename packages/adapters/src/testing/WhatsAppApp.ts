/**
 * The hands of WhatsApp on a store of its own: messages come and go, are edited, deleted and reacted to, photos arrive
 * after their messages, each as the app writes it. For tests, the demo and benchmarks; everybody in it is invented.
 */
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { makeRandom, type Random } from "./MailGenerator.ts"
import { type GivenReaction, metadataOf, withReactions, withReceipt, wrappedName } from "./WhatsAppBlobs.ts"
import { type Cell, type Columns, openTables, type Tables } from "./WhatsAppTables.ts"

export interface WhatsAppOptions {
  /** The folder of the app's container; made if it is not there. */
  readonly root: string
  readonly seed: number
  /** Milliseconds since 1970; a minute further each time it is asked, if absent. */
  readonly now?: () => number
}

export interface Media {
  /** What the app keeps in the place of a type: mostly a MIME type, for a card the card itself. */
  readonly mime?: string
  /** A caption, the name of a document or of a place. */
  readonly title?: string
  readonly size?: number
  readonly seconds?: number
  readonly latitude?: number
  readonly longitude?: number
  /** Already here; without them the file may come later. */
  readonly bytes?: Uint8Array
}

export interface NewMessage {
  readonly chat: number
  /** The row of a member, in groups. */
  readonly member?: number
  readonly mine?: boolean
  readonly type?: number
  readonly text?: string
  readonly at?: number
  /** The row of the message that this one answers. */
  readonly answers?: number
  readonly media?: Media
  /** What happened, for notices. */
  readonly event?: number
  readonly starred?: boolean
  /** Columns that this program does not know. */
  readonly more?: Columns
}

const EPOCH_SECONDS = 978_307_200
/** Seconds since 2001 of milliseconds since 1970. */
const appleTime = (at: number): number => at / 1_000 - EPOCH_SECONDS

export const STORE = "ChatStorage.sqlite"
const BEGIN = Date.UTC(2024, 2, 1)

export class WhatsAppApp {
  readonly root: string
  readonly random: Random
  readonly tables: Tables
  readonly now: () => number

  constructor({ now, root, seed }: WhatsAppOptions) {
    fs.mkdirSync(join(root, "Message", "Media"), { recursive: true, mode: 0o700 })
    this.root = root
    this.random = makeRandom(seed)
    this.tables = openTables(join(root, STORE), STORE, `00000000-0000-4000-8000-${hex(this.random, 12)}`)
    const known = this.tables.database.prepare("SELECT max(ZMESSAGEDATE) AS last FROM ZWAMESSAGE").get() as {
      last: number | null
    }
    let clock = known.last === null ? BEGIN : Math.round((known.last + EPOCH_SECONDS) * 1_000)
    this.now = now ?? (() => clock += 60_000)
  }

  /** A conversation with one person, or a group; its row. */
  chat(jid: string, name: string): number {
    const type = jid.endsWith("@g.us") ? 1 : jid.endsWith("status") || jid === "status@broadcast" ? 3 : 0
    return this.tables.together(() => {
      const columns = {
        CONTACTJID: jid,
        PARTNERNAME: name,
        SESSIONTYPE: type,
        MESSAGECOUNTER: 0,
        REMOVED: 0,
        HIDDEN: 0
      }
      const chat = this.tables.insert("ZWACHATSESSION", columns)
      if (type !== 1) return chat
      const created = appleTime(this.now())
      const group = this.tables.insert("ZWAGROUPINFO", { CHATSESSION: chat, CREATIONDATE: created, STATE: 2 })
      this.tables.update("ZWACHATSESSION", chat, { GROUPINFO: group })
      return chat
    })
  }

  member(chat: number, jid: string, name: string | null, firstName: string | null = null): number {
    const columns = { CHATSESSION: chat, MEMBERJID: jid, CONTACTNAME: name, FIRSTNAME: firstName, ISACTIVE: 1 }
    return this.tables.insert("ZWAGROUPMEMBER", columns)
  }

  /** The name that somebody chose for themselves. */
  pushName(jid: string, name: string): number {
    return this.tables.insert("ZWAPROFILEPUSHNAME", { JID: jid, PUSHNAME: name })
  }

  /** Puts a message into a conversation, sent or received; its row. */
  add(message: NewMessage): number {
    return this.tables.together(() => {
      const at = message.at ?? this.now()
      const jid = this.jidOf(message.chat)
      const isGroup = jid.endsWith("@g.us")
      const mine = message.mine === true
      const sender = message.member === undefined ? undefined : this.tables.get("ZWAGROUPMEMBER", message.member)
      const row = this.tables.insert("ZWAMESSAGE", {
        CHATSESSION: message.chat,
        ISFROMME: mine ? 1 : 0,
        MESSAGETYPE: message.type ?? 0,
        GROUPEVENTTYPE: message.event ?? (mine ? 0 : 2),
        MESSAGEDATE: appleTime(mine ? at : Math.floor(at / 1_000) * 1_000),
        SENTDATE: mine ? appleTime(at + 400) : null,
        STANZAID: `${mine ? "3EB0" : "3A"}${hex(this.random, 18)}`,
        TEXT: message.text ?? null,
        FROMJID: mine ? null : jid,
        TOJID: mine ? jid : null,
        GROUPMEMBER: message.member ?? null,
        PUSHNAME: sender === undefined ? null : wrappedName(`${sender["ZCONTACTNAME"] ?? "?"}`, Math.floor(at / 1_000)),
        STARRED: message.starred === true ? 1 : 0,
        FLAGS: mine ? 16_777_280 : 16_777_216,
        MESSAGESTATUS: mine ? 1 : 0,
        DATAITEMVERSION: 3,
        SPOTLIGHTSTATUS: -32_768,
        SORT: this.nextSort(message.chat),
        ...message.more
      })
      this.attach(row, message, isGroup)
      if (mine) this.receipt(row, jid, 1)
      this.touchChat(message.chat, row, at)
      return row
    })
  }

  /** The text of a message is another one; the app keeps neither the old one nor when that was. */
  edit(row: number, text: string): void {
    this.tables.update("ZWAMESSAGE", row, { TEXT: text })
  }

  /** Deleted for everyone: the row stays, and says so. */
  revoke(row: number, by?: string): void {
    this.tables.together(() => {
      const message = this.message(row)
      const media = message["ZMEDIAITEM"]
      const remover = by ?? this.jidOf(Number(message["ZCHATSESSION"]))
      const nothing = { TITLE: null, MEDIALOCALPATH: null, FILESIZE: 0, METADATA: null, VCARDSTRING: remover }
      this.dropFile(row)
      if (typeof media === "number") this.tables.update("ZWAMEDIAITEM", media, nothing)
      const item = typeof media === "number"
        ? media
        : this.tables.insert("ZWAMEDIAITEM", { MESSAGE: row, VCARDSTRING: remover })
      this.tables.update("ZWAMESSAGE", row, { MESSAGETYPE: 14, TEXT: null, MEDIAITEM: item })
    })
  }

  /** Deleted for me: nothing is left. */
  erase(row: number): Erased {
    return this.tables.together(() => {
      const message = this.message(row)
      this.dropFile(row)
      const rows: Array<Erased[number]> = []
      for (const [table, column] of PARTS) {
        const other = message[column]
        if (typeof other !== "number") continue
        rows.push([table, this.tables.get(table, other)])
        this.tables.remove(table, other)
      }
      return rows
    })
  }

  /** As whoever puts the store back from a copy of it does. */
  putBack(erased: Erased): void {
    this.tables.together(() => {
      for (const [table, cells] of erased) {
        const names = Object.keys(cells)
        const sql = `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`
        this.tables.database.prepare(sql).run(...Object.values(cells))
      }
    })
  }

  /** Somebody reacts, or reacts otherwise than before; without a sender it is the owner. */
  react(row: number, emoji: string, sender?: string): void {
    const at = this.now()
    const reaction = { stanza: `3A${hex(this.random, 18)}`, emoji, at, ...(sender === undefined ? {} : { sender }) }
    // What a newer version leaves of the one before is one way or the other.
    this.setReactions(row, (before) =>
      this.random() < 0.5
        ? [...before, reaction]
        : [...before.filter((one) => one.sender !== sender), reaction])
  }

  unreact(row: number, sender?: string): void {
    this.setReactions(row, (before) =>
      this.random() < 0.5
        ? before.filter((one) => one.sender !== sender)
        : [...before, { stanza: `3A${hex(this.random, 18)}`, emoji: "", at: this.now(), ...(sender && { sender }) }])
  }

  /** Something was delivered or read, which is no news to anybody. */
  receipt(row: number, sender: string, mark: number): void {
    const info = this.infoOf(row)
    const { ZRECEIPTINFO: before } = this.tables.get("ZWAMESSAGEINFO", info)
    this.tables.update("ZWAMESSAGEINFO", info, { RECEIPTINFO: withReceipt(bytesIn(before), sender, 3, mark) })
    this.tables.update("ZWAMESSAGE", row, { MESSAGESTATUS: mark === 3 ? 8 : 5 })
  }

  star(row: number, starred = true): void {
    this.tables.update("ZWAMESSAGE", row, { STARRED: starred ? 1 : 0 })
  }

  /** The file of a message comes: first the file, then the row says where. Gives its path. */
  download(row: number, bytes: Uint8Array, extension = "jpg"): string {
    const message = this.message(row)
    const chat = this.jidOf(Number(message["ZCHATSESSION"]))
    const name = hex(this.random, 32).toLowerCase()
    const path = `Media/${chat}/${name[0]}/${name[1]}/${name}.${extension}`
    const whole = join(this.root, "Message", path)
    fs.mkdirSync(dirname(whole), { recursive: true, mode: 0o700 })
    fs.writeFileSync(whole, bytes, { mode: 0o600 })
    const seconds = this.now() / 1_000
    fs.utimesSync(whole, seconds, seconds)
    this.tables.update("ZWAMEDIAITEM", Number(message["ZMEDIAITEM"]), { MEDIALOCALPATH: path, CLOUDSTATUS: 0 })
    return whole
  }

  /** The app's own address book and what it knows of people behind a hidden id, in files beside the store. */
  know(people: ReadonlyArray<{ readonly name?: string; readonly phone?: string; readonly lid?: string }>): void {
    const book = openTables(join(this.root, "ContactsV2.sqlite"), "ContactsV2.sqlite", "contacts")
    const lids = openTables(join(this.root, "LID.sqlite"), "LID.sqlite", "lids")
    for (const { lid, name, phone } of people) {
      const whole = phone === undefined ? null : `${phone}@s.whatsapp.net`
      if (name !== undefined) {
        const columns = { FULLNAME: name, LID: lid ?? null, WHATSAPPID: whole, PHONENUMBER: phone ?? null }
        book.insert("ZWAADDRESSBOOKCONTACT", columns)
      }
      if (lid !== undefined) {
        lids.insert("ZWAZACCOUNT", { IDENTIFIER: lid, PHONENUMBER: phone ?? null, CREATEDAT: appleTime(BEGIN) })
      }
    }
    book.close()
    lids.close()
  }

  /** A newer version of the app has one column more. */
  upgrade(table: string, column: string, type = "VARCHAR"): void {
    this.tables.database.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`)
  }

  checkpoint(): void {
    this.tables.database.exec("PRAGMA wal_checkpoint(TRUNCATE)")
  }

  close(): void {
    this.tables.close()
  }

  message(row: number): Readonly<Record<string, Cell>> {
    return this.tables.get("ZWAMESSAGE", row)
  }

  /** As this source calls it. */
  keyOf(row: number): string {
    const { ZCHATSESSION: chat, ZISFROMME: mine, ZSTANZAID: stanza } = this.message(row)
    return `${this.jidOf(Number(chat))}|${mine}|${stanza}`
  }

  private jidOf(chat: number): string {
    return String(this.tables.get("ZWACHATSESSION", chat)["ZCONTACTJID"])
  }

  private readonly sorts = new Map<number, number>()

  private nextSort(chat: number): number {
    const last = this.sorts.get(chat) ?? (this.tables.database
      .prepare("SELECT max(ZSORT) AS last FROM ZWAMESSAGE WHERE ZCHATSESSION = ?")
      .get(chat) as { last: number | null }).last ??
      0
    this.sorts.set(chat, last + 1)
    return last + 1
  }

  /** Nearly every message has an item, be it only for what it answers. */
  private attach(row: number, message: NewMessage, isGroup: boolean): void {
    const { answers, media } = message
    if (media === undefined && answers === undefined && this.random() < 0.4) return
    const item = this.tables.insert("ZWAMEDIAITEM", {
      MESSAGE: row,
      TITLE: media?.title ?? null,
      VCARDSTRING: media?.mime ?? null,
      FILESIZE: media?.size ?? media?.bytes?.length ?? 0,
      MOVIEDURATION: media?.seconds ?? 0,
      LATITUDE: media?.latitude ?? 0,
      LONGITUDE: media?.longitude ?? 0,
      MEDIALOCALPATH: null,
      METADATA: metadataOf(answers === undefined ? undefined : this.quoted(answers, isGroup))
    })
    this.tables.update("ZWAMESSAGE", row, { MEDIAITEM: item })
    if (media?.bytes !== undefined) this.download(row, media.bytes, EXTENSIONS[media.mime ?? ""])
  }

  private quoted(row: number, isGroup: boolean) {
    const message = this.message(row)
    const member = message["ZGROUPMEMBER"]
    const sender = typeof member === "number" ? this.tables.get("ZWAGROUPMEMBER", member)["ZMEMBERJID"] : OWNER
    const text = message["ZTEXT"]
    return {
      stanza: String(message["ZSTANZAID"]),
      ...(isGroup ? { sender: String(sender) } : {}),
      ...(typeof text === "string" ? { text } : {})
    }
  }

  private touchChat(chat: number, row: number, at: number): void {
    const counter = Number(this.tables.get("ZWACHATSESSION", chat)["ZMESSAGECOUNTER"]) + 1
    const columns = { MESSAGECOUNTER: counter, LASTMESSAGE: row, LASTMESSAGEDATE: appleTime(at), UNREADCOUNT: 1 }
    this.tables.update("ZWACHATSESSION", chat, columns)
  }

  private infoOf(row: number): number {
    const known = this.message(row)["ZMESSAGEINFO"]
    if (typeof known === "number") return known
    const info = this.tables.insert("ZWAMESSAGEINFO", { MESSAGE: row })
    this.tables.update("ZWAMESSAGE", row, { MESSAGEINFO: info })
    return info
  }

  private readonly given = new Map<number, ReadonlyArray<GivenReaction>>()

  /** The message's own row is left as it is. */
  private setReactions(
    row: number,
    change: (before: ReadonlyArray<GivenReaction>) => ReadonlyArray<GivenReaction>
  ): void {
    this.tables.together(() => {
      const info = this.infoOf(row)
      const reactions = change(this.given.get(row) ?? [])
      this.given.set(row, reactions)
      const before = bytesIn(this.tables.get("ZWAMESSAGEINFO", info)["ZRECEIPTINFO"])
      this.tables.update("ZWAMESSAGEINFO", info, { RECEIPTINFO: withReactions(before, reactions) })
    })
  }

  private dropFile(row: number): void {
    const media = this.message(row)["ZMEDIAITEM"]
    if (typeof media !== "number") return
    const path = this.tables.get("ZWAMEDIAITEM", media)["ZMEDIALOCALPATH"]
    if (typeof path === "string") fs.rmSync(join(this.root, "Message", path), { force: true })
  }
}

/** Rows that were taken out, by their tables. */
export type Erased = ReadonlyArray<readonly [table: string, cells: Readonly<Record<string, Cell>>]>

/** Where a message stands, and by which of its columns. */
const PARTS = [["ZWAMEDIAITEM", "ZMEDIAITEM"], ["ZWAMESSAGEINFO", "ZMESSAGEINFO"], ["ZWAMESSAGE", "Z_PK"]] as const

/** Whose store it is. */
const OWNER = "12025550100@s.whatsapp.net"

const EXTENSIONS: Readonly<Record<string, string>> = {
  "image/jpeg": "jpg",
  "image/webp": "webp",
  "video/mp4": "mp4",
  "audio/ogg; codecs=opus": "opus",
  "application/pdf": "pdf"
}

/** So many hexadecimal digits, in capitals. */
const hex = (random: Random, digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("").toUpperCase()

/** Bytes that begin as a file of that type does. */
export const fileBytes = (random: Random, length: number, mime = "image/jpeg"): Uint8Array => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at++) bytes[at] = Math.floor(random() * 256)
  bytes.set(MAGIC[mime] ?? [], 0)
  return bytes
}

const MAGIC: Readonly<Record<string, ReadonlyArray<number>>> = {
  "image/jpeg": [0xff, 0xd8, 0xff, 0xe0],
  "application/pdf": [0x25, 0x50, 0x44, 0x46]
}

const bytesIn = (cell: Cell | undefined): Uint8Array | null => cell instanceof Uint8Array ? cell : null
