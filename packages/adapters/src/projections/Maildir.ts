/**
 * Writes mails back as the Maildir they came from: the same bytes under the same names in the same folders, with their
 * times, beside the mail server's own files. A mail that only moved or changed its flags since the last restore is
 * renamed, not fetched again.
 */
import type { FetchError } from "@sealog/core/restore/Fetch"
import {
  type ProjectionError,
  readContent,
  type RestoredContent,
  type RestoredFile,
  type RestoredMessage,
  type Unread
} from "@sealog/core/restore/Projection"
import { Effect, Option, Stream } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { type NewFile, writeAll } from "./FileJob.ts"
import { makeFileWriter } from "./FileWriter.ts"
import { MaildirOutput, placesOf, seconds } from "./MaildirOutput.ts"
import { attempt, type FolderProjection, type RestoreFolder } from "./RestoreFolder.ts"

export const makeMaildirProjection = Effect.fn("MaildirProjection.make")(function*(folder: RestoreFolder) {
  const writer = yield* makeFileWriter
  const output = new MaildirOutput(folder)
  const files: Record<string, string> = {
    ...Option.match(folder.mark, { onNone: () => ({}), onSome: (mark) => mark.files })
  }
  const count = { messages: 0, written: 0, removed: 0 }
  const inFolder = <A>(work: () => A) => attempt("write", folder.dir, work)

  const messages = Effect.fn("MaildirProjection.messages")(function*(batch: ReadonlyArray<RestoredMessage>) {
    const long: Array<{ readonly path: Buffer; readonly message: RestoredMessage; readonly mtimeNs: number | bigint }> =
      []
    const short: Array<NewFile> = []
    yield* inFolder(() => {
      for (const message of batch) {
        const { after, before, content, source } = message
        const { moved, write } = output.place(message)
        const [had, has] = [placesOf(before).length > 0, placesOf(after).length > 0]
        count.messages += Number(has) - Number(had)
        count.removed += Number(had && !has)
        count.written += moved
        if (content === undefined) continue
        for (const place of write) {
          const path = output.stagedPlace(source, place)
          count.written++
          if (content.inline === undefined) long.push({ path, message, mtimeNs: place.mtimeNs })
          else short.push({ path, bytes: content.inline, mtimeSeconds: seconds(place.mtimeNs) })
        }
      }
    })
    yield* writer.write(short)
    const unread: Array<Unread> = []
    for (const { message: { content, key, source }, mtimeNs, path } of long) {
      unread.push(...(yield* readContent({ source, what: key }, writeLong(path, content!, mtimeNs))))
    }
    return unread
  })

  const file = Effect.fn("MaildirProjection.file")(function*({ after, path, source }: RestoredFile) {
    const name = `${source}/${path}`
    const known = files[name]
    delete files[name]
    yield* inFolder(() => output.replace(source, path, known, after !== undefined))
    if (after === undefined) return []
    files[name] = Buffer.from(after.content.sha256).toString("hex")
    const staged = yield* inFolder(() => output.staged(source, path.split("/")))
    return yield* readContent({ source, what: path }, writeLong(staged, after.content, after.mtimeNs))
  })

  return {
    folders: (folders) =>
      inFolder(() => {
        for (const { exists, folder: name, source } of folders) output.folder(source, name, exists)
      }),
    messages,
    files: (batch) => Effect.map(Effect.forEach(batch, file), (unread) => unread.flat()),
    finish: Effect.zipRight(
      writer.settled,
      attempt("finish", folder.dir, () => {
        output.finish()
        return { ...count }
      })
    ),
    writtenFiles: () => files
  } satisfies FolderProjection
})

/** A file piece by piece; where its content turns out to be damaged, nothing of it stays. */
const writeLong = Effect.fn("MaildirProjection.writeLong")(function*(
  path: Buffer,
  content: RestoredContent,
  mtimeNs: number | bigint
): Effect.fn.Return<void, ProjectionError | FetchError> {
  const subject = path.toString()
  yield* Effect.acquireUseRelease(
    attempt("write", subject, () => fs.openSync(path, "wx", 0o600)),
    (opened) =>
      Effect.zipRight(
        Stream.runForEach(content.bytes, (bytes) => attempt("write", subject, () => writeAll(opened, bytes))),
        attempt("write", subject, () => fs.futimesSync(opened, seconds(mtimeNs), seconds(mtimeNs)))
      ),
    (opened) => Effect.sync(() => fs.closeSync(opened))
  ).pipe(Effect.tapError(() => attempt("write", subject, () => fs.rmSync(path, { force: true }))))
})
