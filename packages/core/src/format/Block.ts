/**
 * A block is what one durable write adds to the log: contiguous events, as runs. It lives in the journal only; what
 * leaves the machine are segments made of the same runs.
 */
import type { Run } from "./Run.ts"

export interface Block {
  /** The index of its first event. */
  readonly first: number
  readonly count: number
  readonly runs: ReadonlyArray<Run>
  /** Names of the blobs that its events need, so that these can be shipped before it without opening a run. */
  readonly blobs: ReadonlyArray<string>
}
