/**
 * Events for the world outside: one JSON object for each, told apart by `kind`, as `sealog log` prints them and the
 * vectors in `docs/vectors/events` hold them. Built from the same field lists as the types, so nothing can be missing.
 */
import { Schema } from "effect"
import { bodies, type Event, type EventOf, header, type Kind, kinds } from "./Event.ts"

const memberOf = <K extends Kind>(kind: K): Schema.Schema<EventOf<K>, unknown> =>
  Schema.Struct({ kind: Schema.Literal(kind), ...header, ...bodies[kind] }) as unknown as Schema.Schema<
    EventOf<K>,
    unknown
  >

/** An event in JSON: bytes are base64, integers beyond 2^53 strings, `Value`s as `format/Value` says. */
export const EventJson: Schema.Schema<Event, unknown> = Schema.Union(...kinds.map(memberOf)).annotations({
  identifier: "Event"
})

/** An event as the text of one line, without its line break. */
export const EventLine: Schema.Schema<Event, string> = Schema.compose(Schema.parseJson(), EventJson)
