/**
 * The local append-only log. One entry is one durable write that holds a block of events, what its source remembers,
 * and the log's new head: after a crash either all of it is there or none.
 *
 * An implementation seals every value under the journal key, binds it to its place as associated data, and holds the
 * one writer's lock while it is open.
 */
import { Context, Data, type Effect, type Stream } from "effect"
import type { Block } from "../format/Block.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import type { SourceState } from "./Source.ts"

export type JournalReason =
  | "Missing"
  | "Exists"
  | "Locked"
  | "WrongKey"
  | "Corrupt"
  | "Conflict"
  | "Full"
  | "Io"
  | "Unsupported"

export class JournalError extends Data.TaggedError("JournalError")<{
  readonly reason: JournalReason
  readonly method: string
  /** The events or the file concerned. */
  readonly subject?: string
  /** The process that holds the journal, where it is known. */
  readonly pid?: number
  readonly cause?: unknown
}> {
  override get message() {
    return `journal ${this.method}: ${explain[this.reason]}${this.subject === undefined ? "" : ` (${this.subject})`}`
  }
}

const explain: Record<JournalReason, string> = {
  Missing: "there is no journal here, or a file that it cannot do without is gone",
  Exists: "there is a journal here already",
  Locked: "another process holds the journal",
  WrongKey: "the key does not open this journal",
  Corrupt: "what is there is not what was written",
  Conflict: "the log has moved on since this entry was prepared",
  Full: "there is no space left for the journal",
  Io: "the journal could not be written or read",
  Unsupported: "the journal was made by a newer program"
}

/** Who writes this log, and which opening of the journal this is. */
export interface Identity {
  readonly vaultId: Uint8Array
  /** 8 random bytes, new with each log this machine begins. */
  readonly writer: Uint8Array
  /** 4 random bytes, new each time the journal opens. */
  readonly session: Uint8Array
  /** Every session so far, this one too, newest last. */
  readonly sessions: ReadonlyArray<Uint8Array>
}

/** Where the log stands. */
export interface JournalHead extends TreeHead {
  /** The compact range of the log's full leaves: the roots of its perfect subtrees, largest first. */
  readonly peaks: ReadonlyArray<Uint8Array>
  /** The time the newest event was recorded; no later event may have an earlier one. */
  readonly recordedAt: number
}

/** How a table changed; `undefined` forgets a key. */
export type StateDelta = ReadonlyArray<readonly [key: string, value: string | undefined]>

/** Where a content was first stored inline: by its SHA-256, as hex; the journal keeps a keyed digest of that. */
export type ContentEntry = readonly [sha256: string, index: number]

export interface JournalEntry {
  /** Must begin at the head: else Conflict. */
  readonly block: Block
  /** The head after the block. */
  readonly head: JournalHead
  /** Hashes of the leaves the block completes, in order. */
  readonly leaves: ReadonlyArray<Uint8Array>
  readonly states: ReadonlyArray<{ readonly source: string; readonly delta: StateDelta }>
  readonly contents: ReadonlyArray<ContentEntry>
}

/** One log in the journal: the machine's own now, or one it left when it found that a copy of itself went on. */
export interface JournalLog {
  readonly writer: Uint8Array
  readonly head: JournalHead
}

export interface JournalShape {
  readonly identity: Effect.Effect<Identity>
  /** The log that grows. */
  readonly head: Effect.Effect<JournalHead>
  /** Every log kept here, oldest first; the last is the one that grows. */
  readonly logs: Effect.Effect<ReadonlyArray<JournalLog>>
  /** Appends one entry in one synced write; durable when it returns, and none of its bytes are looked at afterwards. */
  readonly append: (entry: JournalEntry) => Effect.Effect<void, JournalError>
  /**
   * The blocks that cover events `from` (inclusive) to `to` (exclusive; its log's head), in order, opened and
   * checked. Without `writer`, of the log that grows.
   */
  readonly blocks: (range: {
    readonly from: number
    readonly to?: number
    readonly writer?: Uint8Array
  }) => Stream.Stream<Block, JournalError>
  /** The head after the block that ends at `size`, in one read; Missing where none ends there. */
  readonly headAt: (at: { readonly size: number; readonly writer?: Uint8Array }) => Effect.Effect<
    JournalHead,
    JournalError
  >
  /** Hashes of full leaves, from one leaf index to another (exclusive). */
  readonly leaves: (range: {
    readonly from: number
    readonly to: number
    readonly writer?: Uint8Array
  }) => Effect.Effect<ReadonlyArray<Uint8Array>, JournalError>
  /** Where contents were first stored in the log that grows; `undefined` where they never were. */
  readonly contents: (
    sha256: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<number | undefined>, JournalError>
  /** What a source remembers, loaded once and kept by the caller, who folds later entries himself. */
  readonly state: (source: string) => Effect.Effect<SourceState, JournalError>
  /** Changes what a source remembers where there is no event to tell of (a file read to its end). Synced. */
  readonly remember: (source: string, delta: StateDelta) => Effect.Effect<void, JournalError>
  /** Replaces all that a source remembers: after events came from elsewhere. */
  readonly replaceState: (source: string, state: SourceState) => Effect.Effect<void, JournalError>
  /** A small sealed record beside the log: shipping cursors, the last drill. Overwritten as a whole, synced. */
  readonly readNote: (name: string) => Effect.Effect<string | undefined, JournalError>
  readonly writeNote: (name: string, text: string) => Effect.Effect<void, JournalError>
  /**
   * Leaves the log that grows at an earlier head, a block boundary, and goes on in a new one under a new writer id
   * with the entries given. All of it or, after a crash, none of it.
   */
  readonly fork: (options: {
    readonly at: JournalHead
    readonly writer: Uint8Array
    readonly entries: Stream.Stream<JournalEntry, JournalError>
  }) => Effect.Effect<void, JournalError>
  /** Opens and checks every entry: each range that is not what was written, in order. */
  readonly scrub: Stream.Stream<
    JournalFinding,
    JournalError
  >
  /**
   * The same a part at a time, of about so many bytes, with everything beside the entries too: what was found in it,
   * and where the next part begins, in words that only the journal understands; nothing after the last.
   */
  readonly scrubPart: (part: { readonly from: string | undefined; readonly bytes: number }) => Effect.Effect<
    { readonly findings: ReadonlyArray<JournalFinding>; readonly next: string | undefined },
    JournalError
  >
}

/** A range of events that is not what was written. */
export interface JournalFinding {
  readonly first: number
  readonly last: number
  readonly error: JournalError
}

export class Journal extends Context.Tag("@sealog/core/backup/Journal")<Journal, JournalShape>() {}
