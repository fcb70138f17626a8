/**
 * Events back into state, with memory that does not grow with the archive: first every change (`Collect`), then the
 * messages as a stream, each with its changes already known. Where a restore goes on from an earlier one, only what is
 * new is read, and of what is old only the messages that something new is about.
 */
import { Effect, Either } from "effect"
import { Buffer } from "node:buffer"
import { attempt } from "../format/Binary.ts"
import { selectEvents } from "../format/Block.ts"
import { decodeEvent, kindOf, peekEvent } from "../format/EventCodec.ts"
import { RESTORE_BATCH_MESSAGES } from "../format/Limits.ts"
import type { Changes } from "../message/Changes.ts"
import type { Event, EventOf, Kind } from "../message/Event.ts"
import type { MessageState } from "../message/MessageState.ts"
import { branchOf, collect, type Collected, type Since, type Touched, touchedKey } from "./Collect.ts"
import { eventAt, eventsAt, restoredContent } from "./Contents.ts"
import { damageOf, type FetchError, type FetchShape } from "./Fetch.ts"
import { type Finding, type KnownHead, type OpenedEvents, type OpenedLog, openLog } from "./Open.ts"
import type { Projection, RestoredAttachment, RestoredFile, RestoredMessage, Unread } from "./Projection.ts"

export interface ReplayReport {
  readonly logs: ReadonlyArray<OpenedLog>
  readonly findings: ReadonlyArray<Finding>
  /** Messages and files whose content is missing or damaged. */
  readonly unread: ReadonlyArray<Unread>
  /** When the newest event read was recorded, milliseconds; absent where none was read. */
  readonly newestAt?: number
}

export interface Replaying {
  readonly fetch: FetchShape
  readonly projection: Projection
  /** How far an earlier restore into the same place had come. */
  readonly since: Since
  /** Heads known from elsewhere, by writer in hex. */
  readonly known: ReadonlyMap<string, ReadonlyArray<KnownHead>>
  /** Sizes whose roots are wanted of every log. */
  readonly rootsAt?: ReadonlyArray<number>
}

/** Replays every log of a vault into a projection. What could not be read or proven stands in the report. */
export const replay = Effect.fn("Replay.replay")(function*(replaying: Replaying) {
  const { fetch, projection, since } = replaying
  const collected = yield* collect(fetch, since)
  yield* projection.folders([
    ...collected.after.directory.chats().flatMap(({ folder, source }) =>
      folder === undefined ? [] : [{ source, folder, exists: true }]
    ),
    ...stillGone(collected)
  ])
  const streamed = yield* streamAdditions(replaying, collected)
  const unread = [...streamed.unread, ...(yield* revisit(replaying, collected, streamed.added))]
  unread.push(
    ...(yield* projection.files([...streamed.files.values()].map((event): RestoredFile => ({
      source: event.source,
      path: event.path,
      after: { mtimeNs: event.mtimeNs, content: restoredContent(fetch, event.content) }
    }))))
  )
  const gone = collected.removedFiles.filter(({ path, source }) => !streamed.files.has(touchedKey(source, path)))
  yield* projection.files(gone)
  return {
    logs: streamed.logs,
    findings: [...streamed.logs.flatMap((log) => log.findings), ...logsGone(fetch, collected)],
    unread,
    ...(streamed.newestAt === undefined ? {} : { newestAt: streamed.newestAt })
  } satisfies ReplayReport
})

/** The second half: opens every log, proves it, and hands on its messages as they stand at the end. */
const streamAdditions = Effect.fn("Replay.streamAdditions")(function*(
  { fetch, known, projection, rootsAt, since }: Replaying,
  { after, witnessed }: Collected
) {
  const logs: Array<OpenedLog> = []
  const files = new Map<string, EventOf<"file.upsert">>()
  const added = new Set<string>()
  const unread: Array<Unread> = []
  let newestAt: number | undefined

  const take = Effect.fn("Replay.take")(function*(opened: OpenedEvents) {
    const writer = opened.branch ? branchOf(hex(opened.writer)) : hex(opened.writer)
    newestAt = yield* newestOf(opened, newestAt)
    let batch: Array<RestoredMessage> = []
    for (let at = 0; at < opened.events.length; at += RESTORE_BATCH_MESSAGES) {
      const events = yield* additionsOf(opened, at, at + RESTORE_BATCH_MESSAGES)
      for (const { event, index } of events) {
        const position = { writer, index }
        if (event.kind === "file.upsert") {
          const stamp = { recordedAt: event.recordedAt, ...position }
          if (after.directory.acceptFile(event, stamp)) files.set(touchedKey(event.source, event.path), event)
        } else if (event.kind === "message.added") {
          if (since.size > 0) added.add(touchedKey(event.source, event.message.key))
          const state = after.resolve(event, position)
          if (state !== undefined) batch.push(restoredMessage(fetch, undefined, state))
        }
      }
      if (batch.length > 0) unread.push(...(yield* projection.messages(batch)))
      batch = []
    }
    if (projection.attachments === undefined) return
    const attachments = yield* attachmentsIn(fetch, after, opened)
    unread.push(...attachments.orphans)
    if (attachments.found.length > 0) unread.push(...(yield* projection.attachments(attachments.found)))
  })

  for (const log of fetch.writers) {
    const writer = hex(log.writer)
    const start = since.get(writer)
    const heads = [...(known.get(writer) ?? []), ...witnessed.filter((head) => head.writer === writer)]
    logs.push(
      yield* openLog(fetch, log, {
        known: heads,
        take,
        rootsAt: rootsAt ?? [],
        ...(start === undefined ? {} : { start })
      })
    )
  }
  return { logs, files, added, unread, newestAt }
})

/**
 * The contents of attachments among some events, of messages that are there and still have them; and those whose message
 * cannot be read.
 */
const attachmentsIn = Effect.fn("Replay.attachmentsIn")(function*(
  fetch: FetchShape,
  after: Changes,
  opened: OpenedEvents
) {
  const found: Array<RestoredAttachment> = []
  const orphans: Array<Unread> = []
  const contents = yield* eventsOfKind(opened, "attachment.content")
  if (contents.length === 0) return { found, orphans }
  const origins = contents.flatMap(({ origin }) => origin === undefined ? [] : [origin])
  const added = yield* eventsAt(fetch, opened.writer, origins)
  const writer = opened.branch ? branchOf(hex(opened.writer)) : hex(opened.writer)
  for (const { attachment: id, content, key, origin, source } of contents) {
    const event = origin === undefined ? undefined : added.get(origin)
    const looked = event !== undefined && isAdded(event, source, key)
      ? Either.right({ event, position: { writer, index: origin! } })
      : yield* damageOf(findAdded(fetch, { source, key }))
    if (Either.isLeft(looked)) {
      orphans.push({ source, what: `${key} (${id})`, cause: looked.left })
      continue
    }
    const known = looked.right
    const message = known === undefined ? undefined : after.resolve(known.event, known.position)
    const attachment = message?.message.attachments?.find((each) => each.id === id)
    if (message === undefined || attachment === undefined) continue
    found.push({ message, attachment, content: restoredContent(fetch, content) })
  }
  return { found, orphans }
})

/** Messages of before that something new is about: found by where they were added, one by one. */
const revisit = Effect.fn("Replay.revisit")(function*(
  { fetch, projection, since }: Replaying,
  { after, before, touched }: Collected,
  added: ReadonlySet<string>
) {
  const unread: Array<Unread> = []
  if (since.size === 0) return unread
  for (const [name, message] of touched) {
    if (added.has(name)) continue
    const found = yield* findAdded(fetch, message)
    if (found === undefined) continue
    const was = before.resolve(found.event, found.position)
    const is = after.resolve(found.event, found.position)
    unread.push(...(yield* projection.messages([restoredMessage(fetch, was, is, message)])))
  }
  return unread
})

/**
 * Where a change does not say where its message was added, the runs of its source are searched. What is damaged is
 * passed over, and only where the message is found nowhere else that is why.
 */
const findAdded = Effect.fn("Replay.findAdded")(function*(fetch: FetchShape, message: Touched) {
  const { key, origin, source } = message
  let failure: FetchError | undefined
  if (origin !== undefined) {
    const read = yield* damageOf(eventAt(fetch, origin.writer, origin.index))
    if (Either.isLeft(read)) failure = read.left
    else if (isAdded(read.right, source, key)) {
      return { event: read.right, position: { writer: hex(origin.writer), index: origin.index } }
    }
  }
  for (const log of fetch.writers) {
    for (const info of log.segments) {
      const read = yield* damageOf(addedIn(fetch, info, message))
      if (Either.isLeft(read)) failure ??= read.left
      else if (read.right !== undefined) {
        return { event: read.right.event, position: { writer: hex(log.writer), index: read.right.index } }
      }
    }
  }
  return failure === undefined ? undefined : yield* failure
})

/** The addition of a message in one segment. */
const addedIn = Effect.fn("Replay.addedIn")(function*(
  fetch: FetchShape,
  info: Parameters<FetchShape["trailer"]>[0],
  { key, source }: Touched
) {
  const { runs } = yield* fetch.trailer(info)
  const entries = runs.filter((entry) => entry.class === "additions" && entry.source === source)
  for (const { bytes, index } of yield* selectEvents(yield* fetch.runs(info, entries))) {
    const event = yield* attempt(() => decodeEvent(bytes))
    if (isAdded(event, source, key)) return { event, index }
  }
  return undefined
})

const isAdded = (event: Event, source: string, key: string): event is EventOf<"message.added"> =>
  event.kind === "message.added" && event.source === source && event.message.key === key

const restoredMessage = (
  fetch: FetchShape,
  before: MessageState | undefined,
  after: MessageState | undefined,
  name?: { readonly source: string; readonly key: string }
): RestoredMessage => {
  const content = after?.message.content
  return {
    source: after?.source ?? before?.source ?? name?.source ?? "",
    key: after?.message.key ?? before?.message.key ?? name?.key ?? "",
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
    ...(content === undefined ? {} : { content: restoredContent(fetch, content) })
  }
}

const additionsOf = (opened: OpenedEvents, from: number, to: number) =>
  attempt(() => {
    const additions: Array<{ readonly event: Event; readonly index: number }> = []
    for (let at = from; at < Math.min(to, opened.events.length); at++) {
      const bytes = opened.events[at]!
      const kind = kindOf(bytes)
      if (kind === "message.added" || kind === "file.upsert") {
        additions.push({ event: decodeEvent(bytes), index: opened.first + at })
      }
    }
    return additions
  })

const eventsOfKind = <K extends Kind>({ events }: OpenedEvents, kind: K) =>
  attempt(() => {
    const found: Array<EventOf<K>> = []
    for (const bytes of events) if (kindOf(bytes) === kind) found.push(decodeEvent(bytes) as EventOf<K>)
    return found
  })

const newestOf = (opened: OpenedEvents, newest: number | undefined) =>
  attempt(() => {
    const last = opened.events.at(-1)
    return last === undefined ? newest : Math.max(newest ?? 0, peekEvent(last).recordedAt)
  })

/** Folders that were removed and are not there again. */
const stillGone = ({ after, removedFolders }: Collected) => {
  const there = new Set(after.directory.chats().map(({ folder, source }) => touchedKey(source, folder ?? "")))
  return removedFolders
    .filter(({ folder, source }) => !there.has(touchedKey(source, folder)))
    .map((folder) => ({ ...folder, exists: false }))
}

/** Logs that another one tells of, and of which nothing is there. */
const logsGone = (fetch: FetchShape, { witnessed }: Collected): ReadonlyArray<Finding> =>
  witnessed
    .filter(({ size, writer }) => size > 0 && !fetch.writers.some((log) => hex(log.writer) === writer))
    .map(({ size, writer }) => ({ reason: "RolledBack", writer: Buffer.from(writer, "hex"), first: 0, last: size - 1 }))

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
