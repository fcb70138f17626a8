/**
 * A run is one conversation's events of one class, compressed as one window: the unit that is copied, never taken
 * apart, on its way from journal to segment, and the least a reader has to open.
 */
import type { EventClass } from "../message/Event.ts"

/** How a run's frame is compressed. */
export type Codec = "none" | "brotli"

export interface Run {
  readonly source: string
  readonly conversation: string
  readonly class: EventClass
  /** Whether the one event in it must stay alone in its window (a mail, a file). */
  readonly alone: boolean
  /** The indices in the log of the events it holds, ascending. */
  readonly indices: ReadonlyArray<number>
  readonly codec: Codec
  /** Bytes of the events before compression, each with its length before it. */
  readonly rawLength: number
  /** The compressed events. */
  readonly frame: Uint8Array
}
