/**
 * A run is one conversation's events of one class, compressed as one window: the unit that is copied, never taken
 * apart, on its way from journal to segment, and the least a reader has to open. Its bytes say everything about it, so
 * that it can be read where all that was around it is lost.
 */
import { Array as Arr, Effect, Either } from "effect"
import type { EventClass } from "../message/Event.ts"
import { attempt, ByteReader, type ByteWriter } from "./Binary.ts"
import {
  type Codec,
  codecId,
  type Compressed,
  decompress,
  decompressSync,
  decompressThen,
  isSmallFrame,
  readCodec
} from "./Compression.ts"
import { Compressor } from "./Compressor.ts"
import { FormatError } from "./FormatError.ts"
import { readIndices, writeIndices } from "./Indices.ts"
import { DECOMPRESS_CONCURRENCY, EVENT_BYTES, LOG_EVENTS, RUN_BYTES } from "./Limits.ts"
import { Slab } from "./Slab.ts"
import type { Place, Window } from "./Windows.ts"

export type { Codec } from "./Compression.ts"

export interface Run extends Place {
  /** The indices in the log of the events it holds, ascending. */
  readonly indices: ReadonlyArray<number>
  readonly codec: Codec
  /** Bytes of the events before compression, each with its length before it. */
  readonly rawLength: number
  /** The compressed events. */
  readonly frame: Uint8Array
}

/** Compresses windows: a block can have thousands of them. Nothing of their events can be read afterwards. */
export const packRuns = Effect.fn("Run.packRuns")(function*(windows: ReadonlyArray<Window>) {
  const { compressAll } = yield* Compressor
  const frames = yield* compressAll(windows.map(({ raw }) => raw))
  return windows.map((window, at) => runFrom(window, frames[at]!))
})

const runFrom = (window: Window, { codec, frame }: Compressed): Run => {
  const { alone, class: eventClass, conversation, indices, raw: { length: rawLength }, source } = window
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

/** The events of a frame that was opened, as views of it. */
export const splitEvents = (raw: Uint8Array, count: number): ReadonlyArray<Uint8Array> => {
  const reader = new ByteReader(raw, "run")
  const events: Array<Uint8Array> = []
  for (let at = 0; at < count; at++) events.push(reader.bytes(EVENT_BYTES))
  reader.end()
  return events
}

const mismatch = (what: string, detail: string) => new FormatError({ reason: "Mismatch", what, detail })
