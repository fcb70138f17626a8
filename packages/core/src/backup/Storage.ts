/**
 * Where sealed objects are kept: four verbs on immutable objects. What a place can promise stands in its
 * capabilities, as data; the contract suite (`testing/StorageContract`) checks exactly what they claim.
 */
import { Context, Data, type Effect, type Stream } from "effect"

/** Why a place said no. The adapter decides which of these can pass by themselves (`retryable`). */
export type StorageReason =
  | "NotFound"
  | "AlreadyExists"
  | "Denied"
  | "Unreachable"
  | "Full"
  | "Throttled"
  | "Corrupt"
  | "Unsupported"

export class StorageError extends Data.TaggedError("StorageError")<{
  readonly reason: StorageReason
  /** The verb, as `put`. */
  readonly method: string
  /** The object, or the place itself. */
  readonly subject: string
  readonly retryable: boolean
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.method} ${this.subject}: ${explain[this.reason]}`
  }
}

const explain: Record<StorageReason, string> = {
  NotFound: "there is no such object",
  AlreadyExists: "an object of that name is already there",
  Denied: "permission was refused",
  Unreachable: "the place cannot be reached",
  Full: "there is no space left",
  Throttled: "the place asks to slow down",
  Corrupt: "what came back is not what was stored",
  Unsupported: "this place cannot do that"
}

export interface Capabilities {
  /** Two puts of one name: exactly one wins and the other gets AlreadyExists, even when they race. */
  readonly atomicCreate: boolean
  /** `get` with a range transfers only that range. */
  readonly rangeReads: boolean
  /** A listing shows every put that was acknowledged before it began. */
  readonly strongList: boolean
  /** Acknowledged means stored for good, or only queued for a later upload by another program. */
  readonly durability: "stored" | "queued"
  /** Objects can be removed. */
  readonly deletes: boolean
  /** Nobody, not we either, can remove or change an object before a time that the place keeps has passed. */
  readonly objectLock: boolean
  /** The longest object, bytes. */
  readonly maxObjectBytes: number
}

export interface ObjectInfo {
  readonly name: string
  readonly size: number
}

export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** The verbs; names are `folder/letters` with letters of `[a-z2-7]`, or the one readable name `sealog.json`. */
export interface StorageShape {
  readonly kind: string
  readonly capabilities: Capabilities
  /** Stores a whole object under a name that is free; durable when it returns; never seen half-written. */
  readonly put: (name: string, bytes: Uint8Array) => Effect.Effect<void, StorageError>
  /** The whole object, or a range of it: bytes of the caller's own. A range past the end gives what there is. */
  readonly get: (name: string, range?: ByteRange) => Effect.Effect<Uint8Array, StorageError>
  /** Every object whose name begins with the prefix, in no order; a missing folder is an empty one. */
  readonly list: (prefix: string) => Stream.Stream<ObjectInfo, StorageError>
  /** Removes an object; one that is not there is removed already. */
  readonly delete: (name: string) => Effect.Effect<void, StorageError>
  /** Copies that a program which syncs the place has made of objects, as the last listings met them: never read. */
  readonly conflictCopies?: () => ReadonlyArray<string>
}

export class Storage extends Context.Tag("@sealog/core/backup/Storage")<Storage, StorageShape>() {}
