/**
 * What a database counts of itself beside what the log says of it. Attachments are not only counted: each that the
 * store names is looked up by its name, so that one which is kept, of a message that is gone, never stands for one
 * which was missed.
 */
import {
  AttachmentTally,
  compareCounts,
  type Counted,
  countedIn,
  countedOf,
  type Fate,
  type Ledger
} from "@sealog/core/backup/Ledger"
import type { SourceState } from "@sealog/core/backup/Source"
import { leftOut } from "./AttachmentFile.ts"
import { fateOf, heldIn, lackingIn } from "./AttachmentTable.ts"
import type { RowReader } from "./RowReader.ts"

export const ledgerOf = (reader: RowReader, state: SourceState, takesNone: boolean): Ledger => {
  const { attachments, conversations, skipped } = reader.census()
  const titles = new Map(
    reader.chats().flatMap(({ conversation, title }) => title === undefined ? [] : [[conversation, title] as const])
  )
  const said = (reason: string): string => takesNone ? leftOut(0) : reason === "" ? NOT_YET : reason
  const saidOf = (fate: Fate): Fate => fate?._tag === "missing" ? { ...fate, reason: said(fate.reason) } : fate
  const tally = new AttachmentTally()
  attachments(({ attachment, conversation, key }) => tally.add(conversation, saidOf(fateOf(state, key, attachment))))
  const named = tally.counts()
  const missing = new Map<string, number>()
  for (const { reason } of lackingIn(state)) missing.set(said(reason), (missing.get(said(reason)) ?? 0) + 1)
  const sum = (field: "referenced" | "unexplained") =>
    [...named.values()].reduce((total, counts) => total + counts[field], 0)
  const reasons = new Map<string, number>()
  const left = new Map<string, ReadonlyArray<Counted>>()
  for (const { conversation, count, reason } of skipped) {
    reasons.set(reason, (reasons.get(reason) ?? 0) + count)
    left.set(conversation, [...(left.get(conversation) ?? []), { reason, count }])
  }
  return {
    conversations: compareCounts(conversations, countedIn(state), { titles, attachments: named, skipped: left }),
    attachments: {
      referenced: sum("referenced"),
      stored: heldIn(state),
      missing: countedOf(missing),
      unexplained: sum("unexplained")
    },
    skipped: countedOf(reasons)
  }
}

const NOT_YET = "not looked for yet"
