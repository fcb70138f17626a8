/**
 * Capture in miniature, for tests of sources: takes a source's drafts as events of a log in memory, folds them into
 * what the source remembers, and compares what they come to with what the source says its store holds.
 */
import { Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import type { Draft, Past, SourceShape, SourceTable, StoreItem } from "../backup/Source.ts"
import { apply, empty, messages } from "../message/Archive.ts"
import type { Content, Event, Fact, Message } from "../message/Event.ts"
import { conversationOfFolder } from "../message/MailFolder.ts"
import { BrokenPromise } from "./Contract.ts"

export interface Recorder {
  readonly source: SourceShape
  /** The log so far. */
  readonly events: Array<Event>
  readonly state: Map<string, string>
}

export const makeRecorder = (source: SourceShape): Recorder => ({ source, events: [], state: new Map() })

/** One pass, or its first batches: the events it added. */
export const pass = Effect.fn("SourceRecorder.pass")(function*(recorder: Recorder, batches = Number.MAX_SAFE_INTEGER) {
  const before = recorder.events.length
  yield* recorder.source.changes(recorder.state, pastOf(recorder)).pipe(
    Stream.take(batches),
    Stream.runForEach((batch) =>
      Effect.gen(function*() {
        for (const draft of batch.drafts) record(recorder, yield* settle(draft))
        for (const [key, value] of batch.cursor ?? []) {
          if (value === undefined) recorder.state.delete(key)
          else recorder.state.set(key, value)
        }
        batch.release?.()
      })
    )
  )
  return recorder.events.slice(before)
})

const pastOf = ({ events }: Recorder): Past => ({ event: (index) => Effect.sync(() => events[index]) })

/** What a source would remember if only its events were left. */
export const replayed = ({ events, source }: Recorder): Map<string, string> => {
  const state = new Map<string, string>()
  events.forEach((event, index) => source.remember(event, index, tableOf(state)))
  return state
}

/** What the events come to, one line a thing, sorted. */
export const folded = ({ events }: Recorder): ReadonlyArray<string> => {
  const archive = empty()
  events.forEach((event, index) => apply(archive, event, { writer: "0000000000000000", index }))
  const lines = [...messages(archive)].map(({ conversation, message }) =>
    line({ conversation, message: plain(message) })
  )
  for (const { content, mtimeNs, path } of archive.directory.files()) {
    lines.push(line({ path, mtimeNs, content: summary(content) }))
  }
  for (const { conversation, folder } of archive.directory.chats()) lines.push(line({ conversation, folder }))
  return lines.toSorted()
}

/** The store as it stands, in the same lines. */
export const dumped = Effect.fn("SourceRecorder.dumped")(function*(source: SourceShape, keys?: ReadonlySet<string>) {
  const lines: Array<string> = []
  yield* source.dump(keys === undefined ? {} : { keys }).pipe(
    Stream.runForEach((items) =>
      Effect.gen(function*() {
        for (const item of items) lines.push(line(yield* plainItem(item)))
      })
    )
  )
  return lines.toSorted()
})

/** Fails unless the events come to just what is in the store. */
export const foldsToDump = Effect.fn("SourceRecorder.foldsToDump")(function*(recorder: Recorder) {
  const fold = folded(recorder)
  const dump = yield* dumped(recorder.source)
  const [inFold, inDump] = [new Set(fold), new Set(dump)]
  const [extra, lacking] = [fold.filter((item) => !inDump.has(item)), dump.filter((item) => !inFold.has(item))]
  if (extra.length === 0 && lacking.length === 0 && fold.length === dump.length) return
  return yield* new BrokenPromise({ detail: "events fold to what the store holds", expected: lacking, actual: extra })
})

const record = ({ events, source, state }: Recorder, fact: Fact): void => {
  const event: Event = { ...fact, recordedAt: events.length, source: source.name }
  source.remember(event, events.length, tableOf(state))
  events.push(event)
}

const tableOf = (state: Map<string, string>): SourceTable => ({
  get: (key) => state.get(key),
  set: (key, value) => void state.set(key, value),
  delete: (key) => void state.delete(key)
})

/** Long content is read to its end and checked, and then stands as a blob, as capture would leave it. */
const settle = Effect.fn("SourceRecorder.settle")(function*({ fact, large }: Draft) {
  if (large === undefined) return fact
  const { sha256, size } = yield* hashed(large.bytes)
  if (size !== large.size || !Buffer.from(sha256).equals(large.sha256)) {
    return yield* new BrokenPromise({
      detail: "long content is what was announced",
      expected: large.size,
      actual: size
    })
  }
  const content: Content = { _tag: "blob", sha256, size, writer: new Uint8Array(8), epoch: 0, parts: [] }
  if (fact.kind === "file.upsert" || fact.kind === "attachment.content") return { ...fact, content }
  if (fact.kind === "message.added" || fact.kind === "message.edited") {
    return { ...fact, message: { ...fact.message, content } }
  }
  return yield* new BrokenPromise({ detail: "only what has content has long content", actual: fact.kind })
})

const hashed = <E>(bytes: Stream.Stream<Uint8Array, E>) =>
  Effect.suspend(() => {
    const hash = createHash("sha256")
    return Stream.runFold(bytes, 0, (size, piece) => {
      hash.update(piece)
      return size + piece.length
    }).pipe(Effect.map((size) => ({ size, sha256: new Uint8Array(hash.digest()) })))
  })

const plainItem = Effect.fn("SourceRecorder.plainItem")(function*(item: StoreItem) {
  switch (item._tag) {
    case "chat":
      return { conversation: item.conversation, folder: item.folder }
    case "file":
      return { path: item.path, mtimeNs: item.mtimeNs, content: summary({ _tag: "inline", bytes: item.bytes }) }
    case "message": {
      const message = plain(item.message)
      if (item.large === undefined) return { conversation: item.conversation, message }
      const { sha256, size } = yield* hashed(item.large.bytes)
      const content = { sha256: Buffer.from(sha256).toString("hex"), size }
      return { conversation: item.conversation, message: { ...message, content } }
    }
  }
})

/** A message as two who know it in different ways can both tell it. */
const plain = ({ content, reactions, ...message }: Message): Record<string, unknown> => ({
  ...message,
  ...(content === undefined ? {} : { content: summary(content) }),
  ...(reactions === undefined || reactions.length === 0
    ? {}
    : { reactions: reactions.map(({ author, emoji }) => JSON.stringify([author, emoji])).toSorted() })
})

const summary = (content: Content) =>
  content._tag === "inline"
    ? { sha256: createHash("sha256").update(content.bytes).digest("hex"), size: content.bytes.length }
    : { sha256: Buffer.from(content.sha256).toString("hex"), size: content.size }

/** A mail lies where it is now, wherever it came in. */
const line = (thing: { readonly message?: Record<string, unknown>; readonly [key: string]: unknown }): string => {
  const places = thing.message?.["places"] as Message["places"]
  const conversation = places?.[0] === undefined ? thing["conversation"] : conversationOfFolder(places[0].folder)
  return JSON.stringify({ ...thing, conversation }, sortedKeys)
}

const sortedKeys = (_: string, value: unknown): unknown => {
  if (typeof value === "bigint") return `${value}n`
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex")
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1))
}
