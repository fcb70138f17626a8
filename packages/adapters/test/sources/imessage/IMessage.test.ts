/** What Messages keeps is told as what it is: edits, parts, tapbacks, replies, events of groups, deletions. */
import { assert, describe, it } from "@effect/vitest"
import { makeQueries } from "@sealog/adapters/sources/database/LiveDatabase"
import { readAttributedText } from "@sealog/adapters/sources/imessage/AttributedText"
import { readBinaryPlist } from "@sealog/adapters/sources/imessage/BinaryPlist"
import { readSchema } from "@sealog/adapters/sources/imessage/Schema"
import { writeAttributedText, writeBinaryPlist } from "@sealog/adapters/testing/AppleBytes"
import { continueIMessage, generateIMessage } from "@sealog/adapters/testing/IMessageGenerator"
import { MACOS, type MacOs } from "@sealog/adapters/testing/IMessageSchema"
import { decode } from "@sealog/core/format/Value"
import type { Message } from "@sealog/core/message/Event"
import { foldsToDump, makeRecorder, pass, type Recorder, replayed } from "@sealog/core/testing/SourceRecorder"
import { Effect } from "effect"
import { join } from "node:path"
import { temporaryFolder } from "../MaildirDriver.ts"
import { freshStore, openStore } from "./IMessageDriver.ts"

const makeWorld = Effect.fn("test.makeWorld")(function*(macos: MacOs = "sequoia") {
  const path = join(yield* temporaryFolder, "chat.db")
  const store = yield* freshStore(path, macos)
  const ada = store.handle("+15550100")
  const bob = store.handle("bob@sample.example")
  const chat = store.chat("iMessage;+;chat1", [ada, bob], "Us")
  return { path, store, ada, bob, chat, recorder: makeRecorder(yield* openStore(path)) }
})

const summaries = (
  events: Recorder["events"] | ReadonlyArray<Recorder["events"][number]>,
  guids: Record<string, string>
) =>
  events.map((event) => {
    const key = "message" in event ? event.message.key : "key" in event ? event.key : undefined
    const who = key === undefined ? [] : [guids[key] ?? key]
    const more = "scope" in event ? [event.scope] : "emoji" in event ? [event.part, event.author, event.emoji] : []
    return [event.kind, ...who, ...more].join(" ")
  })

const messageIn = (events: ReadonlyArray<Recorder["events"][number]>): Message => {
  const [found] = events.flatMap((event) =>
    event.kind === "message.added" || event.kind === "message.edited" ? [event.message] : []
  )
  assert.isDefined(found)
  return found
}

const settled = Effect.fn("test.settled")(function*(recorder: Recorder, path: string) {
  yield* foldsToDump(recorder)
  assert.deepStrictEqual(yield* pass({ ...recorder, source: yield* openStore(path) }), [])
  const rebuilt = { ...recorder, state: replayed(recorder), source: yield* openStore(path) }
  assert.deepStrictEqual(yield* pass(rebuilt), [])
})

describe("a message of Messages", () => {
  it.scopedLive("has its exact time, sender, chat and service (Verifies: SRC-41)", () =>
    Effect.gen(function*() {
      const { ada, chat, path, recorder, store } = yield* makeWorld()
      const nanos = 760_569_924_490_443_649n
      store.say(chat, { text: "hello", from: ada, columns: { date: nanos, service: "RCS" } })
      const events = yield* pass(recorder)
      const { conversation } = events.find((event) => event.kind === "message.added")!
      const { at, atQuality, author, direction, extra, service, text, type } = messageIn(events)
      assert.deepStrictEqual(
        { conversation, at, atQuality, author, direction, service, text, type },
        {
          conversation: "iMessage;+;chat1",
          at: 978_307_200_000 + 760_569_924_490,
          atQuality: "exact",
          author: "+15550100",
          direction: "in",
          service: "RCS",
          text: "hello",
          type: "text"
        }
      )
      const rest = (extra as { readonly nanos: number }).nanos
      assert.strictEqual(BigInt(at! - 978_307_200_000) * 1_000_000n + BigInt(rest), nanos)
      assert.deepInclude(events, {
        kind: "chat.members",
        conversation: "iMessage;+;chat1",
        members: ["+15550100", "bob@sample.example"],
        recordedAt: 3,
        source: "imessage"
      })
      yield* settled(recorder, path)
    }))

  it.scopedLive("has every version that an edit replaced, and what was taken back (Verifies: SRC-42)", () =>
    Effect.gen(function*() {
      const { chat, path, recorder, store } = yield* makeWorld()
      const row = store.say(chat, { text: "one" })
      yield* pass(recorder)
      store.edit(row, "two")
      store.edit(row, "three")
      const edited = messageIn(yield* pass(recorder))
      assert.strictEqual(edited.text, "three")
      const history = edited.history as ReadonlyArray<
        { readonly text: string; readonly at: number; readonly part: number }
      >
      assert.deepStrictEqual(history.map(({ part, text }) => [part, text]), [[0, "one"], [0, "two"]])
      assert.strictEqual(history[0]!.at, edited.at)
      assert.isAbove(history[1]!.at, history[0]!.at)
      store.unsend(row)
      const unsent = messageIn(yield* pass(recorder))
      assert.isUndefined(unsent.text)
      assert.deepInclude(unsent.extra, { unsent: [0] })
      yield* settled(recorder, path)
    }))

  it.scopedLive("has reactions as they come and go, with the part they are about (Verifies: SRC-43)", () =>
    Effect.gen(function*() {
      const { ada, bob, chat, path, recorder, store } = yield* makeWorld()
      const row = store.say(chat, { text: "hello", from: ada })
      const guids = { [store.guidOf(row)]: "it" }
      store.react(chat, { message: row, type: 2_001 }, bob)
      const first = summaries(yield* pass(recorder), guids).slice(-2)
      assert.deepStrictEqual(first, ["message.added it", "reaction.added it 0 bob@sample.example 👍"])
      store.react(chat, { message: row, type: 2_006, emoji: "🌱", part: 1 })
      store.react(chat, { message: row, type: 2_000 }, bob)
      assert.deepStrictEqual(summaries(yield* pass(recorder), guids), [
        "reaction.added it 1 me 🌱",
        "reaction.removed it 0 bob@sample.example 👍",
        "reaction.added it 0 bob@sample.example ❤️"
      ])
      const taken = store.react(chat, { message: row, type: 3_000 }, bob)
      assert.deepStrictEqual(summaries(yield* pass(recorder), guids), ["reaction.removed it 0 bob@sample.example ❤️"])
      store.destroy(taken)
      assert.deepStrictEqual(summaries(yield* pass(recorder), guids), ["reaction.added it 0 bob@sample.example ❤️"])
      yield* settled(recorder, path)
    }))

  it.scopedLive("has its parts, attachments, and what it answers", () =>
    Effect.gen(function*() {
      const { ada, chat, path, recorder, store } = yield* makeWorld()
      const first = store.say(chat, { text: "look", from: ada })
      const row = store.say(chat, {
        pieces: [
          {
            text: "\ufffc",
            attributes: { __kIMFileTransferGUIDAttributeName: "at_0", __kIMMessagePartAttributeName: 0 }
          },
          {
            text: "for you",
            attributes: { __kIMMentionConfirmedMention: "+15550100", __kIMMessagePartAttributeName: 1 }
          }
        ],
        columns: { thread_originator_guid: store.guidOf(first), thread_originator_part: "0:0:4" }
      })
      store.attach(row, {
        filename: "~/Library/Messages/Attachments/a/b.heic",
        mime_type: "image/heic",
        transfer_name: "b.heic",
        total_bytes: 77,
        transfer_state: 5
      })
      yield* pass(recorder)
      const message = recorder.events.flatMap((event) => event.kind === "message.added" ? [event.message] : []).at(-1)!
      assert.deepStrictEqual(message.parts, [
        { start: 0, length: 1, attachment: "at_0", part: 0 },
        { start: 1, length: 7, mention: "+15550100", part: 1 }
      ])
      const [attachment] = message.attachments!
      assert.deepInclude(attachment, { name: "b.heic", mime: "image/heic", size: 77 })
      assert.deepInclude(message, { replyTo: store.guidOf(first), threadRoot: store.guidOf(first), type: "text" })
      const { attributedBody } = decode(message.raw!.bytes) as { readonly attributedBody: Uint8Array }
      assert.strictEqual(readAttributedText(attributedBody).text, message.text)
      // Being fetched again says nothing new.
      store.database.exec("UPDATE attachment SET transfer_state = 0")
      assert.deepStrictEqual(yield* pass(recorder), [])
      yield* settled(recorder, path)
    }))

  it.scopedLive("tells events of groups and codes nobody knows as what they are", () =>
    Effect.gen(function*() {
      const { ada, bob, chat, recorder, store } = yield* makeWorld()
      store.say(chat, { from: ada, columns: { item_type: 1, group_action_type: 1, other_handle: bob } })
      store.say(chat, { from: ada, columns: { item_type: 2, group_title: "We" } })
      store.say(chat, { from: ada, columns: { item_type: 77 } })
      store.say(chat, { from: ada, columns: { associated_message_type: 4_321 } })
      store.say(chat, {
        text: "\ufffc",
        columns: { balloon_bundle_id: "com.example.game", payload_data: new Uint8Array([1]) }
      })
      yield* pass(recorder)
      const messages = recorder.events.flatMap((event) => event.kind === "message.added" ? [event.message] : [])
      assert.deepStrictEqual(
        messages.map((
          { extra, sourceType, type }
        ) => [type, sourceType, (extra as { readonly system?: unknown }).system]),
        [
          ["system", "1.1", { code: "member.removed", participant: "bob@sample.example" }],
          ["system", "2.0", { code: "title.changed", title: "We" }],
          ["system", "77.0", {}],
          ["unknown", "4321", undefined],
          ["app", "com.example.game", undefined]
        ]
      )
    }))

  it.scopedLive("goes to what was lately deleted, comes back, and goes for good (Verifies: SRC-44)", () =>
    Effect.gen(function*() {
      const { chat, path, recorder, store } = yield* makeWorld()
      const row = store.say(chat, { text: "hello" })
      const other = store.say(chat, { text: "there" })
      const guids = { [store.guidOf(row)]: "it", [store.guidOf(other)]: "other" }
      yield* pass(recorder)
      const told = Effect.map(pass(recorder), (events) => summaries(events, guids))
      store.remove(row)
      assert.deepStrictEqual(yield* told, ["message.removed it recoverable"])
      store.recover(row)
      assert.deepStrictEqual(yield* told, ["message.restored it"])
      store.remove(row)
      yield* told
      store.destroy(row)
      assert.deepStrictEqual(yield* told, ["message.removed it me"])
      store.database.exec(`DROP TRIGGER add_to_deleted_messages; DELETE FROM message WHERE ROWID = ${other}`)
      assert.deepStrictEqual(yield* told, ["message.removed other vanished"])
      yield* settled(recorder, path)
    }))

  it.scopedLive("is told with what is not understood of it, and a gap", () =>
    Effect.gen(function*() {
      const { chat, path, recorder, store } = yield* makeWorld()
      const body = new Uint8Array([4, 11, 1, 2, 3])
      const row = store.say(chat, { columns: { attributedBody: body, text: "as text" } })
      store.database.exec(
        "ALTER TABLE message ADD COLUMN of_tomorrow; UPDATE message SET of_tomorrow = 9007199254740993"
      )
      // A source that is open notices that the tables are others now.
      const events = yield* pass(recorder)
      const message = messageIn(events)
      assert.strictEqual(message.text, "as text")
      assert.deepStrictEqual(decode(message.raw!.bytes), { attributedBody: body })
      assert.deepInclude(message.extra, { columns: { of_tomorrow: 9_007_199_254_740_993n } })
      const gap = events.find((event) => event.kind === "source.gap")
      assert.include(gap!.reason, "its body could not be read")
      store.database.exec("UPDATE message SET of_tomorrow = NULL")
      store.edit(row, "whole")
      const closed = yield* pass({ ...recorder, source: yield* openStore(path) })
      assert.deepStrictEqual(closed.map(({ kind }) => kind), ["source.gap", "message.edited"])
      yield* settled(recorder, path)
    }))
})

describe("the schema of", () => {
  for (const macos of MACOS) {
    it.scopedLive(
      `${macos} is known whole, and its messages are taken (Verifies: SRC-45)`,
      () =>
        Effect.gen(function*() {
          const path = join(yield* temporaryFolder, "chat.db")
          const store = generateIMessage({ path, seed: 7, messages: 600, chats: 12, macos })
          yield* Effect.addFinalizer(() => Effect.sync(() => store.database.close()))
          assert.deepStrictEqual(readSchema(makeQueries(store.database))?.unknown, [])
          const recorder = makeRecorder(yield* openStore(path))
          yield* pass(recorder)
          const count = (kind: string) => recorder.events.filter((event) => event.kind === kind).length
          const rows = store.database.prepare("SELECT count(*) AS n FROM message").get().n
          assert.strictEqual(rows, 600)
          if (macos === "el-capitan") assert.strictEqual(count("message.added"), 600)
          else assert.isAbove(count("reaction.added"), 5)
          assert.strictEqual(count("source.gap"), 0)
          continueIMessage(store, 50)
          yield* pass(recorder)
          yield* settled(recorder, path)
        }),
      30_000
    )
  }
})

describe("Apple's bytes", () => {
  it("that are made up are read as they were written", () => {
    const pieces = [{ text: "a🌱", attributes: { one: "x", two: -1 } }, { text: "", attributes: {} }]
    assert.deepStrictEqual(readAttributedText(writeAttributedText(pieces)), {
      text: "a🌱",
      stretches: [{ start: 0, length: 3, attributes: { one: "x", two: -1 } }, { start: 3, length: 0, attributes: {} }]
    })
    const value = {
      text: "ä",
      list: [1, 2.5, -3, true, false, null, new Uint8Array([1, 2])],
      long: "x".repeat(400),
      big: 2n ** 62n
    }
    assert.deepEqual(readBinaryPlist(writeBinaryPlist(value)), value)
  })
})
