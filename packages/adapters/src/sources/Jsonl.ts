/**
 * A folder of append-only JSON Lines files, or one such file, as a source: what other programs' exports are turned
 * into, and what our own restores write. `docs/sources/jsonl.md` describes the lines.
 *
 * As long as files only grow, each pass reads what is new and tells it line by line. Where a file was cut, replaced
 * or taken away, all lines are folded anew and the difference to what is remembered is told.
 */
import {
  type Batch,
  type Draft,
  type OpenSource,
  SourceError,
  type SourceShape,
  type SourceState,
  type StoreItem
} from "@sealog/core/backup/Source"
import type { Fact } from "@sealog/core/message/Event"
import { watch } from "chokidar"
import { Effect, Option, Stream } from "effect"
import { basename } from "node:path"
import { breathe } from "./Breath.ts"
import {
  belongs,
  checkOf,
  codeOf,
  type Cursor,
  LineReader,
  listFiles,
  type RawLine,
  type Root,
  rootOf,
  type StoreFile,
  type Unreadable
} from "./JsonlFiles.ts"
import { fold, lineIn, makeReadFile, START, textsOf } from "./JsonlFold.ts"
import { after, factsOf, factsTo, type Known, readKnown, remember } from "./JsonlTable.ts"
import { gapsOf } from "./MaildirTable.ts"

export interface JsonlOptions {
  /** The source's name in the vault. */
  readonly name: string
  /** The folder or the file. */
  readonly path: string
}

export const openJsonl = ({ name, path }: JsonlOptions): OpenSource =>
  Effect.gen(function*() {
    const root = yield* attempt("open", path, () => rootOf(path))
    const source: SourceShape = {
      name,
      kind: "jsonl",
      remember,
      changes: (state) => Stream.unwrap(changes(root, path, state)),
      hints: hints(root),
      dump: (options) => Stream.unwrap(dump(root, path, options?.keys)),
      gaps: gapsOf
    }
    return source
  }).pipe(Effect.withSpan("Jsonl.open"))

/** What a pass begins with. */
interface Store {
  readonly root: Root
  readonly path: string
  readonly state: SourceState
  readonly files: ReadonlyArray<StoreFile>
  readonly unreadable: ReadonlyArray<Unreadable>
  /** By the name a file has now. */
  readonly cursors: ReadonlyMap<string, Cursor>
  /** Names that are remembered and that no file has any more. */
  readonly stale: ReadonlyArray<string>
}

const changes = Effect.fn("Jsonl.changes")(function*(root: Root, path: string, state: SourceState) {
  const { files, unreadable } = yield* attempt("list", path, () => listFiles(root))
  const remembered = cursorsOf(state)
  if (files.length === 0 && unreadable.length === 0 && remembered.size > 0) {
    return yield* new SourceError({ reason: "NotFound", method: "list", subject: path })
  }
  const byIno = new Map([...remembered].map(([name, cursor]) => [cursor.ino, { name, cursor }]))
  const cursors = new Map<string, Cursor>()
  const met = new Set<string>()
  const cut = [...unreadable]
  let intact = true
  for (const file of files) {
    const known = remembered.get(file.name)?.ino === file.ino
      ? { name: file.name, cursor: remembered.get(file.name)! }
      : byIno.get(file.ino)
    if (known === undefined) continue
    const same = yield* Effect.either(attempt("read", file.name, () => isIntact(root, file, known.cursor)))
    if (same._tag === "Left") cut.push({ name: file.name, code: codeOf(same.left.cause) })
    else if (same.right) {
      cursors.set(file.name, known.cursor)
      met.add(known.name)
    } else intact = false
  }
  const stale = [...remembered.keys()].filter((name) => !files.some((file) => file.name === name))
  const isFirst = remembered.size === 0 && ![...state.keys()].some((key) => key.startsWith("m:"))
  const grown = isFirst || (remembered.size > 0 && intact && [...remembered.keys()].every((name) => met.has(name)))
  const store: Store = { root, path, state, files, unreadable: cut, cursors, stale }
  // With a file that cannot be read nobody knows what is gone: what is new elsewhere is told, the rest waits.
  return grown || cut.length > 0 ? grow(store) : anew(store)
})

/** Whether a file still begins with what was taken from it. */
const isIntact = (root: Root, file: StoreFile, cursor: Cursor): boolean => {
  if (file.size === cursor.size && file.mtimeNs === cursor.mtimeNs) return true
  if (file.size < cursor.offset || file.size === cursor.size) return false
  return checkOf(root, file.name, cursor.offset) === cursor.check
}

/** A batch ends at this many facts, or … */
const BATCH_FACTS = 2_000
/** … with the piece in which it came to this many bytes. */
const BATCH_BYTES = 2 * 1024 * 1024

/** What files have more than before, line by line. */
const grow = (store: Store): Stream.Stream<Batch, SourceError> => {
  const overlay = new Map<string, Known>()
  const broken = new Map(store.unreadable.map(({ code, name }) => [name, reasonOf(code)]))
  const isBlocked = (file: StoreFile) => broken.has(file.name) || (store.unreadable.length > 0 && !isSafe(store, file))
  return Stream.fromIterable(store.files.filter((file) => !isBlocked(file))).pipe(
    Stream.flatMap((file) => growFile(store, file, overlay, broken)),
    Stream.concat(Stream.suspend(() => inBatches(fileGaps(store, broken)))),
    Stream.filter(({ cursor, drafts }) => drafts.length > 0 || (cursor ?? []).length > 0)
  )
}

/** While something cannot be read, a file that was cut waits too: what it lost may be in the one that is not read. */
const isSafe = ({ cursors, state }: Store, file: StoreFile): boolean =>
  cursors.has(file.name) || !state.has(`l:${file.name}`)

const growFile = (
  store: Store,
  file: StoreFile,
  overlay: Map<string, Known>,
  broken: Map<string, string>
): Stream.Stream<Batch> => {
  const before = store.cursors.get(file.name)
  const isRead = before !== undefined && before.size === file.size && before.mtimeNs === file.mtimeNs
  if (isRead && store.state.has(`l:${file.name}`)) return Stream.empty
  const open = Effect.acquireRelease(
    Effect.try({ try: () => new LineReader(store.root, file.name, before ?? START, file.size), catch: codeOf }),
    (reader) => Effect.sync(() => reader.close())
  )
  return Stream.unwrapScoped(
    Effect.map(
      open,
      (reader) =>
        Stream.unfoldEffect(false, (ended) => ended ? Effect.succeedNone : nextBatch(store, file, reader, overlay))
    )
  ).pipe(
    Stream.catchAll((code) => {
      if (code !== "ENOENT") broken.set(file.name, reasonOf(code))
      return Stream.empty
    })
  )
}

const nextBatch = Effect.fnUntraced(function*(
  store: Store,
  file: StoreFile,
  reader: LineReader,
  overlay: Map<string, Known>
) {
  const drafts: Array<Draft> = []
  let ended = false
  let bytes = 0
  while (!ended && drafts.length < BATCH_FACTS && bytes < BATCH_BYTES) {
    yield* breathe
    const lines = yield* Effect.try({ try: () => reader.next(), catch: codeOf })
    ended = lines === undefined
    for (const line of lines ?? []) {
      bytes += line.bytes.length
      for (const fact of told(store, file, line, overlay)) drafts.push({ fact })
    }
  }
  const cursor = yield* Effect.try({
    try: () => cursorEntry(store.root, file, reader.position(), ended),
    catch: codeOf
  })
  const batch: Batch = { drafts, cursor: [cursor, ...store.stale.map((name) => [`l:${name}`, undefined] as const)] }
  return Option.some([batch, ended] as const)
})

/** What one line says that is new. */
const told = ({ state }: Store, file: StoreFile, line: RawLine, overlay: Map<string, Known>): ReadonlyArray<Fact> => {
  const parsed = lineIn(line.bytes)
  if (parsed === undefined) return []
  if (parsed.op === "bad") return gap(state, `${file.name}:${line.number}`, parsed.reason)
  const id = parsed.op === "put" ? parsed.message.key : parsed.id
  const remembered = readKnown((key) => state.get(key), id)
  let known = overlay.get(id) ?? remembered
  const facts = factsOf(known, parsed, remembered?.origin)
  for (const fact of facts) known = after(known, fact)
  if (facts.length > 0 && known !== undefined) overlay.set(id, known)
  return facts
}

/** The difference between what is remembered and what all lines come to. */
const anew = (store: Store): Stream.Stream<Batch, SourceError> =>
  Stream.unwrap(Effect.gen(function*() {
    const { files, root, stale, state } = store
    const read = makeReadFile(root, breathe, (file, cause) => sourceError("read", file.name, cause))
    const all = yield* fold(read, files)
    const isNew = (id: string) =>
      JSON.stringify(withoutOrigin(readKnown((key) => state.get(key), id)))
        !== JSON.stringify(withoutOrigin(all.messages.get(id)?.known))
    const gaps = [...all.bad].flatMap(([subject, reason]) => gap(state, subject, reason))
    const closed = gapsOf(state).filter(({ subject }) => !all.bad.has(subject)).map(closing)
    const gone = [...state.keys()].flatMap((key): ReadonlyArray<Fact> => {
      const id = key.slice(2)
      const known = key.startsWith("m:") && !all.messages.has(id) ? readKnown((one) => state.get(one), id) : undefined
      if (known === undefined || known.removed !== undefined) return []
      const origin = known.origin === undefined ? {} : { origin: known.origin }
      return [{ kind: "message.removed", conversation: known.conversation, key: id, scope: "vanished", ...origin }]
    })
    const texts = Stream.fromIterable(files.entries()).pipe(
      Stream.flatMap(([number, file]) =>
        linesOf(root, file)
          .pipe(Stream.map((lines) => textsOf(all, isNew, number, lines)))
      ),
      Stream.map((found) =>
        found.flatMap(({ known, message }) => factsTo(readKnown((key) => state.get(key), message.key), known, message))
      )
    )
    const cursor = yield* attempt("read", store.path, () =>
      files.map((file, number) =>
        cursorEntry(root, file, all.positions[number]!, true)
      ))
    const forgotten = stale.map((name) => [`l:${name}`, undefined] as const)
    return inBatches([...gaps, ...closed]).pipe(
      Stream.concat(Stream.flatMap(texts, inBatches)),
      Stream.concat(inBatches(gone)),
      Stream.concat(Stream.succeed<Batch>({ drafts: [], cursor: [...forgotten, ...cursor] }))
    )
  }))

const withoutOrigin = (known: Known | undefined) => known === undefined ? undefined : { ...known, origin: undefined }

const inBatches = (facts: ReadonlyArray<Fact>): Stream.Stream<Batch> =>
  Stream.fromIterable(facts).pipe(
    Stream.grouped(BATCH_FACTS),
    Stream.map((group): Batch => ({ drafts: [...group].map((fact) => ({ fact })) }))
  )

/** A file's lines from its beginning, a piece at a time, up to the length it had when it was listed. */
const linesOf = (root: Root, file: StoreFile): Stream.Stream<ReadonlyArray<RawLine>, SourceError> =>
  Stream.unwrapScoped(
    Effect.acquireRelease(
      attempt("read", file.name, () => new LineReader(root, file.name, START, file.size)),
      (reader) => Effect.sync(() => reader.close())
    ).pipe(
      Effect.map((reader) =>
        Stream.repeatEffectOption(
          breathe.pipe(
            Effect.zipRight(Effect.mapError(attempt("read", file.name, () => reader.next()), Option.some)),
            Effect.filterOrFail((lines) => lines !== undefined, () => Option.none<SourceError>())
          )
        )
      )
    )
  )

const dump = Effect.fn("Jsonl.dump")(function*(root: Root, path: string, keys: ReadonlySet<string> | undefined) {
  const { files } = yield* attempt("list", path, () => listFiles(root))
  const read = makeReadFile(root, breathe, (file, cause) => sourceError("read", file.name, cause))
  const readable = yield* Effect.filter(
    files,
    (file) => Effect.isSuccess(attempt("read", file.name, () => checkOf(root, file.name, 0)))
  )
  const all = yield* fold(read, readable)
  const wanted = (id: string) =>
    (keys === undefined || keys.has(id)) && all.messages.get(id)?.known.removed === undefined
  return Stream.fromIterable(readable.entries()).pipe(
    Stream.flatMap(([number, file]) =>
      Stream.map(
        linesOf(root, file),
        (lines) =>
          textsOf(all, wanted, number, lines).map(({ known, message }): StoreItem => ({
            _tag: "message",
            conversation: known.conversation,
            message
          }))
      )
    ),
    Stream.filter((items) => items.length > 0)
  )
})

const hints = (root: Root): Stream.Stream<void> =>
  Stream.asyncScoped<void>((emit) =>
    Effect.gen(function*() {
      const hint = () => void emit.single(undefined)
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          watch(root.folder, {
            ignored: (path) => path !== root.folder && !belongs(root, basename(path)),
            depth: 0,
            ignoreInitial: true,
            followSymlinks: false,
            ignorePermissionErrors: true
          }).on("all", hint).on("raw", hint).on("ready", hint).on("error", hint)
        ),
        (watcher) => Effect.promise(() => watcher.close())
      )
    }), { bufferSize: 1, strategy: "sliding" })

const cursorsOf = (state: SourceState): Map<string, Cursor> => {
  const cursors = new Map<string, Cursor>()
  for (const [key, value] of state) if (key.startsWith("l:")) cursors.set(key.slice(2), JSON.parse(value) as Cursor)
  return cursors
}

const cursorEntry = (
  root: Root,
  file: StoreFile,
  position: { readonly offset: number; readonly lines: number },
  ended: boolean
): readonly [string, string] => {
  const { offset } = position
  // Halfway the file does not count as looked at, whatever size and time it has.
  const size = ended ? file.size : -1
  const { ino, mtimeNs, name } = file
  const cursor: Cursor = { ...position, ino, size, mtimeNs, check: checkOf(root, name, offset) }
  return [`l:${name}`, JSON.stringify(cursor)]
}

const gap = (state: SourceState, subject: string, reason: string): ReadonlyArray<Fact> =>
  state.get(`g:${subject}`) === reason ? [] : [{ kind: "source.gap", conversation: "", subject, reason }]

const closing = ({ reason, subject }: { readonly subject: string; readonly reason: string }): Fact => ({
  kind: "source.gap",
  conversation: "",
  subject,
  reason,
  closed: true
})

/** Files that cannot be read, and those that can again; lines stay as they are while files only grow. */
const fileGaps = ({ root, state }: Store, broken: ReadonlyMap<string, string>): ReadonlyArray<Fact> => [
  ...[...broken].flatMap(([name, reason]) => gap(state, name, reason)),
  ...gapsOf(state).filter(({ subject }) => belongs(root, subject) && !broken.has(subject)).map(closing)
]

const reasonOf = (code: string): string => /^E[A-Z0-9]+$/.test(code) ? `could not be read (${code})` : code

const REASONS: Readonly<Record<string, SourceError["reason"]>> = {
  ENOENT: "NotFound",
  ENOTDIR: "NotFound",
  EACCES: "Denied",
  EPERM: "Denied"
}

const sourceError = (method: string, subject: string, cause: unknown): SourceError =>
  new SourceError({ reason: REASONS[codeOf(cause)] ?? "Unreadable", method, subject, cause })

const attempt = <A>(method: string, subject: string, work: () => A): Effect.Effect<A, SourceError> =>
  Effect.try({ try: work, catch: (cause) => sourceError(method, subject, cause) })
