/**
 * The form that a restored state is written out in. A projection is told what each message, file and folder is now
 * and, in a folder that was restored into before, what it was then; it writes the difference. Nothing it makes counts
 * until it is finished: a restore that cannot be proven leaves what was there.
 */
import { Data, Effect, type Stream } from "effect"
import { isDamage } from "../backup/VaultObjects.ts"
import type { Attachment } from "../message/Event.ts"
import type { MessageState } from "../message/MessageState.ts"
import type { FetchError } from "./Fetch.ts"

export type ProjectionReason =
  /** The folder holds what a restore did not write. */
  | "NotEmpty"
  /** It was restored in another form or from another vault. */
  | "OtherRestore"
  /** Nothing in the vault has this form. */
  | "NothingToProject"
  | "Denied"
  | "Full"
  | "Io"

export class ProjectionError extends Data.TaggedError("ProjectionError")<{
  readonly reason: ProjectionReason
  readonly method: string
  readonly subject: string
  readonly cause?: unknown
}> {
  override get message() {
    return `${this.subject}: ${explain[this.reason]}`
  }
}

const isFetchDamage = (error: unknown): error is FetchError =>
  typeof error === "object" && error !== null && "_tag" in error
  && (error._tag === "FormatError" || error._tag === "StorageError") && isDamage(error as FetchError)

const explain: Record<ProjectionReason, string> = {
  NotEmpty: "the folder holds what a restore did not write",
  OtherRestore: "the folder was restored in another form, from another vault, or in part",
  NothingToProject: "nothing in this vault can be written in this form",
  Denied: "it may not be written",
  Full: "there is no space left",
  Io: "it could not be written"
}

/** Bytes that are read only when they are wanted. */
export interface RestoredContent {
  readonly sha256: Uint8Array
  readonly size: number
  /** The bytes themselves, where they are at hand. */
  readonly inline?: Uint8Array
  readonly bytes: Stream.Stream<Uint8Array, FetchError>
}

export interface RestoredMessage {
  readonly source: string
  readonly key: string
  /** As the last restore into this folder had it; absent where it had none. */
  readonly before?: MessageState
  /** As it is now; absent where it is not there any more. */
  readonly after?: MessageState
  readonly content?: RestoredContent
}

export interface RestoredFile {
  readonly source: string
  /** Relative to the store, one character a byte. */
  readonly path: string
  /** Absent where the file is not there any more. */
  readonly after?: { readonly mtimeNs: number | bigint; readonly content: RestoredContent }
}

export interface RestoredFolder {
  readonly source: string
  readonly folder: string
  readonly exists: boolean
}

/** The content of an attachment, with the message it belongs to. */
export interface RestoredAttachment {
  /** As it stands now. */
  readonly message: MessageState
  /** As the message lists it. */
  readonly attachment: Attachment
  readonly content: RestoredContent
}

/** A message or file whose content is damaged or missing. */
export interface Unread {
  readonly source: string
  readonly what: string
  readonly cause: FetchError
}

/** Reads a content into `use`; damage becomes a value, so that the rest can go on. */
export const readContent = <E, R>(
  owner: { readonly source: string; readonly what: string },
  use: Effect.Effect<void, E | FetchError, R>
): Effect.Effect<ReadonlyArray<Unread>, E | FetchError, R> =>
  use.pipe(
    Effect.as([]),
    Effect.catchIf(isFetchDamage, (cause) => Effect.succeed([{ ...owner, cause }]))
  )

export interface ProjectionReport {
  /** Messages there are now. */
  readonly messages: number
  /** Written or changed. */
  readonly written: number
  readonly removed: number
  /** Files of attachments, where they were wanted. */
  readonly attachments?: number
}

export interface Projection {
  readonly folders: (folders: ReadonlyArray<RestoredFolder>) => Effect.Effect<void, ProjectionError>
  /** Gives back those whose content could not be read: they are not written. */
  readonly messages: (
    messages: ReadonlyArray<RestoredMessage>
  ) => Effect.Effect<ReadonlyArray<Unread>, ProjectionError | FetchError>
  readonly files: (
    files: ReadonlyArray<RestoredFile>
  ) => Effect.Effect<ReadonlyArray<Unread>, ProjectionError | FetchError>
  /** Contents of attachments, a later one of the same in the place of an earlier; without this none of them is read. */
  readonly attachments?: (
    attachments: ReadonlyArray<RestoredAttachment>
  ) => Effect.Effect<ReadonlyArray<Unread>, ProjectionError | FetchError>
  /** Makes all of it count. Without this nothing has changed. */
  readonly finish: Effect.Effect<ProjectionReport, ProjectionError>
}
