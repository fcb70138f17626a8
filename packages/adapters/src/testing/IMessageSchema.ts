/**
 * The tables of Messages as each macOS has them: names and types of columns, the triggers that keep the tables in step
 * as far as they matter to a reader, and the indices that it can count on.
 */

/** The versions of macOS with a schema of their own, oldest first. */
export const MACOS = [
  "el-capitan",
  "high-sierra",
  "catalina",
  "big-sur",
  "monterey",
  "ventura",
  "sonoma",
  "sequoia"
] as const
export type MacOs = (typeof MACOS)[number]

type Columns = Partial<Record<MacOs, string>>

/** `name` is an integer that is 0 where nothing is said, `name?` one that may be absent, `name$` a text, `name#` a blob. */
const message: Columns = {
  "el-capitan":
    "text$ replace service_center$ handle_id subject$ country$ attributedBody# version type service$ account$"
    + " account_guid$ error date? date_read? date_delivered? is_delivered is_finished is_emote is_from_me is_empty is_delayed"
    + " is_auto_reply is_prepared is_read is_system_message is_sent has_dd_results is_service_message is_forward"
    + " was_downgraded is_archive cache_has_attachments cache_roomnames$ was_data_detected was_deduplicated"
    + " is_audio_message is_played date_played? item_type other_handle group_title$ group_action_type share_status"
    + " share_direction is_expirable expire_state message_action_type message_source",
  "high-sierra": "associated_message_guid$ associated_message_type balloon_bundle_id$ payload_data#"
    + " expressive_send_style_id$ associated_message_range_location associated_message_range_length"
    + " time_expressive_send_played? message_summary_info# ck_sync_state ck_record_id$ ck_record_change_tag$"
    + " destination_caller_id$ sr_ck_sync_state sr_ck_record_id$ sr_ck_record_change_tag$",
  catalina: "is_corrupt reply_to_guid$ sort_id? is_spam",
  "big-sur": "has_unseen_mention thread_originator_guid$ thread_originator_part$",
  monterey: "syndication_ranges$ synced_syndication_ranges$ was_delivered_quietly did_notify_recipient",
  ventura: "date_retracted date_edited was_detonated part_count?",
  sonoma: "is_stewie is_kt_verified is_sos is_critical bia_reference_id$ fallback_hash$",
  sequoia: "associated_message_emoji$ is_pending_satellite_send needs_relay schedule_type schedule_state"
    + " sent_or_received_off_grid"
}

const chat: Columns = {
  "el-capitan":
    "style? state? account_id$ properties# chat_identifier$ service_name$ room_name$ account_login$ is_archived"
    + " last_addressed_handle$ display_name$ group_id$ is_filtered successful_query?",
  "high-sierra": "engram_id$ server_change_token$ ck_sync_state original_group_id$ last_read_message_timestamp"
    + " sr_server_change_token$ sr_ck_sync_state cloudkit_record_id$ sr_cloudkit_record_id$",
  catalina: "last_addressed_sim_id$ is_blackholed",
  ventura: "syndication_date syndication_type",
  sonoma: "is_recovered is_deleting_incoming_messages"
}

const handle: Columns = {
  "el-capitan": "country$ uncanonicalized_id$",
  catalina: "person_centric_id$"
}

const attachment: Columns = {
  "el-capitan": "created_date start_date filename$ uti$ mime_type$ transfer_state is_outgoing user_info# transfer_name$"
    + " total_bytes",
  "high-sierra": "is_sticker sticker_user_info# attribution_info# hide_attachment ck_sync_state"
    + " ck_server_change_token_blob# ck_record_id$ original_guid$ sr_ck_sync_state sr_ck_server_change_token_blob#"
    + " sr_ck_record_id$",
  ventura: "is_commsafety_sensitive",
  sequoia: "emoji_image_content_identifier$ emoji_image_short_description$"
}

const TYPES: Readonly<Record<string, string>> = { $: "TEXT", "#": "BLOB", "?": "INTEGER" }

const columnsOf = (columns: Columns, macos: MacOs): ReadonlyArray<string> =>
  MACOS.slice(0, MACOS.indexOf(macos) + 1).flatMap((version) => columns[version]?.split(" ") ?? [])
    .map((column) => {
      const type = TYPES[column.at(-1)!]
      return type === undefined ? `${column} INTEGER DEFAULT 0` : `${column.slice(0, -1)} ${type}`
    })

/** Whether a macOS has what came with another one. */
export const has = (macos: MacOs, since: MacOs): boolean => MACOS.indexOf(macos) >= MACOS.indexOf(since)

const KEY = "ROWID INTEGER PRIMARY KEY AUTOINCREMENT"

const join = (name: string, [left, right]: readonly [string, string], more = ""): string =>
  `CREATE TABLE ${name} (${left}_id INTEGER REFERENCES ${left} (ROWID) ON DELETE CASCADE, ${right}_id INTEGER`
  + ` REFERENCES ${right} (ROWID) ON DELETE CASCADE${more})`

export const tablesOf = (macos: MacOs): string =>
  [
    `CREATE TABLE message (${[KEY, "guid TEXT UNIQUE NOT NULL", ...columnsOf(message, macos)].join(", ")})`,
    `CREATE TABLE chat (${[KEY, "guid TEXT UNIQUE NOT NULL", ...columnsOf(chat, macos)].join(", ")})`,
    `CREATE TABLE handle (${
      [KEY, "id TEXT NOT NULL", "service TEXT NOT NULL", ...columnsOf(handle, macos), "UNIQUE (id, service)"].join(", ")
    })`,
    `CREATE TABLE attachment (${[KEY, "guid TEXT UNIQUE NOT NULL", ...columnsOf(attachment, macos)].join(", ")})`,
    join(
      "chat_message_join",
      ["chat", "message"],
      ", message_date INTEGER DEFAULT 0, PRIMARY KEY (chat_id, message_id)"
    ),
    join("chat_handle_join", ["chat", "handle"], ", UNIQUE (chat_id, handle_id)"),
    join("message_attachment_join", ["message", "attachment"], ", UNIQUE (message_id, attachment_id)"),
    `CREATE TABLE deleted_messages (${KEY} UNIQUE, guid TEXT NOT NULL)`,
    ...(has(macos, "ventura")
      ? [
        join(
          "chat_recoverable_message_join",
          ["chat", "message"],
          ", delete_date INTEGER, ck_sync_state INTEGER DEFAULT 0, PRIMARY KEY (chat_id, message_id), CHECK (delete_date != 0)"
        ),
        join(
          "recoverable_message_part",
          ["chat", "message"],
          ", part_index INTEGER, delete_date INTEGER, part_text BLOB NOT NULL, ck_sync_state INTEGER DEFAULT 0,"
            + " PRIMARY KEY (chat_id, message_id, part_index), CHECK (delete_date != 0)"
        )
      ]
      : [])
  ].join(";\n")

/** A message that is in no chat any more, and cannot be got back, is removed, and leaves its guid behind. */
const removeUnless = (macos: MacOs): string =>
  "DELETE FROM message WHERE ROWID = OLD.message_id AND NOT EXISTS"
  + " (SELECT 1 FROM chat_message_join j WHERE j.message_id = OLD.message_id)"
  + (has(macos, "ventura")
    ? " AND NOT EXISTS (SELECT 1 FROM chat_recoverable_message_join j WHERE j.message_id = OLD.message_id)"
    : "")

export const triggersOf = (macos: MacOs): string =>
  [
    "CREATE TRIGGER after_insert_on_message_attachment_join AFTER INSERT ON message_attachment_join BEGIN"
    + " UPDATE message SET cache_has_attachments = 1 WHERE ROWID = NEW.message_id; END",
    "CREATE TRIGGER add_to_deleted_messages AFTER DELETE ON message BEGIN"
    + " INSERT INTO deleted_messages (guid) VALUES (OLD.guid); END",
    "CREATE TRIGGER after_delete_on_chat_message_join AFTER DELETE ON chat_message_join BEGIN"
    + ` ${removeUnless(macos)}; END`,
    ...(has(macos, "ventura")
      ? [
        "CREATE TRIGGER after_delete_on_chat_recoverable_message_join AFTER DELETE ON chat_recoverable_message_join BEGIN"
        + ` ${removeUnless(macos)}; END`
      ]
      : [])
  ].join(";\n")

const INDICES: ReadonlyArray<readonly [table: string, columns: string, since?: MacOs]> = [
  ["message", "date"],
  ["message", "handle_id, date"],
  ["message", "handle_id"],
  ["message", "is_sent, is_from_me, error"],
  ["message", "is_read, is_from_me, is_finished"],
  ["message", "is_read, is_from_me, item_type"],
  ["message", "is_finished, is_from_me, error"],
  ["message", "was_downgraded"],
  ["message", "other_handle"],
  ["message", "expire_state"],
  ["message", "cache_has_attachments"],
  ["message", "associated_message_guid", "high-sierra"],
  ["message", "thread_originator_guid", "big-sur"],
  ["message", "schedule_state", "sequoia"],
  ["chat", "chat_identifier, service_name"],
  ["chat", "room_name, service_name"],
  ["chat", "group_id"],
  ["chat_message_join", "message_id"],
  ["chat_message_join", "chat_id"],
  ["chat_message_join", "chat_id, message_date, message_id"],
  ["chat_handle_join", "handle_id"],
  ["message_attachment_join", "message_id"],
  ["message_attachment_join", "attachment_id"],
  ["chat_recoverable_message_join", "message_id", "ventura"]
]

export const indicesOf = (macos: MacOs): string =>
  INDICES.flatMap(([table, columns, since], number) =>
    since !== undefined && !has(macos, since) ? [] : [`CREATE INDEX ${table}_idx_${number} ON ${table} (${columns})`]
  ).join(";\n")
