/**
 * Stores of WhatsApp out of nothing, the same for the same seed: conversations, groups whose members are hidden behind
 * ids, every type of message, answers, reactions, files that are there and files that are not, statuses.
 */
import { prose, type Random } from "./MailGenerator.ts"
import { fileBytes, type Media, type NewMessage, WhatsAppApp, type WhatsAppOptions } from "./WhatsAppApp.ts"

export interface GenerateWhatsAppOptions extends WhatsAppOptions {
  readonly messages: number
  /** Of the messages with a file, how many have it here: none by default. */
  readonly files?: number
}

export interface GeneratedWhatsApp {
  readonly app: WhatsAppApp
  /** Rows of messages that belong to conversations, in order. */
  readonly rows: ReadonlyArray<number>
  /** Rows of statuses. */
  readonly statuses: ReadonlyArray<number>
}

/** Messages in one commit. */
const COMMIT_MESSAGES = 1_000

/** Fills a store, about 6,000 messages a second, and leaves it open. */
export const generateWhatsApp = (options: GenerateWhatsAppOptions): GeneratedWhatsApp => {
  const app = new WhatsAppApp(options)
  const places = app.tables.together(() => settle(app))
  const rows: Array<number> = []
  const statuses: Array<number> = []
  for (let from = 0; from < options.messages; from += COMMIT_MESSAGES) {
    app.tables.together(() => {
      for (let number = from; number < Math.min(from + COMMIT_MESSAGES, options.messages); number++) {
        const row = putMessage(app, places, rows, number, options.files ?? 0)
        rows.push(row)
        if (number % 50 === 17) statuses.push(app.add({ chat: pick(app.random, places.statuses), text: "a status" }))
      }
    })
  }
  return { app, rows, statuses }
}

interface Place {
  readonly chat: number
  readonly members: ReadonlyArray<{ readonly row: number; readonly jid: string }>
  readonly jid: string
}

interface Places {
  readonly chats: ReadonlyArray<Place>
  readonly statuses: ReadonlyArray<number>
}

const PEOPLE = ["Ada Quill", "Björn Åkesson", "Chen Lu", "Dora Finch", "Emeka Obi", "Farid N.", "Grace Hall 🌱"]
const phoneOf = (number: number): string => `120255501${String(number + 1).padStart(2, "0")}`
const lidOf = (number: number): string => `2700000000${String(number + 1).padStart(5, "0")}@lid`

const settle = (app: WhatsAppApp): Places => {
  app.know(PEOPLE.map((name, number) => ({
    ...(number % 3 === 0 ? {} : { name }),
    phone: phoneOf(number),
    ...(number % 2 === 0 ? { lid: lidOf(number) } : {})
  })))
  const direct = PEOPLE.map((name, number): Place => {
    const jid = number === 4 ? lidOf(number) : `${phoneOf(number)}@s.whatsapp.net`
    app.pushName(jid, name.split(" ")[0]!)
    return { chat: app.chat(jid, name), members: [], jid }
  })
  const groups = ["Garden", "Reading circle", "🚲 Sunday rides"].map((name, number): Place => {
    const jid = `12036300000000000${number}@g.us`
    const chat = app.chat(jid, name)
    const members = PEOPLE.map((person, one) => {
      const member = one % 2 === 0 ? lidOf(one) : `${phoneOf(one)}@s.whatsapp.net`
      return { row: app.member(chat, member, one === 2 ? "" : person, one === 2 ? "Chen" : null), jid: member }
    })
    return { chat, members, jid }
  })
  const statuses = ["status@broadcast", "12025550101@status", "270000000000005@lid.status"]
  return { chats: [...direct, ...groups], statuses: statuses.map((jid) => app.chat(jid, "Status")) }
}

const EMOJI = ["👍", "❤️", "😂", "👨‍👩‍👧‍👦", "🇦🇶"]

const putMessage = (
  app: WhatsAppApp,
  { chats }: Places,
  rows: ReadonlyArray<number>,
  number: number,
  files: number
): number => {
  const { random } = app
  const place = pick(random, chats)
  const mine = random() < 0.4
  const member = place.members.length > 0 && !mine ? pick(random, place.members) : undefined
  const answers = random() < 0.1 ? lastOf(app, rows, place.chat) : undefined
  const row = app.add({
    chat: place.chat,
    mine,
    ...(member === undefined ? {} : { member: member.row }),
    ...(answers === undefined ? {} : { answers }),
    starred: random() < 0.01,
    ...kindOf(random, number, files)
  })
  if (random() < 0.15) app.react(row, pick(random, EMOJI), place.members[0]?.jid ?? place.jid)
  if (random() < 0.05) app.react(row, pick(random, EMOJI))
  if (random() < 0.3) app.receipt(row, place.jid, 3)
  if (number % 97 === 96) app.revoke(row, member?.jid)
  return row
}

/** Of the last few rows one in that chat. */
const lastOf = (app: WhatsAppApp, rows: ReadonlyArray<number>, chat: number): number | undefined =>
  rows.slice(-20).find((row) => app.message(row)["ZCHATSESSION"] === chat)

type Kind = Pick<NewMessage, "type" | "text" | "media" | "event">

/** The rarer types come in turn, so that a store of a hundred messages has every one. */
const kindOf = (random: Random, number: number, files: number): Kind => {
  const make = number % 4 === 3 ? RARE[Math.floor(number / 4) % RARE.length] : undefined
  return make === undefined
    ? { text: prose(random, 10 + Math.floor(random() ** 3 * 300)) }
    : make(random, random() < files)
}

const file = (type: number, mime: string, size: number, more: Media = {}) => (random: Random, here: boolean): Kind => ({
  type,
  media: { mime, size, ...more, ...(here ? { bytes: fileBytes(random, size, mime) } : {}) },
  ...(random() < 0.3 ? { text: prose(random, 20) } : {})
})

const RARE: ReadonlyArray<(random: Random, here: boolean) => Kind> = [
  file(1, "image/jpeg", 24_000),
  file(2, "video/mp4", 90_000, { seconds: 12 }),
  file(3, "audio/ogg; codecs=opus", 6_000, { seconds: 7 }),
  () => ({ type: 4, media: { mime: "BEGIN:VCARD\nVERSION:3.0\nFN:Ida Moss\nEND:VCARD", title: "Ida Moss" } }),
  () => ({ type: 5, media: { latitude: 59.3293, longitude: 18.0686, title: "The old harbour" } }),
  () => ({ type: 6, event: 2, text: "270000000000001@lid" }),
  (random) => ({ type: 7, text: `${prose(random, 20)} https://sample.example/garden` }),
  file(8, "application/pdf", 40_000, { title: "plan 2024.pdf" }),
  () => ({ type: 10, event: 56 }),
  file(11, "video/mp4", 8_000),
  file(15, "image/webp", 3_000),
  file(38, "image/jpeg", 9_000),
  file(39, "video/mp4", 9_500),
  () => ({ type: 46 }),
  () => ({ type: 66 }),
  file(99, "image/jpeg", 7_000),
  () => ({ type: 75 })
]

const pick = <A>(random: Random, all: ReadonlyArray<A>): A => all[Math.floor(random() * all.length)]!
