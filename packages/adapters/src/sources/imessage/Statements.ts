/**
 * The questions asked of Messages' tables. Of most messages a few columns say everything: the rest is asked for only
 * where a number made of it says that there is something.
 */
import { timeColumns } from "./Dates.ts"
import type { Schema } from "./Schema.ts"

/** The summary of a message that was never edited says how it is shown, in as many bytes at most. */
const SUMMARY_BYTES = 96

/** The same rows as a list of lists in JSON, which is taken out of SQLite at once, and one by one. */
export interface Rows {
  readonly json: string
  readonly plain: string
}

export interface Statements {
  /** What a page of rows looks like. */
  readonly marks: string
  /**
   * Rows of a range: number, guid, text and its bytes, bytes of the body, time, sender, service, addresses, chat, and
   * whether there are more fields, facts and deleted parts.
   */
  readonly rows: Rows
  /** The bodies of a range, one behind the other: a blob for each would cost more than everything else. */
  readonly bodies: string
  /** The fields of rows that have more of them, by a list of their numbers in JSON. */
  readonly fields: string
  readonly facts: string
  readonly deletedParts: string
  /** Since when, and from which chat, a message can be got back. */
  readonly recoverable: string
  /** The attachments of the messages of a range. */
  readonly attachments: string
}

const asJson = (columns: string, from: string): Rows => ({
  json: `SELECT CAST(json_group_array(json_array(${columns})) AS BLOB) ${from}`,
  plain: `SELECT ${columns} ${from}`
})

const RANGE = "m.ROWID BETWEEN ? AND ?"

export const makeStatements = (schema: Schema): Statements => {
  const { column, hasRecoverable, hasRecoverableParts } = schema
  const inChat = `FROM message m LEFT JOIN chat_message_join j ON j.message_id = m.ROWID WHERE ${RANGE}`
  return {
    marks: `SELECT m.ROWID AS number, ${markOf(schema)} AS mark ${inChat}`,
    rows: asJson(
      `m.ROWID, m.guid, m.text, octet_length(m.text), octet_length(${column("attributedBody")}),`
        + ` ${timeColumns("m.date")}, m.handle_id, m.is_from_me, m.service, ${column("account")},`
        + ` ${column("destination_caller_id")}, j.chat_id, ${fieldsIn(schema)} <> 0, ${factsIn(schema)} <> 0,`
        + ` ${partsIn(schema)} <> 0`,
      inChat
    ),
    bodies: `SELECT CAST(group_concat(${column("attributedBody")}, '') AS BLOB) FROM message m WHERE ${RANGE}`,
    fields: `SELECT m.ROWID, ${FIELDS.map(column).join(", ")}, ${summaryOf(schema)},`
      + ` ${timeColumns(column("date_edited"))}, ${timeColumns(column("date_retracted"))}`
      + " FROM message m WHERE m.ROWID IN (SELECT value FROM json_each(?))",
    facts: `SELECT ${factsOf(schema).join(", ")} FROM message m WHERE m.ROWID = ?`,
    deletedParts: hasRecoverableParts
      ? "SELECT part_index, delete_date / 1000000 FROM recoverable_message_part WHERE message_id = ? ORDER BY part_index"
      : NOTHING,
    recoverable: hasRecoverable
      ? `SELECT chat_id, ${timeColumns("delete_date")} FROM chat_recoverable_message_join WHERE message_id = ?`
        + " ORDER BY delete_date DESC LIMIT 1"
      : NOTHING,
    attachments: "SELECT x.message_id, a.guid, a.filename, a.mime_type, a.transfer_name, a.total_bytes, a.uti,"
      + ` ${schema.attachment.has("is_sticker") ? "a.is_sticker" : "0"} FROM message_attachment_join x`
      + " JOIN attachment a ON a.ROWID = x.attachment_id WHERE x.message_id BETWEEN ? AND ?"
      + " ORDER BY x.message_id, a.ROWID"
  }
}

const NOTHING = "SELECT NULL WHERE ? IS NULL AND 0"

/** The columns of `fields` behind the number, in order; then the summary, and when it was edited and taken back. */
export const FIELDS = [
  "subject",
  "item_type",
  "group_action_type",
  "other_handle",
  "group_title",
  "associated_message_type",
  "associated_message_guid",
  "associated_message_emoji",
  "thread_originator_guid",
  "thread_originator_part",
  "balloon_bundle_id",
  "payload_data",
  "is_audio_message"
] as const

const factsOf = ({ column, numbers, texts, unknown }: Schema): ReadonlyArray<string> => {
  const known = [...numbers, ...texts].map(column)
  const others = unknown.map(column).flatMap((name) => [
    `typeof(${name})`,
    `CASE typeof(${name}) WHEN 'integer' THEN CAST(${name} AS TEXT) ELSE ${name} END`
  ])
  return known.length + others.length === 0 ? ["NULL"] : [...known, ...others]
}

const summaryOf = (schema: Schema): string =>
  `CASE WHEN ${summaryBytes(schema)} > 0 THEN ${schema.column("message_summary_info")} END`

/** How long the summary is, where it says more than how the message is shown. */
const summaryBytes = ({ column }: Schema): string =>
  `CASE WHEN ${column("date_edited")} <> 0 OR ${column("date_retracted")} <> 0`
  + ` OR octet_length(${column("message_summary_info")}) > ${SUMMARY_BYTES}`
  + ` THEN octet_length(${column("message_summary_info")}) ELSE 0 END`

/** A sum that is quick where nothing in it is absent, as mostly; else one that takes absent for 0. */
const sumOf = (columns: ReadonlyArray<string>): string =>
  columns.length === 0
    ? "0"
    : `coalesce(${columns.join(" + ")}, ${columns.map((name) => `coalesce(${name}, 0)`).join(" + ")})`

/** How long texts are together that mostly are absent. */
const lengthOf = (columns: ReadonlyArray<string>): string => {
  const there = columns.filter((column) => column !== "NULL")
  return there.length === 0 ? "0" : `octet_length(concat(${there.join(", ")}))`
}

const present = (columns: ReadonlyArray<string>): ReadonlyArray<string> => columns.filter((name) => name !== "NULL")

/** Not 0 where a row has more to say than its text: another number where it says something else, mostly. */
const fieldsIn = (schema: Schema): string => {
  const { column } = schema
  const numbers = [
    "item_type",
    "associated_message_type",
    "is_audio_message",
    "cache_has_attachments",
    "date_edited",
    "date_retracted"
  ].map(column)
  const texts = ["subject", "thread_originator_guid", "balloon_bundle_id", "group_title"].map(column)
  const payload = column("payload_data")
  return `(${sumOf(present(numbers))} + ${lengthOf(texts)} + coalesce(octet_length(${payload}), 0)`
    + ` + ${summaryBytes(schema)})`
}

const factsIn = ({ column, numbers, texts, unknown }: Schema): string =>
  `(${sumOf(numbers.map(column))} + ${lengthOf(texts.map(column))}${
    unknown.map((name) => ` + (coalesce(${column(name)}, 0) NOT IN (0, ''))`).join("")
  })`

const partsIn = ({ hasRecoverableParts }: Schema): string =>
  hasRecoverableParts ? "(SELECT count(*) FROM recoverable_message_part r WHERE r.message_id = m.ROWID)" : "0"

/** Facts that a message does not have from its beginning on. */
const CHANGING = new Set([
  "error",
  "expire_state",
  "is_archive",
  "is_corrupt",
  "is_pending_satellite_send",
  "is_spam",
  "schedule_state",
  "schedule_type",
  "share_status",
  "was_detonated",
  "was_downgraded"
])

/**
 * Only what may change once a row is there, and little of it as text: a million rows are looked at. Numbers that mostly
 * are small become one, with a weight for each.
 */
const markOf = (schema: Schema): string => {
  const { column, hasRecoverable, numbers, unknown } = schema
  const bytes = (name: string) => `coalesce(octet_length(${column(name)}), 0)`
  const changing = numbers.filter((name) => CHANGING.has(name)).map(column)
  const times = present([column("date_edited"), column("date_retracted")])
  const fields = [
    "m.date",
    hasRecoverable
      ? "coalesce(j.chat_id, (SELECT -max(chat_id) FROM chat_recoverable_message_join r WHERE r.message_id = m.ROWID))"
      : "j.chat_id",
    `1000003 * ${bytes("text")} + 7919 * ${bytes("attributedBody")} + 31 * coalesce(m.handle_id, 0)`
    + ` + 104729 * ${bytes("payload_data")} + 17 * ${bytes("balloon_bundle_id")} + 613 * (${summaryBytes(schema)})`
    + ` + 257 * ${sumOf(changing)} + (typeof(m.guid) = 'text')`,
    sumOf(times),
    ...unknown.map((name) => `hex(${column(name)})`),
    `CASE WHEN ${column("cache_has_attachments")} THEN (SELECT group_concat(concat(a.ROWID, ':', a.transfer_state, ':',`
    + " a.total_bytes, ':', octet_length(a.filename))) FROM message_attachment_join x JOIN attachment a"
    + " ON a.ROWID = x.attachment_id WHERE x.message_id = m.ROWID) END"
  ]
  return `concat(${fields.join(", '.', ")})`
}
