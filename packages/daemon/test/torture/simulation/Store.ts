/**
 * A message store and the hands of its owner: chats whose messages are added, edited, reacted to, flagged, removed and
 * put back, mails that are moved between folders, long contents, files beside them, and parts that cannot be read for a
 * while. It stands in memory, so that it can be copied with the machine it is on.
 */
import type { SourceReason } from "@sealog/core/backup/Source"
import type { Message } from "@sealog/core/message/Event"
import { conversationOfFolder } from "@sealog/core/message/MailFolder"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import { pick } from "../../faults/Trials.ts"

export interface Stored {
  readonly key: string
  readonly conversation: string
  readonly at: number
  readonly text: string
  readonly flags: ReadonlyArray<string>
  readonly reactions: ReadonlyArray<{ readonly author: string; readonly emoji: string }>
  /** The folder of a mail; a chat message has none. */
  readonly folder?: string
  readonly content?: Uint8Array
  /** It is there and cannot be read. */
  readonly unreadable?: boolean
}

interface StoredFile {
  readonly mtimeNs: number
  readonly bytes: Uint8Array
}

/** A content of this length or more is told as a long one, bytes. */
export const LARGE_BYTES = 1_500
const LARGEST_BYTES = 4_000
/** Contents that come again and again: mails that are filed twice. */
const SHARED = ["a form letter ", "minutes ", "an invitation "].map((text) => Buffer.from(text.repeat(60)))

export class Store {
  readonly messages: Map<string, Stored>
  readonly files: Map<string, StoredFile>
  /** Messages that were there once: they can be put back. */
  private readonly bin: Map<string, Stored>
  /** Why nothing of it can be read now. */
  away: SourceReason | undefined
  /** Who wants to know of changes. */
  readonly listeners = new Set<() => void>()
  private count: number

  constructor(from?: Store) {
    this.messages = new Map(from?.messages)
    this.files = new Map(from?.files)
    this.bin = new Map(from?.bin)
    this.away = from?.away
    this.count = from?.count ?? 0
  }

  get(key: string): Stored | undefined {
    return this.messages.get(key)
  }

  put(message: Stored): void {
    this.messages.set(message.key, message)
  }

  /** A new message, another for each number. */
  add(number: number, more: Partial<Stored> = {}): void {
    this.put({
      key: `m${number}`,
      conversation: `chat ${number % 3}`,
      at: 1_700_000_000_000 + number * 1_000,
      text: `text ${number}`,
      flags: [],
      reactions: [],
      ...more
    })
  }

  change(key: string, change: (message: Stored) => Partial<Stored>): void {
    const message = this.messages.get(key)
    if (message !== undefined) this.put({ ...message, ...change(message) })
  }

  remove(key: string): void {
    const message = this.messages.get(key)
    if (message === undefined) return
    this.messages.delete(key)
    this.bin.set(key, message)
  }

  restore(key: string): void {
    const message = this.bin.get(key)
    if (message === undefined) return
    this.bin.delete(key)
    this.put(message)
  }

  /** Something its owner may do, drawn; says what. `machine` keeps apart what two machines bring in. */
  act(random: () => number, machine: string): string {
    const keys = [...this.messages.keys()]
    const acts = keys.length === 0 ? [this.draw.add] : Object.values(this.draw)
    const said = pick(random, acts)(random, keys, machine)
    return said
  }

  /** Tells who listens; a hint may also be lost. */
  hint(): void {
    for (const listener of this.listeners) listener()
  }

  private readonly draw = {
    add: (random: () => number, _: ReadonlyArray<string>, machine: string) => {
      const number = this.count++
      const key = `${machine}${number}`
      this.add(number, { key, ...drawn(random, number) })
      return `adds ${key}`
    },
    addSome: (random: () => number, keys: ReadonlyArray<string>, machine: string) => {
      const count = 2 + Math.floor(random() * 6)
      for (let each = 0; each < count; each++) this.draw.add(random, keys, machine)
      return `adds ${count}`
    },
    edit: (random: () => number, keys: ReadonlyArray<string>) => {
      const key = pick(random, keys)
      this.change(key, ({ text }) => ({ text: `${text.split(" edited")[0]} edited ${Math.floor(random() * 1e9)}` }))
      return `edits ${key}`
    },
    flag: (random: () => number, keys: ReadonlyArray<string>) => {
      const key = pick(random, keys)
      this.change(key, ({ flags }) => ({ flags: flags.length === 0 ? ["seen"] : [] }))
      return `flags ${key}`
    },
    react: (random: () => number, keys: ReadonlyArray<string>) => {
      const key = pick(random, keys)
      const reaction = { author: pick(random, ["bob", "eve"]), emoji: pick(random, ["+", "!"]) }
      this.change(key, ({ reactions }) => ({ reactions: toggled(reactions, reaction) }))
      return `reacts to ${key}`
    },
    move: (random: () => number, keys: ReadonlyArray<string>) => {
      const key = pick(random, keys)
      this.change(key, ({ folder }) => folder === undefined ? {} : { folder: folder === "" ? ".Kept" : "" })
      return `moves ${key}`
    },
    remove: (random: () => number, keys: ReadonlyArray<string>) => {
      const key = pick(random, keys)
      this.remove(key)
      return `removes ${key}`
    },
    restore: (random: () => number) => {
      const binned = [...this.bin.keys()]
      if (binned.length === 0) return "restores nothing"
      const key = pick(random, binned)
      this.restore(key)
      return `restores ${key}`
    },
    spoil: (random: () => number, keys: ReadonlyArray<string>) => {
      const key = pick(random, keys)
      this.change(key, ({ unreadable }) => ({ unreadable: unreadable !== true }))
      return `spoils or mends ${key}`
    },
    touchFile: (random: () => number) => {
      const path = pick(random, ["subscriptions", "index"])
      const text = `file ${Math.floor(random() * 1e9)}`
      if (this.files.has(path) && random() < 0.3) this.files.delete(path)
      else this.files.set(path, { mtimeNs: Math.floor(random() * 1e15), bytes: Buffer.from(text) })
      return `touches ${path}`
    }
  }
}

const drawn = (random: () => number, number: number): Partial<Stored> => {
  const kind = random()
  if (kind < 0.5) return {}
  const mail = { folder: "", conversation: conversationOfFolder("") }
  if (kind < 0.7) return { ...mail, content: Buffer.from(`a mail of its own, number ${number}`) }
  if (kind < 0.85) return { ...mail, content: pick(random, SHARED) }
  const size = LARGE_BYTES + Math.floor(random() * (LARGEST_BYTES - LARGE_BYTES))
  return { ...mail, content: Buffer.alloc(size, createHash("sha256").update(String(number)).digest()) }
}

const toggled = (
  all: Stored["reactions"],
  { author, emoji }: Stored["reactions"][number]
): Stored["reactions"] => {
  const others = all.filter((each) => each.author !== author || each.emoji !== emoji)
  return others.length < all.length ? others : [...all, { author, emoji }]
}

/** A message as the store has it now, in the terms of events; its content stands in it, however long. */
export const messageOf = (stored: Stored): Message => {
  const { at, content, flags, folder, key, reactions, text } = stored
  return {
    key,
    at,
    type: folder === undefined ? "text" : "mail",
    text,
    flags,
    reactions,
    ...(folder === undefined ? {} : { places: [{ folder, sub: "cur", name: key, mtimeNs: at }] }),
    ...(content === undefined ? {} : { content: { _tag: "inline", bytes: content } })
  }
}

export const conversationOf = ({ conversation, folder }: Stored): string =>
  folder === undefined ? conversation : conversationOfFolder(folder)
