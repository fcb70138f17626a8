/**
 * What each store holds beside what the log says of it, counted now and then: at the end of a sync, after a daemon's
 * first pass, and every so often after that. Counting a million rows takes seconds, so whoever asks for the status is
 * told what was counted last, and when. Conversations are named to those who have the key, and nowhere else.
 */
import { type ConversationCount, type Ledger, mismatches } from "@sealog/core/backup/Ledger"
import type { SourceError, SourceShape } from "@sealog/core/backup/Source"
import { Clock, Effect, Either, Ref } from "effect"
import { failureOf } from "../Failure.ts"
import * as Reports from "../Reports.ts"
import type { Session } from "./Session.ts"

/** A ledger, or why there is none, and when it was counted, milliseconds since 1970. */
export interface Counted {
  readonly counted: Either.Either<Ledger, SourceError>
  readonly at: number
}

/** So old a ledger is counted anew when its store is read, milliseconds. */
const DUE_MILLIS = 600_000

/** Whether a source can be counted, and was not for a while. */
export const isCountDue = Effect.fn("Ledgers.isDue")(function*({ ledgers }: Session, source: SourceShape) {
  const last = (yield* Ref.get(ledgers)).get(source.name)
  const now = yield* Clock.currentTimeMillis
  return source.ledger !== undefined && (last === undefined || now - last.at >= DUE_MILLIS)
})

/** Counts a source anew: whether it adds up, or is none that can count. */
export const addsUp = Effect.fn("Ledgers.addsUp")(function*({ capture, ledgers }: Session, source: SourceShape) {
  if (source.ledger === undefined) return true
  const counted = yield* Effect.either(source.ledger(yield* capture.state(source.name)))
  const at = yield* Clock.currentTimeMillis
  yield* Ref.update(ledgers, (known) => new Map(known).set(source.name, { counted, at }))
  return Either.isRight(counted) && mismatches(counted.right).length === 0
})

/** As a field of a report, where there is one; with each conversation, or only how many they are. */
export const ledgerOf = (ledgers: ReadonlyMap<string, Counted>, source: string, names: boolean) => {
  const last = ledgers.get(source)
  return last === undefined || Either.isLeft(last.counted)
    ? {}
    : { ledger: reportOf(last.counted.right, last.at, names) }
}

const reportOf = (ledger: Ledger, at: number, names: boolean): Reports.LedgerReport => ({
  at: Reports.time(at),
  // One of which all is left out is none of them.
  conversations: ledger.conversations.filter(({ inLog, inStore }) => inLog + inStore > 0).length,
  inStore: ledger.conversations.reduce((sum, { inStore }) => sum + inStore, 0),
  inLog: ledger.conversations.reduce((sum, { inLog }) => sum + inLog, 0),
  mismatched: mismatches(ledger).length,
  attachments: ledger.attachments,
  skipped: ledger.skipped,
  ...(names ? { counts: ledger.conversations } : {})
})

/** What does not add up: with the conversations' names, or only how many they are. */
export const warningsIn = (
  ledgers: ReadonlyMap<string, Counted>,
  names: boolean
): ReadonlyArray<Reports.Problem> =>
  [...ledgers].flatMap(([source, { counted }]): ReadonlyArray<Reports.Problem> => {
    if (Either.isLeft(counted)) {
      const { hint, message } = failureOf(counted.left)
      return [{ reason: "NotCounted", message: `${source} could not be counted: ${message}`, hint }]
    }
    const wrong = mismatches(counted.right)
    if (wrong.length === 0) return []
    const said = wrong.slice(0, MOST_NAMED).map(inWords)
    const rest = wrong.length > MOST_NAMED ? [`and ${wrong.length - MOST_NAMED} more`] : []
    const many = wrong.length === 1 ? "one conversation" : `${wrong.length} conversations`
    return [{
      reason: "Incomplete",
      message: names
        ? `${source} does not add up in ${many}: ${[...said, ...rest].join("; ")}`
        : `${source} does not add up in ${many}: the log lacks messages or attachments that are in the store, or has some that are not`,
      hint: names
        ? "messages may have come while it was counted: run sealog sync; if it stays, the log lacks something: report it"
        : "run sealog sync to see which"
    }]
  })

const MOST_NAMED = 10

const inWords = ({ attachments, conversation, inLog, inStore, title }: ConversationCount): string => {
  const name = title === undefined ? conversation : `${title} (${conversation})`
  const messages = inStore === inLog ? [] : [`${inStore} in the store, ${inLog} in the log`]
  const files = attachments === undefined || attachments.unexplained === 0
    ? []
    : [`of ${attachments.unexplained} of ${attachments.referenced} attachments the log says nothing`]
  return `${name}: ${[...messages, ...files].join(", ")}`
}
