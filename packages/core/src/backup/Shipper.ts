/**
 * Brings a target up to the journal's head: what it lacks is cut into segments and put there one by one, blobs before
 * the segment that names them. The cursor of a target moves only after the segment is there; a put whose answer was
 * lost is recognised by reading back what is there. Each target has a shipper of its own and holds up no other.
 */
import { type Context, Effect, Either, Ref, Schedule, Schema } from "effect"
import { FormatError } from "../format/FormatError.ts"
import type { SegmentName } from "../format/ObjectName.ts"
import type { SegmentFacts } from "../format/Segment.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import { fromStorage } from "./Blobs.ts"
import type { JournalError, JournalShape } from "./Journal.ts"
import { cut, cutFull, type Range } from "./Segmenter.ts"
import { StorageError, type StorageShape } from "./Storage.ts"
import type { VaultError } from "./Vault.ts"
import { isDamage, readSegment, type SealedObject, sealSegment } from "./VaultObjects.ts"

/** How far one log has come at a target. */
const ShippedLog = Schema.Struct({
  writer: Schema.Uint8ArrayFromHex,
  size: Schema.Int,
  root: Schema.Uint8ArrayFromHex
})

/** What the journal knows of a target between runs. */
export const ShipCursor = Schema.Struct({
  logs: Schema.Array(ShippedLog),
  objects: Schema.Int,
  bytes: Schema.Int
})
export type ShipCursor = typeof ShipCursor.Type

/** A target as the shipper sees it. */
export interface Target {
  readonly name: string
  readonly storage: StorageShape
}

export interface ShipReport {
  readonly objects: number
  readonly bytes: number
}

export type ShipError = StorageError | JournalError | FormatError | VaultError

interface Shipping {
  readonly journal: JournalShape
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  /** The machine's own copy of blobs. */
  readonly local: StorageShape
  readonly target: Target
  /** The cut that was sealed and not yet acknowledged: retried as it is, under its name, before anything is cut anew. */
  readonly pending: Ref.Ref<SealedCut | undefined>
}

/** The bytes of a cut that are to be stored, and what is told of it: not its runs, which are in those bytes. */
export interface SealedCut {
  readonly facts: SegmentFacts
  /** Blobs that must be there before it. */
  readonly blobs: ReadonlyArray<string>
  readonly name: SegmentName
  readonly sealed: SealedObject
}

/** What can pass by itself is tried again: 0.2, 0.4, 0.8, … seconds, jittered, six times; what is slow to fail, once. */
export const retryStorage = Schedule.exponential("200 millis").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(6)),
  Schedule.upTo("30 seconds"),
  Schedule.whileInput((error: ShipError) => error._tag === "StorageError" && error.retryable)
)

/** What is shipped at once: all there is, or only what fills segments, while more is on its way. */
export type ShipExtent = "all" | "full"

/** Ships what the target lacks; `onShipped` learns of each segment once it is there. */
export const ship = Effect.fn("Shipper.ship")(function*<E>(
  shipping: Shipping,
  onShipped: (cursor: ShipCursor) => Effect.Effect<void, E>,
  extent: ShipExtent = "all"
) {
  const { journal, pending, target } = shipping
  const cursor = yield* Ref.make(yield* readCursor(journal, target.name))
  const report = { objects: 0, bytes: 0 }
  for (const log of yield* journal.logs) {
    let from = shippedOf(yield* Ref.get(cursor), log.writer)
    while (from < log.head.size) {
      const waiting = yield* Ref.get(pending)
      const next = waiting !== undefined && isFrom(waiting, log.writer, from)
        ? waiting
        : yield* sealNext(shipping, extent, { from, to: log.head.size, writer: log.writer })
      if (next === undefined) break
      const sent = yield* put(shipping, next)
      report.objects += sent.objects
      report.bytes += sent.bytes
      from = next.name.last + 1
      const moved = advance(yield* Ref.get(cursor), next.facts, sent)
      yield* writeCursor(journal, target.name, moved)
      yield* Ref.set(pending, undefined)
      yield* Ref.set(cursor, moved)
      yield* onShipped(moved)
    }
  }
  return report satisfies ShipReport
})

const isFrom = ({ name }: SealedCut, writer: Uint8Array, from: number): boolean =>
  name.first === from && Buffer.compare(name.writer, writer) === 0

const sealNext = Effect.fn("Shipper.sealNext")(function*(
  { entropy, journal, pending, ring }: Shipping,
  extent: ShipExtent,
  range: Range
) {
  const next = extent === "full" ? yield* cutFull(journal, range) : yield* cut(journal, range)
  if (next === undefined) return undefined
  const { session } = yield* journal.identity
  const { runs: _, ...facts } = next.contents
  const { first, last, writer } = facts
  const name: SegmentName = { epoch: ring.newest, writer, level: 0, first, last, session }
  const sealed = {
    facts,
    blobs: next.blobs,
    name,
    sealed: yield* sealSegment({ ring, entropy, name, contents: next.contents })
  }
  yield* Ref.set(pending, sealed)
  return sealed satisfies SealedCut
})

/** Blobs first, so that no segment ever names what is not there. */
const put = Effect.fn("Shipper.put")(function*(shipping: Shipping, next: SealedCut) {
  const { local, target } = shipping
  let bytes = 0
  for (const object of next.blobs) {
    const blob = yield* fromStorage(local)(object)
    // A blob's name is its content: one that is there whole is this one.
    yield* putWhole(target.storage, { object, bytes: blob })
    bytes += blob.length
  }
  // The same bytes at every try: a put that was acknowledged to nobody is found to be this one.
  if ((yield* putWhole(target.storage, next.sealed)) === "there") {
    yield* confirmSegment(shipping, next)
  }
  return { objects: next.blobs.length + 1, bytes: bytes + next.sealed.bytes.length }
})

/**
 * A name already taken is no error when what stands there ends at the same head: the earlier try did succeed. What does
 * not open there was ours, and was damaged since; it is put again.
 */
const confirmSegment = Effect.fn("Shipper.confirmSegment")(function*(
  { ring, target: { storage } }: Shipping,
  { facts, name, sealed }: SealedCut
) {
  const info = { ...name, object: sealed.object, bytes: sealed.bytes.length }
  const there = yield* Effect.either(Effect.retry(readSegment(storage, ring, info), retryStorage))
  if (Either.isLeft(there)) {
    if (!isDamage(there.left) || !storage.capabilities.deletes) return yield* Effect.fail(there.left)
    return yield* Effect.retry(replace(storage, sealed), retryStorage)
  }
  if (Buffer.compare(there.right.trailer.after.root, facts.after.root) !== 0) {
    return yield* new FormatError({ reason: "Mismatch", what: sealed.object, detail: "another segment has this name" })
  }
})

/**
 * Puts an object under a name that nobody else gives. Where one is there it is this one, from a try that nobody heard
 * of; or the beginning of it, where a place does not keep to its word: that is removed, and put again.
 */
export const putWhole = (storage: StorageShape, object: SealedObject): Effect.Effect<"put" | "there", StorageError> =>
  storage.put(object.object, object.bytes).pipe(
    Effect.as("put" as const),
    Effect.catchIf((error) => error.reason === "AlreadyExists", () => replaceTorn(storage, object)),
    Effect.retry(retryStorage)
  )

const replaceTorn = Effect.fn("Shipper.replaceTorn")(function*(
  storage: StorageShape,
  { bytes, object }: SealedObject
) {
  const end = yield* storage.get(object, { offset: bytes.length - 1, length: 1 })
  if (end.length > 0) return "there" as const
  if (!storage.capabilities.deletes) {
    return yield* new StorageError({ reason: "Corrupt", method: "put", subject: object, retryable: false })
  }
  yield* replace(storage, { bytes, object })
  return "put" as const
})

const replace = (storage: StorageShape, { bytes, object }: SealedObject): Effect.Effect<void, StorageError> =>
  Effect.zipRight(storage.delete(object), storage.put(object, bytes))

const noteName = (target: string): string => `ship:${target}`

const decodeCursor = Schema.decode(Schema.parseJson(ShipCursor))
const encodeCursor = Schema.encode(Schema.parseJson(ShipCursor))

export const readCursor = Effect.fn("Shipper.readCursor")(function*(journal: JournalShape, target: string) {
  const text = yield* journal.readNote(noteName(target))
  if (text === undefined) return { logs: [], objects: 0, bytes: 0 } satisfies ShipCursor
  return yield* decodeCursor(text).pipe(
    Effect.mapError((cause) => new FormatError({ reason: "Malformed", what: `shipping cursor of ${target}`, cause }))
  )
})

export const writeCursor = Effect.fn("Shipper.writeCursor")(function*(
  journal: JournalShape,
  target: string,
  cursor: ShipCursor
) {
  const text = yield* encodeCursor(cursor).pipe(
    Effect.mapError((cause) => new FormatError({ reason: "Malformed", what: `shipping cursor of ${target}`, cause }))
  )
  yield* journal.writeNote(noteName(target), text)
})

/** How many events of a log are at the target. */
export const shippedOf = (cursor: ShipCursor, writer: Uint8Array): number =>
  cursor.logs.find((log) => Buffer.compare(log.writer, writer) === 0)?.size ?? 0

/** The cursor with one log's head replaced. */
export const withLog = (cursor: ShipCursor, log: (typeof ShippedLog)["Type"]): ShipCursor => ({
  ...cursor,
  logs: [...cursor.logs.filter((each) => Buffer.compare(each.writer, log.writer) !== 0), log]
})

const advance = (cursor: ShipCursor, { after, writer }: SegmentFacts, sent: ShipReport): ShipCursor => ({
  ...withLog(cursor, { writer, size: after.size, root: after.root }),
  objects: cursor.objects + sent.objects,
  bytes: cursor.bytes + sent.bytes
})
