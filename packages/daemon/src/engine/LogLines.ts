/** The events of this machine as lines, from the journal: what was recorded, in the order it was. */
import { decodeAll } from "@sealog/core/backup/Entries"
import { eventsOf } from "@sealog/core/format/Block"
import type { Event } from "@sealog/core/message/Event"
import { EventLine } from "@sealog/core/message/EventJson"
import { Effect, Schema, Stream } from "effect"
import type { LogOptions } from "../Engine.ts"
import type { KnownError } from "../Failure.ts"
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
  let next = 0
  const page = (first: number, writer?: Uint8Array): Stream.Stream<Reports.LogLine, KnownError> =>
    journal.blocks({ from: first, ...(writer === undefined ? {} : { writer }) }).pipe(
      Stream.mapEffect((block) =>
        Effect.map(Effect.flatMap(eventsOf(block), decodeAll), (events) => {
          if (writer === undefined) next = block.first + block.count
          return events.flatMap((event, at) =>
            block.first + at >= first && fits(event, options) ? [lineOf(event, block.first + at)] : []
          )
        })
      ),
      Stream.flattenIterables
    )
  const more = Stream.suspend(() => page(next))
  const left = Stream.unwrap(
    Effect.map(
      journal.logs,
      (logs) => Stream.flatMap(Stream.fromIterable(logs.slice(0, -1)), ({ writer }) => page(0, writer))
    )
  )
  const now = Stream.concat(left, more)
  return options.follow ? Stream.concat(now, Stream.flatMap(wake, () => more)) : now
}

const fits = (event: Event, { conversation, sinceMillis, untilMillis }: LogOptions): boolean => {
  if (conversation !== undefined && event.conversation !== conversation) return false
  if (sinceMillis === undefined && untilMillis === undefined) return true
  const at = "message" in event ? event.message.at ?? event.recordedAt : event.recordedAt
  return (sinceMillis === undefined || at >= sinceMillis) && (untilMillis === undefined || at < untilMillis)
}

const encodeLine = Schema.encodeSync(EventLine)
const HEADER = new Set(["conversation", "kind", "recordedAt", "source"])

const lineOf = (event: Event, index: number): Reports.LogLine => {
  const { conversation, kind, recordedAt, source } = event
  const fields = Object.entries(JSON.parse(encodeLine(event)) as Record<string, unknown>)
  const body = Object.fromEntries(fields.filter(([name]) => !HEADER.has(name)))
  return Reports.LogLine.make({ index, recordedAt: Reports.time(recordedAt), source, conversation, kind, body })
}
