/**
 * The files of attachments that a restore writes, below `attachments/`: one for each, by source and month, under a name
 * that begins with twelve digits that only the message and the attachment decide and goes on with the name the store
 * has for it. So the file of an attachment is found without an index, and a later restore finds it again.
 */
import type { MessageState } from "@sealog/core/message/MessageState"
import { type ProjectionError, readContent, type RestoredAttachment } from "@sealog/core/restore/Projection"
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import { writeAll } from "./FileJob.ts"
import { attempt, isOurs, type RestoreFolder } from "./RestoreFolder.ts"

const ATTACHMENTS_FOLDER = "attachments"

export class AttachmentFolder {
  private readonly folder: RestoreFolder
  /** SHA-256 of every file of attachments that a restore wrote, hex, by path. */
  readonly files: Record<string, string>
  private readonly removals = new Map<string, string>()
  private written = 0

  /** With the files that earlier restores wrote. */
  constructor(folder: RestoreFolder, known: Readonly<Record<string, string>>) {
    this.folder = folder
    this.files = Object.fromEntries(Object.entries(known).filter(([path]) => path.startsWith(`${ATTACHMENTS_FOLDER}/`)))
  }

  /** Stages the file of one; a later content of the same attachment takes the place of an earlier one. */
  readonly write = (restored: RestoredAttachment) => {
    const { attachment, content, message } = restored
    const path = pathOf(message, attachment)
    const staged = join(this.folder.stage, path)
    const writing = Effect.gen(this, function*() {
      yield* writeWhole(staged, content.bytes)
      this.files[path] = Buffer.from(content.sha256).toString("hex")
      this.written++
    })
    return readContent({ source: message.source, what: `${message.message.key} (${attachment.id})` }, writing)
  }

  /** Notes that what a restore wrote for attachments which the message has no more is not to be there any more. */
  forget(before: MessageState, after: MessageState | undefined): void {
    for (const attachment of before.message.attachments ?? []) {
      if (after?.message.attachments?.some(({ id }) => id === attachment.id) === true) continue
      const path = pathOf(before, attachment)
      const sha256 = this.files[path]
      if (sha256 === undefined) continue
      this.removals.set(path, sha256)
      delete this.files[path]
    }
  }

  /** Removes what was noted; how many files there are new. */
  finish(): number {
    for (const [path, sha256] of this.removals) {
      const file = Buffer.from(join(this.folder.dir, path))
      if (fs.existsSync(file) && isOurs(file, sha256)) fs.rmSync(file)
    }
    return this.written
  }
}

/** Below the folder that is restored into, with `/` between: `attachments/whatsapp/2024-05/0f3a… photo.jpg`. */
const pathOf = (
  { message, source }: MessageState,
  attachment: { readonly id: string; readonly name?: string }
): string => {
  const digest = createHash("sha256").update(`${message.key}\0${attachment.id}`).digest("hex").slice(0, DIGITS)
  const month = message.at === undefined ? UNKNOWN_MONTH : monthOf(message.at)
  const name = safeName(attachment.name ?? attachment.id)
  return [ATTACHMENTS_FOLDER, safeName(source), month, name === "" ? digest : `${digest} ${name}`].join("/")
}

const monthOf = (at: number): string => {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? UNKNOWN_MONTH : date.toISOString().slice(0, -"-01T00:00:00.000Z".length)
}

/** The last part of a name, without what a file system somewhere cannot have, and not too long. */
const safeName = (name: string): string => {
  const whole = name.split(/[/\\]/).at(-1)!
  // Others chose it: of one that is longer than any file system takes, the beginning and the end are enough to look at.
  const short = whole.length > LOOK_CHARS ? whole.slice(0, NAME_BYTES) + whole.slice(-EXTENSION_CHARS) : whole
  const last = Buffer.from(short).toString().replace(UNSAFE, "_").replace(/^[. ]+|[. ]+$/gu, "")
  const dot = last.lastIndexOf(".")
  const extension = dot > 0 && last.length - dot <= EXTENSION_CHARS ? last.slice(dot) : ""
  let stem = last.slice(0, last.length - extension.length)
  while (Buffer.byteLength(stem) > NAME_BYTES) stem = [...stem].slice(0, -1).join("")
  return stem + extension
}

/** Piece by piece; where the content turns out to be damaged nothing of it stays. */
const writeWhole = Effect.fn("AttachmentFolder.writeWhole")(function*<E>(
  path: string,
  bytes: Stream.Stream<Uint8Array, E>
): Effect.fn.Return<void, E | ProjectionError> {
  yield* Effect.acquireUseRelease(
    attempt("write", path, () => {
      fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      return fs.openSync(path, "w", 0o600)
    }),
    (file) => Stream.runForEach(bytes, (piece) => attempt("write", path, () => writeAll(file, piece))),
    (file) => Effect.sync(() => fs.closeSync(file))
  ).pipe(Effect.tapError(() => attempt("write", path, () => fs.rmSync(path, { force: true }))))
})

const DIGITS = 12
const UNKNOWN_MONTH = "undated"
const NAME_BYTES = 120
const EXTENSION_CHARS = 12
const LOOK_CHARS = 1_000
/** Control characters, and what Windows refuses. */
const UNSAFE = /[\p{Cc}\p{Cf}<>:"|?*]/gu
