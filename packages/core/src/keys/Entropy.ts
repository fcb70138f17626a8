/**
 * Where randomness comes from. A service and not a call, so that a drill can be replayed and so that a test can show
 * what still holds when the machine's randomness does not.
 */
import { Context, Layer } from "effect"
import { createHash, randomBytes } from "node:crypto"

export interface EntropyShape {
  /** Fresh random bytes, `count` of them, owned by the caller. */
  readonly bytes: (count: number) => Uint8Array
}

export class Entropy extends Context.Tag("@sealog/core/keys/Entropy")<Entropy, EntropyShape>() {}

/** The operating system's generator. */
export const layer: Layer.Layer<Entropy> = Layer.succeed(Entropy, {
  bytes: (count) => new Uint8Array(randomBytes(count))
})

/** The same bytes for the same seed, from the first call on: for tests and vectors only, it is no secret. */
export const layerSeeded = (seed: string | number): Layer.Layer<Entropy> =>
  Layer.sync(Entropy, () => ({ bytes: makeSeeded(seed) }))

/** Always the same byte: a generator that has failed without a word. For tests only. */
export const layerConstant = (byte: number): Layer.Layer<Entropy> =>
  Layer.succeed(Entropy, { bytes: (count) => new Uint8Array(count).fill(byte) })

/** SHA-256 over seed and counter, block after block. */
const makeSeeded = (seed: string | number) => {
  let counter = 0
  let rest = new Uint8Array(0)
  return (count: number): Uint8Array => {
    const out = new Uint8Array(count)
    let filled = 0
    while (filled < count) {
      if (rest.length === 0) {
        rest = new Uint8Array(createHash("sha256").update(`sealog test seed ${seed} ${counter++}`).digest())
      }
      const taken = Math.min(rest.length, count - filled)
      out.set(rest.subarray(0, taken), filled)
      rest = rest.subarray(taken)
      filled += taken
    }
    return out
  }
}
