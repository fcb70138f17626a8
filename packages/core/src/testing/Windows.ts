/** Windows and runs of events that are only bytes. */
import { Effect } from "effect"
import { EventSlab } from "../format/EventSlab.ts"
import { packRuns, type Run } from "../format/Run.ts"
import { groupEvents, type Place, type Window } from "../format/Windows.ts"

/** An encoded event and what decides which window it goes in. */
export interface Placed extends Place {
  readonly bytes: Uint8Array
}

/** Such events by the windows they go in. */
export const groupPlaced = (first: number, events: ReadonlyArray<Placed>): ReadonlyArray<Window> =>
  groupEvents(
    first,
    events,
    { placeOf: (event) => event, write: ({ bytes }, slab) => slab.add(bytes) },
    new EventSlab()
  )
    .windows

/** One run: `indices[n]` is the index of `events[n]`. */
export const packRun = (
  { events, ...place }: Place & {
    readonly indices: ReadonlyArray<number>
    readonly events: ReadonlyArray<Uint8Array>
  }
): Effect.Effect<Run> => {
  const slab = new EventSlab()
  for (const event of events) slab.add(event)
  return Effect.map(packRuns([{ ...place, raw: slab.close() }]), ([run]) => run!)
}
