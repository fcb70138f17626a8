/**
 * What one kind of database store brings: how its rows are read. Everything here is synchronous and called within one
 * short read transaction; what is made of the rows (events, pages, comparisons) is the frame's, `DatabaseSource`.
 *
 * A store has one table whose rows are its messages, each with a number of its own that is never given to another row.
 */
import type { Counted } from "@sealog/core/backup/Ledger"
import type { Attachment, Message, RemovalScope } from "@sealog/core/message/Event"

/**
 * A value of SQLite as the library gives it. Integers beyond 2^53 fail: they are read as text or in parts. Texts end at
 * their first zero: where that may matter they are read as blobs.
 */
export type Cell = null | number | string | Uint8Array

/** What a reader asks its database. Statements are prepared once. */
export interface Queries {
  /** Every row of the result, as a list of its values. */
  readonly all: (sql: string, ...values: ReadonlyArray<Cell>) => ReadonlyArray<ReadonlyArray<Cell>>
  /** The first row of the result. */
  readonly get: (sql: string, ...values: ReadonlyArray<Cell>) => ReadonlyArray<Cell> | undefined
  /** The names of a table's columns; none where there is no such table. */
  readonly columns: (table: string) => ReadonlySet<string>
}

export interface Removal {
  readonly scope: typeof RemovalScope.Type
  readonly by?: string
  readonly when?: number
}

export interface Reaction {
  readonly part?: string
  readonly author: string
  readonly emoji: string
  readonly when?: number
}

/** A file that the store keeps beside the database. */
export interface StoreFile {
  /** The id of the attachment in the message. */
  readonly attachment: Attachment["id"]
  /** Absolute; absent where the store does not say. */
  readonly path?: string
  readonly size?: number
}

export interface MessageRow {
  readonly _tag: "message"
  readonly row: number
  readonly conversation: string
  /** As the store has it, without reactions; the frame adds `row` to its `extra`. */
  readonly message: Message
  /** All there are now, in a store that keeps them with the message. */
  readonly reactions?: ReadonlyArray<Reaction>
  /** Where the message is removed, and its row still there. */
  readonly removed?: Removal
  readonly files?: ReadonlyArray<StoreFile>
  /** What of it could not be understood, if anything; the rest is told. */
  readonly gap?: string
}

/** A row that says what somebody's reaction to a message is now: the last one of an author about a part holds. */
export interface ReactionRow extends Reaction {
  readonly _tag: "reaction"
  readonly row: number
  readonly conversation: string
  /** The message it is about. */
  readonly key: string
  readonly removed: boolean
}

/** A row of which nothing can be told. */
export interface GapRow {
  readonly _tag: "gap"
  readonly row: number
  readonly reason: string
}

export type StoreRow = MessageRow | ReactionRow | GapRow

export interface StoreChat {
  readonly conversation: string
  readonly title?: string
  readonly type?: string
  readonly members?: ReadonlyArray<string>
  readonly extra?: { readonly [name: string]: string | number | boolean | null }
}

export interface StoreParticipant {
  readonly participant: string
  readonly name?: string
  readonly addresses?: ReadonlyArray<string>
  readonly extra?: { readonly [name: string]: string | number | boolean | null }
}

export interface RowReader {
  /** The table of messages and the column of its row numbers. */
  readonly table: string
  readonly column: string
  /**
   * `SELECT number, mark FROM … WHERE number BETWEEN ? AND ?`: a mark is a text made of everything that a row's
   * message depends on, and of nothing that only churns; no control characters, so texts are lengths or `hex` in it.
   * A row may have several marks, one a joined row.
   */
  readonly marks: string
  /** The rows with these numbers, both included, in order. */
  readonly rows: (from: number, to: number) => ReadonlyArray<StoreRow>
  /** The number of the message's row. */
  readonly find: (key: string) => number | undefined
  /** What reaction rows say of one message, or of all, in the order of the rows. */
  readonly reactions?: (key?: string) => ReadonlyArray<ReactionRow>
  /** How a message went that has no row any more, where the store tells. */
  readonly removalOf?: (key: string) => Removal | undefined
  readonly chats: () => ReadonlyArray<StoreChat>
  readonly participants: () => ReadonlyArray<StoreParticipant>
  /** Counted by queries of its own, which know nothing of how `rows` are made: what those miss shows here. */
  readonly census: () => Census
}

/** An attachment as a store names it by itself. */
export interface NamedAttachment {
  readonly conversation: string
  /** The message's. */
  readonly key: string
  readonly attachment: string
}

/** What a store counts of itself. */
export interface Census {
  /** Messages that are there and not removed, by conversation. */
  readonly conversations: ReadonlyMap<string, number>
  /** Names each attachment of these messages: there may be a million, so never all at once. */
  readonly attachments: (each: (named: NamedAttachment) => void) => void
  /** Rows that are left out on purpose, or cannot be told: one entry for each reason in each conversation. */
  readonly skipped: ReadonlyArray<Counted & { readonly conversation: string }>
}

/** Makes the reader for a database's schema; `undefined`: this is no store of that kind. */
export type OpenReader = (queries: Queries) => RowReader | undefined
