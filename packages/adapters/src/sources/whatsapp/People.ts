/**
 * Who is behind an address: the names that conversations, groups and people themselves give, and what the app keeps in
 * two files beside the store, its own address book (`ContactsV2.sqlite`) and whose a hidden id is (`LID.sqlite`).
 */
import { DatabaseSync, type DatabaseSyncInstance } from "@photostructure/sqlite"
import * as fs from "node:fs"
import { join } from "node:path"
import type { Queries, StoreParticipant } from "../database/RowReader.ts"
import { isAddress, nameIn } from "./Blobs.ts"
import { kindOfChat } from "./Message.ts"

/** What the files beside the store say, by address. */
export interface Beside {
  readonly names: ReadonlyMap<string, string>
  /** Digits. */
  readonly phones: ReadonlyMap<string, string>
}

const NOBODY: Beside = { names: new Map(), phones: new Map() }

/** Reads the files beside a store, again whenever one of them has changed. */
export const makeBeside = (folder: string): () => Beside => {
  const files = ["ContactsV2.sqlite", "LID.sqlite"].map((name) => join(folder, name))
  let known = NOBODY
  let stamp = ""
  return () => {
    const now = files.map(stampOf).join(" ")
    if (now === stamp) return known
    const names = new Map<string, string>()
    const phones = new Map<string, string>()
    const [book, lids] = files as [string, string]
    const areRead = [
      readFrom(book, BOOK, (row) => noteContact(names, phones, row)),
      readFrom(lids, LIDS, (row) => noteAccount(names, phones, row))
    ]
    // What cannot be read right now is not taken for empty: names would come and go with it.
    if (areRead.includes(false)) return known
    stamp = now
    return known = { names, phones }
  }
}

/** Everybody who has an address in the store, sorted. */
export const participantsIn = (queries: Queries, { names, phones }: Beside): ReadonlyArray<StoreParticipant> => {
  const people = new Map<string, Array<string>>()
  /** The first name of somebody is the best one. */
  const note = (address: unknown, ...given: ReadonlyArray<unknown>) => {
    if (typeof address !== "string" || kindOfChat(address) !== "direct") return
    const all = people.get(address) ?? []
    people.set(address, all)
    for (const name of given) if (typeof name === "string" && name.trim() !== "") all.push(nameIn(name).trim())
  }
  const each = (table: string, columns: ReadonlyArray<string>) => {
    const there = queries.columns(table)
    if (there.size === 0) return
    const list = columns.map((name) => there.has(name) ? name : "NULL").join(", ")
    for (const [address, ...given] of queries.all(`SELECT ${list} FROM ${table} ORDER BY Z_PK`)) note(address, ...given)
  }
  each("ZWACHATSESSION", ["ZCONTACTJID", "ZPARTNERNAME"])
  each("ZWAGROUPMEMBER", ["ZMEMBERJID", "ZCONTACTNAME", "ZFIRSTNAME"])
  each("ZWAPROFILEPUSHNAME", ["ZJID", "ZPUSHNAME"])
  return [...people.entries()].toSorted(([a], [b]) => a < b ? -1 : 1).map(([participant, given]) => {
    const phone = phoneIn(participant) ?? phones.get(participant)
    const number = phone === undefined ? undefined : `${phone}@s.whatsapp.net`
    const name = names.get(participant) ?? names.get(number ?? "") ?? given[0]
    return {
      participant,
      ...(name === undefined ? {} : { name }),
      ...(phone === undefined ? {} : { addresses: [`+${phone}`] })
    }
  })
}

const BOOK = {
  table: "ZWAADDRESSBOOKCONTACT",
  columns: ["ZWHATSAPPID", "ZLID", "ZPHONENUMBER", "ZFULLNAME", "ZBUSINESSNAME", "ZGIVENNAME", "ZLASTNAME"]
}
const LIDS = { table: "ZWAZACCOUNT", columns: ["ZIDENTIFIER", "ZPHONENUMBER", "ZDISPLAYNAME"] }

type Row = ReadonlyArray<unknown>

const noteContact = (names: Map<string, string>, phones: Map<string, string>, row: Row): void => {
  const [id, lid, phone, full, business, given, family] = row.map(textOf)
  const name = full ?? business ?? ([given, family].filter((part) => part !== undefined).join(" ") || undefined)
  const digits = id === undefined ? digitsIn(phone) : phoneIn(id) ?? digitsIn(phone)
  const number = id ?? (digits === undefined ? undefined : `${digits}@s.whatsapp.net`)
  for (const address of [number, lid]) {
    if (address === undefined || !isAddress(address)) continue
    if (name !== undefined && !names.has(address)) names.set(address, name)
    if (digits !== undefined) phones.set(address, digits)
  }
}

const noteAccount = (names: Map<string, string>, phones: Map<string, string>, row: Row): void => {
  const [lid, phone, name] = row.map(textOf)
  if (lid === undefined || !isAddress(lid)) return
  const digits = digitsIn(phone)
  if (digits !== undefined && !phones.has(lid)) phones.set(lid, digits)
  if (name !== undefined && !names.has(lid)) names.set(lid, nameIn(name))
}

/** Whether it could be read; a file that is not there has nothing in it. */
const readFrom = (path: string, wanted: typeof BOOK, note: (row: Row) => void): boolean => {
  if (!fs.existsSync(path)) return true
  let database: DatabaseSyncInstance | undefined
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_MILLIS })
    database.exec("PRAGMA query_only=1")
    const there = new Set(
      (database.prepare("SELECT name FROM pragma_table_info(?)").all(wanted.table) as Array<{ name: string }>)
        .map(({ name }) => name)
    )
    if (there.size === 0) return true
    const list = wanted.columns.map((name) => there.has(name) ? `CAST(${name} AS TEXT)` : "NULL").join(", ")
    const query = database.prepare(`SELECT ${list} FROM ${wanted.table} ORDER BY Z_PK`, { returnArrays: true })
    for (const row of query.all() as ReadonlyArray<Row>) note(row)
    return true
  } catch {
    // Locked, denied or damaged: names are no messages, and those known by now stay.
    return false
  } finally {
    database?.close()
  }
}

const BUSY_MILLIS = 250

const stampOf = (path: string): string =>
  ["", "-wal"].map((side) => {
    const stat = fs.statSync(path + side, { bigint: true, throwIfNoEntry: false })
    return stat === undefined ? "-" : `${stat.ino}:${stat.size}:${stat.mtimeNs}`
  }).join()

const phoneIn = (address: string): string | undefined => /^(\d{5,15})(?::\d+)?@s\.whatsapp\.net$/.exec(address)?.[1]

const digitsIn = (text: string | undefined): string | undefined => {
  const digits = text?.replaceAll(/\D/g, "") ?? ""
  return digits === "" ? undefined : digits
}

const textOf = (cell: unknown): string | undefined =>
  typeof cell === "string" && cell.trim() !== "" ? cell.trim() : undefined
