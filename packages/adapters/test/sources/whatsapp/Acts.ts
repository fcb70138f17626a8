/** Histories of a store of WhatsApp: what its owner, everybody else and the app itself may do to it. */
import type { WhatsAppApp } from "@sealog/adapters/testing/WhatsAppApp"
import * as fc from "fast-check"

export const ADA = "12025550101@s.whatsapp.net"
export const BOB = "12025550102@s.whatsapp.net"
export const LID = "270000000000001@lid"
export const GROUP = "120363000000000001@g.us"

const ACTS = [
  "add",
  "add",
  "add",
  "notice",
  "photo",
  "download",
  "edit",
  "revoke",
  "erase",
  "react",
  "unreact",
  "receipt",
  "star",
  "rename",
  "join",
  "checkpoint",
  "pass",
  "restore"
] as const

export interface Act {
  readonly act: (typeof ACTS)[number]
  readonly pick: number
}

export const act: fc.Arbitrary<Act> = fc.record({ act: fc.constantFrom(...ACTS), pick: fc.nat(60) })

export interface People {
  readonly chat: number
  readonly group: number
  readonly members: ReadonlyArray<number>
}

/** A conversation with Ada and a group of three. */
export const people = (app: WhatsAppApp): People => {
  const chat = app.chat(ADA, "Ada Quill")
  const group = app.chat(GROUP, "Garden")
  return { chat, group, members: [ADA, BOB, LID].map((jid) => app.member(group, jid, null)) }
}

/** Does one thing after another, each to one of the messages that are there. */
export const hands = (app: WhatsAppApp, { chat, group, members }: People) => {
  const rows: Array<number> = []
  const photos = new Set<number>()
  const put = (pick: number, what: object, isPhoto = false) => {
    const about = pick % 3 === 0 ? { chat, mine: pick % 2 === 0 } : { chat: group, member: members[pick % 3]! }
    const answers = pick % 5 === 0 ? rows[pick % Math.max(1, rows.length)] : undefined
    const row = app.add({ ...about, ...(answers === undefined ? {} : { answers }), ...what })
    rows.push(row)
    if (isPhoto) photos.add(row)
  }
  const onRow = (row: number, name: Act["act"], pick: number): void => {
    const author = [ADA, undefined, LID][pick % 3]
    if (name === "edit") app.edit(row, `other ${pick}`)
    else if (name === "revoke") app.revoke(row, pick % 2 === 0 ? BOB : undefined)
    else if (name === "react") app.react(row, pick % 2 === 0 ? "👍" : "❤️", author)
    else if (name === "unreact") app.unreact(row, author)
    else if (name === "receipt") app.receipt(row, ADA, 3)
    else if (name === "star") app.star(row, pick % 2 === 0)
    else if (name === "download" && photos.delete(row)) app.download(row, new Uint8Array(9).fill(pick))
    else if (name === "erase") {
      app.erase(row)
      photos.delete(row)
      rows.splice(rows.indexOf(row), 1)
    }
  }
  return ({ act: name, pick }: Act): void => {
    const row = rows[pick % Math.max(1, rows.length)]
    if (name === "add") put(pick, { text: `text ${pick}` })
    else if (name === "notice") put(pick, { type: 6, event: pick })
    else if (name === "photo") put(pick, { type: 1, media: { mime: "image/jpeg", size: 9 } }, true)
    else if (name === "rename") app.tables.update("ZWACHATSESSION", chat, { PARTNERNAME: `Ada ${pick}` })
    else if (name === "join") app.member(group, `1202555${String(1_000 + pick)}@s.whatsapp.net`, `No. ${pick}`)
    else if (name === "checkpoint") app.checkpoint()
    else if (row !== undefined) onRow(row, name, pick)
  }
}
