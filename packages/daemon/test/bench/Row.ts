/**
 * One row of the table of performance: a piece of work, how it is measured, and the bounds it is held against. Rows
 * that come out of the same piece of work share a scenario, which does it once for all of them.
 *
 * A scenario measures and does not judge: numbers come back as they were, one a run, and every judgement is made of
 * these and of the row's bounds alone (`Verdict.ts`).
 */
import type { Effect, Scope } from "effect"
import type { Sizes } from "./Sizes.ts"

export interface Asked extends Sizes {
  /** The same by themselves, to be told with what came of them. */
  readonly sizes: Sizes
  /** Where stores are kept between runs, and where the work is done. */
  readonly folder: string
  /** What a key derivation takes, where that is not to be what users have. */
  readonly kdfMemoryMiB?: number
  /** What all choices come from. */
  readonly seed: number
  /** Tells whoever waits how far it has come. */
  readonly say: (line: string) => void
}

/** What one row came to. Lower is better in every row. */
export interface Reading {
  /** One figure a run, in the row's unit. */
  readonly own: ReadonlyArray<number>
  /** The same of the peers that are installed, by their names. */
  readonly peers?: Readonly<Record<string, ReadonlyArray<number>>>
  /** What else is to be told, in its order. */
  readonly beside?: Readonly<Record<string, number | string>>
}

export type Unit = "seconds" | "milliseconds" | "bytes" | "count" | "times" | "share"

/** A bound is on the figure itself, or on how it stands to the better peer in the same run. */
export interface Bounds {
  readonly on: "figure" | "ratio"
  /** What a release has to keep; nothing where none was set. */
  readonly must?: number
  /** What is aimed at. */
  readonly goal?: number
}

export interface Row {
  /** On the command line. */
  readonly name: string
  /** What is done. */
  readonly work: string
  /** What is measured, and how. */
  readonly how: string
  readonly unit: Unit
  readonly bounds: Bounds
  readonly scenario: Scenario
}

export interface Scenario {
  readonly name: string
  /** Over its rows. */
  readonly title: string
  /** Which sizes it depends on. */
  readonly sizes: ReadonlyArray<keyof Sizes>
  /** What this machine lacks for it; nothing where it can run. */
  readonly lacks?: Effect.Effect<string | undefined>
  /** Does the work as far as these rows need it. */
  readonly measure: (
    asked: Asked,
    wanted: ReadonlySet<string>
  ) => Effect.Effect<ReadonlyMap<string, Reading>, unknown, Scope.Scope>
}
