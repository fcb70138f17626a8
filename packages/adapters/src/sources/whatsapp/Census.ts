/** What a store counts of itself, by queries that know nothing of how its rows are read. */
import type { Census, Queries } from "../database/RowReader.ts"

/** Statuses are seen for a day, and are no conversation: each is in one of its own, `…@status`, `…@lid.status`. */
export const IS_TAKEN = "ifnull(substr(s.ZCONTACTJID, -6) <> 'status' AND s.ZCONTACTJID <> 'status@broadcast', 1)"

const FROM = "ZWAMESSAGE m LEFT JOIN ZWACHATSESSION s ON s.Z_PK = m.ZCHATSESSION"

/** Types that are known to come with a file, and what such a file is called, … */
const WITH_FILE: ReadonlyMap<number, string> = new Map([
  ...[1, 20, 38].map((type) => [type, "image"] as const),
  ...[2, 11, 39, 43, 54].map((type) => [type, "video"] as const),
  ...[3, 53].map((type) => [type, "voice"] as const),
  ...[8, 24].map((type) => [type, "document"] as const),
  [15, "sticker"]
])
/** … and to come without; what others come with, the type of the file says. */
const WITHOUT_FILE = "0, 4, 5, 6, 7, 10, 14"
const OTHERS: ReadonlyMap<string, string> = new Map([
  ["image", "image"],
  ["video", "video"],
  ["audio", "voice"],
  ["application", "document"],
  ["text", "document"]
])
const FILES = [...OTHERS.keys()].map((type) => `i.ZVCARDSTRING GLOB '${type}/[A-Za-z0-9]*'`)

/** Messages that are asked for at once. */
const SOME = 4_096

export const censusOf = (queries: Queries): Census => {
  const messages = queries.columns("ZWAMESSAGE")
  const type = messages.has("ZMESSAGETYPE") ? "ifnull(m.ZMESSAGETYPE, -1)" : "-1"
  const isThere = `${type} <> 14 AND ${IS_TAKEN}`
  const conversations = new Map<string, number>()
  const counts = queries.all(`SELECT ifnull(s.ZCONTACTJID, ''), count(*) FROM ${FROM} WHERE ${isThere} GROUP BY 1`)
  for (const [address, count] of counts) conversations.set(String(address), Number(count))
  const hasItems = messages.has("ZMEDIAITEM") && queries.columns("ZWAMEDIAITEM").has("ZVCARDSTRING")
  const items = hasItems ? " LEFT JOIN ZWAMEDIAITEM i ON i.Z_PK = m.ZMEDIAITEM" : ""
  const others = hasItems ? ` OR (${type} NOT IN (${WITHOUT_FILE}) AND (${FILES.join(" OR ")}))` : ""
  const card = hasItems ? "substr(i.ZVCARDSTRING, 1, 100)" : "NULL"
  const named =
    `SELECT m.Z_PK, ifnull(s.ZCONTACTJID, ''), ifnull(m.ZISFROMME, 0) = 1, ifnull(m.ZSTANZAID, ''), ${type},`
    + ` ${card} FROM ${FROM}${items} WHERE m.Z_PK > ? AND ${isThere}`
    + ` AND (${type} IN (${[...WITH_FILE.keys()].join(", ")})${others}) ORDER BY m.Z_PK LIMIT ${SOME}`
  const attachments: Census["attachments"] = (each) => {
    for (let last = Number.MIN_SAFE_INTEGER;;) {
      const some = queries.all(named, last)
      for (const [row, chat, mine, stanza, code, mime] of some) {
        const key = `${chat}|${mine}|${stanza === "" ? `#${row}` : stanza}`
        each({ conversation: String(chat), key, attachment: fileName(Number(code), String(mime ?? "")) })
      }
      if (some.length < SOME) return
      last = Number(some.at(-1)![0])
    }
  }
  const statuses = queries.all(`SELECT s.ZCONTACTJID, count(*) FROM ${FROM} WHERE NOT ${IS_TAKEN} GROUP BY 1`)
  return {
    conversations,
    attachments,
    skipped: statuses.map(([address, count]) => ({
      conversation: String(address),
      reason: "statuses",
      count: Number(count)
    }))
  }
}

/** A message has one file, which is called by what it is: `image.jpg`. */
const fileName = (type: number, mime: string): string => {
  const [kind = "", rest = ""] = mime.split("/")
  const name = WITH_FILE.get(type) ?? OTHERS.get(kind) ?? ""
  const [subtype = ""] = /^[a-z0-9]{2,5}(?=$|[^a-z0-9_.+-])/i.exec(/^\w+$/.test(kind) ? rest : "") ?? []
  return subtype === "" ? name : `${name}.${subtype === "jpeg" ? "jpg" : subtype}`
}
