/**
 * Entries for journals under test: made as capture makes them, of events that are only bytes.
 */
import { Effect } from "effect"
import type { JournalEntry, JournalHead } from "../backup/Journal.ts"
import { packRuns } from "../format/Run.ts"
import { LogBuilder } from "../log/MerkleLog.ts"
import { groupPlaced } from "./Windows.ts"

/** Makes the entries that grow a log: as capture does, with events that are only bytes. */
export class EntryMaker {
  private readonly log: LogBuilder
  private time: number

  constructor(from?: { readonly head: JournalHead; readonly openEvents: ReadonlyArray<Uint8Array> }) {
    this.log = from === undefined ? LogBuilder.empty() : LogBuilder.make(from.head, from.openEvents)
    this.time = from?.head.recordedAt ?? 1_700_000_000_000
  }

  /** The entry of `count` events of about `size` bytes, or of the events given. */
  readonly entry = (
    events: number | ReadonlyArray<Uint8Array>,
    extras: Partial<Pick<JournalEntry, "states" | "contents">> & { readonly size?: number } = {}
  ): Effect.Effect<JournalEntry> =>
    Effect.suspend(() => {
      const first = this.log.size
      const bytes = typeof events === "number"
        ? Array.from({ length: events }, (_, n) => eventBytes(first + n, extras.size ?? 40))
        : events
      this.log.appendAll(bytes)
      this.time += 1000
      const placed = bytes.map((event, n) => ({
        source: "test",
        conversation: `c${(first + n) % 3}`,
        class: "additions" as const,
        alone: false,
        bytes: event
      }))
      const head = { ...this.log.head(), recordedAt: this.time }
      const leaves = this.log.takeLeaves()
      const { contents = [], states = [] } = extras
      return Effect.map(packRuns(groupPlaced(first, placed)), (runs) => ({
        block: { first, count: bytes.length, runs, blobs: blobsOf(first) },
        head,
        leaves,
        states,
        contents
      }))
    })
}

/** The event at an index: bytes that do not compress well and differ from all others. */
export const eventBytes = (index: number, size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  let state = (index + 1) * 0x9e3779b1 | 0
  for (let at = 0; at < size; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[at] = state
  }
  return bytes
}

/** Every other block needs a blob. */
const blobsOf = (first: number) => first % 2 === 0 ? [] : [`blobs/b${String(first).replace(/[0189]/g, "a")}`]
