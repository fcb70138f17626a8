/**
 * A storage provider that rewrites the parameters of a key slot: cheaper, so that a password is easier to guess, or
 * dearer than any machine can pay.
 */
import { KDF_CEILING, KDF_DEFAULT, KDF_FLOOR } from "@sealog/core/format/Limits"
import { checkParams, type KdfParams } from "@sealog/core/keys/Kdf"
import { Effect } from "effect"
import { randomOf } from "../../faults/Trials.ts"
import type { Outcome, Row } from "../Row.ts"

export const kdfBounds: Row = {
  name: "kdf-bounds",
  fault: "Key derivation made cheaper, or too dear to pay",
  how: "parameters out of bounds, from zero to overflow, checked as a reader does: each refused in under 10 ms",
  unit: "parameter sets",
  trials: { test: 2_000, release: 1_000_000 },
  testMillis: 10_000,
  run: ({ seed, trials }) =>
    Effect.sync((): Outcome => {
      const random = randomOf(`kdf-bounds ${seed}`)
      const failures: Array<string> = []
      let slowest = 0
      for (let trial = 0; trial < trials; trial++) {
        const params = outOfBounds(random, trial)
        const refused = checkParams(params)
        const millis = timeOf(() => checkParams(params))
        slowest = Math.max(slowest, millis)
        if (refused?.reason !== "Bounds") failures.push(`${JSON.stringify(params)} was accepted`)
        if (millis >= 10) failures.push(`${JSON.stringify(params)} took ${millis.toFixed(1)} ms to refuse`)
      }
      return { trials, failures, measured: { "slowest refusal, ms": Number(slowest.toFixed(2)) } }
    })
}

/** The least of three, where the first is long: this process may just not have been let run. */
const timeOf = (work: () => void): number => {
  let least = Number.POSITIVE_INFINITY
  for (let turn = 0; turn < 3 && least >= 1; turn++) {
    const from = performance.now()
    work()
    least = Math.min(least, performance.now() - from)
  }
  return least
}

const NAMES = ["memoryKiB", "passes", "lanes"] as const
const ODD = [0, -1, 0.5, Number.NaN, Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 53, Number.MAX_VALUE]

const outOfBounds = (random: () => number, trial: number): KdfParams => {
  const name = NAMES[trial % NAMES.length]!
  const above = KDF_CEILING[name] + 1 + Math.floor(random() * 2 ** 32)
  const below = Math.floor(random() * KDF_FLOOR[name])
  const values = [...ODD, above, below]
  return { ...KDF_DEFAULT, [name]: values[Math.floor(random() * values.length)]! }
}
