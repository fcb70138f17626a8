/** A store as it stands, by the same rows and the same mapping as its events. */
import type { SourceError, StoreItem } from "@sealog/core/backup/Source"
import type { Message } from "@sealog/core/message/Event"
import { Effect, Option, Stream } from "effect"
import { breathe } from "../Breath.ts"
import { foldReactions, wholeOf } from "./DatabaseRows.ts"
import { nextRow } from "./DatabaseScan.ts"
import type { LiveDatabase } from "./LiveDatabase.ts"
import { lastOf, pageOf } from "./Pages.ts"
import type { MessageRow, Reaction, ReactionRow, RowReader, StoreRow } from "./RowReader.ts"

/** Pages in one transaction. */
const PAGES = 8

export const dumpDatabase = (
  database: LiveDatabase,
  keys: ReadonlySet<string> | undefined
): Stream.Stream<ReadonlyArray<StoreItem>, SourceError> => {
  if (keys !== undefined) {
    return Stream.fromEffect(some(database, keys)).pipe(Stream.filter((items) => items.length > 0))
  }
  const begin = database.look((reader) => ({
    chats: reader.chats().map(({ conversation }): StoreItem => ({ _tag: "chat", conversation })),
    reactions: byKey(reader.reactions?.() ?? [])
  }))
  return Stream.unwrap(
    Effect.map(begin, ({ chats, reactions }) =>
      Stream.succeed<ReadonlyArray<StoreItem>>(chats).pipe(
        Stream.concat(Stream.paginateEffect(Number.MIN_SAFE_INTEGER, (from) =>
          Effect.zipRight(
            breathe,
            database.look((reader, queries) => {
              const first = nextRow(queries, reader, from)
              if (first === undefined) return [[], Option.none<number>()] as const
              const last = lastOf(pageOf(first) + PAGES - 1)
              return [
                itemsOf(reader.rows(first, last), (key) => reactions.get(key) ?? []),
                Option.some(last + 1)
              ] as const
            })
          ))),
        Stream.filter((items) => items.length > 0)
      ))
  )
}

const some = (database: LiveDatabase, keys: ReadonlySet<string>) =>
  database.look((reader) => {
    const rows = [...keys].flatMap((key) => {
      const row = reader.find(key)
      return row === undefined ? [] : reader.rows(row, row)
    })
    return itemsOf(rows, (key) => reactionsOf(reader, key))
  })

const reactionsOf = (reader: RowReader, key: string): ReadonlyArray<ReactionRow> => reader.reactions?.(key) ?? []

const byKey = (rows: ReadonlyArray<ReactionRow>): ReadonlyMap<string, ReadonlyArray<ReactionRow>> => {
  const found = new Map<string, Array<ReactionRow>>()
  for (const row of rows) {
    const same = found.get(row.key)
    if (same === undefined) found.set(row.key, [row])
    else same.push(row)
  }
  return found
}

const itemsOf = (
  rows: ReadonlyArray<StoreRow>,
  about: (key: string) => ReadonlyArray<ReactionRow>
): ReadonlyArray<StoreItem> =>
  rows.flatMap((row): ReadonlyArray<StoreItem> =>
    row._tag !== "message" || row.removed !== undefined
      ? []
      : [{ _tag: "message", conversation: row.conversation, message: withReactions(row, about) }]
  )

const withReactions = (row: MessageRow, about: (key: string) => ReadonlyArray<ReactionRow>): Message => {
  const { message } = wholeOf(row)
  const reactions: ReadonlyArray<Reaction> = row.reactions ?? foldReactions(about(message.key))
  if (reactions.length === 0) return message
  return { ...message, reactions: reactions.map(({ author, emoji }) => ({ author, emoji })) }
}
