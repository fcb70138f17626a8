/**
 * What can still be read of a damaged journal, and where a whole one is built beside it. An adapter gives out only what
 * it can authenticate and what stands in its place; whether it makes a log again is decided in `Heal`.
 */
import type { Effect, Option, Stream } from "effect"
import type { Block } from "../format/Block.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import type { JournalEntry, JournalError } from "./Journal.ts"
import type { SourceState } from "./Source.ts"

/** What is left of one log. */
export interface SalvagedLog {
  /** Where blocks seem to begin, ascending. */
  readonly starts: ReadonlyArray<number>
  /** The block that begins there, if it opens. */
  readonly block: (first: number) => Effect.Effect<Option.Option<Block>, JournalError>
  /** The root after the block that ends there, if that opens. */
  readonly rootAt: (size: number) => Effect.Effect<Option.Option<Uint8Array>, JournalError>
  /** The greatest size of it that anything tells. */
  readonly known: number
}

/** A log by its writer; its head where it is known to have been left there for another. */
export interface LogName {
  readonly writer: Uint8Array
  readonly left?: TreeHead | undefined
}

export interface Salvage {
  /** The logs there were, oldest first; none where nothing tells. */
  readonly logs: ReadonlyArray<LogName>
  /** Whether it is certain how far the last of them had come. */
  readonly isSure: boolean
  readonly sessions: ReadonlyArray<Uint8Array>
  readonly log: (writer: Uint8Array) => Effect.Effect<SalvagedLog, JournalError>
}

/** A journal to be built: its logs, oldest first, and what sources remember once all of these were read. */
export interface NewJournal<E> {
  readonly logs: ReadonlyArray<{ readonly writer: Uint8Array; readonly entries: Stream.Stream<JournalEntry, E> }>
  readonly states: Effect.Effect<ReadonlyMap<string, SourceState>, E>
  readonly sessions: ReadonlyArray<Uint8Array>
  readonly notes: ReadonlyMap<string, string>
}

export interface Workshop {
  readonly salvage: Effect.Effect<Salvage, JournalError>
  /** Builds a journal, reads it back and checks every entry of it; the damaged one is as it was. */
  readonly build: <E>(journal: NewJournal<E>) => Effect.Effect<ReadonlyArray<TreeHead>, E | JournalError>
  /** Puts it in the place of the damaged one, which is kept, with `account` beside it; gives the folder it is in. */
  readonly replace: (account: string) => Effect.Effect<string, JournalError>
}
