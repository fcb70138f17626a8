/**
 * Reading a vault that may lie at several places at once: which segments there are, by writer, and any object from
 * the first place that has it whole. What was read is counted, and small objects are remembered for a while, since a
 * restore meets them twice: for their changes, then for their messages.
 */
import { Effect, Either } from "effect"
import type { StorageError, StorageShape } from "../backup/Storage.ts"
import { VaultError } from "../backup/Vault.ts"
import {
  type ForeignObject,
  getObject,
  isDamage,
  listSegments,
  openSegment,
  readRuns,
  readTrailer,
  type SegmentInfo
} from "../backup/VaultObjects.ts"
import type { FormatError } from "../format/FormatError.ts"
import { FETCH_CACHE_BYTES, FETCH_WHOLE_BYTES } from "../format/Limits.ts"
import type { Run } from "../format/Run.ts"
import type { RunEntry, Segment, Trailer } from "../format/Segment.ts"
import type { KeyRingShape } from "../keys/KeyRing.ts"

/** A place that a vault, or part of it, is read from. */
export interface Place {
  readonly name: string
  readonly storage: StorageShape
}

/** One log in the vault: everything listed of it, by first index and of these the furthest reaching first. */
export interface WriterLog {
  readonly writer: Uint8Array
  readonly segments: ReadonlyArray<SegmentInfo>
}

export type FetchError = StorageError | FormatError

export const isGone = (error: FetchError): boolean => error._tag === "StorageError" && error.reason === "NotFound"

/** Damage as a value; whatever else goes wrong ends the reading. */
export const damageOf = <A, R>(
  read: Effect.Effect<A, FetchError, R>
): Effect.Effect<Either.Either<A, FetchError>, FetchError, R> =>
  Effect.flatMap(
    Effect.either(read),
    (result) => Either.isLeft(result) && !isDamage(result.left) ? Effect.fail(result.left) : Effect.succeed(result)
  )

export interface FetchShape {
  readonly ring: KeyRingShape
  /** As last listed. */
  readonly writers: ReadonlyArray<WriterLog>
  /** Lists again: an object that is gone may have been merged into another meanwhile. Whether anything is new. */
  readonly refresh: Effect.Effect<boolean, StorageError>
  /** What lies in `log/` and is none of ours. */
  readonly foreign: ReadonlyArray<ForeignObject>
  /** Places that do not reach as far as the others, and how many events they lack at the ends of logs. */
  readonly lagging: ReadonlyArray<{ readonly place: string; readonly events: number }>
  /** Places that could not be listed, and why: nothing of them was read. */
  readonly away: ReadonlyArray<{ readonly place: string; readonly cause: StorageError }>
  readonly segment: (info: SegmentInfo) => Effect.Effect<Segment, FetchError>
  /** Only the trailer, from the object's end. */
  readonly trailer: (info: SegmentInfo) => Effect.Effect<Trailer, FetchError>
  /** Only some runs of a segment, by the entries of its trailer. */
  readonly runs: (info: SegmentInfo, entries: ReadonlyArray<RunEntry>) => Effect.Effect<ReadonlyArray<Run>, FetchError>
  readonly object: (name: string) => Effect.Effect<Uint8Array, FetchError>
  /** So far: distinct objects, and bytes of all reads. */
  readonly counts: () => { readonly objects: number; readonly bytes: number }
}

/**
 * Lists every place; what is at several is read from the first that gives it whole. A place that does not answer is left
 * out while another does, and is asked last from then on.
 */
export const makeFetch = Effect.fn("Fetch.make")(function*(
  places: readonly [Place, ...ReadonlyArray<Place>],
  ring: KeyRingShape
): Effect.fn.Return<FetchShape, FetchError | VaultError> {
  const list = listPlaces(places, ring)
  let listed = yield* list
  const newer = listed.foreign.find(({ problem }) => problem.reason === "NewerEpoch")
  if (newer !== undefined) {
    return yield* new VaultError({
      reason: "SlotReplaced",
      method: "open",
      subject: newer.object,
      cause: newer.problem
    })
  }
  const whole = remembering()
  const counter = { objects: new Set<string>(), bytes: 0 }

  const storages = places
    .filter(({ name }) => !listed.away.some((each) => each.place === name))
    .map((place) => countingStorage(place.storage, counter))
  const anywhere = anywhereOf(storages)

  const segment = Effect.fn("Fetch.segment")(function*(info: SegmentInfo) {
    const known = whole.get(info.object)
    if (known !== undefined) return known
    const opened = yield* anywhere((storage) =>
      Effect.flatMap(getObject(storage, info.object), (bytes) => openSegment(ring, info, bytes))
    )
    if (info.bytes <= FETCH_WHOLE_BYTES) whole.set(info.object, opened, info.bytes)
    return opened
  })

  return {
    ring,
    get writers() {
      return listed.writers
    },
    get foreign() {
      return listed.foreign
    },
    get lagging() {
      return listed.lagging
    },
    get away() {
      return listed.away
    },
    refresh: Effect.map(list, (now) => {
      const isNew = namesOf(now.writers) !== namesOf(listed.writers)
      listed = now
      return isNew
    }),
    segment,
    trailer: (info) =>
      info.bytes <= FETCH_WHOLE_BYTES
        ? Effect.map(segment(info), ({ trailer }) => trailer)
        : anywhere((storage) => readTrailer(storage, ring, info)),
    runs: (info, entries) =>
      info.bytes <= FETCH_WHOLE_BYTES
        ? Effect.map(segment(info), ({ runs, trailer }) => runs.filter((_, at) => entries.includes(trailer.runs[at]!)))
        : anywhere((storage) => readRuns(storage, ring, info, entries)),
    object: (name) => anywhere((storage) => getObject(storage, name)),
    counts: () => ({ objects: counter.objects.size, bytes: counter.bytes })
  }
})

/** A read from the first storage that gives what is asked for; one that does not answer is asked last from then on. */
const anywhereOf = (storages: Array<StorageShape>) =>
  Effect.fn("Fetch.anywhere")(function*<A>(read: (storage: StorageShape) => Effect.Effect<A, FetchError>) {
    let first: FetchError | undefined
    for (const storage of storages.slice()) {
      const result = yield* Effect.either(read(storage))
      if (result._tag === "Right") return result.right
      first ??= result.left
      if (!isDamage(result.left)) askLast(storages, storage)
    }
    return yield* Effect.fail(first!)
  })

const askLast = (storages: Array<StorageShape>, storage: StorageShape): void => {
  const at = storages.indexOf(storage)
  if (at >= 0) storages.push(...storages.splice(at, 1))
}

const listPlaces = Effect.fn("Fetch.listPlaces")(function*(places: ReadonlyArray<Place>, ring: KeyRingShape) {
  const results = yield* Effect.forEach(places, (place) => Effect.either(listSegments(place.storage, ring)), {
    concurrency: Math.max(1, places.length)
  })
  const answering = places.filter((_, at) => results[at]?._tag === "Right")
  const listings = results.flatMap((result) => result._tag === "Right" ? [result.right] : [])
  const away = results.flatMap((result, at) =>
    result._tag === "Left" ? [{ place: places[at]!.name, cause: result.left }] : []
  )
  if (listings.length === 0 && away[0] !== undefined) return yield* away[0].cause
  return {
    writers: byWriter(listings.flatMap((each) => each.segments)),
    foreign: listings.flatMap((each) => each.foreign),
    lagging: laggingOf(answering, listings.map(({ segments }) => reachesOf(segments))),
    away
  }
})

/** Segments of one name at several places are one. */
const byWriter = (segments: ReadonlyArray<SegmentInfo>): ReadonlyArray<WriterLog> => {
  const logs = new Map<string, Map<string, SegmentInfo>>()
  for (const segment of segments) {
    const writer = Buffer.from(segment.writer).toString("hex")
    const log = logs.get(writer) ?? new Map<string, SegmentInfo>()
    log.set(segment.object, segment)
    logs.set(writer, log)
  }
  return [...logs]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, log]) => {
      const sorted = [...log.values()].toSorted((a, b) => a.first - b.first || b.last - a.last)
      return { writer: sorted[0]!.writer, segments: sorted }
    })
}

/** How far each log goes, by writer in hex. */
const reachesOf = (segments: ReadonlyArray<SegmentInfo>): ReadonlyMap<string, number> => {
  const reaches = new Map<string, number>()
  for (const { last, writer } of segments) {
    const key = Buffer.from(writer).toString("hex")
    reaches.set(key, Math.max(last + 1, reaches.get(key) ?? 0))
  }
  return reaches
}

const laggingOf = (places: ReadonlyArray<Place>, reaches: ReadonlyArray<ReadonlyMap<string, number>>) => {
  const furthest = new Map<string, number>()
  for (const [writer, end] of reaches.flatMap((each) => [...each])) {
    furthest.set(writer, Math.max(end, furthest.get(writer) ?? 0))
  }
  return places.flatMap(({ name }, at) => {
    const lacks = [...furthest].reduce((sum, [writer, end]) => sum + end - (reaches[at]!.get(writer) ?? 0), 0)
    return lacks === 0 ? [] : [{ place: name, events: lacks }]
  })
}

const namesOf = (logs: ReadonlyArray<WriterLog>): string =>
  logs.flatMap((log) => log.segments.map((each) => each.object)).toSorted().join(" ")

interface Counter {
  readonly objects: Set<string>
  bytes: number
}

const countingStorage = (storage: StorageShape, counter: Counter): StorageShape => ({
  ...storage,
  get: (name, range) =>
    Effect.tap(storage.get(name, range), (bytes) =>
      Effect.sync(() => {
        counter.objects.add(name)
        counter.bytes += bytes.length
      }))
})

/** Keeps what was opened last, up to a number of bytes. */
const remembering = () => {
  const kept = new Map<string, { readonly segment: Segment; readonly bytes: number }>()
  let held = 0
  return {
    get: (object: string) => kept.get(object)?.segment,
    set: (object: string, segment: Segment, bytes: number) => {
      kept.set(object, { segment, bytes })
      held += bytes
      for (const [oldest, entry] of kept) {
        if (held <= FETCH_CACHE_BYTES || oldest === object) break
        kept.delete(oldest)
        held -= entry.bytes
      }
    }
  }
}
