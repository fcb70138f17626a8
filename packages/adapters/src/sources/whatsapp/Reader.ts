/**
 * How the rows of `ChatStorage.sqlite` are read: WhatsApp's store on macOS and iOS. What is known of it is in
 * `docs/sources/whatsapp.md`; a store is told by the columns it has, never by a version.
 */
import { join } from "node:path"
import { codeOf } from "../database/DatabaseError.ts"
import type { Cell, OpenReader, Queries, RowReader, StoreChat } from "../database/RowReader.ts"
import { censusOf, IS_TAKEN } from "./Census.ts"
import { type Column, columnsOf } from "./Columns.ts"
import { type KeyParts, kindOfChat, messageOf, partsOfKey, type RawMessage } from "./Message.ts"
import { makeBeside, participantsIn } from "./People.ts"

/** Opens stores whose container is this folder. */
export const openWhatsAppReader = (container: string): OpenReader => {
  const beside = makeBeside(container)
  return (queries) => {
    const messages = queries.columns("ZWAMESSAGE")
    const chats = queries.columns("ZWACHATSESSION")
    if (!["Z_PK", "ZCHATSESSION", "ZSTANZAID", "ZISFROMME"].every((name) => messages.has(name))) return undefined
    if (!chats.has("ZCONTACTJID")) return undefined
    const tables = tablesOf(queries)
    const rows = makeRows(queries, tables, join(container, "Message"))
    const reader: RowReader = {
      table: "ZWAMESSAGE",
      column: "Z_PK",
      marks: `SELECT m.Z_PK AS number, ${markOf(queries, tables)} AS mark FROM ${tables.from} `
        + `WHERE m.Z_PK BETWEEN ? AND ? AND ${IS_TAKEN}`,
      rows,
      find: makeFind(queries, rows),
      census: () => censusOf(queries),
      chats: () => chatsIn(queries),
      participants: () => participantsIn(queries, beside())
    }
    return reader
  }
}

/** What is read of a message, and out of which tables. */
interface Tables {
  readonly from: string
  readonly columns: ReadonlyArray<Column>
  readonly hasMembers: boolean
  readonly hasInfo: boolean
  readonly hasItems: boolean
}

const tablesOf = (queries: Queries): Tables => {
  const messages = queries.columns("ZWAMESSAGE")
  const hasItems = messages.has("ZMEDIAITEM") && queries.columns("ZWAMEDIAITEM").has("Z_PK")
  const hasMembers = messages.has("ZGROUPMEMBER") && queries.columns("ZWAGROUPMEMBER").has("ZMEMBERJID")
  const infos = queries.columns("ZWAMESSAGEINFO")
  const hasInfo = infos.has("ZRECEIPTINFO") && (messages.has("ZMESSAGEINFO") || infos.has("ZMESSAGE"))
  const info = messages.has("ZMESSAGEINFO") ? "f.Z_PK = m.ZMESSAGEINFO" : "f.ZMESSAGE = m.Z_PK"
  return {
    from: [
      "ZWAMESSAGE m LEFT JOIN ZWACHATSESSION s ON s.Z_PK = m.ZCHATSESSION",
      ...(hasItems ? ["LEFT JOIN ZWAMEDIAITEM i ON i.Z_PK = m.ZMEDIAITEM"] : []),
      ...(hasMembers ? ["LEFT JOIN ZWAGROUPMEMBER g ON g.Z_PK = m.ZGROUPMEMBER"] : []),
      ...(hasInfo ? [`LEFT JOIN ZWAMESSAGEINFO f ON ${info}`] : [])
    ].join(" "),
    columns: [
      ...columnsOf(queries, "ZWAMESSAGE", "m"),
      ...(hasItems ? columnsOf(queries, "ZWAMEDIAITEM", "i") : [])
    ],
    hasMembers,
    hasInfo,
    hasItems
  }
}

/**
 * Core Data counts in `Z_OPT` how often a row was saved, so that says whether anything of it is worth reading; the rest is
 * for stores that went another way from the same backup. The addresses are those that conversations and people have now,
 * which the app changes for all at once.
 */
const markOf = (queries: Queries, { hasInfo, hasItems, hasMembers }: Tables): string => {
  const saves = (table: string, alias: string, otherwise: ReadonlyArray<string>) => {
    const columns = queries.columns(table)
    if (columns.has("Z_OPT")) return [`${alias}.Z_OPT`]
    return otherwise.filter((name) => columns.has(name)).map((name) => `hex(${alias}.${name})`)
  }
  const parts = [
    ...saves("ZWAMESSAGE", "m", ["ZMESSAGETYPE", "ZSTARRED", "ZMESSAGEDATE"]),
    "hex(m.ZSTANZAID)",
    ...(queries.columns("ZWAMESSAGE").has("ZTEXT") ? ["length(m.ZTEXT)"] : []),
    "hex(s.ZCONTACTJID)",
    ...(hasItems ? saves("ZWAMEDIAITEM", "i", ["ZMEDIALOCALPATH", "ZTITLE", "ZFILESIZE", "ZMETADATA"]) : []),
    ...(hasMembers ? ["hex(g.ZMEMBERJID)"] : []),
    ...(hasInfo ? saves("ZWAMESSAGEINFO", "f", ["ZRECEIPTINFO"]) : [])
  ]
  return `concat_ws(' ', ${parts.map((part) => `ifnull(${part}, '-')`).join(", ")})`
}

const makeRows = (queries: Queries, tables: Tables, folder: string): RowReader["rows"] => {
  const { columns, from, hasInfo, hasMembers } = tables
  const before = `m.Z_PK, s.ZCONTACTJID, ${hasMembers ? "g.ZMEMBERJID" : "NULL"}, ${
    hasInfo ? "f.ZRECEIPTINFO" : "NULL"
  }`
  const sqlOf = (way: "expression" | "exact") =>
    `SELECT ${before}, ${columns.map((column) => column[way]).join(", ")} FROM ${from} `
    + `WHERE m.Z_PK BETWEEN ? AND ? AND ${IS_TAKEN} ORDER BY m.Z_PK`
  const [quick, exact] = [sqlOf("expression"), sqlOf("exact")]
  const read = (first: number, last: number) => {
    try {
      return queries.all(quick, first, last)
    } catch (cause) {
      // What SQLite itself says is no matter of numbers.
      if (codeOf(cause) !== undefined) throw cause
      return queries.all(exact, first, last)
    }
  }
  return (first, last) => read(first, last).map((cells) => messageOf(rawOf(cells, columns), folder))
}

/** How many values stand before the columns. */
const BEFORE = 4

const rawOf = (values: ReadonlyArray<Cell>, columns: ReadonlyArray<Column>): RawMessage => {
  const [row, chat, member, receiptInfo] = values as [number, Cell, Cell, Cell]
  const cells: Record<string, Cell> = {}
  let strange: Record<string, Cell> | undefined
  columns.forEach(({ isUnderstood, name }, place) => {
    const cell = values[BEFORE + place]!
    if (isUnderstood) cells[name] = cell
    // What a newer app has given every row is no news of any.
    else if (cell !== null && cell !== 0) (strange ??= {})[name] = cell
  })
  return {
    row,
    chat: typeof chat === "string" ? chat : "",
    member: member ?? null,
    receiptInfo: receiptInfo ?? null,
    cells,
    ...(strange === undefined ? {} : { strange })
  }
}

/**
 * Keys are mostly looked for in the order of their rows, so the rows behind the last one found are tried first: nobody
 * knows whether the app has an index of stanzas.
 */
const makeFind = (queries: Queries, rows: RowReader["rows"]): RowReader["find"] => {
  const hasIndex = queries.get(
    "SELECT 1 FROM pragma_index_list('ZWAMESSAGE') l, pragma_index_info(l.name) i "
      + "WHERE i.seqno = 0 AND i.name = 'ZSTANZAID'"
  ) !== undefined
  let last = 0
  // A row that has the parts of a key may be called otherwise all the same: a notice has its number in it.
  const isCalled = (key: string) => (row: Cell): boolean => {
    const [one] = rows(Number(row), Number(row))
    return one?._tag === "message" && one.message.key === key
  }
  return (key) => {
    const parts = partsOfKey(key)
    if (parts === undefined) return undefined
    const { row, stanza } = parts
    const isHere = isCalled(key)
    if (row !== undefined) return isHere(row) ? row : undefined
    const near = hasIndex ? [] : queries.all(NEAR, last, last + NEAR_ROWS, stanza)
    const found = near.find(([one]) => isHere(one!)) ??
      candidates(queries, parts, hasIndex).find(([one]) => isHere(one!))
    if (found === undefined) return undefined
    return last = Number(found[0])
  }
}

const NEAR = "SELECT Z_PK FROM ZWAMESSAGE WHERE Z_PK BETWEEN ? AND ? AND ZSTANZAID = ? LIMIT 1"
const NEAR_ROWS = 1_000

/** Rows that have the stanza, in a conversation that has the address. */
const candidates = (queries: Queries, { chat, stanza }: KeyParts, hasIndex: boolean) => {
  const sql = hasIndex
    ? "SELECT Z_PK FROM ZWAMESSAGE WHERE ZSTANZAID = ?1 AND ?2 IS NOT NULL ORDER BY Z_PK"
    : chat === ""
    ? "SELECT m.Z_PK FROM ZWAMESSAGE m LEFT JOIN ZWACHATSESSION s ON s.Z_PK = m.ZCHATSESSION "
      + "WHERE m.ZSTANZAID = ?1 AND ifnull(s.ZCONTACTJID, '') = ?2 ORDER BY m.Z_PK"
    // From the conversation to its messages, which there is an index for.
    : "SELECT m.Z_PK FROM ZWACHATSESSION s CROSS JOIN ZWAMESSAGE m ON m.ZCHATSESSION = s.Z_PK "
      + "WHERE m.ZSTANZAID = ?1 AND s.ZCONTACTJID = ?2 ORDER BY m.Z_PK"
  return queries.all(sql, stanza, chat)
}

const chatsIn = (queries: Queries): ReadonlyArray<StoreChat> => {
  const columns = queries.columns("ZWACHATSESSION")
  const of = (name: string) => columns.has(name) ? `s.${name}` : "NULL"
  const members = membersIn(queries)
  const chats = new Map<string, StoreChat>()
  const rows = queries.all(
    `SELECT s.Z_PK, s.ZCONTACTJID, ${of("ZPARTNERNAME")}, ${of("ZARCHIVED")} FROM ZWACHATSESSION s `
      + `WHERE s.ZCONTACTJID IS NOT NULL AND ${IS_TAKEN} ORDER BY s.Z_PK`
  )
  for (const [row, address, title, archived] of rows) {
    const conversation = String(address)
    const type = kindOfChat(conversation)
    const inside = members.get(Number(row))
    chats.set(conversation, {
      conversation,
      ...(typeof title === "string" && title !== "" ? { title } : {}),
      ...(type === undefined ? {} : { type }),
      ...(inside === undefined ? {} : { members: inside }),
      ...(archived === 1 ? { extra: { archived: true } } : {})
    })
  }
  return [...chats.values()]
}

/** Of each group those who are in it now. */
const membersIn = (queries: Queries): ReadonlyMap<number, ReadonlyArray<string>> => {
  const found = new Map<number, Array<string>>()
  const columns = queries.columns("ZWAGROUPMEMBER")
  if (!columns.has("ZMEMBERJID") || !columns.has("ZCHATSESSION")) return found
  const isActive = columns.has("ZISACTIVE") ? "AND ifnull(ZISACTIVE, 1) <> 0 " : ""
  const rows = queries.all(
    `SELECT DISTINCT ZCHATSESSION, ZMEMBERJID FROM ZWAGROUPMEMBER WHERE ZMEMBERJID IS NOT NULL ${isActive}ORDER BY 1, 2`
  )
  for (const [chat, member] of rows) {
    const members = found.get(Number(chat)) ?? []
    found.set(Number(chat), members)
    members.push(String(member))
  }
  return found
}
