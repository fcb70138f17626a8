/** The events of this machine's log as lines, from the journal: what was recorded, in the order it was. */
import { decodeAll } from "@sealog/core/backup/Entries"
import { eventsOf } from "@sealog/core/format/Block"
import type { Event } from "@sealog/core/message/Event"
import { EventJson } from "@sealog/core/message/EventJson"
import { Effect, Schema, Stream } from "effect"
import type { KnownError } from "../Failure.ts"
import type { LogOptions } from "../Engine.ts"
import * as Reports from "../Reports.ts"
import type { Session } from "./Session.ts"

/** How often a follower looks for new events, where nobody tells it of them. */
const FOLLOW = "500 millis"

/** Every event that fits, in order; with `follow`, those to come as well. `wake` says that there may be more. */
export const logLines = (
  { journal }: Session,
  options: LogOptions,
  wake: Stream.Stream<void> = Stream.repeatEffect(Effect.sleep(FOLLOW))
): Stream.Stream<Reports.LogLine, KnownError> => {
  const from = (first: number): Stream.Stream<{ readonly next: number; readonly lines: ReadonlyArray<Reports.LogLine> }, KnownError> =>
    journal.blocks({ from: first }).pipe(
      Stream.mapEffect((block) =>
        Effect.flatMap(eventsOf(block), decodeAll).pipe(
          Effect.map((events) => ({
            next: block.first + block.count,
            lines: events.flatMap((event, at) => fits(event, options) && block.first + at >= first ? [lineOf(event, block.first + at)] : [])
          }))
        )
      )
    )
  const once = (first: number) => from(first)
  if (!options.follow) return Stream.flatMap(once(0), ({ lines }) => Stream.fromIterable(lines))
  let next = 0
  const more = Stream.suspend(() =>
    Stream.flatMap(once(next), (page) => {
      next = page.next
      return Stream.fromIterable(page.lines)
    }))
  return Stream.concat(more, Stream.flatMap(wake, () => more))
}

const fits = (event: Event, { conversation, sinceMillis, untilMillis }: LogOptions): boolean => {
  if (conversation !== undefined && event.conversation !== conversation) return false
  if (sinceMillis === undefined && untilMillis === undefined) return true
  const at = "message" in event ? event.message.at ?? event.recordedAt : event.recordedAt
  return (sinceMillis === undefined || at >= sinceMillis) && (untilMillis === undefined || at < untilMillis)
}

const encode = Schema.encodeSync(EventJson)

const lineOf = (event: Event, index: number): Reports.LogLine => {
  const { conversation, kind, recordedAt, source } = event
  const header = new Set(["conversation", "kind", "recordedAt", "source"])
  const body = Object.fromEntries(Object.entries(encode(event)).filter(([name]) => !header.has(name)))
  return Reports.LogLine.make({ index, recordedAt: Reports.time(recordedAt), source, conversation, kind, body })
}
