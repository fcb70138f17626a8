/**
 * Writes the canonical form of everything into one file, `messages.jsonl`, in canonical order, and where they are
 * wanted the files of attachments beside it. Into a folder restored before, the new lines are merged with those that
 * stand there.
 */
import { compareKey } from "@sealog/core/message/Canonical"
import { keysOf, linesOf } from "@sealog/core/message/CanonicalLines"
import {
  ProjectionError,
  readContent,
  type RestoredContent,
  type RestoredMessage
} from "@sealog/core/restore/Projection"
import { Effect, Option, Schema, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash, type Hash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { AttachmentFolder } from "./AttachmentFolder.ts"
import { type KeyedLine, makeLineSorter } from "./LineSorter.ts"
import { attempt, type FolderProjection, type Mark, type RestoreFolder } from "./RestoreFolder.ts"

export const LINES_FILE = "messages.jsonl"
/** Lines gathered before they are written, bytes. */
const WRITE_BYTES = 1024 * 1024

export const makeJsonLinesProjection = (
  folder: RestoreFolder,
  options: { readonly attachments: boolean } = { attachments: false }
): FolderProjection => {
  const sorter = makeLineSorter(join(folder.scratch, "sort"))
  const path = join(folder.dir, LINES_FILE)
  const ours: Mark["files"] = Option.match(folder.mark, { onNone: () => ({}), onSome: ({ files }) => files })
  const known = ours[LINES_FILE]
  const attachments = new AttachmentFolder(folder, ours)
  const count = { messages: 0, written: 0, removed: 0 }
  let written: string | undefined

  const one = Effect.fn("JsonLinesProjection.one")(function*({ after, before, content }: RestoredMessage) {
    const old = before === undefined ? [] : keysOf(before.source, before.conversation, before)
    const lines = after === undefined
      ? []
      : yield* linesOf(after.source, after.conversation, after, content && wholeOf(content))
    for (const key of old) sorter.add(key, undefined)
    for (const { key, line } of lines) sorter.add(key, line)
    if (lines.length > 0) count.written++
    else if (old.length > 0) count.removed++
    if (before !== undefined) attachments.forget(before, after)
  })

  return {
    folders: () => Effect.void,
    messages: (messages) =>
      Effect.map(
        Effect.forEach(messages, (message) => readContent({ source: message.source, what: message.key }, one(message))),
        (unread) => unread.flat()
      ),
    files: () => Effect.succeed([]),
    ...(options.attachments
      ? { attachments: (batch) => Effect.map(Effect.forEach(batch, attachments.write), (unread) => unread.flat()) }
      : {}),
    finish: attempt("finish", path, () => {
      const old = readOld(path, known)
      const staged = join(folder.stage, LINES_FILE)
      const hash = createHash("sha256")
      count.messages = writeLines(staged, sorter.merge(old.lines), hash)
      old.check()
      written = hash.digest("hex")
      return options.attachments ? { ...count, attachments: attachments.finish() } : { ...count }
    }),
    writtenFiles: () => (written === undefined ? {} : { [LINES_FILE]: written, ...attachments.files })
  }
}

const wholeOf = (content: RestoredContent) => ({
  size: content.size,
  bytes: content.inline === undefined
    ? Effect.map(Stream.runCollect(content.bytes), (chunks) => Buffer.concat([...chunks]))
    : Effect.succeed(content.inline)
})

const writeLines = (path: string, lines: Iterable<KeyedLine>, hash: Hash): number => {
  const file = fs.openSync(path, "wx", 0o600)
  let count = 0
  let pieces: Array<Uint8Array> = []
  let size = 0
  const flush = (): void => {
    const block = Buffer.concat(pieces)
    hash.update(block)
    for (let at = 0; at < block.length;) at += fs.writeSync(file, block, at)
    pieces = []
    size = 0
  }
  try {
    for (const { line } of lines) {
      pieces.push(line!, NEWLINE)
      size += line!.length + 1
      count++
      if (size >= WRITE_BYTES) flush()
    }
    flush()
    fs.fsyncSync(file)
  } finally {
    fs.closeSync(file)
  }
  return count
}

/** The lines of the last restore; `check` fails where the file is not what that wrote. */
const readOld = (path: string, known: string | undefined) => {
  if (!fs.existsSync(path)) return { lines: [], check: () => undefined }
  if (known === undefined) throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: path })
  const hash = createHash("sha256")
  return {
    lines: oldLines(path, hash),
    check: () => {
      if (hash.digest("hex") !== known) {
        throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: path })
      }
    }
  }
}

function* oldLines(path: string, hash: Hash): Generator<KeyedLine> {
  const file = fs.openSync(path, "r")
  let rest: Buffer = Buffer.alloc(0)
  try {
    for (;;) {
      const block = Buffer.allocUnsafe(WRITE_BYTES)
      const read = block.subarray(0, fs.readSync(file, block))
      if (read.length === 0) return
      hash.update(read)
      rest = Buffer.concat([rest, read])
      let from = 0
      for (let end = rest.indexOf(0x0a, from); end >= 0; end = rest.indexOf(0x0a, from)) {
        const line = rest.subarray(from, end)
        yield { key: keyOfLine(line), line }
        from = end + 1
      }
      rest = rest.subarray(from)
    }
  } finally {
    fs.closeSync(file)
  }
}

const Keyed = Schema.parseJson(Schema.Struct({
  source: Schema.String,
  conversation: Schema.String,
  id: Schema.String,
  type: Schema.String,
  at: Schema.optionalWith(Schema.Union(Schema.String, Schema.Number), { exact: true })
}))
const decodeKeyed = Schema.decodeSync(Keyed)

const keyOfLine = (line: Buffer): Uint8Array => {
  const { at, ...rest } = decodeKeyed(line.toString("utf8"))
  return compareKey(at === undefined ? rest : { ...rest, at: typeof at === "number" ? at : Date.parse(at) })
}

const NEWLINE = Buffer.from("\n")
