/**
 * A run is one conversation's events of one class, compressed as one window: the unit that is copied, never taken
 * apart, on its way from journal to segment, and the least a reader has to open. Its bytes say everything about it, so
 * that it can be read where all that was around it is lost.
 */
import { Array as Arr, Effect, Either } from "effect"
import { Buffer } from "node:buffer"
import type { EventClass } from "../message/Event.ts"
import { attempt, ByteReader, type ByteWriter } from "./Binary.ts"
import {
  type Codec,
  codecId,
  compress,
  type Compressed,
  decompress,
  decompressSync,
  decompressThen,
  isSmallFrame,
  readCodec
} from "./Compression.ts"
import { Compressor } from "./Compressor.ts"
import { MAX_LENGTH_BYTES, writeLength } from "./EventSlab.ts"
import { FormatError } from "./FormatError.ts"
import { readIndices, writeIndices } from "./Indices.ts"
import {
  BLOCK_EVENTS,
  COMPRESS_CONCURRENCY,
  DECOMPRESS_CONCURRENCY,
  EVENT_BYTES,
  FULL_RUN_BYTES,
  LOG_EVENTS,
  RUN_BYTES,
  WINDOW_BYTES
} from "./Limits.ts"
import { Slab } from "./Slab.ts"

export type { Codec } from "./Compression.ts"

export interface Run {
  readonly source: string
  readonly conversation: string
  readonly class: EventClass
  /** Whether the one event in it must stay alone in its window (a mail, a file). */
  readonly alone: boolean
  /** The indices in the log of the events it holds, ascending. */
  readonly indices: ReadonlyArray<number>
  readonly codec: Codec
  /** Bytes of the events before compression, each with its length before it. */
  readonly rawLength: number
  /** The compressed events. */
  readonly frame: Uint8Array
}

/** An encoded event and what decides which window it goes in. */
export interface Placed {
  readonly source: string
  readonly conversation: string
  readonly class: EventClass
  readonly alone: boolean
  readonly bytes: Uint8Array
  /** The same with its length before it, where that is at hand. */
  readonly framed?: Uint8Array
}

/** What becomes one run: `indices[n]` is the index of `events[n]`. */
export interface Window extends Omit<Placed, "bytes" | "framed"> {
  readonly indices: ReadonlyArray<number>
  readonly events: ReadonlyArray<Uint8Array>
  /** Of a window that stays with its one event: that event with its length before it, where that is at hand. */
  readonly framed?: Uint8Array
}

/**
 * Consecutive events, of which `first` is the index of the first, by the windows they go in: one for each source,
 * conversation and class, begun anew at `Limits.WINDOW_BYTES`, and one for each event that stands alone.
 */
export const groupEvents = (first: number, events: ReadonlyArray<Placed>): ReadonlyArray<Window> => {
  const windows: Array<OpenWindow> = []
  const open = new Map<string, Array<OpenWindow>>()
  for (let at = 0; at < events.length; at++) {
    const event = events[at]!
    const size = event.bytes.length + MAX_LENGTH_BYTES
    let candidates = open.get(event.conversation)
    if (candidates === undefined) open.set(event.conversation, candidates = [])
    const place = event.alone ? -1 : candidates.findIndex((window) => sameWindow(window, event))
    let window = candidates[place]
    if (window === undefined || window.bytes + size > WINDOW_BYTES || window.indices.length === BLOCK_EVENTS) {
      const { alone, class: eventClass, conversation, framed, source } = event
      window = { source, conversation, class: eventClass, alone, indices: [], events: [], bytes: 0 }
      if (alone && framed !== undefined) window.framed = framed
      windows.push(window)
      if (place >= 0) candidates[place] = window
      else if (!alone) candidates.push(window)
    }
    window.indices.push(first + at)
    window.events.push(event.bytes)
    window.bytes += size
  }
  return windows
}

/** Compresses a window's events. */
export const packRun = (window: Window): Effect.Effect<Run> =>
  Effect.suspend(() => {
    const raw = joinEvents(window.events)
    return Effect.map(compress(raw), (compressed) => runFrom(window, raw.length, compressed))
  })

/** Compresses many windows: a block can have thousands of them. Nothing of their events can be read afterwards. */
export const packRuns = Effect.fn("Run.packRuns")(function*(windows: ReadonlyArray<Window>) {
  const { compressAll } = yield* Compressor
  const raws = windows.map(({ events, framed }) => framed ?? joinEvents(events))
  const lengths = raws.map((raw) => raw.length)
  const frames = yield* compressAll(raws)
  return windows.map((window, at) => runFrom(window, lengths[at]!, frames[at]!))
})

const runFrom = (window: Window, rawLength: number, { codec, frame }: Compressed): Run => {
  const { alone, class: eventClass, conversation, indices, source } = window
  return { source, conversation, class: eventClass, alone, indices, codec, rawLength, frame }
}

/** The events of a run, in the order of its indices, as views of one buffer. */
export const unpackRun = (run: Run): Effect.Effect<ReadonlyArray<Uint8Array>, FormatError> =>
  Effect.flatMap(decompress(run), (raw) => attempt(() => splitEvents(raw, run.indices.length)))

/** The events of many runs, each run's handed on as it is unpacked: the small ones at once, the others in the pool. */
export const unpackRuns = Effect.fn("Run.unpackRuns")(function*(
  runs: ReadonlyArray<Run>,
  take: (run: Run, events: ReadonlyArray<Uint8Array>) => void
): Effect.fn.Return<void, FormatError> {
  const [large, small] = Arr.partition(runs, isSmallFrame)
  yield* Effect.zip(
    unpackLarge(large, take),
    Effect.suspend(() =>
      attempt(() => {
        const slab = new Slab(small.reduce((sum, run) => sum + run.rawLength, 0))
        for (const run of small) take(run, splitEvents(slab.keep(decompressSync(run)), run.indices.length))
      })
    ),
    { concurrent: true }
  )
})

/** An effect for all of them: a segment can have hundreds, and an effect for each would cost as much as the work. */
const unpackLarge = (
  runs: ReadonlyArray<Run>,
  take: (run: Run, events: ReadonlyArray<Uint8Array>) => void
): Effect.Effect<void, FormatError> =>
  Effect.async((resume) => {
    let next = 0
    let left = runs.length
    let failed = false
    const start = (): void => {
      const run = runs[next++]
      if (run === undefined || failed) return
      decompressThen(run, (raw) => {
        if (failed) return
        const taken = Either.flatMap(raw, (bytes) => attempt(() => take(run, splitEvents(bytes, run.indices.length))))
        if (Either.isLeft(taken)) {
          failed = true
          return resume(Effect.fail(taken.left))
        }
        if (--left === 0) resume(Effect.void)
        start()
      })
    }
    if (left === 0) return resume(Effect.void)
    for (let n = 0; n < DECOMPRESS_CONCURRENCY; n++) start()
    return Effect.sync(() => void (failed = true))
  })

/** The events that runs hold of a range, each exactly once, in the order of the log. */
export const eventsOfRuns = Effect.fn("Run.eventsOfRuns")(function*(
  first: number,
  count: number,
  runs: ReadonlyArray<Run>
): Effect.fn.Return<ReadonlyArray<Uint8Array>, FormatError> {
  yield* attempt(() => checkCover(runs, { first, count }, "runs"))
  const events = Array.from<Uint8Array>({ length: count })
  yield* unpackRuns(runs, ({ indices }, bytes) => {
    for (let n = 0; n < bytes.length; n++) events[indices[n]! - first] = bytes[n]!
  })
  return events
})

/** One run of several of the same source, conversation and class, none of them alone, with its events by index. */
export const mergeRuns = Effect.fn("Run.mergeRuns")(function*(
  runs: ReadonlyArray<Run>
): Effect.fn.Return<Run, FormatError> {
  const [head] = runs
  if (head === undefined) return yield* new FormatError({ reason: "Mismatch", what: "run", detail: "nothing to merge" })
  const rawLength = runs.reduce((sum, run) => sum + run.rawLength, 0)
  const count = runs.reduce((sum, run) => sum + run.indices.length, 0)
  if (rawLength > RUN_BYTES || count > BLOCK_EVENTS) {
    return yield* new FormatError({ reason: "Limit", what: "run", detail: `${count} events of ${rawLength} bytes` })
  }
  if (!runs.every((run) => !run.alone && sameWindow(run, head))) {
    return yield* new FormatError({ reason: "Mismatch", what: "run", detail: "windows that must not be merged" })
  }
  const events: Array<readonly [index: number, bytes: Uint8Array]> = []
  for (const run of runs) {
    const unpacked = yield* unpackRun(run)
    for (let at = 0; at < unpacked.length; at++) events.push([run.indices[at]!, unpacked[at]!])
  }
  events.sort((a, b) => a[0] - b[0])
  if (events.some(([index], at) => at > 0 && events[at - 1]![0] === index)) {
    return yield* new FormatError({ reason: "Mismatch", what: "run", detail: "an event that is in two runs" })
  }
  const { alone, class: eventClass, conversation, source } = head
  return yield* packRun({
    source,
    conversation,
    class: eventClass,
    alone,
    indices: events.map(([index]) => index),
    events: events.map(([, bytes]) => bytes)
  })
})

/**
 * The same events in fewer runs: small ones of one source, conversation and class are merged until they are full; full
 * ones and those that stand alone are kept as they are.
 */
export const compactRuns = Effect.fn("Run.compactRuns")(function*(
  runs: ReadonlyArray<Run>
): Effect.fn.Return<ReadonlyArray<Run>, FormatError> {
  const kept: Array<Run> = []
  const small: Array<Run> = []
  for (const run of runs) (run.alone || run.rawLength >= FULL_RUN_BYTES ? kept : small).push(run)
  small.sort((a, b) => a.indices[0]! - b.indices[0]!)
  const open = new Map<string, Array<Gathered>>()
  const groups: Array<Gathered> = []
  for (const run of small) {
    let candidates = open.get(run.conversation)
    if (candidates === undefined) open.set(run.conversation, candidates = [])
    const group = candidates.find(({ runs: [head] }) => sameWindow(head, run))
    if (group !== undefined && group.bytes < FULL_RUN_BYTES && group.count + run.indices.length <= BLOCK_EVENTS) {
      group.runs.push(run)
      group.bytes += run.rawLength
      group.count += run.indices.length
      continue
    }
    const begun: Gathered = { runs: [run], bytes: run.rawLength, count: run.indices.length }
    groups.push(begun)
    if (group === undefined) candidates.push(begun)
    else candidates[candidates.indexOf(group)] = begun
  }
  const merged = yield* Effect.forEach(
    groups,
    (group) => group.runs.length === 1 ? Effect.succeed(group.runs[0]) : mergeRuns(group.runs),
    { concurrency: COMPRESS_CONCURRENCY }
  )
  return [...kept, ...merged]
})

/**
 * Appends a run:
 *
 *   u8 class + 4 if alone, source text, conversation text, indices (`Indices`), u8 codec, raw length varint,
 *   with a codec: frame length varint, the frame
 */
export const encodeRun = (writer: ByteWriter, run: Run): void => {
  writer.u8(placeByte(run)).text(run.source).text(run.conversation)
  writeIndices(writer, run.indices)
  writer.u8(codecId(run.codec)).varint(run.rawLength)
  if (run.codec !== "none") writer.varint(run.frame.length)
  writer.raw(run.frame)
}

/** Reads a run; its frame is a view. Only the frame itself is left unchecked until it is unpacked. */
export const decodeRun = (reader: ByteReader): Run => {
  const { alone, class: eventClass } = readPlaceByte(reader)
  const source = reader.text(EVENT_BYTES)
  const conversation = reader.text(EVENT_BYTES)
  const indices = readIndices(reader)
  if (alone && indices.length !== 1) reader.fail("Malformed", "more than one event where one stands alone")
  const codec = readCodec(reader)
  const rawLength = reader.count(RUN_BYTES)
  if (rawLength < indices.length) reader.fail("Malformed", "fewer bytes than events")
  const frame = reader.raw(codec === "none" ? rawLength : reader.count(rawLength - 1))
  return { source, conversation, class: eventClass, alone, indices, codec, rawLength, frame }
}

/** Throws a `FormatError` unless the runs hold each index of the range exactly once. */
export const checkCover = (
  runs: ReadonlyArray<Run>,
  range: { readonly first: number; readonly count: number },
  what: string
): void => {
  const { count, first } = range
  const held = runs.reduce((sum, run) => sum + run.indices.length, 0)
  if (count < 1 || first + count > LOG_EVENTS) throw mismatch(what, `${count} events from ${first}`)
  if (held !== count) throw mismatch(what, `${held} events where ${count} should be`)
  const seen = new Uint8Array(count)
  for (const run of runs) {
    for (const index of run.indices) {
      const place = index - first
      if (place < 0 || place >= count) throw mismatch(what, `event ${index} does not belong to it`)
      if (seen[place] === 1) throw mismatch(what, `event ${index} is there twice`)
      seen[place] = 1
    }
  }
}

/** Class and alone as a byte, as they stand in a run and in a segment's table. */
export const placeByte = (run: Pick<Run, "class" | "alone">): number => classes.indexOf(run.class) + (run.alone ? 4 : 0)

export const readPlaceByte = (reader: ByteReader): Pick<Run, "class" | "alone"> => {
  const byte = reader.u8()
  const eventClass = classes[byte & 3]
  if (eventClass === undefined || byte > 7) return reader.fail("Unknown", `class ${byte}`)
  return { class: eventClass, alone: byte >= 4 }
}

/** The order a reader meets them in; the place in this list is the number on the wire. */
const classes: ReadonlyArray<EventClass> = ["control", "changes", "additions"]

interface OpenWindow extends Window {
  readonly indices: Array<number>
  readonly events: Array<Uint8Array>
  framed?: Uint8Array
  bytes: number
}

interface Gathered {
  readonly runs: [Run, ...Array<Run>]
  bytes: number
  count: number
}

const sameWindow = (
  a: Pick<Placed, "source" | "class" | "conversation">,
  b: Pick<Placed, "source" | "class" | "conversation">
): boolean => a.source === b.source && a.class === b.class && a.conversation === b.conversation

/** For each event its length as a varint and its bytes. */
const joinEvents = (events: ReadonlyArray<Uint8Array>): Uint8Array => {
  let size = 0
  for (const event of events) size += event.length + MAX_LENGTH_BYTES
  const raw = Buffer.allocUnsafeSlow(size)
  let at = 0
  for (const event of events) {
    at = writeLength(raw, at, event.length)
    raw.set(event, at)
    at += event.length
  }
  return new Uint8Array(raw.buffer, raw.byteOffset, at)
}

const splitEvents = (raw: Uint8Array, count: number): ReadonlyArray<Uint8Array> => {
  const reader = new ByteReader(raw, "run")
  const events: Array<Uint8Array> = []
  for (let at = 0; at < count; at++) events.push(reader.bytes(EVENT_BYTES))
  reader.end()
  return events
}

const mismatch = (what: string, detail: string) => new FormatError({ reason: "Mismatch", what, detail })
