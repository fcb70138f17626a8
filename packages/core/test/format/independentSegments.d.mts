/** The shapes of `independentSegments.mjs`, as far as tests use them. */
export const readSegment: (plaintext: Uint8Array) => {
  readonly trailer: {
    readonly writer: string
    readonly first: number
    readonly last: number
    readonly before: Uint8Array
    readonly after: Uint8Array
    readonly recordedFrom: number
    readonly recordedTo: number
  }
  readonly runs: ReadonlyArray<{ readonly source: string; readonly conversation: string; readonly alone: boolean }>
  readonly events: ReadonlyArray<{ readonly bytes: Uint8Array }>
}
