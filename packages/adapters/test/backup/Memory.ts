/**
 * A machine in memory: its journal on a disk that can be copied as a folder can, its events real ones, its targets maps
 * to look into. What takes seconds with folders takes milliseconds here, so that the way out can be tried at every step.
 */
import { copyMemoryDisk, makeMemoryDisk, type MemoryDisk, openMemoryJournal } from "@sealog/adapters/journal/Memory"
import { makeMemory } from "@sealog/adapters/storage/Memory"
import { decodeAll, loadLog, makeEntry } from "@sealog/core/backup/Entries"
import type { JournalShape } from "@sealog/core/backup/Journal"
import { reconcile } from "@sealog/core/backup/Reconcile"
import { type SealedCut, ship, type Target } from "@sealog/core/backup/Shipper"
import type { SourceShape } from "@sealog/core/backup/Source"
import { StorageError, type StorageReason, type StorageShape } from "@sealog/core/backup/Storage"
import { surveyOf } from "@sealog/core/backup/Survey"
import { listSegments } from "@sealog/core/backup/VaultObjects"
import { eventsOf } from "@sealog/core/format/Block"
import { Entropy } from "@sealog/core/keys/Entropy"
import type { Event } from "@sealog/core/message/Event"
import { Effect, Ref, Stream } from "effect"
import { ringOf } from "../journal/support.ts"

export const ring = ringOf(1)

export const added = (key: string, over: Partial<Extract<Event, { readonly kind: "message.added" }>> = {}): Event => ({
  kind: "message.added",
  recordedAt: 1_700_000_000_000,
  source: "test",
  conversation: "chat",
  message: { key, type: "text", text: `text of ${key}` },
  ...over
})

export interface Machine {
  readonly disk: MemoryDisk
  readonly journal: JournalShape
}

export const makeMachine = Effect.gen(function*() {
  const disk = yield* makeMemoryDisk
  return { disk, journal: yield* openMemoryJournal(disk) } satisfies Machine
})

/** The machine as it is now, on a disk of its own: a backup of it, or a clone. */
export const copyOf = Effect.fn("test.copyOf")(function*({ disk }: Machine) {
  const copy = copyMemoryDisk(disk)
  return { disk: copy, journal: yield* openMemoryJournal(copy) } satisfies Machine
})

/** Appends one block of these events; their time moves on by a second a block. */
export const append = Effect.fn("test.append")(function*(
  { journal }: Machine,
  events: ReadonlyArray<Event>,
  blobs: ReadonlyArray<string> = []
) {
  const { recordedAt } = yield* journal.head
  const at = Math.max(recordedAt, 1_700_000_000_000) + 1000
  const entry = yield* makeEntry(yield* loadLog(journal), events.map((event) => ({ ...event, recordedAt: at })), {
    blobs,
    states: [],
    contents: []
  })
  yield* journal.append(entry)
})

/** Appends blocks of so many messages each. */
export const fill = Effect.fn("test.fill")(function*(machine: Machine, ...counts: ReadonlyArray<number>) {
  for (const count of counts) {
    const { size } = yield* machine.journal.head
    yield* append(machine, Array.from({ length: count }, (_, n) => added(`m${size + n}`)))
  }
})

/** A source of that name that remembers where each message stands. */
export const sourceOf = (name = "test"): SourceShape => ({
  name,
  kind: "test",
  remember: (event, index, table) => {
    if (event.kind === "message.added") table.set(event.message.key, String(index))
  },
  changes: () => Stream.empty,
  hints: Stream.never,
  dump: () => Stream.empty,
  gaps: () => []
})

export interface Place {
  readonly objects: Map<string, Uint8Array>
  readonly target: Target
}

export const makePlace = Effect.fn("test.makePlace")(function*(name = "disk") {
  const objects = new Map<string, Uint8Array>()
  return { objects, target: { name, storage: yield* makeMemory({ objects }) } } satisfies Place
})

/** Ships all there is as a program does that starts, with nothing pending; `onShipped` may fail. */
export const shipAll = Effect.fn("test.shipAll")(function*<E = never>(
  { journal }: Machine,
  target: Target,
  options: {
    readonly local?: StorageShape
    readonly pending?: Ref.Ref<SealedCut | undefined>
    readonly onShipped?: Parameters<typeof ship<E>>[1]
  } = {}
) {
  const local = options.local ?? (yield* makeMemory())
  const pending = options.pending ?? (yield* Ref.make<SealedCut | undefined>(undefined))
  const entropy = yield* Entropy
  return yield* ship({ journal, ring, entropy, local, target, pending }, options.onShipped ?? (() => Effect.void))
})

/** What segments a place has, by first event. */
export const segmentsAt = ({ target }: Place) =>
  Effect.map(
    listSegments(target.storage, ring),
    ({ segments }) => segments.toSorted((a, b) => a.first - b.first || a.level - b.level)
  )

export const rangesAt = (place: Place) =>
  Effect.map(segmentsAt(place), (segments) => segments.map(({ first, last, level }) => [first, last, level]))

/** The same place, where calls of a verb fail as they are told to, by their number from 0. */
export const troubled = (
  { name, storage }: Target,
  verb: "put" | "get" | "delete",
  trouble: (call: number, object: string) => StorageReason | undefined,
  retryable = false
): Target & { readonly calls: () => number } => {
  let calls = 0
  const guard = <A>(object: string, work: Effect.Effect<A, StorageError>) =>
    Effect.suspend(() => {
      const reason = trouble(calls++, object)
      return reason === undefined ? work : new StorageError({ reason, method: verb, subject: object, retryable })
    })
  return {
    name,
    calls: () => calls,
    storage: {
      ...storage,
      ...(verb === "put" ? { put: (object, bytes) => guard(object, storage.put(object, bytes)) } : {}),
      ...(verb === "get" ? { get: (object, range) => guard(object, storage.get(object, range)) } : {}),
      ...(verb === "delete" ? { delete: (object) => guard(object, storage.delete(object)) } : {})
    }
  }
}

/** Compares a machine's log with what a target holds of it. */
export const meet = Effect.fn("test.meet")(function*(
  { journal }: Machine,
  { target }: { readonly target: Target },
  options: { readonly local?: StorageShape; readonly sources?: ReadonlyArray<ReturnType<typeof sourceOf>> } = {}
) {
  const local = options.local ?? (yield* makeMemory())
  const entropy = yield* Entropy
  const survey = yield* surveyOf({ journal, ring, target })
  return yield* reconcile({ journal, ring, entropy, local, target, survey, sources: options.sources ?? [sourceOf()] })
})

/** All events of a log. */
export const eventsIn = (journal: JournalShape, writer?: Uint8Array) =>
  Effect.suspend(() =>
    journal.blocks({ from: 0, ...(writer === undefined ? {} : { writer }) }).pipe(
      Stream.mapEffect((block) => Effect.flatMap(eventsOf(block), decodeAll)),
      Stream.runCollect,
      Effect.map((chunks) => [...chunks].flat())
    )
  )

export const keysIn = (journal: JournalShape) =>
  Effect.map(
    eventsIn(journal),
    (events) => events.map((event) => event.kind === "message.added" ? event.message.key : event.kind)
  )

/** Appends one block of messages of these keys. */
export const tell = (machine: Machine, ...keys: ReadonlyArray<string>) => append(machine, keys.map((key) => added(key)))
