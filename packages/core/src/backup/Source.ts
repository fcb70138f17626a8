/**
 * What a message store must offer to be backed up: what changed since last time, a wake-up when something may have,
 * and its contents as they stand. A source only reads; all it needs to remember it gets back as a table which the
 * journal commits in the same write as the events.
 */
import { Context, Data, Effect, type Stream } from "effect"
import type { Event, Fact, Message } from "../message/Event.ts"
import type { Ledger } from "./Ledger.ts"

export type SourceReason = "NotFound" | "Denied" | "Unreadable" | "Unsupported" | "Changed"

export class SourceError extends Data.TaggedError("SourceError")<{
  readonly reason: SourceReason
  readonly method: string
  /** The store or the part of it. */
  readonly subject: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.subject}: ${explain[this.reason]}`
  }
}

const explain: Record<SourceReason, string> = {
  NotFound: "there is no such store",
  Denied: "the store may not be read",
  Unreadable: "the store could not be read",
  Unsupported: "this is not a store of that kind",
  Changed: "the store changed while it was being read"
}

/** What a source remembers between passes: a small table of text, a fold of its own events plus its cursor. */
export type SourceState = ReadonlyMap<string, string>

/** The same while events are folded into it. */
export interface SourceTable {
  readonly get: (key: string) => string | undefined
  readonly set: (key: string, value: string) => void
  readonly delete: (key: string) => void
}

/** What a source told before, from the log: so that it can tell just what is different now. */
export interface Past {
  /** The event at an index of the log; `undefined` where it has none: what that said is then told anew. */
  readonly event: (index: number) => Effect.Effect<Event | undefined, SourceError>
}

/** Nothing can be had of what was told. */
export const noPast: Past = { event: () => Effect.succeed(undefined) }

/** Content too long for an event; read once more, in pieces, when it is taken. */
export interface LargeContent {
  readonly sha256: Uint8Array
  readonly size: number
  readonly bytes: Stream.Stream<Uint8Array, SourceError>
}

/** A fact on its way to become an event. With `large`, capture stores that first and sets it as the fact's content. */
export interface Draft {
  readonly fact: Fact
  /** Of its inline content, where the source has it at hand. */
  readonly sha256?: Uint8Array
  readonly large?: LargeContent
}

/** Some of what changed, in order: becomes one block and is durable as a whole. */
export interface Batch {
  readonly drafts: ReadonlyArray<Draft>
  /** What to remember beside what `remember` folds from the events: `undefined` forgets. */
  readonly cursor?: ReadonlyArray<readonly [key: string, value: string | undefined]>
  /** Called when the drafts' contents have been read for the last time: their memory can be used again. */
  readonly release?: () => void
}

/** One thing a store holds now, for a dump, a drill and the contract: exactly what its events would fold to. */
export type StoreItem =
  | {
    readonly _tag: "message"
    readonly conversation: string
    readonly message: Message
    readonly large?: LargeContent
  }
  | { readonly _tag: "file"; readonly path: string; readonly mtimeNs: number | bigint; readonly bytes: Uint8Array }
  | { readonly _tag: "chat"; readonly conversation: string; readonly folder?: string }

export interface SourceShape {
  /** The instance, unique in a vault: `maildir`, `maildir-2`, or the owner's own name. */
  readonly name: string
  readonly kind: string
  /** Folds one event of this source, at its index in the log, into what it remembers. Pure; the same on replay. */
  readonly remember: (event: Event, index: number, table: SourceTable) => void
  /**
   * One pass over the store: what differs from what is remembered. Nothing changed: an empty stream. `state` grows with
   * what is taken, so that a later batch can refer to an earlier one; unless `readsAhead`. `past` gives what was told
   * in earlier passes, for sources whose table only says where that stands.
   */
  readonly changes: (state: SourceState, past: Past) => Stream.Stream<Batch, SourceError>
  /** Batches may be asked for before earlier ones are taken: none needs to know where in the log another one went. */
  readonly readsAhead?: boolean
  /** Wakes whenever the store may have changed: a hint, never the truth. Never ends by itself. */
  readonly hints: Stream.Stream<void, SourceError>
  /** The store as it is now; with `keys`, of messages only these, and no files or chats. */
  readonly dump: (
    options?: { readonly keys?: ReadonlySet<string> }
  ) => Stream.Stream<ReadonlyArray<StoreItem>, SourceError>
  /** What the store holds beside what the log says, counted now; absent where a source cannot count. */
  readonly ledger?: (state: SourceState) => Effect.Effect<Ledger, SourceError>
  /** What stands in the remembered state as not readable. */
  readonly gaps: (state: SourceState) => ReadonlyArray<{ readonly subject: string; readonly reason: string }>
}

/** @public */
export class Source extends Context.Tag("@sealog/core/backup/Source")<Source, SourceShape>() {}

/** Opens a source. */
export type OpenSource = Effect.Effect<SourceShape, SourceError>
