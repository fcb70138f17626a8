/**
 * A rehearsed restore that leaves nothing behind: what is new at a target since the last drill, and a rotating part of
 * what is old, is opened, compared event by event with the journal, folded, and its messages compared, conversation by
 * conversation, with the store they came from. Everything comes up within thirty drills.
 */
import { Effect, Stream } from "effect"
import { Buffer } from "node:buffer"
import { createHash } from "node:crypto"
import type { JournalError, JournalShape } from "../backup/Journal.ts"
import { rootAt } from "../backup/Reconcile.ts"
import type { SourceShape, StoreItem } from "../backup/Source.ts"
import type { SegmentInfo } from "../backup/VaultObjects.ts"
import { attempt } from "../format/Binary.ts"
import { eventsOf } from "../format/Block.ts"
import { decodeEvent, kindOf } from "../format/EventCodec.ts"
import type { TreeHead } from "../log/TreeHead.ts"
import { conversationsOf, coreLine } from "../message/Canonical.ts"
import type { Changes } from "../message/Changes.ts"
import { ConversationDigest } from "../message/ConversationDigest.ts"
import type { Message } from "../message/Event.ts"
import { collect } from "./Collect.ts"
import { damageOf, type FetchShape, type WriterLog } from "./Fetch.ts"
import type { Finding } from "./Open.ts"
import { planOf } from "./Plan.ts"
import { verifyBlobs } from "./Verify.ts"

/** Drills until everything old has come up once. */
const DRILL_ROUNDS = 30

/** What a drill examines: what is new and one round of what is old, a share of it all, or all of it. */
export type DrillMode = "incremental" | "full" | { readonly share: number }

/** Where the last drill of a target left off. */
export interface DrillProgress {
  /** Sizes up to which logs have been examined, by writer in hex. */
  readonly sizes: Readonly<Record<string, number>>
  readonly round: number
}

/** What is not as it should be, beyond what a reader of the vault alone would find. */
export type DrillFinding =
  | Finding
  | {
    readonly reason: "JournalDiffers"
    readonly writer: Uint8Array
    readonly first: number
    readonly last: number
    readonly object: string
  }
  | { readonly reason: "StoreDiffers"; readonly source: string; readonly conversation: string }

export interface DrillReport {
  readonly findings: ReadonlyArray<DrillFinding>
  /** Messages folded and compared. */
  readonly messages: number
  readonly compared: ReadonlyArray<"log" | "journal" | "store">
  readonly head: TreeHead
  /** When the newest event of the vault was recorded, milliseconds. */
  readonly newestAt?: number
  readonly progress: DrillProgress
}

/** Messages of the objects examined, by source and key, as they stand at the end of what the target holds. */
type Examined = Map<string, Map<string, { readonly conversation: string; readonly message: Message }>>

export const drill = Effect.fn("Drill.drill")(function*(options: {
  readonly fetch: FetchShape
  readonly journal: JournalShape
  readonly sources: ReadonlyArray<SourceShape>
  readonly mode: DrillMode
  readonly progress: DrillProgress
  /** Whether all that the journal holds must be there: it was just shipped. Else it may lag. */
  readonly isCurrent: boolean
  /** Takes in what changed in a store meanwhile, and tells which messages that was about. */
  readonly settle: (source: SourceShape, since: number) => Effect.Effect<ReadonlySet<string>, JournalError>
}) {
  const { fetch, isCurrent, journal, mode, progress, sources } = options
  const { size } = yield* journal.head
  const { after } = yield* collect(fetch, new Map())
  const examined: Examined = new Map()
  const findings: Array<DrillFinding> = []
  const sizes: Record<string, number> = {}
  let newestAt: number | undefined
  let head: TreeHead = { size: 0, root: createHash("sha256").digest() }

  for (const log of fetch.writers) {
    const writer = hex(log.writer)
    const { chain } = planOf(log)
    for (const info of chain) {
      if (!isDue(info, mode, progress, progress.sizes[writer] ?? 0)) continue
      findings.push(...(yield* examine({ fetch, journal, after, examined }, log, info)))
    }
    const last = chain.at(-1)
    if (last === undefined) continue
    sizes[writer] = last.last + 1
    const trailer = yield* damageOf(fetch.trailer(last))
    if (trailer._tag === "Right") {
      head = trailer.right.after
      newestAt = Math.max(newestAt ?? 0, trailer.right.recordedTo)
    }
  }

  for (const log of yield* journal.logs) findings.push(...missingFrom(fetch, log, isCurrent))
  const compared: Array<DrillReport["compared"][number]> = ["log", "journal"]
  for (const source of sources) {
    findings.push(...(yield* compareStore(source, examined, size, options.settle)))
    if (!compared.includes("store")) compared.push("store")
  }
  const messages = [...examined.values()].reduce((sum, each) => sum + each.size, 0)
  return {
    findings,
    messages,
    compared,
    head,
    ...(newestAt === undefined ? {} : { newestAt }),
    progress: { sizes, round: (progress.round + 1) % DRILL_ROUNDS }
  } satisfies DrillReport
})

/** Events of one of our logs that no object there holds: between others, and behind the last where all must be there. */
const missingFrom = (
  fetch: FetchShape,
  { head, writer }: { readonly writer: Uint8Array; readonly head: TreeHead },
  isCurrent: boolean
): ReadonlyArray<Finding> => {
  const log = fetch.writers.find((each) => Buffer.compare(each.writer, writer) === 0)
  const findings: Array<Finding> = []
  let next = 0
  for (const { first, last } of log === undefined ? [] : planOf(log).chain) {
    if (first > next) findings.push({ reason: "Gap", writer, first: next, last: first - 1 })
    next = Math.max(next, last + 1)
  }
  if (isCurrent && next < head.size) findings.push({ reason: "RolledBack", writer, first: next, last: head.size - 1 })
  return findings
}

/** Opens one segment, compares its events with the journal's, and folds its messages. */
const examine = Effect.fn("Drill.examine")(function*(
  drilling: {
    readonly fetch: FetchShape
    readonly journal: JournalShape
    readonly after: Changes
    readonly examined: Examined
  },
  log: WriterLog,
  info: SegmentInfo
) {
  const { after, examined, fetch, journal } = drilling
  const { first, last, object, writer } = info
  const opened = yield* damageOf(
    Effect.flatMap(
      fetch.segment(info),
      ({ runs, trailer }) =>
        Effect.map(eventsOf({ first, count: last - first + 1, runs, blobs: [] }), (events) => ({ events, trailer }))
    )
  )
  if (opened._tag === "Left") {
    return [{ reason: "Damaged", writer, first, last, object, cause: opened.left } satisfies Finding]
  }
  const { events, trailer } = opened.right
  const differs = { reason: "JournalDiffers", writer, first, last, object } as const
  const mine = (yield* journal.logs).find((each) => Buffer.compare(each.writer, log.writer) === 0)
  if (mine !== undefined) {
    if (last >= mine.head.size) return [differs]
    const root = yield* rootAt(journal, trailer.after.size, log.writer)
    if (Buffer.compare(root, trailer.after.root) !== 0 || !(yield* sameEvents(journal, log.writer, first, events))) {
      return [differs]
    }
  }
  yield* attempt(() => {
    for (let at = 0; at < events.length; at++) {
      if (kindOf(events[at]!) !== "message.added") continue
      const event = decodeEvent(events[at]!)
      if (event.kind !== "message.added") continue
      const state = after.resolve(event, { writer: hex(writer), index: first + at })
      if (state === undefined) continue
      const ofSource = examined.get(event.source) ?? new Map()
      examined.set(event.source, ofSource)
      ofSource.set(event.message.key, { conversation: state.conversation, message: withoutBytes(state.message) })
    }
  })
  return yield* verifyBlobs(fetch, writer, first, events)
})

const sameEvents = Effect.fn("Drill.sameEvents")(function*(
  journal: JournalShape,
  writer: Uint8Array,
  first: number,
  events: ReadonlyArray<Uint8Array>
) {
  let same = true
  yield* journal.blocks({ from: first, to: first + events.length, writer }).pipe(
    Stream.runForEach((block) =>
      Effect.map(eventsOf(block), (mine) => {
        for (let at = 0; at < mine.length; at++) {
          const theirs = events[block.first + at - first]
          if (theirs !== undefined && Buffer.compare(theirs, mine[at]!) !== 0) same = false
        }
      })
    )
  )
  return same
})

/** Compares digests of each conversation; where they differ, first lets the log catch up with a store that moved on. */
const compareStore = Effect.fn("Drill.compareStore")(function*(
  source: SourceShape,
  examined: Examined,
  since: number,
  settle: (source: SourceShape, since: number) => Effect.Effect<ReadonlySet<string>, JournalError>
) {
  const expected = examined.get(source.name) ?? new Map<string, { conversation: string; message: Message }>()
  if (expected.size === 0) return []
  const first = yield* differing(source, expected)
  if (first.length === 0) return []
  const moved = yield* settle(source, since)
  const settled = new Map([...expected].filter(([key]) => !moved.has(key)))
  const second = settled.size === 0 ? [] : yield* differing(source, settled)
  return second.map((conversation): DrillFinding => ({ reason: "StoreDiffers", source: source.name, conversation }))
})

/** Conversations whose messages are not the same in the vault and in the store. */
const differing = Effect.fn("Drill.differing")(function*(
  source: SourceShape,
  expected: ReadonlyMap<string, { readonly conversation: string; readonly message: Message }>
) {
  const vault = new Map<string, ConversationDigest>()
  const store = new Map<string, ConversationDigest>()
  for (const [, { conversation, message }] of expected) put(vault, source.name, conversation, message)
  yield* source.dump({ keys: new Set(expected.keys()) }).pipe(
    Stream.runForEach((items) => Effect.sync(() => items.forEach((item) => putItem(store, source.name, item))))
  )
  const none = new ConversationDigest()
  return [...new Set([...vault.keys(), ...store.keys()])]
    .filter((conversation) => !(vault.get(conversation) ?? none).equals(store.get(conversation) ?? none))
})

const put = (
  digests: Map<string, ConversationDigest>,
  source: string,
  conversation: string,
  message: Message
): void => {
  for (const each of conversationsOf(conversation, message)) {
    const digest = digests.get(each) ?? new ConversationDigest()
    digests.set(each, digest)
    digest.add(coreLine(source, each, { message }))
  }
}

const putItem = (digests: Map<string, ConversationDigest>, source: string, item: StoreItem): void => {
  if (item._tag !== "message") return
  const { large, message } = item
  const whole: Message = large === undefined
    ? message
    : {
      ...message,
      content: { _tag: "blob", sha256: large.sha256, size: large.size, writer: NOBODY, epoch: 0, parts: [] }
    }
  put(digests, source, item.conversation, whole)
}

/** A message as its digest: a drill may examine every mail there is, and must not hold them all. */
const withoutBytes = (message: Message): Message => {
  const { content } = message
  if (content?._tag !== "inline") return message
  const sha256 = createHash("sha256").update(content.bytes).digest()
  return {
    ...message,
    content: { _tag: "blob", sha256, size: content.bytes.length, writer: NOBODY, epoch: 0, parts: [] }
  }
}

const NOBODY = new Uint8Array(8)

const isDue = (info: SegmentInfo, mode: DrillMode, { round }: DrillProgress, size: number): boolean => {
  if (mode === "full" || info.last >= size) return true
  const draw = createHash("sha256").update(info.object).digest().readUInt32BE()
  return mode === "incremental" ? draw % DRILL_ROUNDS === round : draw < mode.share * 2 ** 32
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")
