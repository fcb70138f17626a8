/** What a database counts of itself beside what the log says of it. */
import { compareCounts, type Counted, countedIn, type Ledger } from "@sealog/core/backup/Ledger"
import type { SourceState } from "@sealog/core/backup/Source"
import { leftOut } from "./AttachmentFile.ts"
import { heldIn, lackingIn } from "./AttachmentTable.ts"
import type { RowReader } from "./RowReader.ts"

export const ledgerOf = (reader: RowReader, state: SourceState, takesNone: boolean): Ledger => {
  const { attachments, conversations, skipped } = reader.census()
  const titles = new Map(
    reader.chats().flatMap(({ conversation, title }) => title === undefined ? [] : [[conversation, title] as const])
  )
  const missing = new Map<string, number>()
  for (const { reason } of lackingIn(state)) {
    const said = takesNone ? leftOut(0) : reason === "" ? NOT_YET : reason
    missing.set(said, (missing.get(said) ?? 0) + 1)
  }
  return {
    conversations: compareCounts(conversations, countedIn(state), titles),
    attachments: {
      referenced: attachments,
      stored: heldIn(state),
      missing: [...missing].map(([reason, count]): Counted => ({ reason, count }))
    },
    skipped
  }
}

const NOT_YET = "not looked for yet"
