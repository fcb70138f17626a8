/**
 * The journal in memory, with the same promises short of outliving the process: for tests, and for simulations that
 * open it again and again as if it had been on a disk.
 */
import {
  Journal,
  type JournalEntry,
  JournalError,
  type JournalHead,
  type JournalReason,
  type JournalShape
} from "@sealog/core/backup/Journal"
import { decodeBlock, encodeBlock } from "@sealog/core/format/Block"
import { Entropy } from "@sealog/core/keys/Entropy"
import { KeyRing } from "@sealog/core/keys/KeyRing"
import { Effect, Layer, Stream } from "effect"
import { Buffer } from "node:buffer"
import { emptyHead, fullLeaves, misfit } from "./LevelLog.ts"
import { SESSION_BYTES, WRITER_BYTES } from "./LevelRecords.ts"

interface MemoryLog {
  readonly writer: Uint8Array
  readonly entries: ReadonlyArray<JournalEntry>
  readonly head: JournalHead
}

/** What a disk would hold: outlives the journals opened on it. */
export interface MemoryDisk {
  logs: ReadonlyArray<MemoryLog>
  states: Map<string, Map<string, string>>
  readonly notes: Map<string, string>
  readonly sessions: Array<Uint8Array>
}

/** An empty journal under a new writer id. */
export const makeMemoryDisk = Effect.map(Entropy, (entropy): MemoryDisk => ({
  logs: [{ writer: entropy.bytes(WRITER_BYTES), entries: [], head: emptyHead }],
  states: new Map(),
  notes: new Map(),
  sessions: []
}))

/** The same once more, as a backup of the machine, or a clone of it, would hold it. */
export const copyMemoryDisk = ({ logs, notes, sessions, states }: MemoryDisk): MemoryDisk => ({
  logs,
  states: new Map([...states].map(([source, table]) => [source, new Map(table)])),
  notes: new Map(notes),
  sessions: [...sessions]
})

/** Opens it once more, as a new session. */
export const openMemoryJournal = Effect.fn("MemoryJournal.open")(function*(disk: MemoryDisk) {
  const entropy = yield* Entropy
  const { vaultId } = yield* KeyRing
  const turn = yield* Effect.makeSemaphore(1)
  const session = entropy.bytes(SESSION_BYTES)
  disk.sessions.push(session)
  const grows = () => disk.logs.at(-1)!
  const logOf = (method: string, writer: Uint8Array | undefined) => {
    const log = writer === undefined ? grows() : disk.logs.find((other) => Buffer.compare(other.writer, writer) === 0)
    return log === undefined ? fail("Missing", method) : Effect.succeed(log)
  }

  const append = Effect.fn("MemoryJournal.append")(function*(given: JournalEntry) {
    // Written and read, as to a disk: nothing of what was given is kept.
    const entry = { ...given, block: yield* Effect.orDie(decodeBlock(encodeBlock(given.block))) }
    const log = grows()
    const subject = misfit(entry, log.head)
    if (subject !== undefined) return yield* fail("Conflict", "append", subject)
    disk.logs = [...disk.logs.slice(0, -1), { ...log, entries: [...log.entries, entry], head: entry.head }]
    remember(disk.states, [entry])
  })

  return {
    identity: Effect.sync(() => ({ vaultId, writer: grows().writer, session, sessions: [...disk.sessions] })),
    head: Effect.sync(() => grows().head),
    logs: Effect.sync(() => disk.logs.map(({ head, writer }) => ({ writer, head }))),
    append: (entry) => turn.withPermits(1)(append(entry)),
    blocks: ({ from, to, writer }) =>
      Stream.unwrap(Effect.map(logOf("blocks", writer), (log) => {
        const end = Math.min(to ?? log.head.size, log.head.size)
        const covers = ({ block }: JournalEntry) => from < end && block.first < end && block.first + block.count > from
        return Stream.fromIterable(log.entries.filter(covers).map(({ block }) => block))
      })),
    headAt: Effect.fn("MemoryJournal.headAt")(function*({ size, writer }) {
      const log = yield* logOf("headAt", writer)
      const head = size === 0 ? emptyHead : log.entries.find((entry) => entry.head.size === size)?.head
      return head ?? (yield* fail("Missing", "headAt", `no block ends at ${size}`))
    }),
    leaves: Effect.fn("MemoryJournal.leaves")(function*({ from, to, writer }) {
      const log = yield* logOf("leaves", writer)
      if (to > fullLeaves(log.head.size)) return yield* fail("Corrupt", "leaves", `leaves ${from} to ${to - 1}`)
      return log.entries.flatMap((entry) => entry.leaves).slice(from, Math.max(from, to))
    }),
    contents: (sha256) =>
      Effect.sync(() => {
        const known = new Map(grows().entries.flatMap((entry) => entry.contents))
        return sha256.map((hex) => known.get(hex))
      }),
    state: (source) => Effect.sync(() => new Map(disk.states.get(source))),
    remember: (source, delta) => Effect.sync(() => remember(disk.states, [{ states: [{ source, delta }] }])),
    replaceState: (source, state) => Effect.sync(() => void disk.states.set(source, new Map(state))),
    readNote: (name) => Effect.sync(() => disk.notes.get(name)),
    writeNote: (name, text) => Effect.sync(() => void disk.notes.set(name, text)),
    fork: (options) => turn.withPermits(1)(fork(disk, options)),
    scrub: Stream.empty,
    scrubPart: () => Effect.succeed({ findings: [], next: undefined })
  } satisfies JournalShape
})

/** A journal of its own, gone with the layer. @public */
export const layerMemory: Layer.Layer<Journal, never, KeyRing | Entropy> = Layer.effect(
  Journal,
  Effect.flatMap(makeMemoryDisk, openMemoryJournal)
)

const fork = Effect.fn("MemoryJournal.fork")(function*(
  disk: MemoryDisk,
  { at, entries, writer }: Parameters<JournalShape["fork"]>[0]
) {
  const old = disk.logs.at(-1)!
  const boundary = at.size === 0 ? emptyHead : old.entries.find((entry) => entry.head.size === at.size)?.head
  const taken = disk.logs.some((log) => Buffer.compare(log.writer, writer) === 0)
  if (boundary === undefined || taken || Buffer.compare(boundary.root, at.root) !== 0) {
    return yield* fail("Conflict", "fork", `at ${at.size}`)
  }
  const forked: Array<JournalEntry> = []
  yield* entries.pipe(Stream.runForEach((entry) => {
    const subject = misfit(entry, forked.at(-1)?.head ?? emptyHead)
    if (subject !== undefined) return fail("Conflict", "fork", subject)
    return Effect.sync(() => void forked.push(entry))
  }))
  const left = { ...old, entries: old.entries.filter((entry) => entry.head.size <= at.size), head: boundary }
  disk.logs = [...disk.logs.slice(0, -1), left, { writer, entries: forked, head: forked.at(-1)?.head ?? emptyHead }]
  remember(disk.states, forked)
})

const remember = (states: Map<string, Map<string, string>>, entries: ReadonlyArray<Pick<JournalEntry, "states">>) => {
  for (const { delta, source } of entries.flatMap((entry) => entry.states)) {
    const table = states.get(source) ?? new Map<string, string>()
    states.set(source, table)
    for (const [key, value] of delta) {
      if (value === undefined) table.delete(key)
      else table.set(key, value)
    }
  }
}

const fail = (reason: JournalReason, method: string, subject?: string) =>
  Effect.fail(new JournalError({ reason, method, ...(subject === undefined ? {} : { subject }) }))
