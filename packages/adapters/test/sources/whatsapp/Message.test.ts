import { assert, describe, it } from "@effect/vitest"
import { kindOfChat, messageOf, partsOfKey, type RawMessage } from "@sealog/adapters/sources/whatsapp/Message"
import { metadataOf, withReactions } from "@sealog/adapters/testing/WhatsAppBlobs"
import { encodeEvent } from "@sealog/core/format/EventCodec"

const ADA = "12025550101@s.whatsapp.net"
const GROUP = "120363000000000001@g.us"
const FOLDER = "/container/Message"

const read = (cells: RawMessage["cells"], more: Partial<RawMessage> = {}) =>
  messageOf(
    {
      row: 7,
      chat: ADA,
      member: null,
      receiptInfo: null,
      cells: { ZSTANZAID: "3A00112233", ZISFROMME: 0, ZMESSAGETYPE: 0, ...cells },
      ...more
    },
    FOLDER
  )

/** Verifies: SRC-70 */
describe("a row of WhatsApp as a message", () => {
  it("is known by its conversation, its direction and its stanza", () => {
    assert.strictEqual(read({}).message.key, `${ADA}|0|3A00112233`)
    assert.strictEqual(read({ ZISFROMME: 1 }).message.key, `${ADA}|1|3A00112233`)
    assert.strictEqual(read({ ZSTANZAID: null }).message.key, `${ADA}|0|#7`)
    assert.strictEqual(read({ ZMESSAGETYPE: 6 }, { chat: GROUP }).message.key, `${GROUP}|0|3A00112233#7`)
    assert.deepStrictEqual(partsOfKey(`${GROUP}|0|3A00112233#7`), {
      chat: GROUP,
      mine: 0,
      stanza: "3A00112233",
      row: 7
    })
    assert.deepStrictEqual(partsOfKey(`${ADA}|1|3A0`), { chat: ADA, mine: 1, stanza: "3A0" })
    assert.isUndefined(partsOfKey("something else"))
  })

  it("has the time that the store counts from 2001, and how exactly it is known", () => {
    assert.deepInclude(read({ ZMESSAGEDATE: 0.5 }).message, { at: 978_307_200_500, atQuality: "exact" })
    assert.deepInclude(read({ ZMESSAGEDATE: 700_000_000 }).message, { at: 1_678_307_200_000, atQuality: "second" })
    assert.notProperty(read({ ZMESSAGEDATE: 0, ZSENTDATE: null }).message, "at")
    assert.notProperty(read({ ZMESSAGEDATE: 1e300 }).message, "at")
  })

  it("is by whom it is, which in a group only the member tells", () => {
    const lid = "270000000000001@lid"
    assert.strictEqual(read({}).message.author, ADA)
    assert.strictEqual(read({ ZISFROMME: 1 }).message.author, "me")
    assert.strictEqual(read({ ZFROMJID: GROUP }, { chat: GROUP, member: lid }).message.author, lid)
    assert.notProperty(read({ ZFROMJID: GROUP }, { chat: GROUP }).message, "author")
    assert.notProperty(read({ ZMESSAGETYPE: 10 }).message, "author")
  })

  it("keeps the code of its type, and guesses at no code it does not know", () => {
    const type = (cells: RawMessage["cells"]) => read(cells).message
    assert.deepInclude(type({ ZMESSAGETYPE: 15 }), { type: "sticker", sourceType: "15" })
    assert.deepInclude(type({ ZMESSAGETYPE: 75 }), { type: "unknown", sourceType: "75" })
    assert.deepInclude(type({ ZMESSAGETYPE: 999, ZVCARDSTRING: "video/mp4" }), { type: "video", sourceType: "999" })
    assert.deepInclude(type({ ZMESSAGETYPE: 6, ZGROUPEVENTTYPE: 12 }).extra as object, { event: 12 })
    assert.notProperty(type({ ZMESSAGETYPE: 0, ZGROUPEVENTTYPE: 2 }).extra, "event")
  })

  it("takes no word of a store for more than a word, whatever JavaScript knows by it", () => {
    for (const word of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
      const row = read({ ZMESSAGETYPE: 999, ZVCARDSTRING: `${word}/x` })
      assert.deepInclude(row.message, { type: "unknown", sourceType: "999" })
      assert.notProperty(row.message, "attachments")
      const { conversation, message } = row
      assert.doesNotThrow(() =>
        encodeEvent({ kind: "message.added", source: "whatsapp", recordedAt: 0, conversation, message })
      )
      assert.isUndefined(kindOfChat(`12025550101@${word}`))
    }
  })

  it("has its file by name, type and size, wherever that lies now", () => {
    const cells = { ZMESSAGETYPE: 1, ZVCARDSTRING: "image/jpeg", ZFILESIZE: 900, ZLATITUDE: 640, ZLONGITUDE: 480 }
    const away = read({ ...cells, ZTITLE: "a caption" })
    const here = read({ ...cells, ZTITLE: "a caption", ZMEDIALOCALPATH: "Media/x/y.jpg" })
    assert.deepStrictEqual(here.message, away.message)
    assert.deepStrictEqual(here.message.attachments, [
      { id: "image.jpg", mime: "image/jpeg", size: 900, extra: { width: 640, height: 480 } }
    ])
    assert.strictEqual(here.message.text, "a caption")
    assert.deepStrictEqual(away.files, [{ attachment: "image.jpg" }])
    assert.deepStrictEqual(here.files, [{ attachment: "image.jpg", path: `${FOLDER}/Media/x/y.jpg` }])
    assert.deepStrictEqual(read({ ...cells, ZMEDIALOCALPATH: "../../etc/passwd" }).files, [{ attachment: "image.jpg" }])
    const id = (mime: string | null, type = 3) =>
      read({ ZMESSAGETYPE: type, ZVCARDSTRING: mime }).message.attachments?.[0]?.id
    assert.deepStrictEqual([id("audio/ogg; codecs=opus"), id(null, 2), id("application/vnd.ms-excel", 8)], [
      "voice.ogg",
      "video",
      "document"
    ])
    assert.strictEqual(read({ ZMESSAGETYPE: 8, ZTITLE: "plan.pdf" }).message.attachments?.[0]?.name, "plan.pdf")
  })

  it("answers another by that one's stanza, with a copy of its words", () => {
    const metadata = metadataOf({ stanza: "3EB0AAAA", sender: ADA, text: "Rhubarb?" })
    const { message } = read({ ZMETADATA: metadata }, { chat: GROUP })
    assert.strictEqual(message.replyTo, "3EB0AAAA")
    assert.deepInclude(message.extra as object, {
      quoted: { stanza: "3EB0AAAA", sender: ADA, text: "Rhubarb?" },
      metadata
    })
  })

  it("says by whom it was deleted for everyone", () => {
    const deleted = { ZMESSAGETYPE: 14, ZTEXT: null }
    assert.deepStrictEqual(read({ ...deleted, ZVCARDSTRING: ADA }).removed, { scope: "everyone" })
    const group = { chat: GROUP, member: ADA }
    assert.deepStrictEqual(read({ ...deleted, ZVCARDSTRING: ADA }, group).removed, { scope: "everyone", by: ADA })
    const admin = "12025550103@s.whatsapp.net"
    assert.deepStrictEqual(read({ ...deleted, ZVCARDSTRING: admin }, group).removed, { scope: "admin", by: admin })
    assert.notProperty(read({}), "removed")
  })

  it("gives reactions beside the message, and keeps what was not understood of them", () => {
    const at = 1_720_000_000_000
    const info = withReactions(null, [{ stanza: "3A1", sender: ADA, emoji: "👍", at }])
    assert.deepStrictEqual(read({}, { receiptInfo: info }).reactions, [{ author: ADA, emoji: "👍", when: at }])
    const strange = withReactions(null, [{ stanza: "3A1", sender: "?", emoji: "👍", at }])
    assert.property(read({}, { receiptInfo: strange }).message.extra, "reactions")
  })

  it("keeps columns it does not know as they are", () => {
    const { message } = read({}, { strange: { ZNEW: "x", ZBYTES: new Uint8Array([1]) } })
    assert.deepStrictEqual((message.extra as { columns: unknown }).columns, { ZNEW: "x", ZBYTES: new Uint8Array([1]) })
  })

  it("fits an event whatever is in the row, and says what was cut", () => {
    const long = "🌱".repeat(200_000)
    const bytes = new Uint8Array(300_000)
    const metadata = metadataOf({ stanza: "3EB0AAAA", text: "☂".repeat(100_000) })
    const { message } = read(
      { ZTEXT: "☂".repeat(65_536), ZTITLE: long, ZVCARDSTRING: long, ZMETADATA: metadata, ZVCARDNAME: long },
      { strange: Object.fromEntries(Array.from({ length: 40 }, (_, number) => [`ZNEW${number}`, bytes])) }
    )
    const event = { kind: "message.added", source: "whatsapp", conversation: ADA, recordedAt: 0, message } as const
    assert.isAbove(encodeEvent(event).length, 200_000)
    assert.includeMembers((message.extra as { cut: Array<string> }).cut, ["ZTITLE", "ZVCARDSTRING", "ZVCARDNAME"])
    assert.strictEqual(message.text?.length, 65_536)
    assert.isAbove(encodeEvent({ ...event, message: read({ ZTEXT: long }).message }).length, 100_000)
  })
})
