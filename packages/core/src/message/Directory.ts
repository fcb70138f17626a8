/**
 * Everything around the messages, as it stands at the end: accounts, participants, chats and folders, files of a
 * store, what could not be read. As with messages, each thing keeps the word with the greatest stamp, so the order in
 * which events come makes no difference.
 */
import type { Content, EventOf, Value } from "./Event.ts"
import { isLater, type Stamp } from "./Stamp.ts"

export interface Account {
  readonly source: string
  readonly account: string
  readonly name?: string
  readonly extra?: Value
}

export interface Participant {
  readonly source: string
  readonly participant: string
  readonly name?: string
  readonly addresses?: ReadonlyArray<string>
  readonly extra?: Value
}

export interface Chat {
  readonly source: string
  readonly conversation: string
  readonly title?: string
  readonly type?: string
  /** For a store of folders: the folder itself. */
  readonly folder?: string
  readonly extra?: Value
  readonly members?: ReadonlyArray<string>
}

export interface StoreFile {
  readonly source: string
  readonly path: string
  readonly mtimeNs: number | bigint
  readonly content: Content
  /** Which event holds the content. */
  readonly stamp: Stamp
}

export interface Gap {
  readonly source: string
  readonly conversation: string
  readonly subject: string
  readonly reason: string
}

interface At<A> {
  readonly stamp: Stamp
  /** `undefined` once it is removed. */
  readonly value: A | undefined
}

/** One kind of thing: the latest word on each. */
class Table<A> {
  private readonly latest = new Map<string, At<A>>()

  /** Whether this is the latest word now. */
  put(key: ReadonlyArray<string>, stamp: Stamp, value: A | undefined): boolean {
    const name = JSON.stringify(key)
    if (!isLater(stamp, this.latest.get(name)?.stamp)) return false
    this.latest.set(name, { stamp, value })
    return true
  }

  get(key: ReadonlyArray<string>): A | undefined {
    return this.latest.get(JSON.stringify(key))?.value
  }

  /** Those there are, in the order of their keys. */
  values(): ReadonlyArray<A> {
    return [...this.latest]
      .filter(([, at]) => at.value !== undefined)
      .toSorted(([left], [right]) => left < right ? -1 : 1)
      .map(([, at]) => at.value as A)
  }
}

export class Directory {
  private readonly accountTable = new Table<Account>()
  private readonly participantTable = new Table<Participant>()
  private readonly chatTable = new Table<Chat>()
  private readonly memberTable = new Table<ReadonlyArray<string>>()
  private readonly fileTable = new Table<StoreFile | "elsewhere">()
  private readonly gapTable = new Table<Gap>()

  accounts(): ReadonlyArray<Account> {
    return this.accountTable.values()
  }

  participants(): ReadonlyArray<Participant> {
    return this.participantTable.values()
  }

  /** Chats and folders that exist, with their members where the store told them. */
  chats(): ReadonlyArray<Chat> {
    return this.chatTable.values().map((chat) => {
      const members = this.memberTable.get([chat.source, chat.conversation])
      return members === undefined ? chat : { ...chat, members }
    })
  }

  /** Files that exist; none of those that `acceptFile` took. */
  files(): ReadonlyArray<StoreFile> {
    return this.fileTable.values().filter((file) => file !== "elsewhere")
  }

  /** What could not be read and still cannot. */
  gaps(): ReadonlyArray<Gap> {
    return this.gapTable.values()
  }

  putAccount({ account, extra, name, source }: EventOf<"account.seen">, stamp: Stamp): void {
    this.accountTable.put([source, account], stamp, {
      source,
      account,
      ...(name === undefined ? {} : { name }),
      ...(extra === undefined ? {} : { extra })
    })
  }

  putParticipant(event: EventOf<"participant.upsert">, stamp: Stamp): void {
    const { addresses, extra, name, participant, source } = event
    this.participantTable.put([source, participant], stamp, {
      source,
      participant,
      ...(name === undefined ? {} : { name }),
      ...(addresses === undefined ? {} : { addresses }),
      ...(extra === undefined ? {} : { extra })
    })
  }

  putChat({ conversation, extra, folder, source, title, type }: EventOf<"chat.upsert">, stamp: Stamp): void {
    this.chatTable.put(chatKey(source, conversation, folder), stamp, {
      source,
      conversation,
      ...(title === undefined ? {} : { title }),
      ...(type === undefined ? {} : { type }),
      ...(folder === undefined ? {} : { folder }),
      ...(extra === undefined ? {} : { extra })
    })
  }

  removeChat({ conversation, folder, source }: EventOf<"chat.removed">, stamp: Stamp): void {
    this.chatTable.put(chatKey(source, conversation, folder), stamp, undefined)
  }

  putMembers({ conversation, members, source }: EventOf<"chat.members">, stamp: Stamp): void {
    this.memberTable.put([source, conversation], stamp, members)
  }

  putFile({ content, mtimeNs, path, source }: EventOf<"file.upsert">, stamp: Stamp): void {
    this.fileTable.put([source, path], stamp, { source, path, mtimeNs, content, stamp })
  }

  /**
   * Whether this version of a file is later than every one so far and not removed later: then it is to be written,
   * over what was written for an earlier one. For those who see files pass by and cannot keep them.
   */
  acceptFile({ path, source }: EventOf<"file.upsert">, stamp: Stamp): boolean {
    return this.fileTable.put([source, path], stamp, "elsewhere")
  }

  removeFile({ path, source }: EventOf<"file.removed">, stamp: Stamp): void {
    this.fileTable.put([source, path], stamp, undefined)
  }

  putGap({ closed, conversation, reason, source, subject }: EventOf<"source.gap">, stamp: Stamp): void {
    const gap = { source, conversation, subject, reason }
    this.gapTable.put([source, conversation, subject], stamp, closed === true ? undefined : gap)
  }
}

/** A folder is its own name; a chat has none but its conversation. */
const chatKey = (source: string, conversation: string, folder: string | undefined): ReadonlyArray<string> =>
  folder === undefined ? [source, "chat", conversation] : [source, "folder", folder]
