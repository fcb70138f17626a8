/**
 * Leaving a log for a new one. The new log is written beside the old under the next number, where nothing looks, and
 * takes over in one write; what a crash leaves on either side of that write is removed at the next opening.
 */
import { type JournalEntry, JournalError, type JournalHead, type StateDelta } from "@sealog/core/backup/Journal"
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import { contentWrites } from "./LevelContents.ts"
import type { Database, Write } from "./LevelDatabase.ts"
import * as Keys from "./LevelKeys.ts"
import { emptyHead, entryWrites, fullLeaves, type LevelLog, misfit } from "./LevelLog.ts"
import { currentWrite, growing, type Meta, rootWrite } from "./LevelMeta.ts"
import type { RootRecord } from "./LevelRecords.ts"
import type { LevelSeal } from "./LevelSeal.ts"
import { changeStates } from "./LevelState.ts"
import type { LevelStore } from "./LevelStore.ts"

export interface ForkOptions {
  readonly at: JournalHead
  readonly writer: Uint8Array
  readonly entries: Stream.Stream<JournalEntry, JournalError>
}

/** To be called in the writer's turn; gives back what the journal is afterwards. */
export const forkLog = Effect.fn("LevelFork.fork")(function*(
  { levelLog, sealer, store }: { readonly store: LevelStore; readonly sealer: LevelSeal; readonly levelLog: LevelLog },
  meta: Meta,
  { at, entries, writer }: ForkOptions
) {
  const old = growing(meta)
  const boundary = yield* Effect.catchIf(
    levelLog.headAt(old, at.size),
    (error) => error.reason === "Missing",
    (cause) => new JournalError({ reason: "Conflict", method: "fork", subject: `no block ends at ${at.size}`, cause })
  )
  if (at.size > meta.head.size || Buffer.compare(boundary.root, at.root) !== 0) {
    return yield* new JournalError({ reason: "Conflict", method: "fork", subject: `another root at ${at.size}` })
  }
  if (old.number === Keys.LOGS || meta.root.logs.some((log) => Buffer.compare(log.writer, writer) === 0)) {
    return yield* new JournalError({ reason: "Conflict", method: "fork", subject: "a writer that is not new" })
  }
  const log = { number: old.number + 1, writer }
  yield* remove(store, "fork", Keys.logsFrom(log.number))
  let head = emptyHead
  const deltas: Array<{ readonly source: string; readonly delta: StateDelta }> = []
  yield* entries.pipe(Stream.runForEach(Effect.fnUntraced(function*(entry) {
    const subject = misfit(entry, head)
    if (subject !== undefined) return yield* new JournalError({ reason: "Conflict", method: "fork", subject })
    const contents = contentWrites(meta.root.secret, log.number, entry.contents)
    yield* store.write("fork", [...entryWrites(sealer, log, entry), ...contents])
    head = entry.head
    deltas.push(...entry.states)
  })))
  const logs = meta.root.logs.map((other) => other.number === old.number ? { ...other, left: boundary } : other)
  const root: RootRecord = { ...meta.root, logs: [...logs, { ...log, left: undefined }] }
  const changed = changeStates(sealer, meta.current.states, deltas)
  const { notes, writes } = meta.current
  const current = { writes: writes + 1, log: log.number, size: head.size, states: changed.states, notes }
  yield* store.write("fork", [...changed.writes, rootWrite(sealer, root), currentWrite(sealer, current)])
  return { root, current, head } satisfies Meta
})

/** What no log holds: beyond the heads of logs that were left, and of a log whose beginning was never finished. */
export const leftovers = Effect.fn("LevelFork.leftovers")(function*(store: LevelStore, root: RootRecord) {
  const ranges = [Keys.logsFrom(growing({ root }).number + 1)]
  for (const { left, number } of root.logs) {
    if (left === undefined) continue
    ranges.push(
      Keys.from(number, Keys.ENTRY, left.size),
      Keys.from(number, Keys.HEAD, left.size + 1),
      Keys.from(number, Keys.LEAVES, fullLeaves(left.size)),
      Keys.contentsOf(number)
    )
  }
  const writes: Array<Write> = []
  for (const range of ranges) {
    yield* store.read("open", async (db) => {
      for await (const keys of keysIn(db, range)) writes.push(...keys.map((key): Write => [key, undefined]))
    })
  }
  return writes
})

const remove = Effect.fn("LevelFork.remove")(function*(store: LevelStore, method: string, range: Keys.Range) {
  const pages = store.pages(method, { ...range, values: false })
  yield* pages.pipe(Stream.runForEach((page) => store.write(method, page.map(([key]): Write => [key, undefined]))))
})

async function* keysIn(db: Database, range: Keys.Range) {
  for await (const page of db.pages({ ...range, values: false })) yield page.map(([key]) => key)
}
