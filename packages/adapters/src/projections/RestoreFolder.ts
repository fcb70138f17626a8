/**
 * The folder that a restore writes into: empty at first, later marked as ours. Everything new is written beside, in a
 * hidden folder, and moved into place only when the restore has been proven to its end; the mark, written last, says
 * how far it goes. Nothing that a restore did not write is ever replaced.
 *
 * Names of mail files are bytes, which `@effect/platform` cannot name: this is one of the modules that use `node:fs`.
 */
import { type Projection, ProjectionError, type ProjectionReason } from "@sealog/core/restore/Projection"
import { Effect, Option, Schema } from "effect"
import { Buffer } from "node:buffer"
import * as fs from "node:fs"
import { join } from "node:path"

export const MARK_FILE = ".sealog-restore.json"
const STAGE_FOLDER = ".sealog-restore.tmp"

/** What an earlier restore left: its form, and the head of every log it had read. */
export const Mark = Schema.Struct({
  schema: Schema.Literal("sealog.restore-mark/1"),
  format: Schema.String,
  vaultId: Schema.String,
  messages: Schema.Int,
  heads: Schema.Array(Schema.Struct({
    writer: Schema.String,
    size: Schema.Int,
    root: Schema.String,
    peaks: Schema.Array(Schema.String)
  })),
  /** SHA-256 of files that a later restore will replace, by path; latin1. */
  files: Schema.Record({ key: Schema.String, value: Schema.String })
})
export type Mark = typeof Mark.Type

export interface RestoreFolder {
  readonly dir: string
  /** Of the last restore into it; none where this is the first. */
  readonly mark: Option.Option<Mark>
  /** Where everything new is written until it counts; removed with the scope. */
  readonly stage: string
  readonly writeMark: (mark: Mark) => Effect.Effect<void, ProjectionError>
}

/** A projection into such a folder; it tells which of its files a later restore will replace. */
export interface FolderProjection extends Projection {
  readonly writtenFiles: () => Mark["files"]
}

/** Opens a folder to restore into; makes it where it is not there. */
export const openRestoreFolder = Effect.fn("RestoreFolder.open")(function*(options: {
  readonly dir: string
  readonly format: string
  readonly vaultId: string
  readonly force: boolean
}) {
  const { dir, force, format, vaultId } = options
  yield* attempt("open", dir, () => fs.mkdirSync(dir, { recursive: true, mode: 0o700 }))
  const mark = yield* readMark(dir)
  const stage = join(dir, STAGE_FOLDER)
  if (Option.isNone(mark) && !force) {
    const entries = yield* attempt("open", dir, () => fs.readdirSync(dir))
    if (entries.some((name) => name !== STAGE_FOLDER)) {
      return yield* new ProjectionError({ reason: "NotEmpty", method: "open", subject: dir })
    }
  }
  if (Option.isSome(mark) && (mark.value.format !== format || mark.value.vaultId !== vaultId)) {
    return yield* new ProjectionError({ reason: "OtherRestore", method: "open", subject: dir })
  }
  const clear = attempt("stage", stage, () => fs.rmSync(stage, { recursive: true, force: true }))
  yield* clear
  yield* Effect.acquireRelease(
    attempt("stage", stage, () => fs.mkdirSync(stage, { mode: 0o700 })),
    () => Effect.orElseSucceed(clear, () => undefined)
  )
  return {
    dir,
    mark,
    stage,
    writeMark: (next) => attempt("mark", dir, () => writeDurably(join(dir, MARK_FILE), encodeMark(next)))
  } satisfies RestoreFolder
})

/** Moves a staged tree into place, folder by folder; a file that is there already is not replaced. */
export const publish = (from: Buffer, to: Buffer): void => {
  if (!exists(to)) {
    fs.renameSync(from, to)
    return
  }
  for (const entry of fs.readdirSync(from, { withFileTypes: true, encoding: "buffer" })) {
    const source = joinBytes(from, entry.name)
    const target = joinBytes(to, entry.name)
    if (entry.isDirectory()) publish(source, target)
    else if (!exists(target)) fs.renameSync(source, target)
    else if (sameBytes(source, target)) fs.rmSync(source)
    else throw new ProjectionError({ reason: "NotEmpty", method: "publish", subject: target.toString() })
  }
}

/** Runs what uses the file system, and says what stood in the way. */
export const attempt = <A>(method: string, subject: string, work: () => A): Effect.Effect<A, ProjectionError> =>
  Effect.try({
    try: work,
    catch: (cause) =>
      cause instanceof ProjectionError
        ? cause
        : new ProjectionError({ reason: reasonOf(cause), method, subject, cause })
  })

export const joinBytes = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SEPARATOR, name])

export const exists = (path: Buffer): boolean => fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined

const SEPARATOR = Buffer.from("/")

const encodeMark = (mark: Mark): string => `${Schema.encodeSync(Schema.parseJson(Mark))(mark)}\n`
const decodeMark = Schema.decode(Schema.parseJson(Mark))

const readMark = Effect.fn("RestoreFolder.readMark")(function*(dir: string) {
  const path = join(dir, MARK_FILE)
  const text = yield* attempt("mark", path, () => fs.existsSync(path) ? fs.readFileSync(path, "utf8") : undefined)
  if (text === undefined) return Option.none()
  const mark = yield* Effect.mapError(
    decodeMark(text),
    (cause) => new ProjectionError({ reason: "OtherRestore", method: "mark", subject: path, cause })
  )
  return Option.some(mark)
})

const writeDurably = (path: string, text: string): void => {
  const temporary = `${path}.tmp`
  const file = fs.openSync(temporary, "w", 0o600)
  try {
    fs.writeSync(file, text)
    fs.fsyncSync(file)
  } finally {
    fs.closeSync(file)
  }
  fs.renameSync(temporary, path)
}

const sameBytes = (a: Buffer, b: Buffer): boolean => {
  const [left, right] = [fs.lstatSync(a), fs.lstatSync(b)]
  return right.isFile() && left.size === right.size && fs.readFileSync(a).equals(fs.readFileSync(b))
}

const reasonOf = (cause: unknown): ProjectionReason => {
  switch ((cause as NodeJS.ErrnoException).code) {
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return "Denied"
    case "ENOSPC":
    case "EDQUOT":
      return "Full"
    default:
      return "Io"
  }
}
