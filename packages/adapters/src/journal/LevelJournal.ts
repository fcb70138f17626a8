/**
 * The journal's verbs over an open LevelDB. Every write goes through the writer's turn and moves what is in memory only
 * after it is durable.
 */
import { type JournalEntry, JournalError, type JournalLog, type JournalShape } from "@sealog/core/backup/Journal"
import { Effect, Either, Stream } from "effect"
import { Buffer } from "node:buffer"
import type { HeadMark } from "./HeadMark.ts"
import { type Finding, scrubLog } from "./LevelCheck.ts"
import { contentWrites, digest, findContents } from "./LevelContents.ts"
import type { Write } from "./LevelDatabase.ts"
import { forkLog, leftovers } from "./LevelFork.ts"
import * as Keys from "./LevelKeys.ts"
import { entryWrites, type LevelLog, type LogPlace, misfit } from "./LevelLog.ts"
import { currentWrite, growing, type Meta } from "./LevelMeta.ts"
import { decodeNote, encodeNote } from "./LevelRecords.ts"
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
  /** Shared with the store, which reads it anew whenever it has to open again. */
  readonly meta: { readonly get: () => Meta; readonly set: (meta: Meta) => void }
}

/** A write, and what the journal is after it. */
interface Plan {
  readonly next: Meta
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

  const { append, commit, commitStates, fork } = makeWriter(parts)

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
      commitStates("remember", (now) => changeStates(sealer, now.current.states, [{ source, delta }])),
    replaceState: (source, table) =>
      commitStates("replaceState", (now) => replaceState(sealer, now.current.states, source, table)),
    readNote: Effect.fn("LevelJournal.readNote")(function*(name: string) {
      const key = Keys.note(digest(meta.get().root.secret, Buffer.from(name)))
      const value = yield* store.read("readNote", (db) => db.get(key), name)
      if (value === undefined) return undefined
      return (yield* read(sealer, { key }, value, decodeNote, { method: "readNote", subject: name })).text
    }),
    writeNote: (name, text) =>
      commit("writeNote", (now) => {
        const key = Keys.note(digest(now.root.secret, Buffer.from(name)))
        return { next: now, writes: [[key, sealer.seal({ key }, encodeNote(name, text))]] }
      }),
    fork,
    scrub: scrubAll(parts, logs)
  }
}

/** All that changes the journal. */
const makeWriter = ({ levelLog, mark, meta, sealer, store }: LevelJournalParts) => {
  /** Writes in turn, and remembers what the journal is then. */
  const commit = (method: string, plan: (now: Meta) => Plan | JournalError) =>
    store.inTurn(
      method,
      Effect.suspend(() => {
        const planned = plan(meta.get())
        if (planned instanceof JournalError) return planned
        const { next, writes } = planned
        return Effect.uninterruptible(Effect.zipRight(store.write(method, writes), Effect.sync(() => meta.set(next))))
      })
    )

  const commitStates = (method: string, change: (now: Meta) => StateChange) =>
    commit(method, (now) => {
      const { states, writes } = change(now)
      const current = { ...now.current, states }
      return { next: { ...now, current }, writes: [...writes, currentWrite(sealer, current)] }
    })

  const noteHead = Effect.suspend(() => {
    const now = meta.get()
    return mark.write({ writer: growing(now).writer, size: now.head.size, root: now.head.root })
  })

  const appendEntry = (entry: JournalEntry) =>
    commit("append", (now) => {
      const subject = misfit(entry, now.head)
      if (subject !== undefined) return new JournalError({ reason: "Conflict", method: "append", subject })
      const log = growing(now)
      const { states, writes } = changeStates(sealer, now.current.states, entry.states)
      const current = { log: log.number, size: entry.head.size, states }
      const contents = contentWrites(now.root.secret, log.number, entry.contents)
      const all = [...entryWrites(sealer, log, entry), ...contents, ...writes, currentWrite(sealer, current)]
      return { next: { ...now, current, head: entry.head }, writes: all }
    })

  const fork: JournalShape["fork"] = Effect.fn("LevelJournal.fork")(function*(options) {
    yield* store.inTurn(
      "fork",
      Effect.gen(function*() {
        const forked = yield* forkLog({ store, sealer, levelLog }, meta.get(), options)
        meta.set(forked)
        yield* noteHead
        yield* store.write("fork", yield* leftovers(store, forked.root))
      })
    )
  })

  const append = Effect.fn("LevelJournal.append")((entry: JournalEntry) =>
    Effect.zipRight(appendEntry(entry), noteHead)
  )
  return { append, commit, commitStates, fork }
}

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

  /** What sources remember belongs to all of the log. */
  const scrubbedStates = Stream.suspend(() => {
    const { current, head } = meta.get()
    return Stream.fromIterable(current.states).pipe(
      Stream.mapEffect((state) => Effect.either(loadState(store, sealer, state))),
      Stream.filterMap(Either.getLeft),
      Stream.map((error): Finding => ({ first: 0, last: Math.max(0, head.size - 1), error }))
    )
  })
  return Stream.concat(scrubbed, scrubbedStates)
}
