/**
 * The newest head in a file beside LevelDB, written after each append. When LevelDB drops the end of its own log for a
 * flipped bit, what is left looks whole; this remembers that there was more. It is not synced: it costs microseconds,
 * can only lag behind what is durable, and after a power cut at worst says nothing.
 */
import type { File, FileSystem } from "@effect/platform/FileSystem"
import { JournalError } from "@sealog/core/backup/Journal"
import { Effect, Either, Option } from "effect"
import { Buffer } from "node:buffer"
import { toJournalError } from "./LevelDatabase.ts"
import { decodeMark, encodeMark, type MarkRecord } from "./LevelRecords.ts"
import type { LevelSeal } from "./LevelSeal.ts"

export interface HeadMark {
  /** What it says; nothing where it is missing, torn, or of another key. */
  readonly read: Effect.Effect<Option.Option<MarkRecord>, JournalError>
  readonly write: (mark: MarkRecord) => Effect.Effect<void>
}

export const openHeadMark = Effect.fn("HeadMark.open")(function*(fs: FileSystem, path: string, sealer: LevelSeal) {
  const wrap = Effect.mapError((cause: unknown) => toJournalError("open", cause, path))
  const file: File = yield* fs.open(path, { flag: (yield* wrap(fs.exists(path))) ? "r+" : "w+", mode: 0o600 }).pipe(
    wrap
  )
  const read = readHeadMark(fs, path, sealer)
  const write = (mark: MarkRecord) =>
    file.seek(0, "start").pipe(
      Effect.zipRight(file.writeAll(sealer.seal(PLACE, encodeMark(mark)))),
      Effect.catchAll((error) => Effect.logWarning("the head could not be noted beside the journal", error))
    )
  return { read, write } satisfies HeadMark
})

/** What a mark says; nothing where it is missing, torn, or of another key. */
export const readHeadMark = Effect.fn("HeadMark.read")(function*(fs: FileSystem, path: string, sealer: LevelSeal) {
  const wrap = Effect.mapError((cause: unknown) => toJournalError("open", cause, path))
  if (!(yield* wrap(fs.exists(path)))) return Option.none<MarkRecord>()
  const plain = Either.getRight(sealer.open(PLACE, yield* wrap(fs.readFile(path))))
  return Option.flatMap(plain, (bytes) => Either.getRight(decodeMark(bytes)))
})

/** No key of LevelDB is this long. */
const PLACE = { key: Buffer.from("head mark") }

/** Fails where the mark shows that the journal once held more than it holds now. */
export const checkMark = (
  mark: Option.Option<MarkRecord>,
  now: MarkRecord
): Effect.Effect<void, JournalError> => {
  if (Option.isNone(mark) || mark.value.writes < now.writes) return Effect.void
  const { root, size, writer, writes } = mark.value
  const sameLog = Buffer.compare(writer, now.writer) === 0
  if (sameLog && writes === now.writes && size === now.size && Buffer.compare(root, now.root) === 0) return Effect.void
  const subject = sameLog && size > now.size
    ? `events ${now.size} to ${size - 1} are gone`
    : `the last ${writes - now.writes} writes are gone`
  return new JournalError({ reason: "Corrupt", method: "open", subject })
}
