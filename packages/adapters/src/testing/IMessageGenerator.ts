/**
 * Databases of Messages out of nothing, in the real schema, the same for the same seed: for benchmarks and tests that
 * need many messages that look like messages. A few of the chats have most of them; some are groups; there are edits,
 * tapbacks, replies, attachments and events of groups among them.
 */
import { has } from "./IMessageSchema.ts"
import { type IMessageOptions, type IMessageStore, makeIMessageStore } from "./IMessageStore.ts"
import type { Random } from "./MailGenerator.ts"
import { makeTexts } from "./Texts.ts"

export interface IMessageGeneratorOptions extends IMessageOptions {
  readonly messages: number
  readonly chats?: number
}

interface Chat {
  readonly row: number
  readonly handles: ReadonlyArray<number>
  /** The newest messages, to be answered and reacted to. */
  readonly recent: Array<number>
}

const CHATS = 300
const RECENT = 20
/** Rows in one write. */
const TOGETHER = 50_000
const TAPBACK_SHARE = 0.06
const REPLY_SHARE = 0.04
const ATTACHMENT_SHARE = 0.05
const EDIT_SHARE = 0.005
const UNSENT_SHARE = 0.001
const GROUP_EVENT_SHARE = 0.001

/** Makes a store and leaves it open, so that its owner can go on; about 25 seconds for a million messages. */
export const generateIMessage = (options: IMessageGeneratorOptions): IMessageStore => {
  const store = makeIMessageStore({ ...options, withIndices: false })
  const { database, random } = store
  // Nothing can be lost here, and random guids need their index at hand.
  database.exec("PRAGMA journal_mode=OFF; PRAGMA cache_size=-400000")
  const chats = store.together(() => Array.from({ length: options.chats ?? CHATS }, (_, n) => makeChat(store, n)))
  const write = writer(store, chats)
  for (let from = 0; from < options.messages; from += TOGETHER) {
    store.together(() => {
      for (let n = from; n < Math.min(from + TOGETHER, options.messages); n++) write(random)
    })
  }
  store.addIndices()
  database.exec("PRAGMA journal_mode=WAL; PRAGMA cache_size=-2000")
  return store
}

/** Goes on with a store: so many messages more, each in a write of its own. */
export const continueIMessage = (store: IMessageStore, messages: number): void => {
  const chats = (store.database.prepare("SELECT ROWID AS row FROM chat").all() as Array<{ row: number }>).map((
    { row }
  ) => ({
    row,
    handles:
      (store.database.prepare("SELECT handle_id AS handle FROM chat_handle_join WHERE chat_id = ?").all(row) as Array<
        { handle: number }
      >).map(({ handle }) => handle),
    recent: []
  }))
  const write = writer(store, chats)
  for (let n = 0; n < messages; n++) write(store.random)
}

const makeChat = (store: IMessageStore, number: number): Chat => {
  const { random } = store
  const person = () => `+1555${String(Math.floor(random() * 1e7)).padStart(7, "0")}${number}`
  if (number % 4 !== 3) {
    const id = person()
    const service = number % 4 === 2 ? "SMS" : "iMessage"
    const handle = store.handle(id, service)
    return { row: store.chat(`${service};-;${id}`, [handle]), handles: [handle], recent: [] }
  }
  const handles = Array.from({ length: 2 + Math.floor(random() * 6) }, () => store.handle(person()))
  return { row: store.chat(`iMessage;+;chat${number}`, handles, `Group ${number}`), handles, recent: [] }
}

/** Writes one row more, of any kind. */
const writer = (store: IMessageStore, chats: ReadonlyArray<Chat>) => {
  const textOf = makeTexts({ short: true })
  const hasTapbacks = has(store.macos, "high-sierra")
  const hasReplies = has(store.macos, "big-sur")
  const hasEdits = has(store.macos, "ventura")
  return (random: Random): void => {
    const skew = random()
    const chat = chats[Math.floor(chats.length * skew * skew * skew)]!
    const { handles, recent, row } = chat
    const from = random() < 0.4 ? {} : { from: handles[Math.floor(random() * handles.length)]! }
    const earlier = recent[Math.floor(random() * recent.length)]
    const kind = random()
    if (hasTapbacks && earlier !== undefined && kind < TAPBACK_SHARE) {
      const type = (random() < 0.9 ? 2_000 : 3_000) + Math.floor(random() * 6)
      store.react(row, { message: earlier, type }, from.from)
      return
    }
    if (random() < GROUP_EVENT_SHARE) {
      store.say(row, { ...from, columns: { item_type: 1, group_action_type: 0, other_handle: handles[0]! } })
      return
    }
    const message = random() < ATTACHMENT_SHARE
      ? sendFile(store, row, from, textOf(random))
      : store.say(row, {
        ...from,
        text: textOf(random),
        ...(hasReplies && earlier !== undefined && random() < REPLY_SHARE
          ? { columns: { thread_originator_guid: store.guidOf(earlier), thread_originator_part: "0:0:1" } }
          : {})
      })
    if (hasEdits && random() < EDIT_SHARE) store.edit(message, textOf(random))
    else if (hasEdits && random() < UNSENT_SHARE) store.unsend(message)
    recent.push(message)
    if (recent.length > RECENT) recent.shift()
  }
}

/** A picture with a few words, or without; some are not on this Mac any more. */
const sendFile = (store: IMessageStore, chat: number, from: { readonly from?: number }, text: string): number => {
  const { random } = store
  const number = Math.floor(random() * 1e9)
  const words = random() < 0.3 ? [{ text, attributes: { __kIMMessagePartAttributeName: 1 } }] : []
  const message = store.say(chat, {
    ...from,
    pieces: [
      {
        text: "\ufffc",
        attributes: { __kIMFileTransferGUIDAttributeName: `at_0_${number}`, __kIMMessagePartAttributeName: 0 }
      },
      ...words
    ]
  })
  store.attach(message, {
    filename: `~/Library/Messages/Attachments/${(number % 256).toString(16)}/IMG_${number}.heic`,
    mime_type: "image/heic",
    uti: "public.heic",
    transfer_name: `IMG_${number}.heic`,
    transfer_state: random() < 0.2 ? 0 : 5,
    total_bytes: Math.floor(random() * 4e6)
  })
  return message
}
