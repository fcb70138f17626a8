/**
 * What each store holds beside what the log says of it, counted now and then: at the end of a sync, after a daemon's
 * first pass, and every so often after that. Counting a million rows takes seconds, so whoever asks for the status is
 * told what was counted last, and when. Conversations are named to those who have the key, and nowhere else.
 */
import { type Ledger, mismatches } from "@sealog/core/backup/Ledger"
import type { SourceShape } from "@sealog/core/backup/Source"
import { Clock, Effect, Either, Ref } from "effect"
import type { KnownError } from "../Failure.ts"
import * as Reports from "../Reports.ts"
import type { Session } from "./Session.ts"

/** A ledger, and when it was counted, milliseconds since 1970. */
export interface Counted {
  readonly ledger: Ledger
  readonly at: number
}

/** So old a ledger is counted anew when its store is read, milliseconds. */
const DUE_MILLIS = 600_000

/** Counts a source anew. A store that cannot be read is told elsewhere, and has no ledger. */
const countSource = Effect.fn("Ledgers.count")(function*(
  { capture, ledgers }: Session,
  source: SourceShape
): Effect.fn.Return<void, KnownError> {
  if (source.ledger === undefined) return
  const counted = yield* Effect.either(source.ledger(yield* capture.state(source.name)))
  const at = yield* Clock.currentTimeMillis
  yield* Ref.update(ledgers, (known) => {
    const next = new Map(known)
    if (Either.isLeft(counted)) next.delete(source.name)
    else next.set(source.name, { ledger: counted.right, at })
    return next
  })
})

/** Counts a source anew: whether it adds up, or cannot be counted. */
export const addsUp = Effect.fn("Ledgers.addsUp")(function*(session: Session, source: SourceShape) {
  yield* countSource(session, source)
  const counted = (yield* Ref.get(session.ledgers)).get(source.name)
  return counted === undefined || mismatches(counted.ledger).length === 0
})

/** As a field of a report, where there is one; with each conversation, or only how many they are. */
export const ledgerOf = (ledgers: ReadonlyMap<string, Counted>, source: string, names: boolean) => {
  const counted = ledgers.get(source)
  return counted === undefined ? {} : { ledger: reportOf(counted, names) }
}

/** Counts a source where that is due; whether it was. */
export const countIfDue = Effect.fn("Ledgers.countIfDue")(function*(session: Session, source: SourceShape) {
  const last = (yield* Ref.get(session.ledgers)).get(source.name)
  const now = yield* Clock.currentTimeMillis
  if (source.ledger === undefined || (last !== undefined && now - last.at < DUE_MILLIS)) return false
  yield* countSource(session, source)
  return true
})

const reportOf = ({ at, ledger }: Counted, names: boolean): Reports.LedgerReport => ({
  at: Reports.time(at),
  conversations: ledger.conversations.length,
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
  [...ledgers].flatMap(([source, { ledger }]): ReadonlyArray<Reports.Problem> => {
    const wrong = mismatches(ledger)
    if (wrong.length === 0) return []
    const said = wrong.slice(0, MOST_NAMED).map(({ conversation, inLog, inStore, title }) =>
      `${
        title === undefined ? conversation : `${title} (${conversation})`
      }: ${inStore} in the store, ${inLog} in the log`
    )
    const rest = wrong.length > MOST_NAMED ? [`and ${wrong.length - MOST_NAMED} more`] : []
    const many = wrong.length === 1 ? "one conversation" : `${wrong.length} conversations`
    return [{
      reason: "Incomplete",
      message: names
        ? `${source} does not add up in ${many}: ${[...said, ...rest].join("; ")}`
        : `${source} does not add up in ${many}: the store and the log count different numbers of messages`,
      hint: names
        ? "messages may have come while it was counted: run sealog sync; if it stays, the log lacks something: report it"
        : "run sealog sync to see which"
    }]
  })

const MOST_NAMED = 10
