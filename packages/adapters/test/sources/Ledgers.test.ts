/** Ledgers that are lied to: whatever a log or a table leaves out of a store's attachments, its conversation is named. */
import { assert, describe, it } from "@effect/vitest"
import type { DatabaseSyncInstance } from "@photostructure/sqlite"
import { openIMessage } from "@sealog/adapters/sources/IMessage"
import { openWhatsApp } from "@sealog/adapters/sources/whatsapp/WhatsApp"
import { generateIMessage } from "@sealog/adapters/testing/IMessageGenerator"
import { STORE } from "@sealog/adapters/testing/WhatsAppApp"
import { generateWhatsApp } from "@sealog/adapters/testing/WhatsAppGenerator"
import { mismatches } from "@sealog/core/backup/Ledger"
import type { SourceShape, SourceState } from "@sealog/core/backup/Source"
import type { Event } from "@sealog/core/message/Event"
import { makeRecorder, pass, type Recorder, replayed } from "@sealog/core/testing/SourceRecorder"
import { Effect } from "effect"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { temporaryFolder } from "./MaildirDriver.ts"

interface World {
  readonly recorder: Recorder
  readonly database: DatabaseSyncInstance
}

/** Some of the files are there and some are not. */
const messagesWorld = Effect.fn("test.messages")(function*() {
  const home = yield* temporaryFolder
  const path = join(home, "Library", "Messages", "chat.db")
  fs.mkdirSync(dirname(path), { recursive: true })
  const { database } = generateIMessage({ path, seed: 5, messages: 900, chats: 6 })
  yield* Effect.addFinalizer(() => Effect.sync(() => database.close()))
  const names = database.prepare("SELECT filename FROM attachment ORDER BY ROWID").all() as Array<{ filename: string }>
  for (const [at, { filename }] of names.entries()) {
    if (at % 3 === 0) continue
    const file = join(home, filename.slice(2))
    fs.mkdirSync(dirname(file), { recursive: true })
    fs.writeFileSync(file, `file ${at}`)
    fs.utimesSync(file, 1_000, 1_000)
  }
  return { database, recorder: makeRecorder(yield* openIMessage({ name: "imessage", path })) } satisfies World
})

const whatsAppWorld = Effect.fn("test.whatsApp")(function*() {
  const root = join(yield* temporaryFolder, "container")
  const { app } = generateWhatsApp({ root, seed: 5, messages: 600, files: 0.5 })
  yield* Effect.addFinalizer(() => Effect.sync(() => app.close()))
  const source = yield* openWhatsApp({ name: "whatsapp", path: join(root, STORE) })
  return { database: app.tables.database, recorder: makeRecorder(source) } satisfies World
})

const ledger = ({ source }: Recorder, state: SourceState) => source.ledger!(state)
const named = (recorder: Recorder, state: SourceState) =>
  Effect.map(ledger(recorder, state), (all) => mismatches(all).map(({ conversation }) => conversation))

/** What would be remembered of other events. */
const stateOf = (source: SourceShape, events: ReadonlyArray<Event>) =>
  replayed({ source, events: [...events], state: new Map() })

type Told = Extract<Event, { readonly kind: "message.added" }>
const withFiles = (events: ReadonlyArray<Event>): ReadonlyArray<Told> =>
  events.filter((event): event is Told => event.kind === "message.added" && event.message.attachments !== undefined)

/** As if a reader had passed over the first attachment of a message. */
const without = (events: ReadonlyArray<Event>, { message }: Told): ReadonlyArray<Event> =>
  events.flatMap((event): ReadonlyArray<Event> => {
    if ((event.kind === "attachment.content" || event.kind === "attachment.missing") && event.key === message.key) {
      return event.attachment === message.attachments![0]!.id ? [] : [event]
    }
    if (!("message" in event) || event.message.key !== message.key) return [event]
    const [, ...attachments] = event.message.attachments ?? []
    return [{ ...event, message: { ...event.message, attachments } }]
  })

const WORLDS = [["Messages", messagesWorld], ["WhatsApp", whatsAppWorld]] as const

/** Verifies: SRC-60, SRC-62 */
for (const [name, makeWorld] of WORLDS) {
  describe(`the ledger of ${name}`, () => {
    it.scopedLive("has each attachment in its conversation, and in one place of it", () =>
      Effect.gen(function*() {
        const { recorder } = yield* makeWorld()
        yield* pass(recorder)
        const { attachments, conversations } = yield* ledger(recorder, recorder.state)
        assert.deepStrictEqual(mismatches({ attachments, conversations, skipped: [] }), [])
        const expected = new Map<string, number>()
        const contents = new Map<string, number>()
        for (const { conversation, message } of withFiles(recorder.events)) {
          expected.set(conversation, (expected.get(conversation) ?? 0) + message.attachments!.length)
        }
        for (const event of recorder.events) {
          if (event.kind !== "attachment.content") continue
          contents.set(event.conversation, (contents.get(event.conversation) ?? 0) + 1)
        }
        assert.isAbove(expected.size, 2)
        for (const { attachments: counts, conversation } of conversations) {
          const missing = counts?.missing.reduce((sum, { count }) => sum + count, 0) ?? 0
          assert.strictEqual(counts?.referenced ?? 0, expected.get(conversation) ?? 0, conversation)
          assert.strictEqual(counts?.stored ?? 0, contents.get(conversation) ?? 0, conversation)
          assert.strictEqual(counts?.referenced ?? 0, (counts?.stored ?? 0) + missing, conversation)
        }
        assert.strictEqual(attachments.referenced, withFiles(recorder.events).length)
      }), 30_000)

    it.scopedLive("names the conversation of any attachment that a reader passes over", () =>
      Effect.gen(function*() {
        const { recorder } = yield* makeWorld()
        yield* pass(recorder)
        for (const [at, skipped] of withFiles(recorder.events).entries()) {
          if (at % 3 !== 0) continue
          const state = stateOf(recorder.source, without(recorder.events, skipped))
          assert.deepStrictEqual(yield* named(recorder, state), [skipped.conversation], skipped.message.key)
        }
      }), 30_000)

    it.scopedLive(
      "never takes what it holds of a message that is gone for what it lacks of another",
      () =>
        Effect.gen(function*() {
          const { database, recorder } = yield* makeWorld()
          yield* pass(recorder)
          const held = new Set(
            recorder.events.flatMap((event) => event.kind === "attachment.content" ? [event.key] : [])
          )
          const told = withFiles(recorder.events)
          const gone = told.find(({ message }) => held.has(message.key))!
          const lost = told.find((event) => event !== gone && event.conversation === gone.conversation)!
          const row = Number((gone.message.extra as { readonly row: number }).row)
          database.exec(
            name === "Messages"
              ? `DELETE FROM message WHERE ROWID = ${row}; DELETE FROM chat_message_join WHERE message_id = ${row}`
              : `DELETE FROM ZWAMESSAGE WHERE Z_PK = ${row}`
          )
          // Nobody has said yet that it is gone.
          assert.deepStrictEqual(yield* named(recorder, recorder.state), [gone.conversation])
          const { conversation } = gone
          const removed: Event = {
            kind: "message.removed",
            conversation,
            key: gone.message.key,
            scope: "vanished",
            recordedAt: 0,
            source: recorder.source.name
          }
          const events = [...recorder.events, removed]
          assert.deepStrictEqual(yield* named(recorder, stateOf(recorder.source, events)), [])
          const lying = stateOf(recorder.source, without(events, lost))
          assert.deepStrictEqual(yield* named(recorder, lying), [conversation])
        }),
      30_000
    )

    it.scopedLive("does not add up for any part of the table that is lost", () =>
      Effect.gen(function*() {
        const { recorder } = yield* makeWorld()
        yield* pass(recorder)
        for (const entry of [...recorder.state.keys()].filter((key) => /^(n|s):/.test(key)).slice(0, 40)) {
          const state = new Map(recorder.state)
          state.delete(entry)
          assert.strictEqual((yield* named(recorder, state)).length, 1, entry)
        }
        // A count that is one too high is no better than one too low.
        for (const entry of [...recorder.state.keys()].filter((key) => key.startsWith("sealog:in:"))) {
          for (const change of [1, -1]) {
            const count = String(Number(recorder.state.get(entry)) + change)
            const state = new Map(recorder.state).set(entry, count)
            assert.deepStrictEqual(yield* named(recorder, state), [entry.slice("sealog:in:".length)])
          }
        }
      }), 30_000)
  })
}

describe("the ledger of Messages", () => {
  it.scopedLive(
    "counts what was sent in two conversations in each, and what a message has lost in none",
    () =>
      Effect.gen(function*() {
        const { database, recorder } = yield* messagesWorld()
        const [first, second] = (database.prepare(
          "SELECT min(x.message_id) AS message, j.chat_id AS chat FROM message_attachment_join x"
            + " JOIN chat_message_join j ON j.message_id = x.message_id GROUP BY j.chat_id ORDER BY j.chat_id"
        ).all() as Array<{ message: number; chat: number }>).map(({ message }) => message)
        const again = "INSERT INTO message_attachment_join (message_id, attachment_id)"
          + " SELECT ?, attachment_id FROM message_attachment_join WHERE message_id = ?"
        database.prepare(again).run(second!, first!)
        yield* pass(recorder)
        assert.deepStrictEqual(yield* named(recorder, recorder.state), [])
        const both = withFiles(recorder.events).filter(({ message }) =>
          (message.extra as { readonly row: number }).row === first
          || (message.extra as { readonly row: number }).row === second
        )
        assert.strictEqual(new Set(both.map(({ conversation }) => conversation)).size, 2)
        for (const one of both) {
          const state = stateOf(recorder.source, without(recorder.events, one))
          assert.deepStrictEqual(yield* named(recorder, state), [one.conversation])
        }
        const before = (yield* ledger(recorder, recorder.state)).attachments
        database.exec(`DELETE FROM message_attachment_join WHERE message_id = ${second}`)
        const after = (yield* ledger(recorder, recorder.state)).attachments
        assert.deepInclude(after, { referenced: before.referenced - 2, stored: before.stored, unexplained: 0 })
      }),
    30_000
  )

  it.scopedLive("says in which conversation are rows that cannot be told", () =>
    Effect.gen(function*() {
      const { database, recorder } = yield* messagesWorld()
      const [{ guid, row }] = database.prepare(
        "SELECT c.guid AS guid, min(j.message_id) AS row FROM chat c JOIN chat_message_join j ON j.chat_id = c.ROWID"
          + " GROUP BY c.ROWID ORDER BY c.ROWID LIMIT 1"
      ).all() as [{ guid: string; row: number }]
      database.exec(`UPDATE message SET guid = x'00ff' WHERE ROWID = ${row}`)
      yield* pass(recorder)
      const { conversations, skipped } = yield* ledger(recorder, recorder.state)
      const expected = [{ reason: "their guid is no text", count: 1 }]
      assert.deepStrictEqual(skipped, expected)
      assert.deepStrictEqual(conversations.find(({ conversation }) => conversation === guid)?.skipped, expected)
      assert.deepStrictEqual(yield* named(recorder, recorder.state), [])
    }), 30_000)

  it.scopedLive("counts attachments where their message is now", () =>
    Effect.gen(function*() {
      const { database, recorder } = yield* messagesWorld()
      yield* pass(recorder)
      const counts = Effect.map(
        ledger(recorder, recorder.state),
        ({ conversations }) => new Map(conversations.map((each) => [each.conversation, each.attachments]))
      )
      const before = yield* counts
      const [moved] = withFiles(recorder.events)
      const row = (moved!.message.extra as { readonly row: number }).row
      const chats = database.prepare("SELECT ROWID AS chat, guid FROM chat").all() as Array<
        { chat: number; guid: string }
      >
      const other = chats.find(({ guid }) => guid !== moved!.conversation && before.get(guid) !== undefined)
      database.exec(`UPDATE chat_message_join SET chat_id = ${other!.chat} WHERE message_id = ${row}`)
      const after = yield* counts
      assert.strictEqual(after.get(other!.guid)!.referenced, before.get(other!.guid)!.referenced + 1)
      assert.strictEqual(after.get(other!.guid)!.unexplained, 0)
      // The log still says that the message is where it was.
      assert.sameMembers(yield* named(recorder, recorder.state), [moved!.conversation, other!.guid])
    }), 30_000)
})
