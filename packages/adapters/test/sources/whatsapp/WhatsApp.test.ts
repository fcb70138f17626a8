import { assert, describe, it } from "@effect/vitest"
import { openWhatsApp } from "@sealog/adapters/sources/whatsapp/WhatsApp"
import { fileBytes, STORE, WhatsAppApp } from "@sealog/adapters/testing/WhatsAppApp"
import { generateWhatsApp } from "@sealog/adapters/testing/WhatsAppGenerator"
import { mismatches } from "@sealog/core/backup/Ledger"
import type { Event } from "@sealog/core/message/Event"
import { foldsToDump, makeRecorder, pass, type Recorder, replayed } from "@sealog/core/testing/SourceRecorder"
import { Effect, TestClock } from "effect"
import * as fc from "fast-check"
import * as fs from "node:fs"
import { join } from "node:path"
import { temporaryFolder } from "../MaildirDriver.ts"
import { type Act, act, ADA, BOB, GROUP, hands, LID } from "./Acts.ts"
import { appAt, openAt, reopened, scene, told } from "./Store.ts"

/** Histories tried; more of them with SEALOG_RUNS. */
const RUNS = Number(process.env["SEALOG_RUNS"] ?? 12)

/** Whether all that was told comes to what the store holds, and nothing is told twice, whatever is remembered. */
const settles = Effect.fn(function*(recorder: Recorder, root: string) {
  yield* foldsToDump(recorder)
  assert.deepStrictEqual(told(yield* pass(recorder)), [])
  const again = yield* reopened(recorder, root)
  assert.deepStrictEqual(told(yield* pass(again)), [])
  assert.deepStrictEqual(told(yield* pass({ ...again, state: replayed(recorder) })), [])
})

const messageOf = (events: ReadonlyArray<Event>) => events.flatMap((event) => "message" in event ? [event.message] : [])

/** Verifies: SRC-71 */
describe("what happens in WhatsApp", () => {
  it.live("is told as what it is", () =>
    Effect.gen(function*() {
      const { app, chat, group, members, recorder, root } = yield* scene
      const row = app.add({ chat, text: "Rhubarb?" })
      const mine = app.add({ chat, mine: true, text: "Yes", answers: row })
      const inGroup = app.add({ chat: group, member: members[2]!, text: "Who has the key?" })
      assert.deepStrictEqual(told(yield* pass(recorder)), [
        "message.added Rhubarb?",
        "message.added Yes",
        "message.added Who has the key?"
      ])
      const [first, second, third] = messageOf(recorder.events)
      assert.strictEqual(second?.replyTo, first?.key.split("|")[2])
      assert.deepInclude(third, { author: LID, direction: "in", key: app.keyOf(inGroup) })
      app.edit(row, "Rhubarb, and when?")
      assert.deepStrictEqual(told(yield* pass(recorder)), ["message.edited Rhubarb, and when?"])
      app.react(row, "👍")
      app.react(inGroup, "❤️", BOB)
      assert.deepStrictEqual(told(yield* pass(recorder)), ["reaction.added me 👍", `reaction.added ${BOB} ❤️`])
      app.react(inGroup, "😂", BOB)
      assert.deepStrictEqual(told(yield* pass(recorder)), [
        `reaction.removed ${BOB} ❤️`,
        `reaction.added ${BOB} 😂`
      ])
      app.unreact(row)
      assert.deepStrictEqual(told(yield* pass(recorder)), ["reaction.removed me 👍"])
      app.revoke(mine)
      app.revoke(inGroup, ADA)
      assert.deepStrictEqual(told(yield* pass(recorder)), [
        "message.removed everyone",
        `message.removed admin by ${ADA}`
      ])
      app.erase(row)
      assert.deepStrictEqual(told(yield* pass(recorder)), ["message.removed vanished"])
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  it.live("is not told where it is only that something was delivered, read or tidied up", () =>
    Effect.gen(function*() {
      const { app, chat, group, members, recorder, root } = yield* scene
      const row = app.add({ chat: group, member: members[0]!, text: "Hello" })
      const mine = app.add({ chat, mine: true, text: "Hello" })
      yield* pass(recorder)
      app.receipt(mine, ADA, 1)
      app.receipt(mine, ADA, 3)
      app.tables.update("ZWAMESSAGE", row, { SORT: 99, FLAGS: 1, SPOTLIGHTSTATUS: 0 })
      app.checkpoint()
      assert.deepStrictEqual(told(yield* pass(recorder)), [])
      app.tables.database.exec("VACUUM")
      yield* settles(yield* reopened(recorder, root), root)
    }).pipe(Effect.scoped))

  it.live("leaves the words of a message that was deleted later as they were", () =>
    Effect.gen(function*() {
      const { app, chat, recorder } = yield* scene
      const row = app.add({ chat, text: "I did not say this" })
      yield* pass(recorder)
      app.revoke(row)
      yield* pass(recorder)
      assert.deepStrictEqual(messageOf(recorder.events).map(({ text }) => text), ["I did not say this"])
      const before = app.add({ chat, text: "Never seen" })
      app.revoke(before)
      assert.deepStrictEqual(told(yield* pass(recorder)), ["message.added deleted", "message.removed everyone"])
    }).pipe(Effect.scoped))

  it.scoped("tells a photo when it comes, long after its message, and a star as a version of that", () =>
    Effect.gen(function*() {
      const { app, chat, recorder, root } = yield* scene
      yield* TestClock.setTime(Date.UTC(2025, 0, 1))
      const row = app.add({ chat, type: 1, media: { mime: "image/jpeg", size: 900, title: "The pond" } })
      assert.deepStrictEqual(told(yield* pass(recorder)), [
        "message.added The pond",
        "attachment.missing not on this machine"
      ])
      const photo = fileBytes(app.random, 900)
      app.download(row, photo)
      assert.deepStrictEqual(told(yield* pass(recorder)), ["attachment.content inline"])
      const [content] = recorder.events.flatMap((event) => event.kind === "attachment.content" ? [event.content] : [])
      assert.deepStrictEqual(content?._tag === "inline" && Buffer.from(content.bytes), Buffer.from(photo))
      app.star(row)
      assert.deepStrictEqual(told(yield* pass(recorder)), ["message.edited The pond"])
      assert.deepStrictEqual(messageOf(recorder.events).at(-1)?.flags, ["starred"])
      yield* settles(recorder, root)
    }))

  it.scoped("is never read out of a file that is none of the app's", () =>
    Effect.gen(function*() {
      const { app, chat, recorder, root, top } = yield* scene
      yield* TestClock.setTime(Date.UTC(2030, 0, 1))
      fs.writeFileSync(join(top, "secret"), "secret")
      fs.symlinkSync(join(top, "secret"), join(root, "Message", "Media", "link.jpg"))
      for (const path of ["../../secret", "Media/../../../secret", "Media/link.jpg"]) {
        const row = app.add({ chat, type: 1, media: { mime: "image/jpeg", size: 6 } })
        app.tables.update("ZWAMEDIAITEM", Number(app.message(row)["ZMEDIAITEM"]), { MEDIALOCALPATH: path })
      }
      assert.deepStrictEqual(told(yield* pass(recorder)).filter((one) => one.startsWith("attachment")), [
        "attachment.missing not on this machine",
        "attachment.missing not on this machine",
        "attachment.missing not in the store's own folders"
      ])
    }))

  it.live("is told whatever the clocks say: of the phone, of the store, of this machine", () =>
    Effect.gen(function*() {
      const { app, chat, recorder, root } = yield* scene
      app.add({ chat, text: "now" })
      app.add({ chat, text: "from next year", at: Date.UTC(2100, 0, 1) })
      app.add({ chat, text: "before all", at: Date.UTC(1999, 0, 1) })
      assert.lengthOf(yield* pass(recorder), 3)
      // Late, and behind the others in the conversation.
      app.add({ chat, text: "history", at: Date.UTC(2013, 3, 1) })
      assert.deepStrictEqual(told(yield* pass(recorder)), ["message.added history"])
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  it.live("is a message of another conversation, and of another author, once the app gives these other addresses", () =>
    Effect.gen(function*() {
      const { app, chat, group, members, recorder, root } = yield* scene
      app.add({ chat, text: "to a number" })
      app.add({ chat: group, member: members[1]!, text: "in the group" })
      yield* pass(recorder)
      app.tables.update("ZWACHATSESSION", chat, { CONTACTJID: LID })
      app.tables.update("ZWAGROUPMEMBER", members[1]!, { MEMBERJID: "270000000000002@lid" })
      const moved = yield* reopened(recorder, root)
      const events = told(yield* pass(moved))
      assert.includeMembers([...events], [
        "chat.removed",
        "message.added to a number",
        "message.removed vanished",
        "message.edited in the group"
      ])
      yield* settles(moved, root)
    }).pipe(Effect.scoped))

  it.live("says nothing of statuses", () =>
    Effect.gen(function*() {
      const { app, recorder, root } = yield* scene
      for (const jid of ["status@broadcast", "12025550101@status", "270000000000005@lid.status"]) {
        app.add({ chat: app.chat(jid, "Status"), text: "a status" })
      }
      assert.deepStrictEqual(told(yield* pass(yield* reopened(recorder, root))), [])
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  it.live("is the same where a message belongs to no conversation, or has no stanza", () =>
    Effect.gen(function*() {
      const { app, chat, recorder, root } = yield* scene
      const orphan = app.add({ chat, text: "an orphan" })
      app.tables.update("ZWAMESSAGE", orphan, { CHATSESSION: 9_999 })
      const bare = app.add({ chat, text: "no stanza" })
      app.tables.update("ZWAMESSAGE", bare, { STANZAID: null })
      const notices = [1, 2].map(() => app.add({ chat, type: 6, event: 2 }))
      app.tables.update("ZWAMESSAGE", notices[1]!, { STANZAID: app.message(notices[0]!)["ZSTANZAID"]! })
      assert.deepStrictEqual(told(yield* pass(recorder)).length, 4)
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))
})

/** Verifies: SRC-72 */
describe("a store of WhatsApp", () => {
  it.live("may be replaced by another file with the same messages in other rows", () =>
    Effect.gen(function*() {
      const { app, chat, recorder, root, top } = yield* scene
      const rows = [1, 2, 3].map((number) => app.add({ chat, text: `text ${number}` }))
      yield* pass(recorder)
      const kept = rows.map((row) => app.message(row))
      app.checkpoint()
      const other = yield* appAt({ root: join(top, "other"), seed: 5 })
      const chat2 = other.chat(ADA, "Ada Quill")
      other.add({ chat: chat2, text: "new in the other" })
      for (const { ZMESSAGEDATE, ZSTANZAID, ZTEXT } of kept.slice(0, 2)) {
        const row = other.add({ chat: chat2 })
        const columns = { STANZAID: ZSTANZAID!, TEXT: ZTEXT!, MESSAGEDATE: ZMESSAGEDATE!, PUSHNAME: null }
        other.tables.update("ZWAMESSAGE", row, columns)
      }
      other.checkpoint()
      for (const side of ["", "-wal", "-shm"]) fs.rmSync(join(root, STORE + side), { force: true })
      fs.copyFileSync(join(top, "other", STORE), join(root, STORE))
      const events = told(yield* pass(recorder))
      assert.includeMembers([...events], ["message.added new in the other", "message.removed vanished"])
      assert.strictEqual(events.filter((event) => event.startsWith("message.added")).length, 1)
      assert.strictEqual(events.filter((event) => event.startsWith("message.removed")).length, 1)
      yield* settles(recorder, root)
    }).pipe(Effect.scoped))

  it.live("may get columns from a newer app, of which what they hold is kept as it is", () =>
    Effect.gen(function*() {
      const { app, chat, recorder, root } = yield* scene
      const row = app.add({ chat, text: "before" })
      yield* pass(recorder)
      app.upgrade("ZWAMESSAGE", "ZMOOD")
      app.upgrade("ZWAMESSAGE", "ZCOUNT", "INTEGER")
      app.tables.database.exec("UPDATE ZWAMESSAGE SET ZCOUNT = 0")
      assert.deepStrictEqual(told(yield* pass(yield* reopened(recorder, root))), [])
      app.tables.update("ZWAMESSAGE", row, { MOOD: "bright", COUNT: 2n ** 60n })
      const upgraded = yield* reopened(recorder, root)
      assert.deepStrictEqual(told(yield* pass(upgraded)), ["message.edited before"])
      assert.deepInclude(messageOf(recorder.events).at(-1)?.extra as object, {
        columns: { ZMOOD: "bright", ZCOUNT: "1152921504606846976" }
      })
      yield* settles(upgraded, root)
    }).pipe(Effect.scoped))

  it.live("may lack tables and columns, and is read as far as it goes", () =>
    Effect.gen(function*() {
      const { app, chat, recorder, root } = yield* scene
      app.add({ chat, text: "bare" })
      for (const table of ["ZWAMEDIAITEM", "ZWAMESSAGEINFO", "ZWAGROUPMEMBER", "ZWAPROFILEPUSHNAME"]) {
        app.tables.database.exec(`DROP TABLE ${table}`)
      }
      for (const column of ["ZPUSHNAME", "ZSTARRED", "Z_OPT"]) {
        app.tables.database.exec(`ALTER TABLE ZWAMESSAGE DROP COLUMN ${column}`)
      }
      const bare = yield* reopened(recorder, root)
      assert.deepStrictEqual(told(yield* pass(bare)), ["message.added bare"])
      app.tables.database.exec("UPDATE ZWAMESSAGE SET ZTEXT = 'other'")
      assert.deepStrictEqual(told(yield* pass(bare)), ["message.edited other"])
    }).pipe(Effect.scoped))

  it.live("is refused where it is another program's, and missing where it is not there", () =>
    Effect.gen(function*() {
      const { root, top } = yield* scene
      assert.deepInclude(yield* Effect.flip(openAt(join(root, "ContactsV2.sqlite"))), { reason: "NotFound" })
      fs.writeFileSync(join(top, "text"), "no database at all, and longer than the header of one would be".repeat(20))
      assert.deepInclude(yield* Effect.flip(openAt(join(top, "text"))), { reason: "Unsupported" })
      new WhatsAppApp({ root: join(top, "three"), seed: 1 }).tables.database.exec("DROP TABLE ZWACHATSESSION")
      assert.deepInclude(yield* Effect.flip(openAt(join(top, "three"))), { reason: "Unsupported" })
      assert.deepInclude(yield* Effect.flip(openAt(join(top, "none"))), { reason: "NotFound" })
      fs.mkdirSync(join(top, "empty"))
      assert.deepInclude(yield* Effect.flip(openAt(join(top, "empty"))), { reason: "NotFound" })
    }).pipe(Effect.scoped))

  it.live("is told whose addresses are, by the best name that anybody gave", () =>
    Effect.gen(function*() {
      const { app, group, recorder, root } = yield* scene
      app.member(group, "270000000000002@lid", "", "Chen")
      app.pushName(BOB, "Bobby")
      app.know([{ name: "Ida Moss", phone: "12025550177", lid: LID }, { name: "Robert", phone: "12025550102" }])
      const events = yield* pass(yield* reopened(recorder, root))
      const people = events.flatMap((event) => event.kind === "participant.upsert" ? [event] : [])
      const short = people.map(({ addresses, name, participant }) => [participant, name, addresses?.join()])
      assert.deepStrictEqual(short, [
        [BOB, "Robert", "+12025550102"],
        [LID, "Ida Moss", "+12025550177"],
        ["270000000000002@lid", "Chen", undefined]
      ])
      assert.isTrue(events.some((event) =>
        event.kind === "chat.members" && event.conversation === GROUP && event.members.length === 4
      ))
    }).pipe(Effect.scoped))

  it.live("is told once and whole, at any size and with every type of message in it", () =>
    Effect.gen(function*() {
      const root = join(yield* temporaryFolder, "container")
      const { app, rows, statuses } = generateWhatsApp({ root, seed: 3, messages: 800, files: 0.2 })
      const recorder = makeRecorder(yield* openWhatsApp({ name: "whatsapp", path: join(root, STORE) }))
      yield* pass(recorder)
      const keys = recorder.events.flatMap((event) => event.kind === "message.added" ? [event.message.key] : [])
      const ledger = yield* recorder.source.ledger!(recorder.state)
      assert.deepStrictEqual(mismatches(ledger), [])
      const { missing, referenced, stored } = ledger.attachments
      assert.strictEqual(referenced, stored + (missing[0]?.count ?? 0))
      assert.isAbove(stored, 10)
      assert.deepStrictEqual(ledger.skipped, [{ reason: "statuses", count: statuses.length }])
      const left = ledger.conversations.filter(({ skipped }) => skipped !== undefined)
      assert.strictEqual(left.length, 3)
      assert.isTrue(left.every(({ conversation, inStore }) => /\bstatus\b/.test(conversation) && inStore === 0))
      assert.deepStrictEqual([new Set(keys).size, keys.length], [rows.length, rows.length])
      yield* settles(recorder, root)
      app.close()
    }).pipe(Effect.scoped))
})

/** Verifies: SRC-5 */
it.live("after any history of changes, WhatsApp's store comes to what it holds", () =>
  Effect.promise(() =>
    fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 5, maxLength: 60 }),
        (acts) => Effect.runPromise(Effect.scoped(history(acts)))
      ),
      { numRuns: RUNS }
    )
  ), 60_000)

const history = Effect.fn(function*(acts: ReadonlyArray<Act>) {
  const { app, chat, group, members, recorder, root } = yield* scene
  const perform = hands(app, { chat, group, members })
  let source = recorder
  for (const one of acts) {
    if (one.act === "pass") yield* pass(source)
    else if (one.act === "restore") source = yield* reopened(source, root)
    else perform(one)
  }
  source = yield* reopened(source, root)
  yield* pass(source)
  yield* settles(source, root)
})
