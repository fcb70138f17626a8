/**
 * Writes mails back as the Maildir they came from: the same bytes under the same names in the same folders, with their
 * times, beside the mail server's own files. A mail that only moved or changed its flags since the last restore is
 * renamed, not fetched again.
 *
 * Tens of thousands of small files: a hot path, and names are bytes; so `node:fs`, without an effect for each file.
 */
import type { Place } from "@sealog/core/message/Event"
import type { FetchError } from "@sealog/core/restore/Fetch"
import {
  type Projection,
  ProjectionError,
  readContent,
  type RestoredContent,
  type RestoredFile,
  type RestoredMessage,
  type Unread
} from "@sealog/core/restore/Projection"
import { Effect, Option, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { attempt, exists, joinBytes, type Mark, publish, type RestoreFolder } from "./RestoreFolder.ts"

export const makeMaildirProjection = (folder: RestoreFolder): Projection & { readonly writtenFiles: () => Mark["files"] } => {
  const root = Buffer.from(folder.dir)
  const stage = Buffer.from(folder.stage)
  const known = new Set<string>()
  const moves: Array<readonly [from: Buffer, to: Buffer, mtimeNs: number | bigint]> = []
  const removals: Array<Buffer> = []
  const emptied: Array<Buffer> = []
  const replaced = new Map<string, { readonly path: Buffer; readonly sha256: string | undefined }>()
  const files: Record<string, string> = { ...Option.match(folder.mark, { onNone: () => ({}), onSome: (m) => m.files }) }
  const count = { messages: 0, written: 0, removed: 0 }

  const stagedPath = (source: string, parts: ReadonlyArray<string>): Buffer => {
    const path = pathOf(stage, source, parts)
    const parent = path.subarray(0, path.lastIndexOf(SLASH))
    const key = parent.toString("latin1")
    if (!known.has(key)) {
      fs.mkdirSync(parent, { recursive: true, mode: 0o700 })
      known.add(key)
    }
    return path
  }

  const write = Effect.fn("MaildirProjection.write")(function*(
    path: Buffer,
    content: RestoredContent,
    mtimeNs: number | bigint
  ): Effect.fn.Return<void, ProjectionError | FetchError> {
    yield* Effect.acquireUseRelease(
      attempt("write", path.toString(), () => fs.openSync(path, "wx", 0o600)),
      (file) =>
        Effect.zipRight(
          Stream.runForEach(content.bytes, (bytes) => attempt("write", path.toString(), () => writeAll(file, bytes))),
          attempt("write", path.toString(), () => fs.futimesSync(file, seconds(mtimeNs), seconds(mtimeNs)))
        ),
      (file) => Effect.sync(() => fs.closeSync(file))
    )
  }, (effect, path) => Effect.tapError(effect, () => attempt("write", path.toString(), () => fs.rmSync(path, { force: true }))))

  /** One message's files: what it had and has not is moved or removed, what it has and had not is moved or written. */
  const place = (message: RestoredMessage): ReadonlyArray<Place> => {
    const before = message.before?.removed === undefined ? message.before?.message.places ?? [] : []
    const after = message.after?.removed === undefined ? message.after?.message.places ?? [] : []
    if (after.length > 0) count.messages++
    if (before.length > 0) count.messages--
    const gone = before.filter((each) => !after.some((other) => samePlace(each, other)))
    const added: Array<Place> = []
    for (const next of after.filter((each) => !before.some((other) => samePlace(each, other)))) {
      const old = gone.findIndex((each) => exists(placePath(root, message.source, each)))
      if (old < 0) added.push(next)
      else {
        const [from] = gone.splice(old, 1)
        moves.push([placePath(root, message.source, from!), placePath(root, message.source, next), next.mtimeNs])
        count.written++
      }
    }
    for (const each of gone) removals.push(placePath(root, message.source, each))
    if (after.length === 0 && before.length > 0) count.removed++
    return added
  }

  const writeNow = (path: Buffer, bytes: Uint8Array, mtimeNs: number | bigint): void => {
    const file = fs.openSync(path, "wx", 0o600)
    try {
      writeAll(file, bytes)
      fs.futimesSync(file, seconds(mtimeNs), seconds(mtimeNs))
    } finally {
      fs.closeSync(file)
    }
  }

  const messages = Effect.fn("MaildirProjection.messages")(function*(batch: ReadonlyArray<RestoredMessage>) {
    const long: Array<readonly [Place, RestoredMessage, RestoredContent]> = []
    yield* attempt("write", folder.dir, () => {
      for (const message of batch) {
        for (const next of place(message)) {
          const { content } = message
          if (content === undefined) continue
          count.written++
          if (content.inline === undefined) long.push([next, message, content])
          else writeNow(stagedPath(message.source, partsOf(next)), content.inline, next.mtimeNs)
        }
      }
    })
    const unread: Array<Unread> = []
    for (const [next, { key, source }, content] of long) {
      const path = yield* attempt("write", folder.dir, () => stagedPath(source, partsOf(next)))
      unread.push(...(yield* readContent({ source, what: key }, write(path, content, next.mtimeNs))))
    }
    return unread
  })

  const writeFile = Effect.fn("MaildirProjection.writeFile")(function*(file: RestoredFile) {
    const parts = file.path.split("/")
    const path = yield* attempt("write", folder.dir, () => pathOf(root, file.source, parts))
    const name = `${file.source}/${file.path}`
    const old = files[name]
    delete files[name]
    replaced.set(name, { path, sha256: old })
    if (file.after === undefined) return []
    files[name] = Buffer.from(file.after.content.sha256).toString("hex")
    const staged = yield* attempt("write", folder.dir, () => stagedPath(file.source, parts))
    return yield* readContent({ source: file.source, what: file.path }, write(staged, file.after.content, file.after.mtimeNs))
  })

  return {
    folders: (folders) =>
      attempt("folders", folder.dir, () => {
        for (const { exists: there, folder: name, source } of folders) {
          const parts = name === "" ? [] : name.split("/")
          for (const sub of SUBS) {
            if (there) stagedPath(source, [...parts, sub, "."])
            else emptied.push(pathOf(root, source, [...parts, sub]))
          }
          if (!there) emptied.push(pathOf(root, source, parts))
        }
      }),
    messages,
    files: (batch) => Effect.map(Effect.forEach(batch, writeFile), (unread) => unread.flat()),
    finish: attempt("finish", folder.dir, () => {
      for (const [name, file] of replaced) removeOurs(name, file.path, file.sha256)
      for (const path of removals) fs.rmSync(path, { force: true })
      // Out of the way first: names may be handed on, or round in a circle, and new mails may take old names.
      const moved = moves.map(([from], at) => {
        const aside = joinBytes(stage, Buffer.from(`${MOVING}${at}`))
        fs.renameSync(from, aside)
        return aside
      })
      for (const entry of fs.readdirSync(stage, { encoding: "buffer" })) {
        if (!entry.subarray(0, MOVING.length).equals(MOVING)) publish(joinBytes(stage, entry), joinBytes(root, entry))
      }
      for (const [at, [, to, mtimeNs]] of moves.entries()) {
        if (exists(to)) throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: to.toString() })
        fs.renameSync(moved[at]!, to)
        fs.utimesSync(to, seconds(mtimeNs), seconds(mtimeNs))
      }
      for (const path of emptied) removeIfEmpty(path)
      return { ...count }
    }),
    writtenFiles: () => files
  }
}

const SLASH = 0x2f
/** No source has such a name. */
const MOVING = Buffer.from(".moving-")
const SUBS = ["cur", "new", "tmp"] as const

const partsOf = (place: Place): ReadonlyArray<string> => [
  ...(place.folder === "" ? [] : place.folder.split("/")),
  place.sub,
  place.name
]

const placePath = (root: Buffer, source: string, place: Place): Buffer => pathOf(root, source, partsOf(place))

/** A path under a root; names come out of a vault, so none of them may lead anywhere else. */
const pathOf = (root: Buffer, source: string, parts: ReadonlyArray<string>): Buffer => {
  for (const part of [source, ...parts.slice(0, -1)]) checkName(part)
  const last = parts.at(-1)
  if (last !== undefined && last !== ".") checkName(last)
  const names = [Buffer.from(source), ...parts.map((part) => Buffer.from(part, "latin1"))]
  return names.reduce(joinBytes, root)
}

const checkName = (name: string): void => {
  if (name === "" || name === "." || name === ".." || /[/\0]/.test(name)) {
    throw new ProjectionError({ reason: "Io", method: "path", subject: JSON.stringify(name) })
  }
}

const samePlace = (a: Place, b: Place): boolean =>
  a.folder === b.folder && a.sub === b.sub && a.name === b.name && BigInt(a.mtimeNs) === BigInt(b.mtimeNs)

const writeAll = (file: number, bytes: Uint8Array): void => {
  for (let at = 0; at < bytes.length;) at += fs.writeSync(file, bytes, at)
}

/** Node sets times to the microsecond, cutting off the rest: half of one keeps a double on the right side of it. */
const seconds = (ns: number | bigint): number => (Number(BigInt(ns) / 1_000n) + 0.5) / 1e6

/** Removes a file that an earlier restore wrote, unless somebody changed it since. */
const removeOurs = (name: string, path: Buffer, sha256: string | undefined): void => {
  if (!exists(path)) return
  const now = createHash("sha256").update(fs.readFileSync(path)).digest("hex")
  if (now !== sha256) throw new ProjectionError({ reason: "NotEmpty", method: "finish", subject: name })
  fs.rmSync(path)
}

/** A folder that is gone in the store goes, unless somebody put something in it. */
const removeIfEmpty = (path: Buffer): void => {
  try {
    fs.rmdirSync(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== "ENOTEMPTY" && code !== "ENOENT" && code !== "EEXIST") throw cause
  }
}
