/**
 * What the tables of Messages have, told by the columns that are there: the schema has grown with every macOS since
 * El Capitan, and what is not known here is kept as it is.
 */
import type { Queries } from "../database/RowReader.ts"

/** Columns that say how a message was sent, received and shown on this Mac: they change by themselves, and are not kept. */
const NOISE = [
  "account_guid",
  "cache_has_attachments",
  "cache_roomnames",
  "ck_chat_id",
  "ck_record_change_tag",
  "ck_record_id",
  "ck_sync_state",
  "country",
  "date_delivered",
  "date_played",
  "date_read",
  "date_recovered",
  "did_notify_recipient",
  "has_dd_results",
  "has_unseen_mention",
  "hasUnseenMention",
  "index_state",
  "is_delayed",
  "is_delivered",
  "is_empty",
  "is_finished",
  "is_played",
  "is_prepared",
  "is_read",
  "is_sent",
  "needs_relay",
  "part_count",
  "reply_to_guid",
  "sort_id",
  "sr_ck_record_change_tag",
  "sr_ck_record_id",
  "sr_ck_sync_state",
  "time_expressive_send_played",
  "type",
  "version",
  "was_data_detected",
  "was_deduplicated",
  "was_delivered_quietly"
] as const

/** Columns that go into fields of a message. */
const FIELDS = [
  "ROWID",
  "account",
  "associated_message_emoji",
  "associated_message_guid",
  "associated_message_type",
  "attributedBody",
  "balloon_bundle_id",
  "date",
  "date_edited",
  "date_retracted",
  "destination_caller_id",
  "group_action_type",
  "group_title",
  "guid",
  "handle_id",
  "is_audio_message",
  "is_from_me",
  "item_type",
  "message_summary_info",
  "other_handle",
  "payload_data",
  "service",
  "subject",
  "text",
  "thread_originator_guid",
  "thread_originator_part"
] as const

/** Columns with a number that mostly is 0, kept where it is not. */
const NUMBERS = [
  "associated_message_range_length",
  "associated_message_range_location",
  "error",
  "expire_state",
  "is_archive",
  "is_auto_reply",
  "is_corrupt",
  "is_critical",
  "is_emote",
  "is_expirable",
  "is_forward",
  "is_kt_verified",
  "is_pending_satellite_send",
  "is_service_message",
  "is_sos",
  "is_spam",
  "is_stewie",
  "is_system_message",
  "is_time_sensitive",
  "message_action_type",
  "message_source",
  "replace",
  "schedule_state",
  "schedule_type",
  "sent_or_received_off_grid",
  "share_direction",
  "share_status",
  "was_detonated",
  "was_downgraded"
] as const

/** Columns with a text that mostly is not there. */
const TEXTS = [
  "bia_reference_id",
  "expressive_send_style_id",
  "fallback_hash",
  "service_center",
  "synced_syndication_ranges",
  "syndication_ranges"
] as const

export interface Schema {
  /** A column of messages as SQL: of the row `m`, or NULL where there is no such column. */
  readonly column: (name: string) => string
  readonly numbers: ReadonlyArray<string>
  readonly texts: ReadonlyArray<string>
  /** Columns that a newer macOS has and this program does not know. */
  readonly unknown: ReadonlyArray<string>
  readonly hasRecoverable: boolean
  readonly hasRecoverableParts: boolean
  /** Tables of the guids of messages that are gone. */
  readonly tombstones: ReadonlyArray<string>
  readonly chat: ReadonlySet<string>
  readonly handle: ReadonlySet<string>
  readonly attachment: ReadonlySet<string>
}

/** `undefined`: this is no database of Messages. */
export const readSchema = (queries: Queries): Schema | undefined => {
  const message = queries.columns("message")
  const needed = ["ROWID", "guid", "text", "handle_id", "service", "date", "is_from_me"]
  const joined = ["chat_message_join", "message_attachment_join", "chat_handle_join"]
  const [chat, handle, attachment] = ["chat", "handle", "attachment"].map(queries.columns) as [
    ReadonlySet<string>,
    ReadonlySet<string>,
    ReadonlySet<string>
  ]
  const isOne = needed.every((name) => message.has(name)) && joined.every((table) => queries.columns(table).size > 0)
    && [chat, handle, attachment].every((columns) => columns.size > 0)
  // Texts are taken as bytes here and there, and those are UTF-8 in every database that Apple makes.
  if (!isOne || queries.get("PRAGMA encoding")?.[0] !== "UTF-8") return undefined
  const known = new Set<string>([...NOISE, ...FIELDS, ...NUMBERS, ...TEXTS])
  return {
    column: (name) => message.has(name) ? `m."${name}"` : "NULL",
    numbers: NUMBERS.filter((name) => message.has(name)),
    texts: TEXTS.filter((name) => message.has(name)),
    unknown: [...message].filter((name) => !known.has(name)),
    hasRecoverable: queries.columns("chat_recoverable_message_join").has("delete_date"),
    hasRecoverableParts: queries.columns("recoverable_message_part").has("part_index"),
    tombstones: ["deleted_messages", "sync_deleted_messages"].filter((table) => queries.columns(table).has("guid")),
    chat,
    handle,
    attachment
  }
}
