/** What a store counts of itself, by queries that know nothing of how its rows are read. */
import type { Census, Queries } from "../database/RowReader.ts"

/** Statuses are seen for a day, and are no conversation: each is in one of its own, `…@status`, `…@lid.status`. */
export const IS_TAKEN = "ifnull(substr(s.ZCONTACTJID, -6) <> 'status' AND s.ZCONTACTJID <> 'status@broadcast', 1)"

const FROM = "ZWAMESSAGE m LEFT JOIN ZWACHATSESSION s ON s.Z_PK = m.ZCHATSESSION"

/** Types that are known to come with a file, … */
const WITH_FILE = "1, 2, 3, 8, 11, 15, 20, 24, 38, 39, 43, 53, 54"
/** … and to come without; what others come with, the type of the file says. */
const WITHOUT_FILE = "0, 4, 5, 6, 7, 10, 14"
const FILES = ["image", "video", "audio", "application", "text"].map((type) =>
  `i.ZVCARDSTRING GLOB '${type}/[A-Za-z0-9]*'`
)

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
  const attachments = queries.get(
    `SELECT count(*) FROM ${FROM}${items} WHERE ${isThere} AND (${type} IN (${WITH_FILE})${others})`
  )
  const statuses = Number(queries.get(`SELECT count(*) FROM ${FROM} WHERE NOT ${IS_TAKEN}`)?.[0] ?? 0)
  return {
    conversations,
    attachments: Number(attachments?.[0] ?? 0),
    skipped: statuses === 0 ? [] : [{ reason: "statuses", count: statuses }]
  }
}
