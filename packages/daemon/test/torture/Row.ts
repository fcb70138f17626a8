/**
 * One row of the scoreboard: an attack or a fault, how it is made to happen, and a harness that makes it happen as
 * often as asked. The test suite runs every row a few times; `npm run torture` runs it as often as a release deserves.
 *
 * A harness counts and does not assert: what went wrong comes back in words, each with the seed that brings it back.
 */
import type { Effect, Scope } from "effect"

export interface Trials {
  /** How many trials to make. */
  readonly trials: number
  /** What all choices come from: the same seed makes the same trials. */
  readonly seed: number
  /** Tells whoever waits how far it has come. */
  readonly say: (line: string) => void
}

export interface Outcome {
  /** Trials made. */
  readonly trials: number
  /** What went wrong, each with what is needed to see it again; none where the row holds. */
  readonly failures: ReadonlyArray<string>
  /** What else was measured, in the order it is to be told. */
  readonly measured?: Readonly<Record<string, number | string>>
}

export interface Row {
  /** On the command line. */
  readonly name: string
  /** The attack or fault. */
  readonly fault: string
  /** How it is made to happen, and what must hold. */
  readonly how: string
  /** What one trial is. */
  readonly unit: string
  /** Trials in the test suite, and for a release. */
  readonly trials: { readonly test: number; readonly release: number; readonly gate?: number }
  /** Longest it may take in the test suite, milliseconds. */
  readonly testMillis: number
  /** What this machine lacks for it; nothing where it can run. */
  readonly lacks?: Effect.Effect<string | undefined>
  readonly run: (trials: Trials) => Effect.Effect<Outcome, unknown, Scope.Scope>
}
