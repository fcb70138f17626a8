/**
 * The slow check of the whole journal: a part of it at a time, and all of it at most once a day. Rot in an entry that
 * nobody reads would else be found when it is too late to fetch the entry from anywhere.
 */
import { Clock, Effect, Either, Schema } from "effect"
import type { KnownError } from "../Failure.ts"
import type { Session } from "./Session.ts"

/** What the daemon checks in a minute, bytes: a journal of 1.4 GB in a day, at a thousandth of one core. */
const MINUTE_BYTES = 1024 * 1024
/** What a single sync checks, bytes: nothing that its user would notice. */
const SYNC_BYTES = 2 * 1024 * 1024
/** The tables, the entries and the rest of a small journal are a part each. */
const SYNC_PARTS = 3
const DAY_MILLIS = 24 * 3_600_000
/** Parts between two notes of how far it has come: each note is a write. */
const PARTS_BETWEEN_NOTES = 16

/** How far the check has come; `next` is not there once it is done. */
const Progress = Schema.Struct({
  begunMillis: Schema.Number,
  next: Schema.optionalWith(Schema.String, { exact: true })
})
type Progress = typeof Progress.Type

const decode = Schema.decodeUnknownEither(Schema.parseJson(Progress))
const encode = Schema.encode(Schema.parseJson(Progress))
const NOTE = "scrub"

/** Checks the next parts, if one is due; fails with the first damage. */
export const scrubOnce = Effect.fn("Scrub.once")(function*(session: Session): Effect.fn.Return<void, KnownError> {
  const before = yield* progressOf(session)
  let progress = before
  for (let parts = 0; parts < SYNC_PARTS; parts++) progress = yield* advance(session, progress, SYNC_BYTES)
  if (progress !== before) yield* note(session, progress)
})

/** A part a minute, for ever. */
export const scrubSlowly = Effect.fn("Scrub.slowly")(function*(
  session: Session
): Effect.fn.Return<never, KnownError> {
  let progress = yield* progressOf(session)
  let parts = 0
  while (true) {
    yield* Effect.sleep("1 minute")
    const before = progress
    progress = yield* advance(session, progress, MINUTE_BYTES)
    if (progress === before) continue
    parts++
    if (progress.next === undefined || parts % PARTS_BETWEEN_NOTES === 0) yield* note(session, progress)
  }
})

const advance = Effect.fn("Scrub.advance")(function*(
  { journal }: Session,
  progress: Progress,
  bytes: number
): Effect.fn.Return<Progress, KnownError> {
  const now = yield* Clock.currentTimeMillis
  const isDone = progress.next === undefined
  // A clock that was put back must not put off the check for as long.
  if (isDone && now >= progress.begunMillis && now - progress.begunMillis < DAY_MILLIS) return progress
  const begunMillis = isDone ? now : progress.begunMillis
  const { findings, next } = yield* journal.scrubPart({ from: progress.next, bytes })
  const [first] = findings
  if (first !== undefined) return yield* first.error
  return next === undefined ? { begunMillis } : { begunMillis, next }
})

const progressOf = Effect.fn("Scrub.progress")(function*({ journal }: Session) {
  const known = decode(yield* journal.readNote(NOTE))
  return Either.getOrElse(known, (): Progress => ({ begunMillis: 0 }))
})

const note = Effect.fn("Scrub.note")(function*({ journal }: Session, progress: Progress) {
  yield* journal.writeNote(NOTE, yield* Effect.orDie(encode(progress)))
})
