/**
 * The questions asked of Messages' tables. Of most messages a few columns say everything: the rest is asked for only
 * where a number made of it says that there is something.
 */
import { timeColumns } from "./Dates.ts"
import type { Schema } from "./Schema.ts"

/** The summary of a message that was never edited says how it is shown, in as many bytes at most. */
const SUMMARY_BYTES = 96

export interface Statements {
  /** What a page of rows looks like. */
  readonly marks: string
  /** Rows of a range: number, guid, text and its bytes, body, time, sender, service, addresses, chat, rest. */
  readonly rows: string
  /** Everything else of one row. */
  readonly rest: string
  /** The attachments of the messages of a range. */
  readonly attachments: string
}

export const makeStatements = (schema: Schema): Statements => {
  const { column } = schema
  const inChat = "FROM message m LEFT JOIN chat_message_join j ON j.message_id = m.ROWID WHERE m.ROWID BETWEEN ? AND ?"
  return {
    marks: `SELECT m.ROWID AS number, ${markOf(schema)} AS mark ${inChat}`,
    rows: `SELECT m.ROWID, m.guid, m.text, octet_length(m.text), ${column("attributedBody")},`
      + ` ${timeColumns("m.date")}, m.handle_id, m.is_from_me, m.service, ${column("account")},`
      + ` ${column("destination_caller_id")}, j.chat_id, ${restOf(schema)} <> 0 ${inChat} ORDER BY m.ROWID, j.chat_id`,
    rest: `SELECT ${restColumns(schema).join(", ")} FROM message m WHERE m.ROWID = ?`,
    attachments: "SELECT x.message_id, a.guid, a.filename, a.mime_type, a.transfer_name, a.total_bytes, a.uti,"
      + ` ${schema.attachment.has("is_sticker") ? "a.is_sticker" : "0"} FROM message_attachment_join x`
      + " JOIN attachment a ON a.ROWID = x.attachment_id WHERE x.message_id BETWEEN ? AND ?"
      + " ORDER BY x.message_id, a.ROWID"
  }
}

/** Names of the columns of `rest`, in order, before those that a schema has or has not. */
export const REST = [
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
  "is_audio_message",
  "cache_has_attachments"
] as const

const restColumns = (schema: Schema): ReadonlyArray<string> => {
  const { column, hasRecoverable, hasRecoverableParts, numbers, texts, unknown } = schema
  return [
    ...REST.map(column),
    summaryOf(schema),
    timeColumns(column("date_edited")),
    timeColumns(column("date_retracted")),
    ...(hasRecoverable
      ? ["chat_id", ...timeColumns("delete_date").split(", ")].map((one) =>
        `(SELECT ${one} FROM chat_recoverable_message_join WHERE message_id = m.ROWID ORDER BY delete_date DESC LIMIT 1)`
      )
      : ["NULL", "NULL", "NULL"]),
    hasRecoverableParts
      ? "(SELECT group_concat(part_index || ':' || (delete_date / 1000000)) FROM recoverable_message_part"
        + " WHERE message_id = m.ROWID)"
      : "NULL",
    ...[...numbers, ...texts].map(column),
    ...unknown.flatMap((name) => [
      `typeof(${column(name)})`,
      `CASE typeof(${column(name)}) WHEN 'integer' THEN CAST(${column(name)} AS TEXT) ELSE ${column(name)} END`
    ])
  ]
}

const summaryOf = ({ column }: Schema): string =>
  `CASE WHEN ${column("date_edited")} <> 0 OR ${column("date_retracted")} <> 0`
  + ` OR octet_length(${column("message_summary_info")}) > ${SUMMARY_BYTES} THEN ${column("message_summary_info")} END`

/** Not 0 where a row has more to say than `rows` asks for; another number where it says something else, mostly. */
const restOf = (schema: Schema): string => {
  const { column, hasRecoverable, hasRecoverableParts, numbers, texts, unknown } = schema
  const lengthOf = (name: string) => `coalesce(octet_length(${column(name)}), 0)`
  return `(${
    [
      ...["item_type", "associated_message_type", "is_audio_message", ...numbers].map((name, n) =>
        `${2 * n + 3} * coalesce(${column(name)}, 0)`
      ),
      // A message that was edited at all has a time at which it was.
      `abs(coalesce(${column("date_edited")}, 0)) + abs(coalesce(${column("date_retracted")}, 0))`,
      `97 * coalesce(${column("cache_has_attachments")}, 0)`,
      ...["subject", "thread_originator_guid", "balloon_bundle_id", "payload_data", "group_title", ...texts].map(
        lengthOf
      ),
      `(${lengthOf("message_summary_info")} > ${SUMMARY_BYTES}) * ${lengthOf("message_summary_info")}`,
      ...unknown.map((name) => `(coalesce(${column(name)}, 0) NOT IN (0, ''))`),
      ...(hasRecoverable
        ? ["101 * EXISTS (SELECT 1 FROM chat_recoverable_message_join r WHERE r.message_id = m.ROWID)"]
        : []),
      ...(hasRecoverableParts
        ? ["103 * (SELECT count(*) FROM recoverable_message_part r WHERE r.message_id = m.ROWID)"]
        : [])
    ].join(" + ")
  })`
}

const markOf = (schema: Schema): string => {
  const { column, unknown } = schema
  const fields = [
    "typeof(m.guid)",
    "octet_length(m.text)",
    `octet_length(${column("attributedBody")})`,
    "m.date",
    "m.handle_id",
    "m.is_from_me",
    "m.service",
    `octet_length(${column("account")})`,
    `octet_length(${column("destination_caller_id")})`,
    "j.chat_id",
    restOf(schema),
    ...unknown.map((name) => `hex(${column(name)})`),
    `CASE WHEN ${column("cache_has_attachments")} THEN (SELECT group_concat(concat(a.ROWID, ':', a.transfer_state, ':',`
    + " a.total_bytes, ':', octet_length(a.filename))) FROM message_attachment_join x JOIN attachment a"
    + " ON a.ROWID = x.attachment_id WHERE x.message_id = m.ROWID) END"
  ]
  return `concat(${fields.join(", '.', ")})`
}
