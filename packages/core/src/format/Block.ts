/**
 * A block is what one durable write adds to the log: contiguous events, as runs. It lives in the journal only; what
 * leaves the machine are segments made of the same runs.
 */
import { Effect, type Either } from "effect"
import type { EventClass } from "../message/Event.ts"
import { ByteWriter, parse } from "./Binary.ts"
import { FormatError } from "./FormatError.ts"
import { BLOB_PARTS, BLOCK_EVENTS, LOG_EVENTS, NAME_CHARS } from "./Limits.ts"
import { decodeRun, encodeRun, type Run, unpackRuns } from "./Run.ts"

export interface Block {
  /** The index of its first event. */
  readonly first: number
  readonly count: number
  readonly runs: ReadonlyArray<Run>
  /** Names of the blobs that its events need, so that these can be shipped before it without opening a run. */
  readonly blobs: ReadonlyArray<string>
}

/** An event as its bytes and its place in the log. */
export interface IndexedEvent {
  readonly index: number
  readonly bytes: Uint8Array
}

/**
 * `u8 version, first u48, count varint, run count varint, runs, blob count varint, blob names`. Throws a `FormatError`
 * where the runs are not the block's events: a writer's fault, found before it is written.
 */
export const encodeBlock = (block: Block): Uint8Array => {
  checkCover(block.runs, block, "block")
  const size = block.runs.reduce((sum, run) => sum + run.frame.length + RUN_HEADER_BYTES, RUN_HEADER_BYTES)
  const writer = new ByteWriter(size)
  writer.u8(VERSION).u48(block.first).varint(block.count).varint(block.runs.length)
  for (const run of block.runs) encodeRun(writer, run)
  writer.varint(block.blobs.length)
  for (const name of block.blobs) writer.text(name)
  return writer.finish()
}

/** The runs' frames are views of the bytes. */
export const decodeBlock = (bytes: Uint8Array): Either.Either<Block, FormatError> =>
  parse(bytes, "block", (reader) => {
    const version = reader.u8()
    if (version !== VERSION) reader.fail("Unknown", `version ${version}`)
    const first = reader.u48()
    const count = reader.count(BLOCK_EVENTS)
    const runs: Array<Run> = []
    for (let left = reader.count(count); left > 0; left--) runs.push(decodeRun(reader))
    checkCover(runs, { first, count }, "block")
    const blobs: Array<string> = []
    for (let left = reader.count(BLOB_PARTS); left > 0; left--) blobs.push(reader.text(MAX_NAME_BYTES))
    return { first, count, runs, blobs }
  })

/** Every event of a block, in the order of the log. */
export const eventsOf = Effect.fn("Block.eventsOf")(function*(
  block: Block
): Effect.fn.Return<ReadonlyArray<Uint8Array>, FormatError> {
  const unpacked = yield* unpackRuns(block.runs)
  const events = Array.from<Uint8Array>({ length: block.count })
  for (let at = 0; at < unpacked.length; at++) {
    const { indices } = block.runs[at]!
    const bytes = unpacked[at]!
    for (let n = 0; n < bytes.length; n++) events[indices[n]! - block.first] = bytes[n]!
  }
  return events
})

/** The events of some runs, of the classes wanted (all, where none are named), in the order of the log. */
export const selectEvents = Effect.fn("Block.selectEvents")(function*(
  runs: ReadonlyArray<Run>,
  options: { readonly classes?: ReadonlySet<EventClass> } = {}
): Effect.fn.Return<ReadonlyArray<IndexedEvent>, FormatError> {
  const { classes } = options
  const wanted = classes === undefined ? runs : runs.filter((run) => classes.has(run.class))
  const unpacked = yield* unpackRuns(wanted)
  const events: Array<IndexedEvent> = []
  for (let at = 0; at < unpacked.length; at++) {
    const { indices } = wanted[at]!
    const bytes = unpacked[at]!
    for (let n = 0; n < bytes.length; n++) events.push({ index: indices[n]!, bytes: bytes[n]! })
  }
  return events.toSorted((a, b) => a.index - b.index)
})

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

const VERSION = 1

/** A folder, a slash, and the letters. */
const MAX_NAME_BYTES = NAME_CHARS + 16

/** A guess that spares the writer most of its growing. */
const RUN_HEADER_BYTES = 128

const mismatch = (what: string, detail: string) => new FormatError({ reason: "Mismatch", what, detail })
