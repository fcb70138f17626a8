/**
 * The journal's verbs over an open LevelDB. Every write goes through the writer's turn and moves what is in memory only
 * after it is durable.
 */
import type { FileSystem } from "@effect/platform/FileSystem"
import {
  type JournalEntry,
  JournalError,
  type JournalHead,
  type JournalLog,
  type JournalShape
} from "@sealog/core/backup/Journal"
import { Effect, Either, Stream } from "effect"
import { Buffer } from "node:buffer"
import type { HeadMark } from "./HeadMark.ts"
import { type Finding, scrubLog } from "./LevelCheck.ts"
import { contentWrites, digest, findContents } from "./LevelContents.ts"
import type { Write } from "./LevelDatabase.ts"
import { forkLog, leftovers } from "./LevelFork.ts"
import * as Keys from "./LevelKeys.ts"
import { entryWrites, type LevelLog, type LogPlace, misfit } from "./LevelLog.ts"
import { currentWrite, growing, markOf, type Meta, noteWrite } from "./LevelMeta.ts"
import { type CurrentRecord, decodeNote, type NoteRecord } from "./LevelRecords.ts"
import { makeScrubPart } from "./LevelScrub.ts"
import { type LevelSeal, read } from "./LevelSeal.ts"
import { changeStates, loadState, replaceState, type StateChange } from "./LevelState.ts"
import type { LevelStore } from "./LevelStore.ts"

export interface LevelJournalParts {
  readonly vaultId: Uint8Array
  readonly session: Uint8Array
  readonly store: LevelStore
  readonly sealer: LevelSeal
  readonly levelLog: LevelLog
  readonly mark: HeadMark
  readonly files: { readonly fs: FileSystem; readonly folder: string }
  /** Shared with the store, which reads it anew whenever it has to open again. */
  readonly meta: { readonly get: () => Meta; readonly set: (meta: Meta) => void }
}

/** A write, and what is other in the journal after it. */
interface Plan {
  readonly head?: JournalHead
  readonly current: Partial<CurrentRecord>
  readonly writes: ReadonlyArray<Write>
}

export const makeLevelJournal = (parts: LevelJournalParts): JournalShape => {
  const { levelLog, meta, sealer, store } = parts
  const logs = Effect.sync(() => {
    const { head, root } = meta.get()
    return root.logs.map(({ left, number, writer }) => ({ number, writer, head: left ?? head }))
  })

  /** The log of a writer; without one, the log that grows. */
  const logOf = Effect.fn("LevelJournal.logOf")(function*(method: string, writer: Uint8Array | undefined) {
    const all = yield* logs
    const log = writer === undefined ? all.at(-1) : all.find((other) => Buffer.compare(other.writer, writer) === 0)
    if (log !== undefined) return log
    const subject = `the log of writer ${Buffer.from(writer ?? []).toString("hex")}`
    return yield* new JournalError({ reason: "Missing", method, subject })
  })

  const { append, changeState, fork, writeNote } = makeWriter(parts)

  return {
    identity: Effect.sync(() => ({
      vaultId: parts.vaultId,
      writer: growing(meta.get()).writer,
      session: parts.session,
      sessions: meta.get().root.sessions
    })),
    head: Effect.sync(() => meta.get().head),
    logs: Effect.map(logs, (all) => all.map(({ head, writer }) => ({ writer, head }))),
    append,
    blocks: ({ from, to, writer }) =>
      Stream.unwrap(
        Effect.map(logOf("blocks", writer), (log) =>
          levelLog.blocks(log, { from, to: Math.min(to ?? log.head.size, log.head.size) }))
      ),
    headAt: ({ size, writer }) => Effect.flatMap(logOf("headAt", writer), (log) => levelLog.headAt(log, size)),
    leaves: ({ from, to, writer }) =>
      Effect.flatMap(logOf("leaves", writer), (log) => levelLog.leaves(log, { from, to })),
    contents: (sha256) =>
      Effect.suspend(() => {
        const now = meta.get()
        return findContents(store, now.root.secret, growing(now).number, sha256)
      }),
    state: (source) =>
      Effect.suspend(() => loadState(store, sealer, meta.get().current.states.find((state) => state.name === source))),
    remember: (source, delta) =>
      changeState("remember", (now) => changeStates(sealer, now.current.states, [{ source, delta }])),
    replaceState: (source, table) =>
      changeState("replaceState", (now) => replaceState(sealer, now.current.states, source, table)),
    readNote: (name) => readNote(parts, name),
    writeNote,
    fork,
    scrub: scrubAll(parts, logs),
    scrubPart: makeScrubPart({ ...parts.files, store, levelLog, logs, rest: scrubRest(parts) })
  }
}

/** All that changes the journal. */
const makeWriter = ({ levelLog, mark, meta, sealer, store }: LevelJournalParts) => {
  /** Writes in turn, and remembers, in memory and beside LevelDB, what the journal is then. */
  const commit = (method: string, plan: (now: Meta) => Plan | JournalError) =>
    store.inTurn(
      method,
      Effect.suspend(() => {
        const now = meta.get()
        const planned = plan(now)
        if (planned instanceof JournalError) return planned
        const current = { ...now.current, ...planned.current, writes: now.current.writes + 1 }
        const next = { ...now, current, head: planned.head ?? now.head }
        return Effect.uninterruptible(
          store.write(method, [...planned.writes, currentWrite(sealer, current)]).pipe(
            Effect.zipRight(Effect.sync(() => meta.set(next))),
            Effect.zipRight(mark.write(markOf(next)))
          )
        )
      })
    )

  const changeState = (method: string, change: (now: Meta) => StateChange) =>
    commit(method, (now) => {
      const { states, writes } = change(now)
      return { current: { states }, writes }
    })

  const append = Effect.fn("LevelJournal.append")((entry: JournalEntry) =>
    commit("append", (now) => {
      const subject = misfit(entry, now.head)
      if (subject !== undefined) return new JournalError({ reason: "Conflict", method: "append", subject })
      const log = growing(now)
      const { states, writes } = changeStates(sealer, now.current.states, entry.states)
      const contents = contentWrites(now.root.secret, log.number, entry.contents)
      return {
        head: entry.head,
        current: { size: entry.head.size, states },
        writes: [...entryWrites(sealer, log, entry), ...contents, ...writes]
      }
    })
  )

  const writeNote = (name: string, text: string) =>
    commit("writeNote", (now) => {
      const noteDigest = digest(now.root.secret, Buffer.from(name))
      const others = now.current.notes.filter((note) => Buffer.compare(note.digest, noteDigest) !== 0)
      const { record, write } = noteWrite(sealer, now.root.secret, {
        version: versionOf(now, noteDigest) + 1,
        name,
        text
      })
      return { current: { notes: [...others, record] }, writes: [write] }
    })

  const fork: JournalShape["fork"] = Effect.fn("LevelJournal.fork")(function*(options) {
    yield* store.inTurn(
      "fork",
      Effect.gen(function*() {
        const forked = yield* forkLog({ store, sealer, levelLog }, meta.get(), options)
        meta.set(forked)
        yield* mark.write(markOf(forked))
        yield* store.write("fork", yield* leftovers(store, forked.root))
      })
    )
  })

  return { append, changeState, fork, writeNote }
}

/** The newest version of a note; 0 of one that never was. */
const versionOf = (now: Meta, noteDigest: Uint8Array): number =>
  now.current.notes.find((note) => Buffer.compare(note.digest, noteDigest) === 0)?.version ?? 0

const readNote = Effect.fn("LevelJournal.readNote")(
  function*({ meta, sealer, store }: LevelJournalParts, name: string) {
    const noteDigest = digest(meta.get().root.secret, Buffer.from(name))
    const least = versionOf(meta.get(), noteDigest)
    if (least === 0) return undefined
    const note = yield* openNote({ sealer, store }, noteDigest)
    if (note.version >= least) return note.text
    return yield* new JournalError({
      reason: "Corrupt",
      method: "readNote",
      subject: `${name}: an older version of it`
    })
  }
)

const openNote = Effect.fn("LevelJournal.openNote")(function*(
  { sealer, store }: Pick<LevelJournalParts, "sealer" | "store">,
  noteDigest: Uint8Array
) {
  const key = Keys.note(noteDigest)
  const value = yield* store.read("readNote", (db) => db.get(key))
  return yield* read(sealer, { key }, value, decodeNote, { method: "readNote", subject: "a note" })
})

const scrubAll = (
  { levelLog, meta, sealer, store }: LevelJournalParts,
  logs: Effect.Effect<ReadonlyArray<LogPlace & JournalLog>>
): Stream.Stream<Finding, JournalError> => {
  const scrubbed: Stream.Stream<Finding, JournalError> = Stream.unwrap(
    Effect.map(
      logs,
      (all) =>
        all.map((log) => scrubLog({ store, levelLog, log }, log.head)).reduce<Stream.Stream<Finding, JournalError>>(
          (before, next) => Stream.concat(before, next),
          Stream.empty
        )
    )
  )

  return Stream.concat(scrubbed, scrubRest({ meta, sealer, store }))
}

/** What sources remember, and notes, belong to all of the log. */
const scrubRest = (
  { meta, sealer, store }: Pick<LevelJournalParts, "meta" | "sealer" | "store">
): Stream.Stream<Finding, JournalError> => {
  const checkNote = ({ digest: noteDigest, version }: NoteRecord) =>
    Effect.filterOrFail(
      openNote({ sealer, store }, noteDigest),
      (note) => note.version >= version,
      () => new JournalError({ reason: "Corrupt", method: "scrub", subject: "an older version of a note" })
    )
  return Stream.suspend(() => {
    const { current, head } = meta.get()
    return Stream.fromIterable([
      ...current.states.map((state) => Effect.asVoid(loadState(store, sealer, state))),
      ...current.notes.map((note) => Effect.asVoid(checkNote(note)))
    ]).pipe(
      Stream.mapEffect(Effect.either),
      Stream.filterMap(Either.getLeft),
      Stream.map((error): Finding => ({ first: 0, last: Math.max(0, head.size - 1), error }))
    )
  })
}
