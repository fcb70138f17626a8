/**
 * The bytes of an event: what the log holds, what its tree hashes. An event has exactly one encoding, so whoever can
 * decode it can check it by encoding it again. `docs/format.md`, section 6, describes it to the byte.
 *
 * ```
 * version u8 = 1 ‖ kind u8 ‖ recordedAt ‖ source ‖ conversation ‖ (number u8 ‖ field)… ‖ 0
 * ```
 */
import type { Event, Kind } from "../message/Event.ts"
import type { ByteWriter } from "./Binary.ts"
import { EventReader, EventWriter } from "./EventBytes.ts"
import { byKind, byWire, type KindTable } from "./EventFields.ts"
import { readFields, writeFields } from "./Fields.ts"

/** The version of the encoding. */
const VERSION = 1

/** What can be known of an event without reading its fields. */
export interface EventHeader {
  readonly kind: Kind
  readonly recordedAt: number
  readonly source: string
  readonly conversation: string
}

/** The canonical bytes of an event, a copy of the caller's own; throws a FormatError. */
export const encodeEvent = (event: Event): Uint8Array => {
  write(event)
  return scratch.copy()
}

/** Appends the canonical bytes of an event and gives their number; throws a FormatError, nothing appended. */
export const encodeEventInto = (event: Event, target: ByteWriter): number => {
  write(event)
  const bytes = scratch.finish()
  target.raw(bytes)
  return bytes.length
}

/** Hands the canonical bytes of an event on as a view, which the next event overwrites; throws a FormatError before. */
export const encodeEventWith = <A>(event: Event, use: (bytes: Uint8Array) => A): A => {
  write(event)
  return use(scratch.finish())
}

/** The event of exactly these bytes; throws a FormatError. Byte strings in it are views of the bytes given. */
export const decodeEvent = (bytes: Uint8Array): Event => {
  const reader = new EventReader(bytes, "event")
  const table = readTable(reader)
  const event = readHeader(reader, table)
  readFields(reader, table.struct, event as unknown as Record<string, unknown>)
  reader.end()
  return event as Event
}

/** The header alone; what follows it is not looked at. Throws a FormatError. */
export const peekEvent = (bytes: Uint8Array): EventHeader => {
  const reader = new EventReader(bytes, "event")
  return readHeader(reader, readTable(reader))
}

/** The kind alone. Throws a FormatError. */
export const kindOf = (bytes: Uint8Array): Kind => {
  const [version, wire] = bytes
  const table = version === VERSION && wire !== undefined ? byWire[wire] : undefined
  return table?.kind ?? readTable(new EventReader(bytes, "event")).kind
}

/** Encoding is synchronous and never calls itself, so one buffer serves all. */
const scratch = new EventWriter()

const write = (event: Event): void => {
  const table = byKind.get(event.kind)
  scratch.start("event")
  if (table === undefined) return scratch.fail("Malformed", `an event of kind ${event.kind}`)
  scratch.u8(VERSION)
  scratch.u8(table.wire)
  scratch.int(event.recordedAt)
  scratch.text(event.source)
  scratch.text(event.conversation)
  writeFields(scratch, table.struct, event as unknown as Record<string, unknown>)
}

const readTable = (reader: EventReader): KindTable => {
  const version = reader.u8()
  if (version !== VERSION) reader.fail("Unknown", `version ${version}`)
  const wire = reader.u8()
  return byWire[wire] ?? reader.fail("Unknown", `kind ${wire}`)
}

const readHeader = (reader: EventReader, table: KindTable): EventHeader => ({
  kind: table.kind,
  recordedAt: reader.safeInt(),
  source: reader.name(),
  conversation: reader.name()
})
