/** Chats, their members and participants: few enough to be compared one by one with what was told of them. */
import type { SourceState } from "@sealog/core/backup/Source"
import type { Fact } from "@sealog/core/message/Event"
import { chatDigest, membersDigest, participantDigest } from "./DatabaseTable.ts"
import type { RowReader } from "./RowReader.ts"

export const tellChats = (reader: RowReader, state: SourceState): ReadonlyArray<Fact> => {
  const facts: Array<Fact> = []
  for (const { addresses, extra, name, participant } of reader.participants()) {
    const fact = {
      kind: "participant.upsert",
      conversation: "",
      participant,
      ...(name === undefined ? {} : { name }),
      ...(addresses === undefined ? {} : { addresses }),
      ...(extra === undefined ? {} : { extra })
    } as const
    if (state.get(`u:${participant}`) !== participantDigest(fact)) facts.push(fact)
  }
  const chats = reader.chats()
  const there = new Set(chats.map(({ conversation }) => conversation))
  for (const key of state.keys()) {
    const conversation = key.slice(2)
    if (key.startsWith("c:") && !there.has(conversation)) facts.push({ kind: "chat.removed", conversation })
  }
  for (const { conversation, extra, members, title, type } of chats) {
    const fact = {
      kind: "chat.upsert",
      conversation,
      ...(title === undefined ? {} : { title }),
      ...(type === undefined ? {} : { type }),
      ...(extra === undefined ? {} : { extra })
    } as const
    if (state.get(`c:${conversation}`) !== chatDigest(fact)) facts.push(fact)
    if (members !== undefined && state.get(`m:${conversation}`) !== membersDigest(members)) {
      facts.push({ kind: "chat.members", conversation, members })
    }
  }
  return facts
}
