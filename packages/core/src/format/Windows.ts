/**
 * Which events are compressed together: those of one source, conversation and class, and each that stands alone by
 * itself. Windows are written one after the other as they will be compressed, whatever order their events come in.
 */
import type { EventClass } from "../message/Event.ts"
import { type EventSlab, MAX_LENGTH_BYTES } from "./EventSlab.ts"
import { BLOCK_EVENTS, WINDOW_BYTES } from "./Limits.ts"

/** What decides which window an event goes in. */
export interface Place {
  readonly source: string
  readonly conversation: string
  readonly class: EventClass
  /** Whether it must stay alone in its window (a mail, a file). */
  readonly alone: boolean
}

/** What becomes one run. */
export interface Window extends Place {
  /** Where in the log its events stand, ascending. */
  readonly indices: ReadonlyArray<number>
  /** The events, each with its length before it. */
  readonly raw: Uint8Array
}

/** How events come into windows. */
export interface Writing<E> {
  readonly placeOf: (event: E) => Place
  /** Adds the event to the window that is open, and gives its bytes. */
  readonly write: (event: E, slab: EventSlab) => Uint8Array
}

/** Windows of consecutive events, and the events as they were written, in their order: views of the slab, all of them. */
export interface Grouped {
  readonly windows: ReadonlyArray<Window>
  readonly encoded: ReadonlyArray<Uint8Array>
}

/**
 * Writes consecutive events, of which `first` is the index of the first, into the windows they go in: one for each
 * source, conversation and class, begun anew at `Limits.WINDOW_BYTES`, and one for each event that stands alone.
 */
export const groupEvents = <E>(
  first: number,
  events: ReadonlyArray<E>,
  { placeOf, write }: Writing<E>,
  slab: EventSlab
): Grouped => {
  const windows: Array<Window> = []
  const encoded = Array.from<Uint8Array>({ length: events.length })
  for (const { members, place } of groupsOf(events, placeOf)) {
    const { alone, class: eventClass, conversation, source } = place
    const push = (indices: Array<number>, raw: Uint8Array) =>
      windows.push({ source, conversation, class: eventClass, alone, indices, raw })
    let indices: Array<number> = []
    let bytes = 0
    for (const at of members) {
      const event = encoded[at] = write(events[at]!, slab)
      const size = event.length + MAX_LENGTH_BYTES
      if (indices.length > 0 && (bytes + size > WINDOW_BYTES || indices.length === BLOCK_EVENTS)) {
        push(indices, slab.closeBeforeNewest())
        indices = []
        bytes = 0
      }
      indices.push(first + at)
      bytes += size
    }
    push(indices, slab.close())
  }
  return { windows, encoded }
}

export const sameWindow = (a: Omit<Place, "alone">, b: Omit<Place, "alone">): boolean =>
  a.source === b.source && a.class === b.class && a.conversation === b.conversation

interface Group {
  readonly place: Place
  /** Numbers of events. */
  readonly members: Array<number>
}

/** The events by what they share, in the order in which the first of each comes. */
const groupsOf = <E>(events: ReadonlyArray<E>, placeOf: (event: E) => Place): ReadonlyArray<Group> => {
  const groups: Array<Group> = []
  const known = new Map<string, Array<Group>>()
  for (let at = 0; at < events.length; at++) {
    const place = placeOf(events[at]!)
    if (place.alone) {
      groups.push({ place, members: [at] })
      continue
    }
    let candidates = known.get(place.conversation)
    if (candidates === undefined) known.set(place.conversation, candidates = [])
    let group = candidates.find((each) => sameWindow(each.place, place))
    if (group === undefined) {
      group = { place, members: [] }
      candidates.push(group)
      groups.push(group)
    }
    group.members.push(at)
  }
  return groups
}
