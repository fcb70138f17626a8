/**
 * The folder that a restore writes into: empty at first, later marked as ours. Everything new is written beside, in a
 * hidden folder, and moved into place only when the restore has been proven to its end; the mark, which is there
 * before the first file is moved and counts after the last, says how far it goes. Who is interrupted in between
 * finds both when it opens the folder again, and ends what it began. Nothing that a restore did not write is ever
 * replaced.
 *
 * Names of mail files are bytes, which `@effect/platform` cannot name: this is one of the modules that use `node:fs`.
 */
import { type Projection, ProjectionError, type ProjectionReason } from "@sealog/core/restore/Projection"
import { Effect, Option, Schema } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"

const MARK_FILE = ".sealog-restore.json"
/** Everything that does not count yet: files to be moved into place, scratch, and the mark that goes with them. */
const WORK_FOLDER = ".sealog-restore.tmp"
const WORK = { stage: "files", scratch: "scratch", mark: "mark.json" } as const

/** What an earlier restore left: its form, and the head of every log it had read. */
export const Mark = Schema.Struct({
  schema: Schema.Literal("sealog.restore-mark/1"),
  format: Schema.String,
  vaultId: Schema.String,
  messages: Schema.Int,
  /** Something could not be restored: what came later about it has nothing to go on from. */
  partial: Schema.optionalWith(Schema.Boolean, { exact: true }),
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
  /** Where every new file is written until it counts, at its path below the folder. */
  readonly stage: string
  /** For what is needed meanwhile; removed with the scope, as what is staged and never counted. */
  readonly scratch: string
  /** Puts what is staged into place, and marks how far it goes. After a crash in between the next one ends it. */
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
  const { dir, force } = options
  yield* attempt("open", dir, () => fs.mkdirSync(dir, { recursive: true, mode: 0o700 }))
  yield* finishInterrupted(dir)
  const mark = yield* readMark(join(dir, MARK_FILE))
  if (Option.isNone(mark) && !force) {
    const entries = yield* attempt("open", dir, () => fs.readdirSync(dir))
    if (entries.some((name) => name !== WORK_FOLDER)) {
      return yield* new ProjectionError({ reason: "NotEmpty", method: "open", subject: dir })
    }
  }
  if (Option.isSome(mark) && !continues(mark.value, options)) {
    return yield* new ProjectionError({ reason: "OtherRestore", method: "open", subject: dir })
  }
  const work = join(dir, WORK_FOLDER)
  const [stage, scratch] = [join(work, WORK.stage), join(work, WORK.scratch)]
  yield* attempt("stage", work, () => fs.rmSync(work, { recursive: true, force: true }))
  yield* Effect.acquireRelease(
    attempt("stage", work, () => {
      for (const each of [work, stage, scratch]) fs.mkdirSync(each, { mode: 0o700 })
    }),
    () => Effect.orElseSucceed(attempt("stage", work, () => clear(work)), () => undefined)
  )
  const ours = Option.match(mark, { onNone: () => ({}), onSome: ({ files }) => files })
  return {
    dir,
    mark,
    stage,
    scratch,
    writeMark: (next) =>
      attempt("finish", dir, () => {
        requireRoom(Buffer.from(stage), Buffer.from(dir), ours)
        writeDurably(join(work, WORK.mark), encodeMark(next))
        publish(dir, ours)
      })
  } satisfies RestoreFolder
})

/** Only a whole restore of the same vault in the same form can be gone on from. */
const continues = (mark: Mark, { format, vaultId }: { readonly format: string; readonly vaultId: string }): boolean =>
  mark.partial !== true && mark.format === format && mark.vaultId === vaultId

/** A restore that had been proven and was interrupted while it moved files into place goes on where it was. */
const finishInterrupted = Effect.fn("RestoreFolder.finishInterrupted")(function*(dir: string) {
  const next = yield* readMark(join(dir, WORK_FOLDER, WORK.mark))
  if (Option.isNone(next)) return
  const ours = Option.match(yield* readMark(join(dir, MARK_FILE)), {
    onNone: () => ({}),
    onSome: ({ files }) => files
  })
  yield* attempt("finish", dir, () => publish(dir, ours))
})

/** What is staged goes to its place, then its mark does. Interrupted anywhere, it can be done again. */
const publish = (dir: string, ours: Mark["files"]): void => {
  const stage = join(dir, WORK_FOLDER, WORK.stage)
  moveTree(Buffer.from(stage), Buffer.from(dir), ours)
  fs.renameSync(join(dir, WORK_FOLDER, WORK.mark), join(dir, MARK_FILE))
}

/** What has no mark was never to count. What has one is all that there is of files not yet moved. */
const clear = (work: string): void => {
  if (!fs.existsSync(join(work, WORK.mark))) fs.rmSync(work, { recursive: true, force: true })
}

/** Refuses, before anything is changed, where a staged file would take the place of one that no restore wrote. */
const requireRoom = (from: Buffer, to: Buffer, ours: Mark["files"], path = ""): void => {
  for (const entry of entriesOf(from)) {
    const [source, target] = [joinBytes(from, entry.name), joinBytes(to, entry.name)]
    const below = `${path}${entry.name.toString("latin1")}`
    const there = fs.lstatSync(target, { throwIfNoEntry: false })
    if (there === undefined) continue
    if (entry.isDirectory() && there.isDirectory()) requireRoom(source, target, ours, `${below}/`)
    else if (entry.isDirectory() || !there.isFile() || !(isOurs(target, ours[below]) || sameBytes(source, target))) {
      throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: target.toString() })
    }
  }
}

/** Moves a tree, folder by folder; of what is there already only what an earlier restore wrote is replaced. */
const moveTree = (from: Buffer, to: Buffer, ours: Mark["files"], path = ""): void => {
  for (const entry of entriesOf(from)) {
    const [source, target] = [joinBytes(from, entry.name), joinBytes(to, entry.name)]
    const below = `${path}${entry.name.toString("latin1")}`
    if (!exists(target)) fs.renameSync(source, target)
    else if (entry.isDirectory()) moveTree(source, target, ours, `${below}/`)
    else if (sameBytes(source, target) || isOurs(target, ours[below])) fs.renameSync(source, target)
    else throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: target.toString() })
  }
}

const entriesOf = (folder: Buffer) => fs.readdirSync(folder, { withFileTypes: true, encoding: "buffer" })

/** Whether a file is what an earlier restore wrote there. */
export const isOurs = (path: Buffer, sha256: string | undefined): boolean =>
  sha256 !== undefined && digestOf(path) === sha256

/** Of a file of any size, hex. */
const digestOf = (path: Buffer): string => {
  const hash = createHash("sha256")
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  const file = fs.openSync(path, "r")
  try {
    for (let read = fs.readSync(file, piece); read > 0; read = fs.readSync(file, piece)) {
      hash.update(piece.subarray(0, read))
    }
  } finally {
    fs.closeSync(file)
  }
  return hash.digest("hex")
}
const PIECE_BYTES = 1024 * 1024

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

const readMark = Effect.fn("RestoreFolder.readMark")(function*(path: string) {
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
  return right.isFile() && left.size === right.size && digestOf(a) === digestOf(b)
}

/** What an error of the system means for a folder. */
export const reasonOf = (cause: unknown): ProjectionReason => {
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
