/**
 * A place that is sent and asked for only so much a second. An object is one piece to a place, so it waits for its share
 * of time and then travels at once: over some seconds the limit holds, within one it does not.
 */
import type { StorageShape } from "@sealog/core/backup/Storage"
import { Effect, RateLimiter, Ref } from "effect"

export interface BandwidthOptions {
  readonly uploadBytesPerSecond?: number
  readonly downloadBytesPerSecond?: number
}

/** Tokens a second: a limiter gives out one at a time, each for a twentieth of a second's bytes. */
const TOKENS = 20
/** Tokens taken at a time, so that a large object does not starve behind small ones, nor they behind it. */
const STEP = 5

export const limitBandwidth = Effect.fn("Bandwidth.limit")(function*(behind: StorageShape, options: BandwidthOptions) {
  const upload = yield* makeGate(options.uploadBytesPerSecond)
  const download = yield* makeGate(options.downloadBytesPerSecond)
  const limited: StorageShape = {
    ...behind,
    put: (name, bytes) => Effect.zipRight(upload(bytes.length), behind.put(name, bytes)),
    // How long it is shows only when it is here; who reads next waits for it.
    get: (name, range) => Effect.tap(behind.get(name, range), (bytes) => download(bytes.length))
  }
  return limited
})

/** Passes when so many bytes may travel. What is less than a token is owed, and paid by who comes later. */
const makeGate = Effect.fn("Bandwidth.makeGate")(function*(bytesPerSecond: number | undefined) {
  if (bytesPerSecond === undefined) return () => Effect.void
  const limiter = yield* RateLimiter.make({ limit: TOKENS, interval: "1 second" })
  const owed = yield* Ref.make(0)
  const due = (bytes: number) =>
    Ref.modify(owed, (before) => {
      const tokens = Math.floor(((before + bytes) * TOKENS) / bytesPerSecond)
      return [tokens, before + bytes - (tokens * bytesPerSecond) / TOKENS]
    })
  return (bytes: number) =>
    Effect.flatMap(
      due(bytes),
      (tokens) =>
        Effect.forEach(steps(tokens), (some) => RateLimiter.withCost(some)(limiter(Effect.void)), { discard: true })
    )
})

function* steps(tokens: number): Generator<number> {
  for (let left = tokens; left > 0; left -= STEP) yield Math.min(STEP, left)
}
