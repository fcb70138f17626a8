/** What Messages' database counts of itself, by queries that know nothing of how its rows are read. */
import type { Census, Queries } from "../database/RowReader.ts"
import type { Schema } from "./Schema.ts"

/** Codes of tapbacks behind the thousands, and the one of which there is an emoji. */
const TAPBACKS = "0, 1, 2, 3, 4, 5"
const CUSTOM = 6

export const censusOf = (queries: Queries, schema: Schema): Census => {
  const { column, hasRecoverable } = schema
  const [type, about] = [column("associated_message_type"), column("associated_message_guid")]
  const isTapback =
    `(ifnull(${type}, 0) BETWEEN 2000 AND 3999 AND ${about} IS NOT NULL AND (${type} % 1000 IN (${TAPBACKS})`
    + ` OR (${type} % 1000 = ${CUSTOM} AND typeof(${column("associated_message_emoji")}) = 'text')))`
  const chat = "(SELECT min(j.chat_id) FROM chat_message_join j JOIN chat c ON c.ROWID = j.chat_id"
    + " WHERE j.message_id = m.ROWID)"
  const isDeleted = hasRecoverable
    ? `(${chat} IS NULL AND m.ROWID IN (SELECT message_id FROM chat_recoverable_message_join))`
    : "0"
  const there = `typeof(m.guid) = 'text' AND NOT ${isTapback} AND NOT ${isDeleted}`
  const conversations = new Map<string, number>()
  const counts = queries.all(
    `SELECT ifnull((SELECT guid FROM chat WHERE ROWID = chat), ''), sum(messages) FROM`
      + ` (SELECT ${chat} AS chat, count(*) AS messages FROM message m WHERE ${there} GROUP BY 1) GROUP BY 1`
  )
  for (const [guid, count] of counts) conversations.set(String(guid), Number(count))
  const named = `SELECT x.ROWID, m.guid, a.guid, (SELECT guid FROM chat WHERE ROWID = ${chat})`
    + " FROM message_attachment_join x JOIN message m ON m.ROWID = x.message_id"
    + ` JOIN attachment a ON a.ROWID = x.attachment_id WHERE x.ROWID > ? AND ${there} ORDER BY x.ROWID LIMIT ${SOME}`
  const attachments: Census["attachments"] = (each) => {
    for (let last = Number.MIN_SAFE_INTEGER;;) {
      const some = queries.all(named, last)
      for (const [, key, attachment, guid] of some) {
        each({ conversation: String(guid ?? ""), key: String(key), attachment: String(attachment) })
      }
      if (some.length < SOME) return
      last = Number(some.at(-1)![0])
    }
  }
  const nameless = queries.all(
    `SELECT ifnull((SELECT guid FROM chat WHERE ROWID = ${chat}), ''), count(*) FROM message m`
      + " WHERE typeof(m.guid) <> 'text' GROUP BY 1"
  )
  const skipped = nameless.map(([guid, count]) => ({
    conversation: String(guid),
    reason: "their guid is no text",
    count: Number(count)
  }))
  return { conversations, attachments, skipped }
}

/** Attachments that are asked for at once. */
const SOME = 4_096
