/** The shapes of `independentEvents.mjs`, as far as tests use them. */
export class Refused extends Error {
  readonly reason: "damage" | "unknown"
}
export const readEvent: (bytes: Uint8Array) => { readonly event: unknown; readonly class: number }
