/**
 * When something was recorded, so that of two statements about one thing the later can be told, on every machine the
 * same: by time, then by writer, then by place in that writer's log.
 */

/** Where an event stands. */
export interface Position {
  /** The writer of the log, 16 letters of hex. */
  readonly writer: string
  /** The event's index in it. */
  readonly index: number
}

export interface Stamp extends Position {
  /** Milliseconds since 1970. */
  readonly recordedAt: number
}

export const stampOf = (event: { readonly recordedAt: number }, position: Position): Stamp => ({
  recordedAt: event.recordedAt,
  writer: position.writer,
  index: position.index
})

/** Negative where the left one was recorded first. */
export const compareStamps = (left: Stamp, right: Stamp): number =>
  left.recordedAt - right.recordedAt
  || (left.writer < right.writer ? -1 : left.writer > right.writer ? 1 : left.index - right.index)

export const isLater = (stamp: Stamp, than: Stamp | undefined): boolean =>
  than === undefined || compareStamps(stamp, than) > 0

/** Which log goes on where another was left: `log.continues`. Both are one machine, that knows what it recorded. */
export class Lineages {
  private readonly predecessors = new Map<string, string>()

  continues(writer: string, predecessor: string): void {
    if (writer !== predecessor) this.predecessors.set(writer, predecessor)
  }

  /** Whether one of the two logs is, or goes back to, the other or a common one. */
  areOne(left: string, right: string): boolean {
    return left === right || (this.predecessors.size > 0 && this.root(left) === this.root(right))
  }

  private root(writer: string): string {
    let at = writer
    // A log that claims to go on from itself, around corners, goes on from nowhere: as many steps as logs are enough.
    for (let step = 0; step < this.predecessors.size; step++) {
      const before = this.predecessors.get(at)
      if (before === undefined) break
      at = before
    }
    return at
  }
}
