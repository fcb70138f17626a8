/**
 * Brings a target up to the journal's head: what it lacks is cut into segments and put there one by one, blobs before
 * the segment that names them. The cursor of a target moves only after the segment is there; a put whose answer was
 * lost is recognised by reading back what is there. Each target has a shipper of its own and holds up no other.
 */
import { type Context, Effect, Ref, Schedule, Schema } from "effect"
import { FormatError } from "../format/FormatError.ts"
import type { Entropy } from "../keys/Entropy.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"
import { fromStorage } from "./Blobs.ts"
import type { JournalError, JournalShape } from "./Journal.ts"
import { type Cut, cut } from "./Segmenter.ts"
import type { StorageError, StorageShape } from "./Storage.ts"
import { readSegment, type SealedObject, sealSegment } from "./VaultObjects.ts"

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

export type ShipError = StorageError | JournalError | FormatError

interface Shipping {
  readonly journal: JournalShape
  readonly ring: KeyRingShape
  readonly entropy: Context.Tag.Service<typeof Entropy>
  /** The machine's own copy of blobs. */
  readonly local: StorageShape
  readonly target: Target
}

/** What can pass by itself is tried again: 0.2, 0.4, 0.8, … seconds, jittered, six times. */
export const retryStorage = Schedule.exponential("200 millis").pipe(
  Schedule.jittered,
  Schedule.intersect(Schedule.recurs(6)),
  Schedule.whileInput((error: ShipError) => error._tag === "StorageError" && error.retryable)
)

/** Ships everything the target lacks; `onShipped` learns of each segment once it is there. */
export const ship = Effect.fn("Shipper.ship")(function*<E>(
  shipping: Shipping,
  onShipped: (cursor: ShipCursor) => Effect.Effect<void, E>
) {
  const { journal, target } = shipping
  const cursor = yield* Ref.make(yield* readCursor(journal, target.name))
  const report = { objects: 0, bytes: 0 }
  for (const log of yield* journal.logs) {
    let from = shippedOf(yield* Ref.get(cursor), log.writer)
    while (from < log.head.size) {
      const next = yield* cut(journal, { writer: log.writer, from, to: log.head.size })
      const sent = yield* shipCut(shipping, next)
      report.objects += sent.objects
      report.bytes += sent.bytes
      from = next.contents.last + 1
      const moved = advance(yield* Ref.get(cursor), next, sent)
      yield* writeCursor(journal, target.name, moved)
      yield* Ref.set(cursor, moved)
      yield* onShipped(moved)
    }
  }
  return report satisfies ShipReport
})

const shipCut = Effect.fn("Shipper.shipCut")(function*(shipping: Shipping, { blobs, contents }: Cut) {
  const { entropy, journal, local, ring, target } = shipping
  let bytes = 0
  for (const object of blobs) {
    const blob = yield* fromStorage(local)(object)
    yield* putSame(target.storage, { object, bytes: blob })
    bytes += blob.length
  }
  const { session } = yield* journal.identity
  const name = {
    epoch: ring.newest,
    writer: contents.writer,
    level: 0,
    first: contents.first,
    last: contents.last,
    session
  }
  const sealed = yield* sealSegment({ ring, entropy, name, contents })
  // The same bytes at every try: a put that was acknowledged to nobody is found to be this one.
  yield* target.storage.put(sealed.object, sealed.bytes).pipe(
    Effect.catchIf(
      (error) => error.reason === "AlreadyExists",
      () => confirmSegment(shipping, sealed, name, contents.after.root)
    ),
    Effect.retry(retryStorage)
  )
  return { objects: blobs.length + 1, bytes: bytes + sealed.bytes.length }
})

/** A name already taken is no error when what stands there ends at the same head: the earlier try did succeed. */
const confirmSegment = Effect.fn("Shipper.confirmSegment")(function*(
  { ring, target }: Shipping,
  sealed: SealedObject,
  name: Parameters<typeof sealSegment>[0]["name"],
  root: Uint8Array
) {
  const there = yield* readSegment(target.storage, ring, { ...name, object: sealed.object, bytes: sealed.bytes.length })
  if (Buffer.compare(there.trailer.after.root, root) !== 0) {
    return yield* new FormatError({ reason: "Mismatch", what: sealed.object, detail: "another segment has this name" })
  }
})

/** A blob's name is its content: one that is there is this one. */
const putSame = (storage: StorageShape, object: SealedObject): Effect.Effect<void, StorageError> =>
  storage.put(object.object, object.bytes).pipe(
    Effect.catchIf((error) => error.reason === "AlreadyExists", () => Effect.void),
    Effect.retry(retryStorage)
  )

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

const advance = (cursor: ShipCursor, { contents }: Cut, sent: ShipReport): ShipCursor => ({
  ...withLog(cursor, { writer: contents.writer, size: contents.after.size, root: contents.after.root }),
  objects: cursor.objects + sent.objects,
  bytes: cursor.bytes + sent.bytes
})
